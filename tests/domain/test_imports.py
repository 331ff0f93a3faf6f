"""Files of patients and visits: what is read, what is refused, and that nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain import import_columns
from campaigns.domain.import_cells import (
    Unreadable,
    about_clocks,
    must_ask,
    only_order,
    read_kind,
    read_language,
    read_start,
    read_status,
    read_time,
    read_yes,
)
from campaigns.domain.import_columns import Columns, guess
from campaigns.domain.import_events import read_calendar, read_event
from campaigns.domain.import_files import Table, read_table, safe, written
from campaigns.domain.import_rows import Rules, faults_of_newcomer, is_landline, read, same_name
from campaigns.domain.import_terms import MOST_ROWS, Column, DateOrder, Fault, ImportRefused, Refusal, Status
from campaigns.domain.visits import VisitKind

VANCOUVER, TORONTO = ZoneInfo("America/Vancouver"), ZoneInfo("America/Toronto")
TEXT = "Prénom,Nom\r\nZoé,Tremblay\r\n"


# --- the file


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("cp1252"), "cp1252"),
    ],
)
def test_it_reads_what_programs_write(data: bytes, encoding: str) -> None:
    found = read_table(data)
    assert (found.header, found.rows) == (("Prénom", "Nom"), ((2, ("Zoé", "Tremblay")),))
    assert found.encoding == encoding


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_it_finds_the_separator_and_keeps_lines_inside_quotes(separator: str) -> None:
    lines = [["Name", "Note", "Date"], ['"A, B"', '"one\r\ntwo; 3"', "2026-12-01"], ["C", "", ""]]
    found = read_table("\n".join(separator.join(line) for line in lines).encode())
    assert found.separator == separator
    assert found.rows == ((2, ("A, B", "one\r\ntwo; 3", "2026-12-01")), (3, ("C", "", "")))


def test_it_counts_rows_as_the_spreadsheet_does() -> None:
    found = read_table(b"sep=;\nName;Phone\n\nA;1;;\n;;\nB\n")
    assert found.rows == ((3, ("A", "1")), (5, ("B", "")))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", Refusal.EMPTY),
        (b"\r\n \r\n", Refusal.EMPTY),
        (b"Name,Phone\n", Refusal.NO_ROWS),
        (b"PK\x03\x04 and the rest", Refusal.SPREADSHEET),
        (b"\x81\x8d\x90", Refusal.NOT_TEXT),
        (b"Zoe,604-555-0101\nAda,604-555-0102\n", Refusal.NO_HEADER),
        (b"zoe@patients.example,x\nAda,y\n", Refusal.NO_HEADER),
        (b'Name,Note\nA,"never closed\n', Refusal.OPEN_QUOTE),
        (b'Name,Note\nA,"' + b"x\n" * 2_000 + b'"\n', Refusal.LONG_CELL),
        (",".join(f"c{n}" for n in range(81)).encode() + b"\nx\n", Refusal.TOO_MANY_COLUMNS),
        (b"x" * (6 * 1024 * 1024 + 1), Refusal.TOO_LARGE),
        (b"Name\n" + b"x\n" * (MOST_ROWS + 1), Refusal.TOO_MANY_ROWS),
    ],
)
def test_it_refuses_a_file_that_it_cannot_take_whole(data: bytes, why: Refusal) -> None:
    with pytest.raises(ImportRefused) as refused:
        read_table(data)
    assert refused.value.why is why


def test_it_takes_ten_thousand_rows() -> None:
    assert len(read_table(b"Name\n" + b"x\n" * MOST_ROWS).rows) == MOST_ROWS


@given(st.text(alphabet=" \t=+-@＝aé,\"'\n", max_size=6))
def test_no_cell_that_it_writes_runs_as_a_formula(cell: str) -> None:
    assert not safe(cell).lstrip().startswith(("=", "+", "-", "@", "＝"))
    assert safe(cell) in {cell, f"'{cell}"}


def test_it_writes_what_spreadsheets_open() -> None:
    text = written([["Name", "Note"], ["=HYPERLINK(1)", 'a "b", c']])
    assert text == '\ufeffName,Note\r\n\'=HYPERLINK(1),"a ""b"", c"\r\n'


@given(st.binary(max_size=200), st.sampled_from([read_table, read_calendar]))
def test_whatever_comes_is_read_or_refused(data: bytes, reader: Callable[[bytes], Table]) -> None:
    with suppress(ImportRefused):
        assert reader(data).rows


# --- cells


def _read(reader: object, *args: object) -> object:
    try:
        return reader(*args)  # type: ignore[operator]
    except Unreadable as error:
        return error.problem.fault


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-12-01", (date(2026, 12, 1), None)),
        ("2026-12-01T14:30:00", (date(2026, 12, 1), time(14, 30))),
        ("2026/12/01 2:30 PM", (date(2026, 12, 1), time(14, 30))),
        ("2026-12-01T22:30:00Z", (date(2026, 12, 1), time(15, 30))),
        ("2026-12-01T14:30:00-05:00", (date(2026, 12, 1), time(12, 30))),
        ("Dec 1, 2026 2:30 p.m.", (date(2026, 12, 1), time(14, 30))),
        ("1 décembre 2026 à 14 h 30", (date(2026, 12, 1), time(14, 30))),
        ("Tue, 1 Dec 2026", (date(2026, 12, 1), None)),
        ("mar. 1er déc. 2026", (date(2026, 12, 1), None)),
        ("mars 4, 2026", (date(2026, 3, 4), None)),
        ("31/12/2026", (date(2026, 12, 31), None)),
        ("12/31/2026", Fault.BAD_DATE),
        ("3/4/26", Fault.TWO_DIGIT_YEAR),
        ("46085", Fault.BAD_DATE),
        ("2026-02-30", Fault.BAD_DATE),
        ("soon", Fault.BAD_DATE),
        ("2026-12-01 2:30", Fault.TIME_AT_NIGHT),
    ],
)
def test_it_reads_dates_as_people_write_them(text: str, found: object) -> None:
    assert _read(read_start, text, DateOrder.DAY_FIRST, VANCOUVER) == found


@pytest.mark.parametrize(
    ("dates", "asks", "order"),
    [
        (["03/04/2026"], True, None),
        (["03/04/2026", "13/04/2026"], False, DateOrder.DAY_FIRST),
        (["03/04/2026", "04/13/2026 14:30"], False, DateOrder.MONTH_FIRST),
        (["13/04/2026", "04/13/2026"], True, None),
        (["2026-04-03", "2026-12-31"], False, DateOrder.YEAR_FIRST),
        (["3 April 2026", ""], False, None),
        ([], False, None),
    ],
)
def test_a_date_that_can_be_read_in_two_ways_is_asked_about(
    dates: list[str], asks: bool, order: DateOrder | None
) -> None:
    assert (must_ask(dates), only_order(dates)) == (asks, order)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(list(DateOrder)))
def test_every_day_is_read_as_it_was_written(day: date, order: DateOrder) -> None:
    form = {
        DateOrder.YEAR_FIRST: "%Y-%m-%d",
        DateOrder.DAY_FIRST: "%d/%m/%Y",
        DateOrder.MONTH_FIRST: "%m/%d/%Y",
    }
    text = day.strftime(form[order])
    assert read_start(text, order, VANCOUVER) == (day, None)
    if not must_ask([text]):
        assert read_start(text, only_order([text]), VANCOUVER) == (day, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("14:30", time(14, 30)),
        ("9:05", time(9, 5)),
        ("14:30:00", time(14, 30)),
        ("2:30 PM", time(14, 30)),
        ("2:30p", time(14, 30)),
        ("12:00 am", time(0, 0)),
        ("12 p.m.", time(12, 0)),
        ("14h30", time(14, 30)),
        ("14 h", time(14, 0)),
        ("2:30", Fault.TIME_AT_NIGHT),
        ("25:00", Fault.BAD_TIME),
        ("14:30 PM", Fault.BAD_TIME),
        ("9", Fault.BAD_TIME),
        ("noon", Fault.BAD_TIME),
    ],
)
def test_it_reads_times_and_never_guesses_the_half_of_the_day(text: str, found: object) -> None:
    assert _read(read_time, text) == found


def test_a_time_that_does_not_exist_is_a_fault_and_one_that_comes_twice_is_named() -> None:
    gap = about_clocks(date(2026, 3, 8), time(2, 30), TORONTO)
    twice = about_clocks(date(2026, 11, 1), time(1, 30), TORONTO)
    assert gap is not None
    assert (gap.fault, gap.is_error) == (Fault.TIME_DOES_NOT_EXIST, True)
    assert twice is not None
    assert (twice.fault, twice.is_error) == (Fault.TIME_TWICE, False)
    # British Columbia has kept one time all year since 2026: by the zone data, not by a rule of ours.
    assert about_clocks(date(2026, 11, 1), time(1, 30), VANCOUVER) is None
    assert about_clocks(date(2026, 12, 1), time(9, 0), TORONTO) is None


@pytest.mark.parametrize(
    ("reader", "text", "found"),
    [
        (read_yes, "Oui", True),
        (read_yes, "✓", True),
        (read_yes, "opted in", True),
        (read_yes, "NON", False),
        (read_yes, "", False),
        (read_yes, "maybe", Fault.BAD_YES_NO),
        (read_yes, "?", Fault.BAD_YES_NO),
        (read_status, "", Status.BOOKED),
        (read_status, "Confirmé", Status.BOOKED),
        (read_status, "Arrived", Status.COMPLETED),
        (read_status, "no_show", Status.NO_SHOW),
        (read_status, "Late Cancellation", Status.CANCELLED),
        (read_status, "Annulé", Status.CANCELLED),
        (read_status, "maybe", Fault.BAD_STATUS),
        (read_kind, "Initial Consultation (60 min)", VisitKind.CONSULTATION),
        (read_kind, "PRP - knee", VisitKind.SESSION),
        (read_language, "EN_us", "en-CA"),
        (read_language, "Français", "fr-CA"),
        (read_language, "Punjabi", "pa"),
        (read_language, "ਪੰਜਾਬੀ", "pa"),
        (read_language, "zh-HK", "zh-Hant"),
        (read_language, "vietnamien", "vi"),
        (read_language, "Mandarin", Fault.UNKNOWN_LANGUAGE),
        (read_language, "Klingon", Fault.UNKNOWN_LANGUAGE),
    ],
)
def test_it_reads_the_words_of_both_languages(reader: object, text: str, found: object) -> None:
    assert _read(reader, text) == found


def test_an_unknown_language_comes_with_what_may_be_meant() -> None:
    said = {}
    for name in ("Punjabbi", "Chinese"):
        with pytest.raises(Unreadable) as unknown:
            read_language(name)
        said[name] = unknown.value.problem.said
    assert said == {"Punjabbi": "Punjabbi|pa", "Chinese": "Chinese|zh-Hant zh-Hans"}


# --- columns


def test_it_guesses_columns_by_their_names_and_remembers_what_was_said() -> None:
    header = ("Patient", "Home Phone", "Mobile Phone", "Courriel", "État", "Start", "Colour", "phone")
    found = guess(header, [("Zoe Tremblay",), ("Ada Roy",)])
    assert found == (
        *(Column.FULL_NAME, None, Column.PHONE, Column.EMAIL, Column.VISIT_STATUS, Column.VISIT_DATE),
        *(None, None),
    )
    assert guess(("Patient",), [("4711",), ("4712",)]) == (Column.PATIENT_ID,)
    assert guess(("Colour", "Start"), known={"colour": "language", "start": ""}) == (Column.LANGUAGE, None)


CONSENT = (Column.CONSENT_SMS, Column.CONSENT_EVIDENCE, Column.CONSENT_DATE)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ((Column.PHONE, Column.PHONE), Refusal.COLUMN_TWICE),
        ((Column.GIVEN_NAME, *CONSENT), Refusal.NEEDS_PERSON),
        ((Column.PHONE, *CONSENT), Refusal.NEEDS_NAME),
        ((Column.PATIENT_ID, Column.VISIT_TIME), Refusal.NEEDS_DATE),
        ((Column.PHONE, Column.GIVEN_NAME), Refusal.NEEDS_CONSENT),
        ((Column.PHONE, Column.GIVEN_NAME, *CONSENT[:2]), Refusal.NEEDS_CONSENT),
        ((Column.PHONE, Column.GIVEN_NAME, *CONSENT), None),
        ((Column.PATIENT_ID, Column.VISIT_DATE), None),
    ],
)
def test_it_refuses_columns_that_do_not_say_enough(columns: Columns, why: Refusal | None) -> None:
    if why is None:
        import_columns.check(columns)
        return
    with pytest.raises(ImportRefused) as refused:
        import_columns.check(columns)
    assert refused.value.why is why


# --- rows

ALL = (
    *(Column.FULL_NAME, Column.PHONE, Column.EMAIL, Column.LANGUAGE, Column.CONSENT_SMS),
    *(Column.CONSENT_EVIDENCE, Column.CONSENT_DATE, Column.VISIT_DATE, Column.VISIT_TIME),
)
GOOD = ("Roy, Ada", "(604) 555-0101", "", "French", "yes", "signed", "2026-10-01", "2026-12-01", "14:30")


def rules(**change: object) -> Rules:
    known = {"columns": ALL, "order": None, "zone": VANCOUVER, "today": date(2026, 11, 2), "width": len(ALL)}
    return Rules(**{**known, **change})  # type: ignore[arg-type]


def row(**change: str) -> tuple[str, ...]:
    places = {column.value: place for place, column in enumerate(ALL)}
    cells = list(GOOD)
    for name, value in change.items():
        cells[places[name]] = value
    return tuple(cells)


def test_it_reads_a_row() -> None:
    found = read(row(), rules())
    assert not found.problems
    assert (found.person.full_name, found.person.phone, found.person.language) == (
        "Ada Roy",
        "+16045550101",
        "fr-CA",
    )
    assert (found.person.consent_sms, found.person.evidence) == (True, "signed (2026-10-01)")
    assert found.visit is not None
    assert (found.visit.on_date, found.visit.at_time) == (date(2026, 12, 1), time(14, 30))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"phone": "911"}, Fault.BAD_PHONE),
        ({"phone": "604-555-0101 or 0102"}, Fault.BAD_PHONE),
        ({"email": "ada at clinic"}, Fault.BAD_EMAIL),
        ({"language": "Klingon"}, Fault.UNKNOWN_LANGUAGE),
        ({"consent_sms": "perhaps"}, Fault.BAD_YES_NO),
        ({"consent_evidence": ""}, Fault.NO_EVIDENCE),
        ({"consent_evidence": "x" * 181}, Fault.EVIDENCE_TOO_LONG),
        ({"consent_date": ""}, Fault.NO_CONSENT_DATE),
        ({"consent_date": "2026-11-03"}, Fault.CONSENT_IN_FUTURE),
        ({"phone": ""}, Fault.AGREED_WITHOUT_ADDRESS),
        ({"visit_time": ""}, Fault.NO_TIME),
        ({"visit_date": "01/12/2026"}, Fault.BAD_DATE),
        ({"full_name": "x" * 81}, Fault.NAME_TOO_LONG),
    ],
)
def test_it_says_what_is_wrong_with_a_row(change: dict[str, str], fault: Fault) -> None:
    found = read(row(**change), rules())
    assert fault in [problem.fault for problem in found.problems]
    assert found.is_wrong


def test_it_says_all_that_is_wrong_at_once_and_warns_of_landlines() -> None:
    many = read((*row(phone="911", visit_time="25:00", consent_sms="x?y"), "too many"), rules())
    faults = {problem.fault for problem in many.problems}
    assert faults == {Fault.TOO_MANY_CELLS, Fault.BAD_PHONE, Fault.BAD_TIME, Fault.BAD_YES_NO}
    home = read(row(), rules(home_phones=True))
    assert ([problem.fault for problem in home.problems], home.is_wrong) == ([Fault.LANDLINE], False)
    assert is_landline("+442083661177")
    assert not is_landline("+16045550101")


def test_somebody_new_needs_a_name_an_address_a_language_and_the_word_of_the_file() -> None:
    nobody = read(row(full_name="", phone="", language="", consent_sms="no"), rules())
    lacks = {problem.fault for problem in faults_of_newcomer(nobody.person, brings_consent=False)}
    assert lacks == {Fault.NO_CONSENT_COLUMN, Fault.NO_NAME, Fault.NO_ADDRESS, Fault.NO_LANGUAGE}
    assert faults_of_newcomer(read(row(), rules()).person, brings_consent=True) == ()
    assert same_name("Roy, ADA", "Ada Roy")
    assert not same_name("", "")


@given(st.lists(st.text(max_size=30), min_size=len(ALL), max_size=len(ALL)))
def test_no_row_is_too_strange_to_be_read(cells: list[str]) -> None:
    found = read(cells, rules())
    assert found.is_wrong or found.visit or not cells[7].strip()


# --- calendars


def calendar(*events: str) -> bytes:
    body = "\r\n".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}\r\nEND:VCALENDAR\r\n".encode()


@pytest.mark.parametrize(
    ("event", "wall", "status"),
    [
        ("UID:1\r\nDTSTART;TZID=America/Vancouver:20261201T140000", time(14), Status.BOOKED),
        ("UID:1\r\nDTSTART:20261201T210000Z", time(14), Status.BOOKED),
        ("UID:1\r\nDTSTART:20261201T140000\r\nSTATUS:CANCELLED", time(14), Status.CANCELLED),
        ("UID:1\r\nDTSTART;TZID=America/Toronto:20261201T140000", time(12), Status.BOOKED),
        # What Windows calls the clock of the coast is the clinic's own, whatever California does in winter.
        (
            "UID:1\r\nDTSTART;TZID=Pacific Standard Time:20261201T140000",
            time(14),
            Status.BOOKED,
        ),
    ],
)
def test_it_reads_an_event_on_the_clinic_s_clock(event: str, wall: time, status: Status) -> None:
    [(_, cells)] = read_calendar(calendar(event)).rows
    visit = read_event(cells, VANCOUVER).visit
    assert visit is not None
    assert (visit.on_date, visit.at_time, visit.status) == (date(2026, 12, 1), wall, status)


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ("UID:1\r\nDTSTART;VALUE=DATE:20261201", Fault.ALL_DAY),
        ("UID:1\r\nDTSTART:20261201T140000\r\nRRULE:FREQ=DAILY", Fault.REPEATS),
        ("DTSTART:20261201T140000", Fault.NO_CALENDAR_FACTS),
        ("UID:1\r\nSUMMARY:no start", Fault.NO_CALENDAR_FACTS),
        ("UID:1\r\nDTSTART;TZID=Nowhere/Atall:20261201T140000", Fault.NO_CALENDAR_FACTS),
    ],
)
def test_it_says_what_is_wrong_with_an_event(event: str, fault: Fault) -> None:
    [(_, cells)] = read_calendar(calendar(event)).rows
    assert fault in [problem.fault for problem in read_event(cells, VANCOUVER).problems]


def test_it_sees_who_an_event_may_be_about() -> None:
    event = (
        "UID:u\r\nRECURRENCE-ID:20261201T210000Z\r\nDTSTART:20261202T210000Z\r\nSEQUENCE:3\r\n"
        "SUMMARY:Initial consult Ada Roy (604-555-0101)\r\nATTENDEE;CN=Ada:mailto:ada@patients.example"
    )
    [(_, cells)] = read_calendar(calendar(event)).rows
    found = read_event(cells, VANCOUVER)
    assert (found.person.phone, found.person.email) == ("+16045550101", "ada@patients.example")
    assert found.visit is not None
    assert (found.visit.external_id, found.visit.sequence) == ("u#2026-12-01T21:00:00", 3)
    assert found.visit.kind is VisitKind.CONSULTATION
