"""A clinic in the middle of its day, for the tests: people of every role, patients of three languages, an
alert, a visit to move, a message that did not go."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from campaigns.models import Alert, Clinic, Message, Patient, Reply, Staff
from campaigns.queries import ticks
from campaigns.services.duties import Duty
from campaigns.services.find import remember
from campaigns.services.set_up import create_staff
from tests.browser.jobs import MANY
from tests.browser.place import Place, chromium
from tests.factories import NOON
from tests.web import cast
from tests.web.proofs import with_app
from tests.web.test_routes import objects
from worker import app

WORDS = {"ar": "عندي حمى منذ أمس", "fr-CA": "J'ai de la fièvre depuis hier", "en-CA": "I have had a fever"}
LONG = "Bartholomew-Maximilian van der Example-Featherstonehaugh"
"""A name as long as names get: what holds it must hold on a phone."""
PEOPLE = (("Demo Amal", "ar"), (LONG, "fr-CA"), ("Demo Ida", "en-CA"), ("Demo Sami", "ar"))


def fill() -> tuple[Clinic, dict[str, Any]]:
    """The clinic, and real things of one patient for every kind of id that a route may have."""
    clinic = cast.new_clinic()
    # One person may import five hundred by themselves; what a clinic's own limit does has tests of its own.
    Clinic.objects.filter(pk=clinic.pk).update(large_act_limit=MANY)
    patients = [_patient(clinic, number) for number in range(len(PEOPLE))]
    for patient in (*patients[:2], patients[3]):
        worry(patient)
    _answers(patients[0])
    unsent = Message.objects.filter(patient=patients[2], state="planned").order_by("send_at")[0]
    Message.objects.filter(pk=unsent.pk).update(
        state="skipped", reason="expired", send_at=NOON - timedelta(hours=3), settled_at=NOON
    )
    ticks.mark(Duty.CLIMBING)
    return clinic, objects(patients[0])


def _patient(clinic: Clinic, number: int) -> Patient:
    name, language = PEOPLE[number]
    patient = cast.new_patient(clinic, language, f"+1604555011{number}")
    patient.given_name, patient.family_name = name, "Example"
    # In this order, and before whoever is enrolled by a test: each job is about the same person every time.
    patient.created_at = NOON - timedelta(minutes=len(PEOPLE) - number)
    patient.save(update_fields=["given_name", "family_name", "created_at"])
    with transaction.atomic():
        remember(patient.pk)
    return patient


def worry(patient: Patient) -> Alert:
    """A text that needs a person."""
    reply = Reply.objects.create(
        provider_id=f"SM worry {patient.pk}",
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        body=WORDS[patient.language],
        language=patient.language,
        received_at=NOON,
        outcome="alert",
    )
    return Alert.objects.create(
        clinic=patient.clinic,
        patient=patient,
        reply=reply,
        urgency="urgent",
        rule="fever",
        matched=["fever"],
        opened_at=NOON,
    )


def _answers(patient: Patient) -> None:
    """Pain that gets less, as asked after three visits."""
    for value in ("7", "5", "3"):
        asked = cast.question(patient)
        cast.answer(asked, value)


def _cookie(clinic: Clinic, role: str) -> str:
    """The session of somebody new with that role."""
    staff = create_staff(
        email=f"{role}@clinic.example",
        name=f"Example {role.capitalize()}",
        role=Staff.Role(role),
        clinic=clinic,
        by="test",
    )
    with_app(staff)
    staff.refresh_from_db()
    client = Client()
    client.force_login(staff)
    return client.cookies["sessionid"].value


def beat() -> None:
    """What beat asks for and workers do, each once, on a connection of its own."""

    def work() -> None:
        try:
            for entry in app.conf.beat_schedule.values():
                app.tasks[entry["task"]].apply()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@contextmanager
def running(path: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The site over such a clinic, and a browser. Afterwards the database is as empty as before."""
    clinic, known = fill()
    server = LiveServer("localhost")

    cookies = {role: _cookie(clinic, role) for role in Staff.Role.values}
    try:
        with chromium(path) as browser:
            yield Place(str(server.url), browser, cookies, beat), known
    finally:
        server.stop()
        empty()


def empty() -> None:
    """Truncate every table, which the audit chain refuses, and guard the chain again."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_truncate")
        call_command("flush", interactive=False, verbosity=0)
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_no_truncate")
