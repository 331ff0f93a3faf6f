"""Whose an entry of the audit is, and the check of the whole chain in pieces."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from campaigns.models import AuditCheck, AuditEntry, Clinic, Patient
from campaigns.queries import whose
from campaigns.services import check_chain, looks
from campaigns.services.record import GENESIS, broken_link, digest, record
from tests.factories import NOON, make_clinic, make_patient, make_staff


def change(statement: str) -> None:
    """What the owner of the table can do: take the guard off, and write."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only")


def write_as_before(subject: str, actor: str = "old@clinic.example") -> AuditEntry:
    """An entry as releases before 0026 write it: no clinic, and none in the digest."""
    newest = AuditEntry.objects.order_by("-seq").values_list("digest", flat=True).first() or GENESIS
    sealed = digest(newest, NOON, actor, "visit_moved", subject, {})
    return AuditEntry.objects.create(
        at=NOON, actor=actor, action="visit_moved", object=subject, previous=newest, digest=sealed
    )


OBJECTS: dict[str, Callable[[Patient], str]] = {
    "patient": lambda patient: f"patient {patient.pk}",
    "course": lambda patient: f"course {patient.courses.get().pk}",
    "visit": lambda patient: f"visit {patient.courses.get().visits.get().pk}",
    "enrollment": lambda patient: f"enrollment {patient.courses.get().enrollments.get().pk}",
    "message": lambda patient: f"message {patient.messages.earliest('pk').pk}",
    "clinic": lambda patient: f"clinic {patient.clinic_id}",
}


def test_each_entry_says_whose_it_is(clinic: Clinic) -> None:
    far = make_clinic(name="Far Clinic")
    make_staff(far, "kit@far.example")
    patient = make_patient(clinic).patient
    for name in OBJECTS.values():
        record("x", name(patient), actor="kit@far.example", now=NOON)
        assert AuditEntry.objects.latest("seq").clinic == clinic.pk
    looks.look("alerts", [patient.pk, uuid.uuid4()], by="kit@far.example")
    assert AuditEntry.objects.latest("seq").clinic in {clinic.pk, None}
    for subject, expected in (
        ("installation", None),
        ("patient of nobody", far.pk),
        ("import 7", far.pk),
        (f"patient {uuid.uuid4()}", None),
        ("alert 99999999999999999999", far.pk),
    ):
        record("x", subject, actor="kit@far.example", now=NOON)
        assert AuditEntry.objects.latest("seq").clinic == expected, subject
    record("x", "installation", actor="kit@far.example", now=NOON, clinic=far.pk)
    assert AuditEntry.objects.latest("seq").clinic == far.pk
    assert broken_link() is None
    assert whose.clinics_of([]) == {}


def test_the_chain_holds_over_entries_of_before_and_of_now(clinic: Clinic) -> None:
    patient = make_patient(clinic).patient
    before = write_as_before(f"patient {patient.pk}")
    record("patient_status", f"patient {patient.pk}", actor="x", now=NOON)
    after = AuditEntry.objects.latest("seq")
    write_as_before(f"patient {patient.pk}")
    assert broken_link() is None
    for seq, clinic_id in (
        (before.seq, f"'{clinic.pk}'"),
        (after.seq, "NULL"),
        (after.seq, f"'{uuid.uuid4()}'"),
    ):
        with transaction.atomic():
            change(f"UPDATE audit_entry SET clinic = {clinic_id} WHERE seq = {seq}")  # noqa: S608
            assert broken_link() == seq
            transaction.set_rollback(True)
    assert broken_link() is None


@pytest.fixture
def long_chain(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    """Nine entries and more, checked three at a time, a piece a call."""
    monkeypatch.setattr(check_chain, "AT_ONCE", 3)
    monkeypatch.setattr(check_chain, "SECONDS", -1.0)
    for number in range(9):
        record("x", f"import {number}", actor="x", now=NOON)
    return clinic


def test_the_whole_chain_is_checked_in_pieces(long_chain: Clinic) -> None:
    assert not check_chain.check_chain()
    make_staff(long_chain, "auditor@clinic.example")
    there = AuditEntry.objects.count()
    check_chain.begin(by="auditor@clinic.example")
    check_chain.begin(by="auditor@clinic.example")
    assert AuditCheck.objects.count() == 1
    pieces = 0
    while check_chain.check_chain():
        pieces += 1
        assert AuditCheck.objects.get().checked == min(3 * pieces, there)
    found = check_chain.latest()
    assert found is not None
    assert (found.checked, found.broken, found.ended_at) == (there, None, NOON)
    told = AuditEntry.objects.latest("seq")
    assert (told.action, told.actor, told.detail) == (
        "audit_checked",
        "auditor@clinic.example",
        {"entries": there},
    )
    assert told.clinic == long_chain.pk
    check_chain.begin(by="x")
    assert AuditCheck.objects.count() == 2


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE audit_check SET upto = {last}, digest = '{digest}', checked = 90",
        "UPDATE audit_check SET seal = ''",
        "UPDATE audit_entry SET digest = 'x', actor = 'y' WHERE seq = (SELECT upto FROM audit_check)",
    ],
)
def test_nobody_spares_it_a_part_of_the_chain(long_chain: Clinic, forged: str) -> None:
    """Somebody changes an entry that is checked already, and then writes that all are."""
    first, last = AuditEntry.objects.earliest("seq"), AuditEntry.objects.latest("seq")
    check_chain.begin(by="x")
    assert check_chain.check_chain()
    change(f"UPDATE audit_entry SET actor = 'somebody else' WHERE seq = {first.seq}")  # noqa: S608
    change(forged.format(last=last.seq, digest=last.digest))
    while check_chain.check_chain():
        pass
    found = check_chain.latest()
    assert found is not None
    assert found.broken == first.seq
    assert AuditEntry.objects.latest("seq").detail == {"broken": first.seq, "entries": 0}


def test_a_change_further_on_is_found_where_it_is(long_chain: Clinic) -> None:
    changed = AuditEntry.objects.order_by("seq")[7]
    change(f"DELETE FROM audit_entry WHERE seq = {changed.seq - 1}")  # noqa: S608
    check_chain.begin(by="x")
    while check_chain.check_chain():
        pass
    found = check_chain.latest()
    assert found is not None
    assert found.broken == changed.seq == broken_link()
