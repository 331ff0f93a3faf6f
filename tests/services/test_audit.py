"""The audit chain: whole as written, and shut to everybody."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from campaigns.models import AuditEntry, Clinic, Staff
from campaigns.services import looks
from campaigns.services.escalate import acknowledge, close, open_alert
from campaigns.services.record import broken_link
from tests.factories import NOON, make_patient, make_staff, set_now


def test_the_chain_is_whole(clinic: Clinic) -> None:
    make_patient(clinic)
    assert AuditEntry.objects.count() > 2
    assert broken_link() is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_nobody_rewrites_it(clinic: Clinic, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert broken_link() is None


def test_a_change_behind_the_guard_is_found(clinic: Clinic) -> None:
    changed = AuditEntry.objects.earliest("seq")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
        cursor.execute("UPDATE audit_entry SET actor = 'x' WHERE seq = %s", [changed.seq])
    assert broken_link() == changed.seq


@pytest.fixture
def staff(clinic: Clinic) -> Staff:
    return make_staff(clinic)


def test_who_looked_at_whom_is_in_the_chain_once_in_a_while(clinic: Clinic, staff: Staff) -> None:
    first, second = (
        make_patient(clinic, phone=f"+1604555010{n}", email=f"p{n}@patients.example").patient for n in "34"
    )
    before = AuditEntry.objects.count()
    looks.look("patient", [first.pk], by=staff.email)
    looks.look("patient", [first.pk], by=staff.email)
    entry = AuditEntry.objects.latest("seq")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.action, entry.object, entry.actor) == ("looked_at", f"patient {first.pk}", staff.email)
    looks.look("alerts", [first.pk, second.pk], by=staff.email)
    looks.look("alerts", [second.pk], by=staff.email)
    looks.look("patient", [], by=staff.email)
    assert AuditEntry.objects.count() == before + 2
    looks.look("patient", [first.pk], by="other@clinic.example")
    set_now(NOON + looks.APART)
    looks.look("patient", [first.pk], by=staff.email)
    assert AuditEntry.objects.count() == before + 4
    assert broken_link() is None
    named = set(AuditEntry.objects.filter(action="looked_at").values_list("detail__page", flat=True))
    assert named == {"patient", "alerts"}


def test_an_export_and_each_act_about_an_alert_are_in_the_chain(clinic: Clinic, staff: Staff) -> None:
    call_command("export", "consents", "--by", "robin", stdout=StringIO())
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.actor) == ("exported", "robin")
    assert entry.detail == {"kind": "consents", "addresses": "masked"}
    patient = make_patient(clinic).patient
    alert = open_alert(
        clinic=clinic, reply=None, patient=patient, urgency="urgent", rule="x", matched=[], now=NOON
    )
    acknowledge(alert.pk, staff)
    close(alert.pk, staff, "no_answer")
    close(alert.pk, staff, "reached")
    acts = AuditEntry.objects.filter(object=f"alert {alert.pk}").order_by("seq")
    assert list(acts.values_list("action", "actor")) == [
        ("alert_acknowledged", staff.email),
        ("alert_tried", staff.email),
        ("alert_closed", staff.email),
    ]
