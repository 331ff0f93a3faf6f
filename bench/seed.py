"""Due messages in bulk. The product's own services make one patient of each kind; the rest are copies of
their rows with keys and addresses of their own, so that every row is as the services would have written it.

The installation's clock stands still: at HOLD only the warm-up is due, at DUE everything is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.string import TextLoader

from bench import ground
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind

DUE = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
"""A Monday, 13:00 at the clinic."""
HOLD = DUE - timedelta(hours=2)
NAMES = {"en-CA": "Example", "fr-CA": "Exemple", "ar": "مثال"}
KINDS = (("previsit", VisitKind.CONSULTATION), ("pretreatment", VisitKind.SESSION))
AREAS = tuple(area for area in (604, *range(201, 1000)) if area % 100 != 11 and area // 10 % 10 != 9)
_LIFE_AT_LEAST = timedelta(hours=4)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prototype:
    """The rows of one patient as the services wrote them, by table, and that patient's messages."""

    language: str
    rows: Mapping[str, list[Row]]
    messages: list[Row]


TABLES = ("patient", "contact_point", "consent", "course", "visit", "enrollment", "message")


def make_clinic() -> None:
    """A clinic with every text approved, on the standing clock; made once in a database."""
    from campaigns.models import Clinic, Installation
    from campaigns.services.review import approve_language
    from campaigns.services.set_up import NewClinic, create_clinic

    Installation.objects.update_or_create(pk=1, defaults={"rehearsal_now": HOLD})
    if Clinic.objects.exists():
        return
    new = NewClinic(
        name="Example Clinic",
        phone="+16045550134",
        address="100 Example Street, Vancouver BC",
        sms_number=ground.SENDER,
        clinician_name="Dr. Example",
        fee_text="$200.00",
        is_demo=True,  # signing in asks for no second proof there
    )
    clinic = create_clinic(new, by="bench")
    for language in SUPPORTED:
        approve_language(clinic, language, by="bench", now=HOLD)


def prototypes(connection: psycopg.Connection[Any], channel: Channel) -> list[Prototype]:
    """One patient of each language and kind, enrolled by the service, read back and removed again."""
    from campaigns.models import Patient

    found = []
    for language in SUPPORTED:
        for sequence, kind in KINDS:
            patient = _enroll(language, sequence, kind)
            found.append(_read(connection, patient, language, channel))
            Patient.objects.filter(pk=patient).delete()
    return found


def _enroll(language: str, sequence: str, kind: VisitKind) -> UUID:
    return enroll_one(
        language, phone=phone(0), email="patient@patients.example", sequence=sequence, kind=kind
    )


def enroll_one(
    language: str,
    *,
    phone: str,
    email: str,
    sequence: str = "pretreatment",
    kind: VisitKind = VisitKind.SESSION,
) -> UUID:
    """A patient of the only clinic with one visit three weeks from HOLD, enrolled by the service."""
    from campaigns.models import Clinic
    from campaigns.services.enroll import Application, NewVisit, enroll

    day = (HOLD + timedelta(days=21)).date()
    application = Application(
        given_name=NAMES.get(language, "Example"),
        family_name="Patient",
        language=language,
        phone=phone,
        email=email,
        consent_sms=True,
        consent_email=bool(email),
        consent_evidence="said yes at the desk",
        visits=[NewVisit(kind=kind, on_date=day, at_time=time(14, 0))],
        sequences=[sequence],
    )
    return enroll(Clinic.objects.get(), application, by="bench").patient.pk


_OF_PATIENT: dict[str, LiteralString] = {
    "patient": "SELECT * FROM patient WHERE id = %(patient)s",
    "contact_point": "SELECT * FROM contact_point WHERE patient_id = %(patient)s",
    "consent": "SELECT * FROM consent WHERE patient_id = %(patient)s ORDER BY id",
    "course": "SELECT * FROM course WHERE patient_id = %(patient)s",
    "visit": "SELECT v.* FROM visit v JOIN course c ON c.id = v.course_id WHERE c.patient_id = %(patient)s",
    "enrollment": "SELECT e.* FROM enrollment e JOIN course c ON c.id = e.course_id "
    "WHERE c.patient_id = %(patient)s",
    "message": "SELECT * FROM message WHERE patient_id = %(patient)s AND channel = %(channel)s ORDER BY id",
}


def _read(connection: psycopg.Connection[Any], patient: UUID, language: str, channel: Channel) -> Prototype:
    connection.adapters.register_loader("jsonb", TextLoader)
    rows = {}
    for table, query in _OF_PATIENT.items():
        with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            rows[table] = cursor.execute(query, {"patient": patient, "channel": channel}).fetchall()
    connection.commit()
    messages = rows.pop("message")
    assert messages, f"nothing is planned for {language}"
    return Prototype(language, rows, messages)


def plant(
    connection: psycopg.Connection[Any],
    kinds: list[Prototype],
    *,
    number: int,
    warm: int,
    seed: int,
    advance: Callable[[int], None],
) -> None:
    """Write `warm` patients with a message due at HOLD, `number` with one due at DUE, in one transaction."""
    chance = random.Random(seed)
    for start in range(0, number + warm, 5_000):
        size = min(5_000, number + warm - start)
        tables: dict[str, list[Row]] = {table: [] for table in TABLES}
        for index in range(start, start + size):
            at = (HOLD if index < warm else DUE) - timedelta(seconds=chance.randrange(1800))
            prototype = chance.choice(kinds)
            for table, row in _copies(prototype, chance.choice(prototype.messages), index, at):
                tables[table].append(row)
        for table, rows in tables.items():
            _copy_in(connection, table, rows)
        advance(size)
    connection.commit()


def _copies(prototype: Prototype, message: Row, index: int, at: datetime) -> Iterator[tuple[str, Row]]:
    """The rows of one new patient, in the order in which foreign keys allow them."""
    new: dict[UUID | None, UUID | None] = {None: None}
    for table in ("patient", "course", "visit", "enrollment"):
        new |= {row["id"]: uuid4() for row in prototype.rows[table]}
    days = at.date() - message["send_at"].date()
    for table, rows in prototype.rows.items():
        for row in rows:
            yield table, _own(table, row, new, index, days)
    life = max(message["expires_at"] - message["send_at"], _LIFE_AT_LEAST)
    times = {"send_at": at, "due_at": at, "expires_at": at + life}
    yield "message", _own("message", message, new, index, days) | times


_KEYS = ("patient_id", "course_id", "visit_id", "enrollment_id")


def _own(table: str, row: Row, new: Mapping[UUID | None, UUID | None], index: int, days: timedelta) -> Row:
    """The row with this patient's keys; what only the application can read is sealed anew."""
    from campaigns.models.encryption import blind_index, decrypt, encrypt

    mine = row | {name: new[row[name]] for name in _KEYS if name in row}
    if row["id"] in new:
        mine["id"] = new[row["id"]]
    else:
        del mine["id"]
    if table == "patient":
        mine |= {name: encrypt(decrypt(row[name])) for name in ("given_name", "family_name")}
    elif table == "contact_point":
        address = _address(row["channel"], index)
        mine |= {"address": encrypt(address), "address_index": blind_index(address)}
    elif table == "visit":
        mine["on_date"] = row["on_date"] + days
    return mine


def _address(channel: str, index: int) -> str:
    return phone(index) if channel == Channel.SMS else f"patient{index}@patients.example"


def phone(index: int) -> str:
    """One of some 72,000 numbers that are kept for fiction, a hundred an area. One each, as patients have:
    those who share a phone wait for one another's answers, and the workers for one another."""
    area, number = divmod(index, 100)
    return f"+1{AREAS[area % len(AREAS)]}55501{number:02d}"


def _copy_in(connection: psycopg.Connection[Any], table: str, rows: list[Row]) -> None:
    columns = list(rows[0])
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[column] for column in columns])


def analyse(connection: psycopg.Connection[Any]) -> None:
    """Let the planner know what is in the tables, as it does on a running installation."""
    connection.execute("ANALYZE")
    connection.commit()
