"""What a clinic decides for everybody: read as plain values, held to rules, written.

`clinic_changes` proposes and applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from datetime import date, time
from enum import StrEnum
from typing import Any

from campaigns.domain.errors import InvalidAddress
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.overrides import Unfit
from campaigns.domain.recipients import normalise_phone
from campaigns.domain.timing import parts_of_day
from campaigns.models import Clinic
from campaigns.queries import sequence_files, steps

PLAIN = (
    "name",
    "display_name",
    "phone",
    "address",
    "clinician_name",
    "fee_text",
    "sms_per_day",
    "sms_per_week",
    "large_act_limit",
    "languages",
    "holidays",
    "send_days",
    "staffed_hours",
)
TIMES = ("send_from", "send_to", "quiet_from", "quiet_to")
DAYS = "days."
"""Begins the names of the figures in days: `days.nsaid_days_before`."""

TIMING = frozenset({*TIMES, "sms_per_day", "sms_per_week", "holidays", "send_days"})
"""What changes when messages go, besides the figures in days; all else shows in their words only."""
SAID = frozenset({"name", "display_name", "phone", "address", "clinician_name", "fee_text"})
"""What messages that have not gone will say as it is by then."""

ALWAYS_QUIET = (time(22), time(7))
"""Quiet hours may begin earlier and end later, never the other way round."""
MOST_A_DAY, MOST_A_WEEK, MOST_HOLIDAYS, LARGEST_ACT = 6, 20, 60, 100_000
LENGTHS = {"name": 120, "display_name": 30, "address": 200, "clinician_name": 120, "fee_text": 120}
NEEDED = ("name", "display_name", "address")


class Wrong(StrEnum):
    """Why a value cannot be. The list is closed; staff read a sentence for each."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    NOT_A_PHONE = "not_a_phone"
    NOT_A_TIME = "not_a_time"
    NOT_A_DATE = "not_a_date"
    BACKWARDS = "backwards"
    NO_TIME_LEFT = "no_time_left"
    NIGHT = "night"
    OUT_OF_RANGE = "out_of_range"
    WEEK_BELOW_DAY = "week_below_day"
    ENGLISH_STAYS = "english_stays"
    LANGUAGE_IN_USE = "language_in_use"
    NO_OPEN_DAY = "no_open_day"


def values(clinic: Clinic) -> dict[str, Any]:
    """Everything that can be changed here, by name, as JSON has it."""
    plain = {name: getattr(clinic, name) for name in PLAIN}
    plain["send_days"] = sorted(clinic.send_days or range(6))
    plain["holidays"] = sorted(clinic.holidays)
    times = {name: f"{getattr(clinic, name):%H:%M}" for name in TIMES}
    figures = {
        DAYS + key: clinic.settings.get(key, setting.default)
        for key, setting in sequence_files.settings().items()
    }
    return plain | times | figures


def changed(clinic: Clinic, after: dict[str, Any]) -> Clinic:
    """The clinic with these values, not saved; the one that was given stays as it is."""
    found = copy(clinic)
    found.settings = dict(clinic.settings)
    for name, value in after.items():
        if name.startswith(DAYS):
            found.settings[name.removeprefix(DAYS)] = value
        else:
            setattr(found, name, time.fromisoformat(value) if name in TIMES else value)
    return found


def moves(after: dict[str, Any]) -> bool:
    """Whether any of these decides when messages go."""
    return any(name in TIMING or name.startswith(DAYS) for name in after)


def write(clinic: Clinic, after: dict[str, Any]) -> None:
    """Save these values. Nothing is checked here. Call inside a transaction that has locked the clinic."""
    fields = {"settings" if name.startswith(DAYS) else name for name in after}
    changed(clinic, after).save(update_fields=sorted(fields))


def check(clinic: Clinic, after: dict[str, Any]) -> None:
    """Raises `Unfit` with every value that cannot be, and why."""
    wanted = values(clinic) | after
    found = [fault for rule in _RULES for fault in rule(wanted)]
    found += _languages(clinic, wanted["languages"])
    if found:
        raise Unfit(*dict.fromkeys(found))


_Fault = tuple[str, str]


def _words(wanted: dict[str, Any]) -> Iterator[_Fault]:
    for name in NEEDED:
        if not wanted[name].strip():
            yield name, Wrong.MISSING
    for name, most in LENGTHS.items():
        if len(wanted[name]) > most:
            yield name, Wrong.TOO_LONG
    try:
        written = normalise_phone(wanted["phone"])
    except InvalidAddress:
        written = ""
    if written != wanted["phone"]:
        yield "phone", Wrong.NOT_A_PHONE


def _hours(wanted: dict[str, Any]) -> Iterator[_Fault]:
    try:
        opens, closes, begins, ends = (time.fromisoformat(wanted[name]) for name in TIMES)
    except ValueError:
        yield "send_from", Wrong.NOT_A_TIME
        return
    if opens >= closes:
        yield "send_to", Wrong.BACKWARDS
    elif not parts_of_day(opens, closes, begins, ends):
        yield "send_to", Wrong.NO_TIME_LEFT
    latest, earliest = ALWAYS_QUIET
    if not time(12) <= begins <= latest:
        yield "quiet_from", Wrong.NIGHT
    if not earliest <= ends <= time(12):
        yield "quiet_to", Wrong.NIGHT


def _numbers(wanted: dict[str, Any]) -> Iterator[_Fault]:
    limits = {"sms_per_day": MOST_A_DAY, "sms_per_week": MOST_A_WEEK, "large_act_limit": LARGEST_ACT}
    for name, most in limits.items():
        if not 1 <= wanted[name] <= most:
            yield name, Wrong.OUT_OF_RANGE
    if wanted["sms_per_week"] < wanted["sms_per_day"]:
        yield "sms_per_week", Wrong.WEEK_BELOW_DAY
    for key, setting in sequence_files.settings().items():
        if not setting.least <= wanted[DAYS + key] <= setting.most:
            yield DAYS + key, Wrong.OUT_OF_RANGE
    if wanted[DAYS + "soreness_days_to"] < wanted[DAYS + "soreness_days_from"]:
        yield DAYS + "soreness_days_to", Wrong.BACKWARDS


def _days(wanted: dict[str, Any]) -> Iterator[_Fault]:
    if not wanted["send_days"] or not set(wanted["send_days"]) <= set(range(7)):
        yield "send_days", Wrong.NO_OPEN_DAY
    if len(wanted["holidays"]) > MOST_HOLIDAYS or not all(map(_is_date, wanted["holidays"])):
        yield "holidays", Wrong.NOT_A_DATE
    if not wanted["staffed_hours"]:
        yield "staffed_hours", Wrong.NO_OPEN_DAY
    for opens, closes in wanted["staffed_hours"].values():
        if time.fromisoformat(opens) >= time.fromisoformat(closes):
            yield "staffed_hours", Wrong.BACKWARDS


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _languages(clinic: Clinic, wanted: list[str]) -> Iterator[_Fault]:
    if SOURCE not in wanted or not set(wanted) <= set(SUPPORTED):
        yield "languages", Wrong.ENGLISH_STAYS
    dropped = set(clinic.languages) - set(wanted)
    if dropped and steps.read_by(clinic.pk) & dropped:
        yield "languages", Wrong.LANGUAGE_IN_USE


_RULES: tuple[Callable[[dict[str, Any]], Iterator[_Fault]], ...] = (_words, _hours, _numbers, _days)
