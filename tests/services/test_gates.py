"""At the claim every gate is asked again: what changed since the planning counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from campaigns.delivery.rendering import help_line
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import (
    Attempt,
    Clinic,
    Consent,
    ContactPoint,
    Enrollment,
    Message,
    Patient,
    Visit,
    Wording,
)
from campaigns.queries import queue
from campaigns.services import installation, send
from campaigns.services.consent import opt_out
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, due_text


def _opted_out(message: Message) -> None:
    point = ContactPoint.objects.get(patient=message.patient, channel=message.channel)
    opt_out(point.address_index, Channel(message.channel), source="test", now=message.send_at)


def _no_consent(message: Message) -> None:
    Consent.objects.filter(patient=message.patient).delete()


def _no_address(message: Message) -> None:
    ContactPoint.objects.filter(patient=message.patient).delete()


def _address(state: str) -> Callable[[Message], None]:
    def change(message: Message) -> None:
        ContactPoint.objects.filter(patient=message.patient).update(state=state)

    return change


def _patient(status: str) -> Callable[[Message], None]:
    def change(message: Message) -> None:
        Patient.objects.filter(pk=message.patient_id).update(status=status)

    return change


def _visit(state: str) -> Callable[[Message], None]:
    def change(message: Message) -> None:
        Visit.objects.filter(messages=message).update(state=state)

    return change


def _visit_moved(message: Message) -> None:
    Visit.objects.filter(messages=message).update(version=2)


def _enrollment(state: str) -> Callable[[Message], None]:
    def change(message: Message) -> None:
        Enrollment.objects.filter(messages=message).update(state=state)

    return change


def _expired(message: Message) -> None:
    set_now(message.expires_at)


CLOSED: list[tuple[str, Callable[[Message], None], Reason]] = [
    ("opted out", _opted_out, Reason.OPTED_OUT),
    ("no consent", _no_consent, Reason.NO_CONSENT),
    ("no address", _no_address, Reason.NO_ADDRESS),
    ("bad address", _address("bad"), Reason.BAD_ADDRESS),
    ("landline", _address("landline"), Reason.LANDLINE),
    ("patient paused without an end", _patient("paused"), Reason.PATIENT_PAUSED),
    ("patient left", _patient("left"), Reason.PATIENT_LEFT),
    ("patient deceased", _patient("deceased"), Reason.PATIENT_DECEASED_OR_MERGED),
    ("visit moved", _visit_moved, Reason.VISIT_MOVED),
    ("visit cancelled", _visit("cancelled"), Reason.VISIT_CANCELLED),
    ("visit done", _visit("completed"), Reason.VISIT_DONE),
    ("visit missed", _visit("no_show"), Reason.VISIT_MISSED),
    ("enrollment stopped", _enrollment("stopped"), Reason.ENROLLMENT_STOPPED),
    ("enrollment paused", _enrollment("paused"), Reason.ENROLLMENT_STOPPED),
    ("expired", _expired, Reason.EXPIRED),
]


def _due(clinic: Clinic, language: str = "en-CA") -> Message:
    """A text that is due now, of a patient without e-mail."""
    message = due_text(make_patient(clinic, email="", language=language))
    set_now(message.send_at)
    return message


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in CLOSED], ids=[row[0] for row in CLOSED])
def test_it_skips_what_may_no_longer_go_and_says_why(
    clinic: Clinic, provider: FakeSender, change: Callable[[Message], None], reason: Reason
) -> None:
    """Another step of the same patient may be due by then and go: only this one counts."""
    message = _due(clinic)
    change(message)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SKIPPED, reason)
    assert message.settled_at is not None
    assert (message.body, message.attempts.count()) == ("", 0)
    assert not Attempt.objects.filter(message__step=message.step).exists()


def test_it_sends_the_same_message_while_every_gate_is_open(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    send.drain()
    message.refresh_from_db()
    assert message.state == State.ACCEPTED
    assert [outgoing.text for outgoing in provider.sent] == [message.body]


def test_it_goes_to_the_address_that_the_patient_has_when_it_leaves(
    clinic: Clinic, provider: FakeSender
) -> None:
    message = _due(clinic)
    point = ContactPoint.objects.get(patient=message.patient)
    point.address = "+16045550177"
    point.save()
    send.drain()
    assert [outgoing.to for outgoing in provider.sent] == ["+16045550177"]


def test_a_pause_with_an_end_only_defers(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    until = message.send_at + timedelta(hours=2)
    Patient.objects.filter(pk=message.patient_id).update(status="paused", paused_until=until)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.WAITING, Reason.PATIENT_PAUSED)
    assert (message.due_at, provider.sent) == (until, [])
    set_now(until)
    assert send.drain() == 1


def test_quiet_hours_defer_to_their_end(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    night = datetime(2026, 11, 4, 6, 0, tzinfo=UTC)  # 23:00 at the clinic
    Message.objects.filter(pk=message.pk).update(due_at=night, expires_at=night + timedelta(days=3))
    set_now(night)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.WAITING, Reason.QUIET_HOURS_NO_WINDOW)
    assert message.due_at == datetime(2026, 11, 4, 14, 30, tzinfo=UTC)  # 07:30
    assert provider.sent == []


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2027, 7, 7, 1, 30, tzinfo=UTC), datetime(2027, 7, 7, 11, 30, tzinfo=UTC)),
        (datetime(2027, 7, 7, 11, 30, tzinfo=UTC), None),
    ],
    ids=["18:30 at the clinic, 21:30 in Toronto", "4:30 at the clinic, 7:30 in Toronto"],
)
def test_the_night_of_the_patient_counts_and_not_that_of_the_clinic(
    clinic: Clinic, provider: FakeSender, now: datetime, until: datetime | None
) -> None:
    message = _due(clinic)
    Patient.objects.filter(pk=message.patient_id).update(time_zone="America/Toronto")
    Message.objects.filter(pk=message.pk).update(due_at=now, expires_at=now + timedelta(days=1))
    Message.objects.exclude(pk=message.pk).update(state=State.CANCELLED)
    set_now(now)
    send.drain()
    message.refresh_from_db()
    if until is None:
        assert message.state == State.ACCEPTED
    else:
        assert (message.reason, message.due_at) == (Reason.QUIET_HOURS_NO_WINDOW, until)
        assert provider.sent == []


def test_what_expires_in_the_night_is_skipped_and_not_deferred(clinic: Clinic) -> None:
    message = _due(clinic)
    night = datetime(2026, 11, 4, 6, 0, tzinfo=UTC)
    Message.objects.filter(pk=message.pk).update(due_at=night, expires_at=night + timedelta(hours=2))
    set_now(night)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SKIPPED, Reason.QUIET_HOURS_NO_WINDOW)


def test_a_full_day_defers_to_the_next(clinic: Clinic, provider: FakeSender) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(sms_per_day=1)
    enrolled = make_patient(clinic, email="")
    first, second = enrolled.patient.messages.filter(step__in=["nsaids", "avoid"]).order_by("send_at")
    at = first.send_at
    Message.objects.filter(pk__in=[first.pk, second.pk]).update(send_at=at, due_at=at, capped=True)
    set_now(at)
    send.drain()
    states = Message.objects.filter(pk__in=[first.pk, second.pk]).values_list("state", "reason")
    assert sorted(states) == [(State.ACCEPTED, ""), (State.WAITING, Reason.CAP_REACHED)]
    assert len(provider.sent) == 1


@pytest.mark.parametrize(
    ("sent", "now", "ends"),
    [
        # At the clinic the same Monday; in Tokyo 20:00 on Monday and 8:00 on Tuesday.
        (datetime(2026, 11, 2, 11, tzinfo=UTC), datetime(2026, 11, 2, 23, tzinfo=UTC), State.ACCEPTED),
        # At the clinic Monday 23:00 and Tuesday 1:00; in Tokyo 15:00 and 17:00 of the same Tuesday.
        (datetime(2026, 11, 3, 6, tzinfo=UTC), datetime(2026, 11, 3, 8, tzinfo=UTC), State.WAITING),
    ],
)
def test_a_day_of_the_caps_begins_at_the_patient_s_own_midnight(
    clinic: Clinic, provider: FakeSender, sent: datetime, now: datetime, ends: State
) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(sms_per_day=1)
    enrolled = make_patient(clinic, email="")
    Patient.objects.filter(pk=enrolled.patient.pk).update(time_zone="Asia/Tokyo")
    first, second = enrolled.patient.messages.filter(step__in=["nsaids", "avoid"]).order_by("send_at")
    Message.objects.filter(pk=first.pk).update(state=State.ACCEPTED, sent_at=sent)
    Message.objects.filter(pk=second.pk).update(due_at=now, capped=True)
    set_now(now)
    with patch.object(queue, "sms_counts", wraps=queue.sms_counts) as asked:
        send.send_batch()
    second.refresh_from_db()
    assert second.state == ends
    asked.assert_called_once()


def test_wording_that_is_not_approved_goes_in_english_with_a_help_line(
    clinic: Clinic, provider: FakeSender
) -> None:
    message = _due(clinic, "fr-CA")
    Wording.objects.filter(language="fr-CA").delete()
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.language) == (State.ACCEPTED, "en-CA")
    assert message.body.startswith("Westside Clinic: ")
    assert message.body.endswith(help_line("fr-CA"))
    assert help_line("fr-CA") != help_line("en-CA")
    assert provider.sent[0].text == message.body


@pytest.mark.parametrize("language", ["fr-CA", "en-CA"])
def test_a_clinic_that_holds_sends_no_wording_that_is_not_approved(
    clinic: Clinic, provider: FakeSender, language: str
) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(unapproved_policy=Clinic.UnapprovedPolicy.HOLD)
    message = _due(clinic, language)
    Wording.objects.filter(language=language).delete()
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SKIPPED, Reason.TRANSLATION_NOT_APPROVED)
    assert provider.sent == []


def test_a_changed_digest_is_no_approval(clinic: Clinic) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(unapproved_policy=Clinic.UnapprovedPolicy.HOLD)
    message = _due(clinic)
    Wording.objects.filter(template=message.template, channel="sms").update(digest="0" * 64)
    send.drain()
    message.refresh_from_db()
    assert message.reason == Reason.TRANSLATION_NOT_APPROVED


def test_a_paused_installation_sends_nothing_and_loses_nothing(clinic: Clinic, provider: FakeSender) -> None:
    message = _due(clinic)
    installation.pause("a test", by="test")
    assert send.drain() == 0
    message.refresh_from_db()
    assert (message.state, message.reason, provider.sent) == (State.PLANNED, "", [])
    installation.resume(by="test")
    assert send.drain() == 1
