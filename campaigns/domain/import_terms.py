"""The words of an import: what a column can mean, what can be wrong with a row, and what a row would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum

from campaigns.domain.errors import CampaignsError
from campaigns.domain.visits import VisitKind

MOST_ROWS = 10_000
"""Rows of one file. More is refused, not cut."""
MOST_COLUMNS = 80
LONGEST_CELL = 2_000
LARGEST = 6 * 1024 * 1024
"""Bytes of a file; the door for forms lets 8 MB through."""


class Column(StrEnum):
    """What a column of the file holds. A column without one is left alone."""

    PATIENT_ID = "patient_id"
    FULL_NAME = "full_name"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    LANGUAGE = "language"
    PHONE = "phone"
    EMAIL = "email"
    CONSENT_SMS = "consent_sms"
    CONSENT_EMAIL = "consent_email"
    CONSENT_EVIDENCE = "consent_evidence"
    CONSENT_DATE = "consent_date"
    VISIT_ID = "visit_id"
    VISIT_DATE = "visit_date"
    VISIT_TIME = "visit_time"
    VISIT_KIND = "visit_kind"
    VISIT_STATUS = "visit_status"


class DateOrder(StrEnum):
    """How dates of figures alone are written."""

    YEAR_FIRST = "year_first"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class Status(StrEnum):
    """What a file says of a visit."""

    BOOKED = "booked"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Fault(StrEnum):
    """Why a row is not taken, or (the second part) what somebody should know of one that is."""

    TOO_MANY_CELLS = "too_many_cells"
    NO_NAME = "no_name"
    NAME_TOO_LONG = "name_too_long"
    NO_ADDRESS = "no_address"
    BAD_PHONE = "bad_phone"
    BAD_EMAIL = "bad_email"
    NO_LANGUAGE = "no_language"
    UNKNOWN_LANGUAGE = "unknown_language"
    BAD_YES_NO = "bad_yes_no"
    NO_CONSENT_COLUMN = "no_consent_column"
    NO_EVIDENCE = "no_evidence"
    EVIDENCE_TOO_LONG = "evidence_too_long"
    NO_CONSENT_DATE = "no_consent_date"
    CONSENT_IN_FUTURE = "consent_in_future"
    AGREED_WITHOUT_ADDRESS = "agreed_without_address"
    BAD_DATE = "bad_date"
    TWO_DIGIT_YEAR = "two_digit_year"
    NO_TIME = "no_time"
    BAD_TIME = "bad_time"
    TIME_AT_NIGHT = "time_at_night"
    TIME_DOES_NOT_EXIST = "time_does_not_exist"
    ALL_DAY = "all_day"
    NO_CALENDAR_FACTS = "no_calendar_facts"
    REPEATS = "repeats"
    BAD_STATUS = "bad_status"
    PASSED = "passed"
    TOO_FAR = "too_far"
    NOT_YET = "not_yet"
    IS_OVER = "is_over"
    TWICE_IN_FILE = "twice_in_file"
    SAYS_TWO_THINGS = "says_two_things"
    NOT_IN_CARE = "not_in_care"
    OF_ANOTHER_PATIENT = "of_another_patient"
    CHANGED_SINCE = "changed_since"
    REFUSED = "refused"
    FAILED = "failed"

    TIME_TWICE = "time_twice"
    LANDLINE = "landline"
    SHARED_PHONE = "shared_phone"
    SHARED_EMAIL = "shared_email"
    OPTED_OUT = "opted_out"
    DIFFERS = "differs"
    NO_CONSENT = "no_consent"
    NO_VISIT_AHEAD = "no_visit_ahead"
    OVER_BEFORE = "over_before"
    OLDER = "older"
    MATCHED = "matched"
    ZONE_OF_WINDOWS = "zone_of_windows"


WARNINGS = frozenset(list(Fault)[list(Fault).index(Fault.TIME_TWICE) :])
"""What stops no row."""


class Refusal(StrEnum):
    """Why a whole file, or what is asked of it, is refused."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    SPREADSHEET = "spreadsheet"
    NOT_TEXT = "not_text"
    OPEN_QUOTE = "open_quote"
    LONG_CELL = "long_cell"
    NO_HEADER = "no_header"
    TOO_MANY_COLUMNS = "too_many_columns"
    TOO_MANY_ROWS = "too_many_rows"
    NO_ROWS = "no_rows"
    NOT_CALENDAR = "not_calendar"
    COLUMN_TWICE = "column_twice"
    NEEDS_PERSON = "needs_person"
    NEEDS_NAME = "needs_name"
    NEEDS_ADDRESS = "needs_address"
    NEEDS_CONSENT = "needs_consent"
    NEEDS_DATE = "needs_date"
    NEEDS_DATE_ORDER = "needs_date_order"
    NEEDS_SEQUENCE = "needs_sequence"
    NEEDS_LANGUAGE = "needs_language"
    NO_SOURCE = "no_source"
    STALE = "stale"
    NOTHING_TO_DO = "nothing_to_do"
    ERASED = "erased"
    NO_SUCH_PATIENT = "no_such_patient"
    SEVERAL_PATIENTS = "several_patients"


class ImportRefused(CampaignsError):
    """The file cannot be taken like this."""

    def __init__(self, why: Refusal, **facts: str | int) -> None:
        super().__init__(f"The import is refused: {why.value.replace('_', ' ')}.")
        self.why = why
        self.facts: Mapping[str, str | int] = facts


class Doing(StrEnum):
    """What one row would do, or did."""

    NEW_PATIENT = "new_patient"
    NEW_VISIT = "new_visit"
    MOVE = "move"
    COMPLETE = "complete"
    NO_SHOW = "no_show"
    CANCEL = "cancel"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about one row. `said` is what stood in the file, or another fact: keep it sealed."""

    fault: Fault
    said: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the row is not taken for it."""
        return self.fault not in WARNINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom a row is about. Addresses in their normal form, `language` a tag of ours; empty where not said."""

    external_id: str = ""
    given_name: str = ""
    family_name: str = ""
    language: str = ""
    phone: str = ""
    email: str = ""
    consent_sms: bool = False
    consent_email: bool = False
    evidence: str = ""

    @property
    def full_name(self) -> str:
        """As people say it."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedVisit:
    """What a row says of a visit, by the wall clock at the clinic. `sequence` counts a calendar's changes."""

    external_id: str = ""
    on_date: date
    at_time: time
    kind: VisitKind = VisitKind.SESSION
    status: Status = Status.BOOKED
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """One row as it was understood. With an error among `problems` the rest may be half empty."""

    person: Person = field(default_factory=Person)
    visit: ImportedVisit | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether something keeps it from being taken."""
        return any(problem.is_error for problem in self.problems)
