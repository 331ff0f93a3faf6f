"""A patient takes away all that is stored, and is forgotten: nothing of them is left, nobody writes again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import (
    Alert,
    AlertNotice,
    Answer,
    AnswerCorrection,
    Attempt,
    AuditEntry,
    Call,
    Clinic,
    Consent,
    ConsentWords,
    Conversation,
    DeliveryEvent,
    HandWritten,
    Import,
    ImportedKey,
    ImportRow,
    InboundMail,
    Message,
    Patient,
    PatientReference,
    Reply,
    Staff,
    Suppression,
)
from campaigns.models.encryption import EncryptedBytes, EncryptedText, blind_index
from campaigns.queries import clock, one_patient
from campaigns.services import consent, take_in
from campaigns.services.consent import Told
from campaigns.services.forget import forget
from campaigns.services.looks import look
from campaigns.services.record import broken_link
from campaigns.services.send import drain
from tests.factories import make_patient, make_staff, set_now
from tests.house.sources import ROOT
from tests.services.fakes import FakeSender
from tests.test_docs import section

PHONE, MAIL = "+16045550177", "qqzmail@patients.example"
MARK = re.compile(r"qqz|604.?555.?0177", re.IGNORECASE)
"""What is the patient's in every column that can hold something of theirs."""


@pytest.fixture
def staff(clinic: Clinic) -> Staff:
    return make_staff(clinic)


@pytest.fixture
def patient(clinic: Clinic, staff: Staff, provider: FakeSender) -> Patient:
    """Somebody who was written to, wrote back by every way, and whom staff took notes about."""
    patient = make_patient(clinic, phone=PHONE, email=MAIL, sequences=["welcome", "pretreatment"]).patient
    patient.given_name, patient.family_name = "Qqzada", "Qqzbell"
    patient.interpreter, patient.status_reason = "Qqztongue", "qqz away"
    patient.save()
    told = Told(source="phone", by=staff.email, evidence="Qqzada said so")
    consent.withdraw_as_told(patient, Channel.EMAIL, ["check_ins"], told, clock.now())
    drain()
    Message.objects.filter(patient=patient, channel="email").update(subject="qqz", stated={"qqz": "qqz"})
    _text(patient, "SM1", "my knee, says Qqzada")
    now = clock.now()
    reply = Reply.objects.get(provider_id="SM1")
    asked = Message.objects.filter(patient=patient).exclude(sent_at=None).earliest("pk")
    InboundMail.objects.create(
        digest="d",
        way="smtp",
        raw=b"From: qqz",
        size=9,
        envelope="qqz",
        words="qqz",
        reply=reply,
        received_at=now,
    )
    Answer.objects.create(
        reply=reply, patient=patient, message=asked, question="pain", value="4", answered_at=now
    )
    AnswerCorrection.objects.create(reply=reply, message=asked, was="3", became="4", by=staff, at=now)
    Call.objects.create(patient=patient, outcome="reached", note="qqz said", by=staff, at=now)
    attempt = Attempt.objects.filter(message=asked).earliest("started_at")
    DeliveryEvent.objects.create(attempt=attempt, provider_id="SMx", status="delivered", received_at=now)
    alert = Alert.objects.get(patient=patient)
    AlertNotice.objects.create(alert=alert, rung="on_duty", staff=staff, channel="email", at=now, due_at=now)
    Alert.objects.filter(pk=alert.pk).update(
        matched=["qqz"], note="Qqzada rang", closed_at=now, closed_by=staff, outcome="reached"
    )
    PatientReference.objects.create(patient=patient, clinic=clinic, name="qqz-7", name_index="x")
    HandWritten.objects.create(
        message=asked, clinic=clinic, patient=patient, key=uuid4(), by=staff, words="dear Qqzada", at=now
    )
    Conversation.objects.create(patient=patient, assigned_to=staff)
    _imported(patient)
    look("patient", [patient.pk], by=staff.email)
    return patient


def _imported(patient: Patient) -> None:
    """A row of a file that was about the patient, and what the file called them."""
    known = {"clinic": patient.clinic, "source": "jane"}
    of = Import.objects.create(**known, kind="table", rows=1, header="[]", uploaded_at=clock.now())
    sealed = {"cells": '["qqz"]', "problems": '[["differs", "qqz"]]', "before": '["qqz"]'}
    ImportRow.objects.create(of=of, number=2, patient=patient, **sealed)
    ImportedKey.objects.create(**known, kind="patient", key="x", patient=patient, by=of)


def _text(patient: Patient | None, provider_id: str, body: str) -> Reply:
    clinic = patient.clinic if patient else Clinic.objects.get()
    take_in.receive_sms(
        take_in.Inbound(provider_id=provider_id, sender=PHONE, recipient=clinic.sms_number, body=body)
    )
    return Reply.objects.get(provider_id=provider_id)


def _stored() -> Iterator[tuple[str, str]]:
    """Every value of every column, opened: (table.column, text)."""
    for model in apps.get_models():
        for row in model._base_manager.all():
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                text = bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                yield f"{model._meta.db_table}.{field.column}", text


def _marked() -> set[str]:
    return {place for place, text in _stored() if MARK.search(text)}


def _sealed() -> set[str]:
    models = (model for model in apps.get_models() if model._meta.db_table in one_patient.tables())
    columns = (field for model in models for field in model._meta.concrete_fields)
    return {
        f"{field.model._meta.db_table}.{field.column}"
        for field in columns
        if isinstance(field, EncryptedText | EncryptedBytes)
    }


def test_everything_about_one_patient_is_in_one_file(patient: Patient, clinic: Clinic) -> None:
    other = make_patient(clinic, phone="+16045550178", email="other@patients.example").patient
    Suppression.objects.create(
        address_index=blind_index(MAIL), channel="email", source="link", created_at=clock.now()
    )
    out = StringIO()
    call_command("export", "patient", str(patient.pk), "--by", "robin", stdout=out)
    found: dict[str, list[dict[str, Any]]] = json.loads(out.getvalue())
    # The models say which tables refer to a patient: a new one is missed here until it has a row above.
    assert {table for table, rows in found.items() if rows} == set(one_patient.tables())
    assert len(found["message"]) == Message.objects.filter(patient=patient).count() > 3
    assert str(other.pk) not in out.getvalue()
    said = json.dumps(found)
    for mark in ("Qqzada", "Qqzbell", PHONE, MAIL, "my knee, says Qqzada", "Qqzada rang", "qqz said"):
        assert mark in said
    assert (entry := AuditEntry.objects.latest("seq")).action == "patient_exported"
    assert (entry.actor, entry.object) == ("robin", f"patient {patient.pk}")
    documented = {
        table: set(re.findall(r"`(\w+)`", fields))
        for table, fields in re.findall(
            r"^- \*\*(\w+)\*\*: (.+)$",
            section((ROOT / "docs/reference.md").read_text(encoding="utf-8"), "One patient"),
            re.MULTILINE,
        )
    }
    assert documented == {table: set(rows[0]) for table, rows in found.items()}


def test_nothing_of_a_forgotten_patient_is_left_and_nobody_writes_again(
    patient: Patient, clinic: Clinic, provider: FakeSender
) -> None:
    before = _marked()
    # Every sealed column of every table that refers to a patient: a new one is missed until it has a mark.
    assert _sealed() <= before
    ledger = Consent.objects.filter(patient=patient).count()
    out = StringIO()
    call_command("forget", str(patient.pk), "--confirm", str(patient.pk), "--by", "robin", stdout=out)
    assert _marked() == set()
    assert broken_link() is None
    # The ledger still says who agreed to what, when and how it was said, but no longer in whose words.
    assert Consent.objects.filter(patient=patient).count() > ledger
    assert Consent.objects.filter(patient=patient, source="phone", by="coordinator@clinic.example").exists()
    assert not ConsentWords.objects.filter(consent__patient=patient).exists()
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.actor) == ("patient_forgotten", "robin")
    ended = Message.objects.filter(patient=patient, reason="patient_forgotten")
    assert set(ended.values_list("state", flat=True)) == {"cancelled"}
    assert entry.detail == {"cancelled": ended.count()} != {"cancelled": 0}
    sent = len(provider.sent)
    set_now(clock.now() + timedelta(days=13))
    drain()
    assert len(provider.sent) == sent
    # A text from the number is a stranger's, kept and seen by a person; the same old text changes nothing.
    stranger = _text(None, "SM2", "hello again")
    assert (stranger.patient, stranger.outcome) == (None, "unmatched")
    assert Alert.objects.get(reply=stranger).rule == "unknown number"
    assert _text(None, "SM1", "my knee, says Qqzada").body == ""
    drain()
    assert len(provider.sent) == sent
    # Whoever enrolls the number anew writes to nobody, until START comes from it.
    again = make_patient(clinic, phone=PHONE, email=MAIL, sequences=["welcome"]).patient
    set_now(clock.now() + timedelta(days=1))
    drain()
    assert len(provider.sent) == sent
    assert set(again.messages.values_list("reason", flat=True)) == {"opted_out"}
    _text(again, "SM3", "START")
    assert consent.in_force(blind_index(PHONE), Channel.SMS) is None
    assert consent.in_force(blind_index(MAIL), Channel.EMAIL) is not None
    with pytest.raises(NotAllowed, match="forgotten already"):
        forget(patient.pk, by="robin")


def test_it_waits_for_what_is_under_way_and_leaves_others_what_is_theirs(
    patient: Patient, clinic: Clinic, provider: FakeSender
) -> None:
    with pytest.raises(CommandError, match="same id"):
        call_command("forget", str(patient.pk), "--by", "robin")
    Alert.objects.filter(patient=patient).update(closed_at=None)
    with pytest.raises(NotAllowed, match="alert about this patient is open"):
        forget(patient.pk, by="robin")
    Alert.objects.filter(patient=patient).update(closed_at=clock.now())
    leaving = Message.objects.filter(patient=patient, state="accepted").earliest("pk")
    Message.objects.filter(pk=leaving.pk).update(state="attempting")
    with pytest.raises(NotAllowed, match="leaving just now"):
        forget(patient.pk, by="robin")
    Message.objects.filter(pk=leaving.pk).update(state="uncertain")
    # One opt-out ends every channel at this clinic, but not those of somebody else.
    Clinic.objects.update(opt_out_scope="all")
    spouse = make_patient(clinic, phone=PHONE, email="spouse@patients.example", sequences=["welcome"]).patient
    done = forget(patient.pk, by="robin")
    leaving.refresh_from_db()
    assert (done.shared, leaving.state, leaving.body) == (["sms"], "unresolved", "")
    assert consent.in_force(blind_index(PHONE), Channel.SMS) is None
    assert consent.in_force(blind_index(MAIL), Channel.EMAIL) is not None
    assert consent.granted(patient, Channel.SMS) == set()
    before = len(provider.sent)
    drain()
    assert {one.to for one in provider.sent[before:]} == {PHONE, "spouse@patients.example"}
    assert spouse.contact_points.count() == 2
