"""One message by hand: when it goes, what stops it, what it may not say, and that it goes once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.domain import by_hand as rules
from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import Reason
from campaigns.domain.recipients import Channel
from campaigns.models import (
    Alert,
    AuditEntry,
    Clinic,
    ContactPoint,
    HandWritten,
    Message,
    Patient,
    Reply,
    Staff,
    Visit,
)
from campaigns.models.encryption import blind_index
from campaigns.queries import conversations
from campaigns.services import by_hand, consent, forget
from campaigns.services.by_hand import Draft
from campaigns.services.consent import Told
from campaigns.services.record import broken_link
from campaigns.services.send import send_batch
from tests.factories import NOON, make_patient, make_staff, set_now
from tests.services.fakes import FakeSender
from tests.services.test_races import at_once
from tests.web.test_inbox import sent_form

NIGHT = datetime(2026, 11, 3, 5, 30, tzinfo=UTC)
"""22:30 at the clinic, whose quiet hours end at 7:30 (UTC-7)."""
MORNING = datetime(2026, 11, 3, 14, 30, tzinfo=UTC)
CALL = Draft(text="will_call", channel=Channel.SMS)


@dataclass(frozen=True)
class Before:
    """What a writer had before them."""

    version: str
    mark: str
    alerts: tuple[str, ...] = ()


def person(clinic: Clinic, role: Staff.Role = Staff.Role.COORDINATOR) -> Staff:
    """Somebody on the staff with this role."""
    found = make_staff(clinic, f"{role}{Staff.objects.count()}@clinic.example")
    found.role = role
    found.save()
    return found


def heard(patient: Patient, at: datetime) -> Reply:
    """The patient has written."""
    return Reply.objects.create(
        provider_id=f"SM{uuid4().hex}",
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        body="?",
        received_at=at,
        outcome="alert",
    )


def write(patient: Patient, staff: Staff, draft: Draft = CALL, **changed: Any) -> Message:
    """Look at it and send it, as the page does."""
    patient.refresh_from_db()
    seen = Before(
        conversations.standing(patient.pk).version,
        by_hand.look(patient, draft, staff).mark,
        changed.pop("alerts", ()),
    )
    return by_hand.write(patient.pk, staff, draft, key=changed.pop("key", uuid4()), seen=seen, **changed)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return make_patient(clinic, sequences=("welcome",)).patient


def test_at_night_it_waits_for_the_morning_unless_the_patient_has_just_written(
    clinic: Clinic, patient: Patient, provider: FakeSender
) -> None:
    staff = person(clinic)
    set_now(NIGHT)
    looked = by_hand.look(patient, CALL, staff)
    assert (looked.waits, looked.goes_at, looked.reason) == (True, MORNING, None)
    assert not HandWritten.objects.exists(), "looking leaves nothing behind"
    waits = write(patient, staff)
    assert (waits.state, waits.send_at, waits.expires_at) == ("planned", MORNING, NIGHT + timedelta(hours=24))
    send_batch()
    assert not [one for one in provider.sent if "We have your message" in one.text]
    set_now(MORNING)
    send_batch()
    assert [one.to for one in provider.sent if "We have your message" in one.text] == ["+16045550101"]

    set_now(NIGHT + timedelta(days=1))
    heard(patient, NIGHT + timedelta(days=1, minutes=-50))
    answer = write(patient, staff)
    assert answer.send_at == NIGHT + timedelta(days=1)
    send_batch()
    answer.refresh_from_db()
    assert answer.state == "accepted"
    # The door is open for an hour: what the provider did not take by then waits for the morning after all.
    late = write(patient, staff, Draft(text="thanks", channel=Channel.SMS))
    set_now(NIGHT + timedelta(days=1, minutes=61))
    send_batch()
    late.refresh_from_db()
    assert (late.state, late.reason, late.due_at) == (
        "waiting",
        "quiet_hours_no_window",
        MORNING + timedelta(days=1),
    )


def stopped(patient: Patient) -> None:
    """The patient has sent STOP."""
    consent.opt_out(blind_index("+16045550101"), Channel.SMS, source="reply", now=NOON)


def withdrawn(patient: Patient) -> None:
    """Every topic is switched off."""
    told = Told(source="preferences")
    consent.withdraw_topics(patient, Channel.SMS, consent.EVERY_TOPIC, told, NOON)


def in_doubt(patient: Patient) -> None:
    """Somebody there may be the wrong person."""
    ContactPoint.objects.filter(patient=patient).update(state="paused")


def left(patient: Patient) -> None:
    """Not in care any more."""
    Patient.objects.filter(pk=patient.pk).update(status="left")


def unapproved(patient: Patient) -> None:
    """The clinic holds what nobody has approved."""
    Clinic.objects.update(unapproved_policy="hold")
    patient.clinic.wordings.all().delete()


@pytest.mark.parametrize(
    ("stand", "reason"),
    [
        (stopped, Reason.OPTED_OUT),
        (withdrawn, Reason.OPTED_OUT),
        (in_doubt, Reason.CHANNEL_PAUSED),
        (left, Reason.PATIENT_LEFT),
        (unapproved, Reason.TRANSLATION_NOT_APPROVED),
    ],
)
def test_no_gate_opens_for_a_hand(
    clinic: Clinic, patient: Patient, stand: Callable[[Patient], None], reason: Reason
) -> None:
    """Said before it is sent; and obeyed when it happens between sending and the byte."""
    staff = person(clinic)
    message = write(patient, staff)
    set_now(NOON + timedelta(minutes=20))
    stand(patient)
    patient = Patient.objects.select_related("clinic").get(pk=patient.pk)
    assert by_hand.look(patient, CALL, staff).reason == reason
    with pytest.raises(NotAllowed, match="It cannot go as it is"):
        write(patient, staff)
    send_batch()
    message.refresh_from_db()
    assert (message.state, message.reason) == ("skipped", reason)


def test_a_pause_of_what_is_planned_does_not_stop_a_person(clinic: Clinic, patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(status="paused")
    message = write(patient, person(clinic))
    send_batch()
    message.refresh_from_db()
    assert message.state == "accepted"


def test_the_date_of_a_visit_is_never_told_wrong(clinic: Clinic, patient: Patient) -> None:
    """Written at night; the visit moves before the morning. Where it begins sooner, the text ends with it."""
    staff, visit = person(clinic), Visit.objects.get(course__patient=patient)
    draft = Draft(text="visit", channel=Channel.SMS)
    set_now(NIGHT)
    message = write(patient, staff, draft)
    assert "Mon Nov 16" in by_hand.look(patient, draft, staff).text
    Visit.objects.update(version=2)
    set_now(MORNING)
    send_batch()
    message.refresh_from_db()
    assert (message.state, message.reason) == ("skipped", "visit_moved")
    Visit.objects.update(on_date=date(2026, 11, 3), at_time=time(8, 0))
    assert write(patient, staff, draft).expires_at == datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
    visit.refresh_from_db()
    Visit.objects.update(state="cancelled")
    with pytest.raises(NotAllowed, match="No visit is booked"):
        by_hand.look(patient, draft, staff)


def test_every_text_goes_by_both_channels_and_own_words_keep_their_frame(
    clinic: Clinic, provider: FakeSender
) -> None:
    patient, staff = make_patient(clinic, language="ar").patient, person(clinic)
    for channel in Channel:
        shown = by_hand.offers(Patient.objects.select_related("clinic").get(pk=patient.pk), channel, NOON)
        assert [one.key for one in shown] == list(by_hand.TEXTS)
        assert all(one.text and one.english and one.language == "ar" for one in shown)
    typed = "Please bring <the> form &amp; a pen"
    write(patient, staff, Draft(text="own", channel=Channel.EMAIL, words=typed))
    write(patient, staff, Draft(text="own", channel=Channel.SMS, words=typed, written_in="ar"))
    send_batch()
    mail, text = (
        next(one for one in provider.sent if (one.subject != "") is is_mail and "pen" in one.text)
        for is_mail in (True, False)
    )
    assert "Please bring &lt;the&gt; form &amp;amp; a pen" in mail.html
    assert mail.subject == "A message from Westside Pain Clinic"
    assert mail.unsubscribe_url
    assert (text.text, text.language) == (f"Westside Clinic: {typed}", "ar")
    assert typed not in str(Message.objects.filter(purpose="manual").values("stated", "step", "template"))
    assert HandWritten.objects.filter(words=typed).count() == 0, "the words are sealed"
    forget.forget(patient.pk, by="x@clinic.example")
    assert set(HandWritten.objects.values_list("words", flat=True)) == {""}


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("", "Write between"),
        ("x" * (rules.LONGEST + 1), "Write between"),
        ("See https://x", "links"),
        ("see clinic.ca please", "links"),
        ("Reply stop to end", "STOP or CANCEL"),
        ("Répondez arrêt", "STOP or CANCEL"),
        ("CANCEL", "STOP or CANCEL"),
        ("Dear PATIENT, come in", "name"),
        ("Please stop by at 9:30. Dr. R. will cancel nothing.", ""),
        ("patiently", ""),
    ],
)
def test_own_words_with_a_fault_are_told_so(words: str, wrong: str) -> None:
    found = " ".join(rules.faults(rules.clean(words), Channel.SMS, ("Test", "Patient")))
    assert (wrong in found) if wrong else not found


def test_a_name_may_stand_in_a_mail() -> None:
    assert not list(rules.faults("Dear Patient", Channel.EMAIL, ("Test", "Patient")))


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_cleaned_words_are_one_line_that_stays_so(typed: str) -> None:
    once = rules.clean(typed)
    assert rules.clean(once) == once
    assert not {"\n", "\x00", "\u202e", "\u2067"} & set(once)


def test_only_some_may_write_and_nobody_over_what_they_have_not_seen(
    clinic: Clinic, patient: Patient
) -> None:
    for role in (Staff.Role.TRANSLATOR, Staff.Role.AUDITOR):
        with pytest.raises(NotAllowed, match="may write to patients"):
            write(patient, person(clinic, role))
    staff = person(clinic, Staff.Role.CLINICIAN)
    seen = Before(conversations.standing(patient.pk).version, by_hand.look(patient, CALL, staff).mark)
    send = partial(by_hand.write, patient.pk, staff, CALL, seen=seen)
    heard(patient, NOON)
    with pytest.raises(NotAllowed, match="has written again"):
        send(key=uuid4())
    with pytest.raises(NotAllowed, match="would say something else"):
        by_hand.write(
            patient.pk,
            staff,
            CALL,
            key=uuid4(),
            seen=Before(conversations.standing(patient.pk).version, "0" * 64),
        )
    first = write(patient, staff)
    with pytest.raises(NotAllowed, match="has just sent the same"):
        write(patient, person(clinic))
    set_now(NOON + by_hand.SAME_WITHIN + timedelta(seconds=1))
    assert write(patient, person(clinic)).pk != first.pk


def test_two_presses_and_two_people_at_once_send_one_message(
    open_clinic: Clinic, provider: FakeSender
) -> None:
    """F44: the same form twice in one browser; then two people with the same text; then with other texts."""
    patients = [
        make_patient(open_clinic, phone=f"+160455501{n}", email="", sequences=("welcome",)).patient
        for n in (61, 62, 63)
    ]
    browsers = [Client(), Client(), Client()]
    people = [person(open_clinic), person(open_clinic)]
    browsers[0].force_login(people[0])
    browsers[1].cookies = browsers[0].cookies
    browsers[2].force_login(people[1])

    def post(browser: Client, patient: Patient, form: dict[str, Any]) -> Callable[[], int]:
        return lambda: browser.post(f"/patients/{patient.pk}/write", form).status_code

    form = sent_form(browsers[0], patients[0])
    assert at_once(*(post(browser, patients[0], form) for browser in browsers[:2])) == [302, 302]
    two = [sent_form(browser, patients[1]) for browser in (browsers[0], browsers[2])]
    same = [
        post(browser, patients[1], form)
        for browser, form in zip((browsers[0], browsers[2]), two, strict=True)
    ]
    assert sorted(at_once(*same)) == [200, 302]
    others = [
        post(browser, patients[2], sent_form(browser, patients[2], text=text))
        for browser, text in ((browsers[0], "thanks"), (browsers[2], "please_call"))
    ]
    assert sorted(at_once(*others)) == [200, 302]
    written = Message.objects.filter(purpose="manual").order_by("patient_id")
    assert sorted(one.patient_id for one in written) == sorted(one.pk for one in patients)
    provider.sent.clear()
    send_batch()
    told = [
        one.to for one in provider.sent if one.attempt_id in set(written.values_list("attempts", flat=True))
    ]
    assert sorted(told) == ["+16045550161", "+16045550162", "+16045550163"]
    assert AuditEntry.objects.filter(action="written_by_hand").count() == 3
    assert broken_link() is None
    assert not Alert.objects.exists()
