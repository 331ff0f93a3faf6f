"""Take the provider's word about a try. Forward only: a repeat or late news changes nothing."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from campaigns.delivery.channels import Ending
from campaigns.delivery.events import DeliveryEvent as News
from campaigns.domain.lifecycle import Reason, State, after_event
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, ContactPoint, DeliveryEvent, Message
from campaigns.queries import clock

BAD_ADDRESS = {Reason.BAD_ADDRESS: ContactPoint.State.BAD, Reason.LANDLINE: ContactPoint.State.LANDLINE}


def track(attempt_id: UUID, news: News) -> bool:
    """Record one status callback; whether the attempt is ours. A status that we do not know is only kept."""
    now = clock.now()
    with transaction.atomic():
        attempt = Attempt.objects.filter(pk=attempt_id).first()
        if attempt is None:
            return False
        message = (
            Message.objects.select_for_update().defer("subject", "body", "html").get(pk=attempt.message_id)
        )
        _, is_new = DeliveryEvent.objects.get_or_create(
            provider_id=news.provider_id,
            status=news.word,
            defaults={"attempt": attempt, "error_code": news.error_code, "received_at": now},
        )
        if is_new:
            _note_acceptance(attempt, news)
            if attempt.epoch == message.epoch and news.state is not None:
                _advance(message, news)
    return True


def _note_acceptance(attempt: Attempt, news: News) -> None:
    """A signed callback that names our attempt proves that the provider took it, whatever we recorded."""
    if not attempt.provider_id:
        attempt.provider_id, attempt.outcome = news.provider_id, Ending.ACCEPTED
        attempt.save(update_fields=["provider_id", "outcome"])


def _advance(message: Message, news: News) -> None:
    if news.state is None:
        return
    new = after_event(State(message.state), news.state)
    if new == message.state:
        return
    message.state = new
    message.settled_at = clock.now()
    message.reason = news.reason or "" if new is State.UNDELIVERED else ""
    message.save(update_fields=["state", "reason", "settled_at"])
    if new is State.UNDELIVERED and news.reason in BAD_ADDRESS:
        _mark_address(message, BAD_ADDRESS[news.reason])


def _mark_address(message: Message, state: str) -> None:
    points = ContactPoint.objects.filter(patient_id=message.patient_id, channel=Channel.SMS)
    points.update(state=state)
