"""The only ways out of `uncertain`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from campaigns.delivery.channels import Ending, Outcome, Sought
from campaigns.delivery.events import from_twilio
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, Message
from campaigns.services import send
from campaigns.services.deliver import Ready, deliver
from campaigns.services.reconcile import reconcile
from campaigns.services.track import track
from tests.factories import make_patient, set_now
from tests.factories import message as message_of
from tests.services.fakes import FakeSender, due_text

LONG_AGO = timedelta(minutes=10)
LAPSED = timedelta(seconds=90)


def _absent(sought: Sought) -> Outcome:
    return Outcome(ending=Ending.NOT_SENT)


def _present(sought: Sought) -> Outcome:
    return Outcome(ending=Ending.ACCEPTED, provider_id="SM-found")


def _nothing(part: Sequence[Ready]) -> None:
    """A worker that dies after the commit and before the byte."""


def _abandoned(
    clinic: Clinic,
    monkeypatch: pytest.MonkeyPatch,
    channel: Channel = Channel.SMS,
    ago: timedelta = LONG_AGO,
    phone: str = "+16045550101",
) -> Message:
    """A message whose worker died with the attempt committed, `ago` by the database's clock."""
    enrolled = (
        make_patient(clinic, email="", phone=phone)
        if channel is Channel.SMS
        else make_patient(clinic, phone="")
    )
    message = message_of(enrolled, "nsaids", channel)
    set_now(message.send_at)
    with monkeypatch.context() as patch:
        patch.setattr(send, "deliver", _nothing)
        send.send_batch()
    _age(message, ago)
    message.refresh_from_db()
    assert message.state == State.ATTEMPTING
    return message


def _age(message: Message, ago: timedelta) -> None:
    Attempt.objects.filter(message=message).update(leased_at=timezone.now() - ago)


def test_a_try_whose_lease_runs_is_left_alone(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch, ago=timedelta(seconds=30))
    assert reconcile().lapsed == 0
    message.refresh_from_db()
    assert (message.state, provider.sought) == (State.ATTEMPTING, [])


def test_a_dead_try_that_the_provider_knows_was_accepted(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch, ago=LAPSED)
    provider.look = _present
    result = reconcile()
    message.refresh_from_db()
    assert (result.lapsed, result.accepted, message.state) == (1, 1, State.ACCEPTED)
    assert Attempt.objects.get(message=message).provider_id == "SM-found"
    assert provider.sought[0].text == message.body
    assert provider.sent == []


def test_silence_is_believed_only_after_the_quiet_time(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch, ago=LAPSED)
    provider.look = _absent
    reconcile()
    message.refresh_from_db()
    assert message.state == State.UNCERTAIN
    _age(message, LONG_AGO)
    assert reconcile().again == 1
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible) == (State.WAITING, False)
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.epoch, len(provider.sent)) == (State.ACCEPTED, 2, 1)


def test_a_provider_that_cannot_be_asked_is_asked_again_later(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch)
    provider.look = lambda sought: Outcome(ending=Ending.UNCERTAIN)
    reconcile()
    message.refresh_from_db()
    assert message.state == State.UNCERTAIN


def test_an_email_goes_at_most_once_where_the_clinic_wants_that(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.EMAIL_UNCERTAIN = "at_most_once"
    message = _abandoned(clinic, monkeypatch, Channel.EMAIL)
    assert reconcile().unresolved == 1
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.UNRESOLVED, Reason.UNCERTAIN_EXPIRED)
    assert provider.sent == []


def test_an_email_goes_again_under_the_same_name_where_the_clinic_wants_that(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.EMAIL_UNCERTAIN = "at_least_once"
    message = _abandoned(clinic, monkeypatch, Channel.EMAIL)
    assert reconcile().again == 1
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible) == (State.ACCEPTED, True)
    assert [mail.message_id for mail in provider.sent] == [send.message_id_header(clinic, message.pk)]


@pytest.mark.parametrize(
    ("look", "state", "sent"), [(_present, State.ACCEPTED, 0), (_absent, State.ACCEPTED, 1)]
)
def test_an_email_is_sought_by_its_name_and_goes_exactly_once(
    clinic: Clinic,
    provider: FakeSender,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[Sought], Outcome],
    state: State,
    sent: int,
) -> None:
    message = _abandoned(clinic, monkeypatch, Channel.EMAIL)
    provider.look = look
    reconcile()
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible, len(provider.sent)) == (state, False, sent)
    assert [f"<{asked.message_id}>" for asked in provider.sought] == [
        send.message_id_header(clinic, message.pk)
    ]


@pytest.mark.parametrize(
    ("channel", "look"), [(Channel.SMS, _absent), (Channel.EMAIL, lambda sought: None)], ids=["sms", "email"]
)
def test_it_gives_up_what_is_useful_no_more(
    clinic: Clinic,
    provider: FakeSender,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    channel: Channel,
    look: Callable[[Sought], Outcome | None],
) -> None:
    settings.EMAIL_UNCERTAIN = "at_least_once"
    message = _abandoned(clinic, monkeypatch, channel)
    provider.look = look
    set_now(message.expires_at)
    assert reconcile().unresolved == 1
    message.refresh_from_db()
    assert (message.state, message.reason) == (State.UNRESOLVED, Reason.UNCERTAIN_EXPIRED)


def test_a_callback_that_comes_during_the_search_wins(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch)

    def called_back_meanwhile(sought: Sought) -> Outcome:
        track(sought.attempt_id, from_twilio({"MessageSid": "SM-late", "MessageStatus": "delivered"}))
        return Outcome(ending=Ending.NOT_SENT)

    provider.look = called_back_meanwhile
    assert reconcile().again == 0
    message.refresh_from_db()
    assert message.state == State.DELIVERED
    assert Attempt.objects.get(message=message).provider_id == "SM-late"
    assert send.drain() == 0


def _late_news(attempt: Attempt, word: str = "delivered") -> None:
    assert track(attempt.pk, from_twilio({"MessageSid": "SM-late", "MessageStatus": word}))


def test_a_callback_that_comes_while_it_waits_to_go_again_stops_that(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch)
    provider.look = _absent
    assert reconcile().again == 1
    _late_news(Attempt.objects.get(message=message))
    send.drain()
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible, provider.sent) == (State.DELIVERED, False, [])


def test_a_callback_for_the_first_try_after_the_second_marks_it(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch)
    provider.look = _absent
    reconcile()
    send.drain()
    _late_news(Attempt.objects.get(message=message, epoch=1))
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible, len(provider.sent)) == (State.ACCEPTED, True, 1)


def test_a_callback_for_the_first_try_after_the_second_was_not_taken_stops_a_third(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _abandoned(clinic, monkeypatch)
    provider.look = _absent
    reconcile()
    provider.answer = lambda outgoing: Outcome(ending=Ending.NOT_SENT)
    send.drain()
    _late_news(Attempt.objects.get(message=message, epoch=1), "sent")
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible) == (State.ACCEPTED, False)


def test_the_mark_of_a_possible_duplicate_never_comes_off(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.EMAIL_UNCERTAIN = "at_least_once"
    message = _abandoned(clinic, monkeypatch, Channel.EMAIL)
    reconcile()
    provider.answer = lambda outgoing: Outcome(ending=Ending.UNCERTAIN)
    send.drain()
    set_now(message.expires_at)
    _age(message, LONG_AGO)
    reconcile()
    message.refresh_from_db()
    assert (message.state, message.duplicate_possible) == (State.UNRESOLVED, True)


def _broken(sought: Sought) -> Outcome:
    if sought.to == "+16045550101":
        raise RuntimeError("a fault of the channel")
    return _present(sought)


@pytest.mark.parametrize("column", ["contact_point.address", "message.body", None])
def test_one_doubt_that_cannot_be_asked_about_stops_no_other(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch, column: str | None
) -> None:
    message = _abandoned(clinic, monkeypatch)
    other = _abandoned(clinic, monkeypatch, phone="+16045550102")
    provider.look = _broken
    if column:
        sql = {
            "contact_point.address": "UPDATE contact_point SET address = 'k9:AAAA' WHERE patient_id = %s",
            "message.body": "UPDATE message SET body = 'k9:AAAA' WHERE patient_id = %s",
        }
        with connection.cursor() as cursor:
            cursor.execute(sql[column], [message.patient_id])
    reconcile()
    states = dict(Message.objects.filter(epoch=1).values_list("pk", "state"))
    assert states == {message.pk: State.UNCERTAIN, other.pk: State.ACCEPTED}
    set_now(message.expires_at)
    assert reconcile().unresolved == 1  # staff get it when it is useful no more


def test_a_worker_that_slept_through_its_lease_cannot_write(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep: list[Sequence[Ready]] = []
    really = deliver
    message = message_of(make_patient(clinic, email=""), "nsaids")
    set_now(message.send_at)
    with monkeypatch.context() as patch:
        patch.setattr(send, "deliver", asleep.append)
        send.send_batch()
        _age(message, LONG_AGO)
        provider.look = _absent
        assert reconcile().again == 1
        send.send_batch()  # its successor has begun and not ended
    provider.answer = lambda outgoing: Outcome(ending=Ending.REJECTED)
    really(asleep[0])
    message.refresh_from_db()
    assert (message.state, message.epoch) == (State.ATTEMPTING, 2)
    provider.answer = lambda outgoing: Outcome(ending=Ending.ACCEPTED, provider_id="SM2")
    really(asleep[1])
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


def test_a_text_without_news_for_three_days_is_unknown(clinic: Clinic, provider: FakeSender) -> None:
    message = message_of(make_patient(clinic, email=""), "nsaids")
    set_now(message.send_at)
    send.drain()
    set_now(message.send_at + timedelta(hours=72))
    reconcile()
    message.refresh_from_db()
    assert message.state == State.ACCEPTED
    set_now(message.send_at + timedelta(hours=72, seconds=1))
    reconcile()
    message.refresh_from_db()
    assert message.state == State.UNKNOWN


@pytest.mark.parametrize("recorded", [False, True])
def test_a_text_of_the_household_that_is_just_on_its_way_is_not_taken_for_it(
    clinic: Clinic, provider: FakeSender, recorded: bool
) -> None:
    """The list shows one text of these words to this phone, and it is the other patient's."""
    ours, theirs = (due_text(make_patient(clinic, email="")) for _ in range(2))
    set_now(ours.send_at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(send, "deliver", _nothing)
        send.send_batch()
    of_ours, of_theirs = (message.attempts.get() for message in (ours, theirs))
    Attempt.objects.filter(pk=of_ours.pk).update(leased_at=timezone.now() - timedelta(hours=1))

    def look(sought: Sought) -> Outcome:
        if recorded:  # while the list was being read
            named = {"provider_id": "SM-theirs", "outcome": Ending.ACCEPTED}
            Attempt.objects.filter(pk=of_theirs.pk).update(**named)
            Message.objects.filter(pk=theirs.pk).update(state=State.ACCEPTED)
        return Outcome(ending=Ending.ACCEPTED, provider_id="SM-theirs")

    provider.look = look
    reconcile()
    ours.refresh_from_db()
    of_ours.refresh_from_db()
    assert (ours.state, of_ours.provider_id) == (State.UNCERTAIN, "")
