"""Take the provider's word about a try. Forward only: a repeat or late news changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from campaigns.delivery.channels import Ending
from campaigns.delivery.events import DeliveryEvent as News
from campaigns.domain.lifecycle import Reason, State, after_event
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, ContactPoint, Message
from campaigns.queries import clock, queue
from campaigns.queries.queue import Heard
from campaigns.services.addresses import REFUSED, plan_again
from campaigns.services.consent import PROVIDER, opt_out


def track(attempt_id: UUID, news: News) -> bool:
    """Record one status callback; whether the attempt is ours. A status that we do not know is only kept."""
    now = clock.now()
    with transaction.atomic():
        heard = queue.hear(attempt_id, news.provider_id, news.word, news.error_code, now)
        if heard is not None and heard.is_new:
            _note_acceptance(attempt_id, heard, news)
            if news.state is not None and (heard.is_current or heard.state == State.WAITING):
                _advance(heard, news.state, news.reason, now)
    return heard is not None


def _note_acceptance(attempt_id: UUID, heard: Heard, news: News) -> None:
    """A signed callback that names our attempt proves that the provider took it, whatever we recorded."""
    if not heard.is_accepted:
        accepted = {"provider_id": news.provider_id, "outcome": Ending.ACCEPTED}
        Attempt.objects.filter(pk=attempt_id).update(**accepted)
    if not heard.is_current and heard.state != State.WAITING:
        # It was believed unsent, and another try has begun since.
        Message.objects.filter(pk=heard.message_id).update(duplicate_possible=True)


def _advance(heard: Heard, reported: State, reason: Reason | None, now: datetime) -> None:
    new = after_event(State(heard.state), reported)
    if new == heard.state:
        return
    why = reason if new is State.UNDELIVERED else None
    Message.objects.filter(pk=heard.message_id).update(state=new, settled_at=now, reason=why or "")
    points = ContactPoint.objects.filter(patient_id=heard.patient_id, channel=heard.channel)
    if why in REFUSED:
        points.update(state=REFUSED[why])
    if why is Reason.OPTED_OUT:
        # The provider has a block that we did not know of.
        for point in points:
            opt_out(point.address_index, Channel(heard.channel), source=PROVIDER, now=now)
    if why in REFUSED or why is Reason.OPTED_OUT:
        # After the commit: planning locks the patient before the message.
        transaction.on_commit(partial(plan_again, heard.patient_id))
