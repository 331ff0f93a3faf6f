"""Builders: clinics, staff and patients, made through the services that the product uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from unittest.mock import patch

from django.db import connection, transaction

from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Installation, Message, Staff, Wording
from campaigns.services import set_up
from campaigns.services.enroll import Application, Enrolled, NewVisit, enroll
from campaigns.services.record import record
from campaigns.services.review import approve_language
from campaigns.services.set_up import NewClinic, create_clinic, create_staff

NOON = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
"""A Monday, 13:00 at the clinic (UTC-7 all year)."""

_numbers = count(100)

_WORDINGS = Wording._meta.db_table
_KEPT = "kept_for_tests"
_kept_in = ""
"""The database that has the table; processes that a test starts work on others."""


def set_now(now: datetime | None) -> None:
    """Make `now` the clock of the installation."""
    Installation.objects.update_or_create(pk=1, defaults={"rehearsal_now": now})


APPROVED = ("en-CA", "fr-CA", "ar")
"""What a clinic of the tests has approved: three languages say as much as fourteen, and sooner."""


def make_clinic(*, approved: bool = True, name: str = "Westside Pain Clinic") -> Clinic:
    """A clinic in Vancouver, with three languages approved unless told otherwise."""
    new = NewClinic(
        name=name,
        display_name="Westside Clinic",
        phone="+16045550134",
        address="1200 Example Street, Vancouver BC",
        sms_number=f"+1604555{next(_numbers):04d}"[:12] if name != "Westside Pain Clinic" else "+16045550199",
        clinician_name="Dr. Example",
        fee_text="$200.00",
    )
    if approved and _kept_in == connection.settings_dict["NAME"]:
        return _as_kept(new)
    clinic = create_clinic(new, by="test")
    if approved:
        _approve(clinic)
    return clinic


def _approve(clinic: Clinic) -> None:
    for language in APPROVED:
        approve_language(clinic, language, by="Dr. Example", now=NOON)


def keep_approved() -> None:
    """Write down what approving `APPROVED` stores, in a table that no test empties. Once a test database."""
    global _kept_in
    columns = ", ".join(_columns())
    with connection.cursor() as cursor:
        with transaction.atomic():
            clinic = make_clinic(approved=False)
            _approve(clinic)
            cursor.execute(f"SELECT {columns} FROM {_WORDINGS} WHERE clinic_id = %s", [clinic.pk])  # noqa: S608
            kept = cursor.fetchall()
            transaction.set_rollback(True)
        shape = f"SELECT {columns} FROM {_WORDINGS} WITH NO DATA"  # noqa: S608
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {_KEPT} AS {shape}")
        places = ", ".join(["%s"] * len(_columns()))
        cursor.execute(f"TRUNCATE {_KEPT}")
        cursor.executemany(f"INSERT INTO {_KEPT} VALUES ({places})", kept)  # noqa: S608
    _kept_in = connection.settings_dict["NAME"]


def _as_kept(new: NewClinic) -> Clinic:
    """A clinic and what `_approve` does, in a fifth of the time: half of the tests begin with one."""
    with patch.object(set_up, "approve_language", _only_recorded):
        clinic = create_clinic(new, by="test")
    columns = ", ".join(_columns())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_WORDINGS} (clinic_id, {columns}) SELECT %s, {columns} FROM {_KEPT}",  # noqa: S608
            [clinic.pk],
        )
    for language in APPROVED:
        _only_recorded(clinic, language, by="Dr. Example", now=NOON)
    return clinic


def _only_recorded(clinic: Clinic, language: str, *, by: str, now: datetime) -> None:
    record("wording_approved", f"clinic {clinic.pk}", actor=by, now=now, detail={"language": language})


def _columns() -> list[str]:
    fields = [field.attname for field in Wording._meta.concrete_fields]
    return [name for name in fields if name not in ("id", "clinic_id")]


def make_staff(clinic: Clinic, email: str = "coordinator@clinic.example") -> Staff:
    """A coordinator who has no password yet."""
    return create_staff(
        email=email, name="Coordinator", role=Staff.Role.COORDINATOR, clinic=clinic, by="test"
    )


def make_patient(
    clinic: Clinic,
    *,
    language: str = "en-CA",
    phone: str = "+16045550101",
    email: str = "patient@patients.example",
    visits: Sequence[tuple[VisitKind, date, time]] | None = None,
    sequences: Sequence[str] = ("pretreatment",),
    consent: bool = True,
) -> Enrolled:
    """An enrolled patient; without `visits`, one session two weeks after the clock's date at 14:00."""
    if visits is None:
        visits = [(VisitKind.SESSION, NOON.date() + timedelta(days=14), time(14, 0))]
    return enroll(
        clinic,
        Application(
            given_name="Test",
            family_name="Patient",
            language=language,
            phone=phone,
            email=email,
            consent_sms=consent and bool(phone),
            consent_email=consent and bool(email),
            consent_evidence="said yes at the desk",
            visits=[NewVisit(kind=kind, on_date=day, at_time=at) for kind, day, at in visits],
            sequences=sequences,
        ),
        by="test",
    )


def message(enrolled: Enrolled, step: str, channel: Channel = Channel.SMS) -> Message:
    """The newest message of a step."""
    return enrolled.patient.messages.filter(step=step, channel=channel).latest("id")
