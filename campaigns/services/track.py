"""Take the provider's word about a try. Forward only: a repeat or late news changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from campaigns.delivery.channels import Ending
from campaigns.delivery.events import DeliveryEvent as News
from campaigns.domain.lifecycle import ONE_WAY_ONLY, Reason, State, after_news
from campaigns.domain.recipients import Channel
from campaigns.domain.retry import decide
from campaigns.models import Attempt, ContactPoint, Message
from campaigns.queries import clock, queue
from campaigns.queries.queue import Heard
from campaigns.services.addresses import REFUSED, plan_again
from campaigns.services.consent import PROVIDER, opt_out
from campaigns.services.filtering import withdraw_filtered


def track(attempt_id: UUID, news: News) -> bool:
    """Record one status callback; whether the attempt is ours. A status that we do not know is only kept."""
    now = clock.now()
    with transaction.atomic():
        heard = queue.hear(attempt_id, news.provider_id, news.word, news.error_code, now)
        if heard is not None and heard.is_new:
            _take(attempt_id, heard, news, now)
    return heard is not None


def _take(attempt_id: UUID, heard: Heard, news: News, now: datetime) -> None:
    """A signed callback that names our attempt proves that the provider took it, whatever we recorded."""
    if not heard.is_accepted:
        accepted = {"provider_id": news.provider_id, "outcome": Ending.ACCEPTED}
        Attempt.objects.filter(pk=attempt_id).update(**accepted)
    old = State(heard.state)
    after = after_news(
        old, news.state, newest=heard.is_current, another=heard.another, failed=heard.is_failed
    )
    if after.doubled:
        Message.objects.filter(pk=heard.message_id).update(duplicate_possible=True)
    if after.state is not old:
        _advance(attempt_id, heard, after.state, news.reason, now)
    if after.state is not old and old in {State.SKIPPED, State.CANCELLED}:
        # What it told the patient counts as said from now on, and may have to be put right.
        transaction.on_commit(partial(plan_again, heard.patient_id))


def _advance(attempt_id: UUID, heard: Heard, new: State, reason: Reason | None, now: datetime) -> None:
    why = reason if new is State.UNDELIVERED else None
    if why is Reason.UNREACHABLE and heard.channel == Channel.SMS and _tried_later(heard, now):
        # A mail server has tried for days before it gives up. The try has failed: the next is no second one.
        Attempt.objects.filter(pk=attempt_id).update(outcome=Ending.NOT_SENT)
        return
    Message.objects.filter(pk=heard.message_id).update(state=new, settled_at=now, reason=why or "")
    if why is not None:
        _learn(heard, why, now)


def _tried_later(heard: Heard, now: datetime) -> bool:
    """Whether a handset that was not reached is tried once more, while it is useful. A repeat of that news
    changes nothing."""
    if (heard.state, heard.reason) == (State.WAITING, Reason.UNREACHABLE):
        return True
    if heard.state in {State.SKIPPED, State.CANCELLED}:
        return False
    later = decide(
        tries=heard.tries,
        now=now,
        expires_at=heard.expires_at,
        failure=Reason.UNREACHABLE,
        seed=heard.message_id,
    )
    if later.at is not None:
        Message.objects.filter(pk=heard.message_id).update(
            state=State.WAITING, reason=Reason.UNREACHABLE, due_at=later.at, settled_at=None, sent_at=None
        )
    return later.at is not None


def _learn(heard: Heard, why: Reason, now: datetime) -> None:
    """What a failed delivery says about the address, the opt-out and the words."""
    points = ContactPoint.objects.filter(patient_id=heard.patient_id, channel=heard.channel)
    if why in REFUSED:
        points.update(state=REFUSED[why])
    if why is Reason.OPTED_OUT:
        # The provider has a block that we did not know of.
        for point in points:
            opt_out(point.address_index, Channel(heard.channel), source=PROVIDER, now=now)
    if why is Reason.FILTERED:
        withdraw_filtered(heard.message_id, now)
    if why in ONE_WAY_ONLY or why is Reason.OPTED_OUT:
        # After the commit: planning locks the patient before the message.
        transaction.on_commit(partial(plan_again, heard.patient_id))
