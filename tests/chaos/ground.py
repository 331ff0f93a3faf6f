"""The clinics and patients of a run. The product's services make one patient of each kind; all others are
copies of those rows with keys and addresses of their own, so that every row is as the services would have
written it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.string import TextLoader

MARK = "Zyxmarkel"
"""The given name of everybody here: where it must not be, it is easily found."""
DOMAIN = "patients.example"
LANGUAGES = ("en-CA", "fr-CA", "ar")
CLINICS = ("Westside Pain Clinic", "Eastside Pain Clinic")
_LIFE = timedelta(days=3)
_SHORTEST_LIFE = (30, 90)
"""Seconds of the installation's clock that the texts with an early end are useful."""
# The numbers that are kept for fiction: 555-01xx in each area code. The first part is for those who say STOP,
# who need numbers of their own; the rest is given again and again, also to two patients at once.
_AREAS = [area for area in range(201, 990) if area % 100 not in (11, 55)]
_OWN_AREAS = 400

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prototype:
    """The rows of one patient as the services wrote them, by table, and that patient's messages."""

    clinic_number: str
    rows: Mapping[str, list[Row]]
    messages: list[Row]


@dataclass(frozen=True, slots=True)
class Planted:
    """A patient who has something due: where texts go, the clinic's number, the visit it is about."""

    patient: UUID
    phone: str
    clinic_number: str
    visit: UUID
    own_phone: bool


def make_clinics(now: datetime) -> None:
    """Two clinics that have approved three languages each, on a clock that says `now`."""
    from campaigns.models import Installation
    from campaigns.services.review import approve_language
    from campaigns.services.set_up import NewClinic, create_clinic

    Installation.objects.update_or_create(pk=1, defaults={"rehearsal_now": now})
    for number, name in enumerate(CLINICS):
        new = NewClinic(
            name=name,
            phone=f"+1604555013{number}",
            address="100 Example Street, Vancouver BC",
            sms_number=f"+1604555019{number}",
            clinician_name="Dr. Example",
            fee_text="$200.00",
            is_demo=True,
        )
        clinic = create_clinic(new, by="chaos")
        # A patient here is written to as often as others in a week; caps have tests of their own.
        type(clinic).objects.filter(pk=clinic.pk).update(sms_per_day=20, sms_per_week=50)
        for language in LANGUAGES:
            approve_language(clinic, language, by="chaos", now=now)


def prototypes(connection: psycopg.Connection[Any], now: datetime) -> list[Prototype]:
    """One patient of each clinic, language and kind, enrolled by the service, read back and removed again."""
    from campaigns.domain.visits import VisitKind
    from campaigns.models import Clinic, Patient

    found = []
    for clinic in Clinic.objects.order_by("name"):
        for language in LANGUAGES:
            for sequence, kind in (("previsit", VisitKind.CONSULTATION), ("pretreatment", VisitKind.SESSION)):
                patient = _enroll(clinic, language, sequence, kind, now)
                found.append(_read(connection, patient, clinic.sms_number))
                Patient.objects.filter(pk=patient).delete()
    return found


def _enroll(clinic: Any, language: str, sequence: str, kind: Any, now: datetime) -> UUID:
    from campaigns.services.enroll import Application, NewVisit, enroll

    application = Application(
        given_name=MARK,
        family_name=MARK,
        language=language,
        phone="+16045550101",
        email=f"prototype@{DOMAIN}",
        consent_sms=True,
        consent_email=True,
        consent_evidence="said yes at the desk",
        visits=[NewVisit(kind=kind, on_date=(now + timedelta(days=21)).date(), at_time=time(14, 0))],
        sequences=[sequence],
    )
    return enroll(clinic, application, by="chaos").patient.pk


_OF_PATIENT: dict[str, LiteralString] = {
    "patient": "SELECT * FROM patient WHERE id = %(patient)s",
    "contact_point": "SELECT * FROM contact_point WHERE patient_id = %(patient)s",
    "consent": "SELECT * FROM consent WHERE patient_id = %(patient)s ORDER BY id",
    "course": "SELECT * FROM course WHERE patient_id = %(patient)s",
    "visit": "SELECT v.* FROM visit v JOIN course c ON c.id = v.course_id WHERE c.patient_id = %(patient)s",
    "enrollment": "SELECT e.* FROM enrollment e JOIN course c ON c.id = e.course_id "
    "WHERE c.patient_id = %(patient)s",
    "message": "SELECT * FROM message WHERE patient_id = %(patient)s AND asks = '' ORDER BY id",
}


def _read(connection: psycopg.Connection[Any], patient: UUID, clinic_number: str) -> Prototype:
    connection.adapters.register_loader("jsonb", TextLoader)
    rows = {}
    for table, query in _OF_PATIENT.items():
        with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            rows[table] = cursor.execute(query, {"patient": patient}).fetchall()
    messages = rows.pop("message")
    assert messages, "nothing is planned for a prototype"
    return Prototype(clinic_number, rows, messages)


@dataclass
class Planter:
    """Makes due messages, by chance that a seed decides. `own` patients have a phone that nobody else has."""

    kinds: list[Prototype]
    chance: random.Random
    _numbers: count[int] = field(default_factory=count)

    def plant(self, connection: psycopg.Connection[Any], now: datetime, patients: int) -> list[Planted]:
        """Write so many patients with one to three messages that are due at `now`, in one transaction."""
        tables: dict[str, list[Row]] = {}
        planted = []
        for _ in range(patients):
            prototype = self.chance.choice(self.kinds)
            number = next(self._numbers)
            keys, rows = self._copy(prototype, number, now)
            for table, row in rows:
                tables.setdefault(table, []).append(row)
            visit = keys[prototype.rows["visit"][0]["id"]]
            patient = keys[prototype.rows["patient"][0]["id"]]
            planted.append(
                Planted(patient, phone(number), prototype.clinic_number, visit, has_own_phone(number))
            )
        with connection.transaction():
            for table, some in tables.items():
                _copy_in(connection, table, some)
        return planted

    def _copy(
        self, prototype: Prototype, number: int, now: datetime
    ) -> tuple[dict[UUID, UUID], list[tuple[str, Row]]]:
        keys = {
            row["id"]: uuid4()
            for table in ("patient", "course", "visit", "enrollment")
            for row in prototype.rows[table]
        }
        rows = [
            (table, _own(table, row, keys, number, now))
            for table, some in prototype.rows.items()
            for row in some
        ]
        rows += [("message", row) for row in self._due(prototype, keys, number, now)]
        return keys, rows

    def _due(self, prototype: Prototype, keys: dict[UUID, UUID], number: int, now: datetime) -> Iterator[Row]:
        """Some of the patient's messages, due now or soon; who may say STOP has texts that come after it. One
        in eight is soon too late, one in sixteen has been so before it came."""
        own = has_own_phone(number)
        some = [message for message in prototype.messages if message["channel"] == "sms"]
        if not own:
            number_of = min(len(prototype.messages), self.chance.randint(1, 3))
            some = self.chance.sample(prototype.messages, k=number_of)
        for message in some:
            soon = self.chance.uniform(15, 75) if own or self.chance.random() < 1 / 4 else 0
            at = now + timedelta(seconds=soon - self.chance.random())
            life = _LIFE
            if self.chance.random() < 1 / 8:
                life = timedelta(seconds=self.chance.uniform(*_SHORTEST_LIFE))
            if self.chance.random() < 1 / 16:
                at -= life + timedelta(seconds=60)
            times = {"send_at": at, "due_at": at, "expires_at": at + life}
            yield _own("message", message, keys, number, now) | times


_KEYS = ("patient_id", "course_id", "visit_id", "enrollment_id")


def _own(table: str, row: Row, keys: Mapping[UUID, UUID], number: int, now: datetime) -> Row:
    """The row with this patient's keys and addresses; what is sealed may look the same, nobody searches
    it."""
    from campaigns.models.encryption import blind_index, encrypt

    mine = row | {name: keys.get(row[name]) for name in _KEYS if name in row}
    if row["id"] in keys:
        mine["id"] = keys[row["id"]]
    else:
        del mine["id"]
    if table == "contact_point":
        address = phone(number) if row["channel"] == "sms" else f"p{number}@{DOMAIN}"
        mine |= {"address": encrypt(address), "address_index": blind_index(address)}
    elif table == "visit":
        mine["on_date"] = (now + timedelta(days=21)).date()
    elif table == "message":
        mine.pop("created_at", None)
    return mine


def phone(number: int) -> str:
    """A phone of the numbers for fiction. Every fourth is its owner's alone; the others come in pairs: two
    patients of one household."""
    if has_own_phone(number):
        place, areas = number // 4, _AREAS[:_OWN_AREAS]
    else:
        place, areas = number // 8 * 3 + number % 4, _AREAS[_OWN_AREAS:]
    area, last = areas[place // 100 % len(areas)], place % 100
    return f"+1{area}55501{last:02d}"


def has_own_phone(number: int) -> bool:
    """Whether nobody else is written to at this patient's phone, as long as there are numbers enough."""
    return number % 4 == 0 and number // 4 < _OWN_AREAS * 100


def _copy_in(connection: psycopg.Connection[Any], table: str, rows: list[Row]) -> None:
    columns = list(rows[0])
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[column] for column in columns])
