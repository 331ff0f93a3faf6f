"""Climb the alert ladder: whoever is due is told, until a named person has the alert in hand.

    one transaction an alert   lock (SKIP LOCKED) -> step -> a notice for each person and channel -> commit
    one transaction            take what is due to be sent, and until when this try is ours -> commit
    no transaction             the channels, each on threads of its own: one that hangs delays no other
    one statement a notice     what became of it, unless somebody else has taken it over since

The timers are rows, so a process that dies between any two lines loses nothing: a step whose transaction did
not commit is due as before, and a notice that nobody settled is sent again after `LEASE`. Staff may be told
twice; never is worse. Whoever else climbs at the same time takes other rows. A pause of sending is about
patients: staff are told all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q

from campaigns.delivery import notices
from campaigns.delivery.channels import Ending, Outcome, Outgoing
from campaigns.delivery.notices import Notice
from campaigns.delivery.registry import alert_senders
from campaigns.domain import ladder
from campaigns.domain.errors import NotAllowed
from campaigns.domain.ladder import Pace, Rung, Step
from campaigns.domain.recipients import Channel
from campaigns.models import Alert, AlertNotice, Installation, OnCall, Staff
from campaigns.queries import clock
from campaigns.services import on_call
from campaigns.services.duties import Duty, fulfils
from campaigns.services.record import record

log = logging.getLogger(__name__)

BATCH = 200
"""Alerts whose step is taken, and notices that are sent, in one pass."""
LEASE = timedelta(seconds=20)
"""How long a try belongs to whoever began it. Longer than `PATIENCE`, and short enough that a step whose
notice died with its process is told again within 30 s of a new start."""
PATIENCE = 14.0
"""Seconds a pass waits for the channels: their time-outs are 3 s and 10 s for texts, 5 s and 5 s for mail."""
AGAIN = timedelta(seconds=15)
"""Before a notice that did not leave is tried again."""
MOST_TRIES = 20
THREADS = 8
"""Sends under way at once on one channel."""

STATE = AlertNotice.State


@dataclass(frozen=True, slots=True)
class Climbed:
    """What one pass did: steps taken, words sent to staff, words that did not leave."""

    steps: int
    sent: int
    failed: int


@fulfils(Duty.CLIMBING)
def climb() -> Climbed:
    """One pass. The clock of the dead-man's switch is set once the timers have been looked at."""
    now = clock.now()
    steps = sum(_take(key, now) for key in _due(now))
    Installation.objects.filter(pk=1).update(last_climb_at=now)
    outcomes = _send(_claim(now), now)
    sent = sum(outcome.ending is Ending.ACCEPTED for outcome in outcomes)
    return Climbed(steps, sent, len(outcomes) - sent)


# --- steps


def _waiting() -> Q:
    return Q(closed_at=None, acknowledged_at=None, part_of=None)


def _due(now: datetime) -> list[int]:
    """The alerts that have a step due; one without a timer comes from before there was a ladder."""
    due = Q(next_step_at__lte=now) | Q(next_step_at=None)
    rows = Alert.objects.filter(_waiting() & due).order_by("next_step_at", "pk")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def _take(alert_id: int, now: datetime) -> int:
    """Take the step of one alert, in a transaction of its own: a fault of one must not silence the others."""
    try:
        with transaction.atomic():
            return _take_locked(alert_id, now)
    except DatabaseError:
        raise
    except Exception:
        log.exception("an alert cannot climb", extra={"alert_id": alert_id})
        return 0


def _take_locked(alert_id: int, now: datetime) -> int:
    rows = Alert.objects.select_for_update(skip_locked=True, of=("self",)).select_related("clinic")
    alert = rows.filter(_waiting(), pk=alert_id).first()
    if alert is None or (alert.next_step_at and alert.next_step_at > now):
        return 0
    step, following = _steps(alert, now)
    if step is None:
        Alert.objects.filter(pk=alert.pk).update(next_step_at=following.at)
        return 0
    AlertNotice.objects.bulk_create(_notices(alert, step, now), ignore_conflicts=True)
    alert.steps, alert.climbed, alert.next_step_at = alert.steps + 1, step.number + 1, following.at
    is_new = step.rung is Rung.INCIDENT and alert.incident_at is None
    alert.incident_at = now if is_new else alert.incident_at
    alert.save(update_fields=["steps", "climbed", "next_step_at", "incident_at"])
    if is_new:
        record("alert_incident", f"alert {alert.pk}", actor="ladder", now=now)
    return 1


def _steps(alert: Alert, now: datetime) -> tuple[Step | None, Step]:
    """The step that is due and the one after it. Of several that came due meanwhile the last counts: it tells
    the most people. None is due where the hours of the clinic have changed since the timer was set."""
    clinic = on_call.whose(alert.clinic)
    pace, hours, rungs = Pace(alert.urgency), on_call.clinic_time(clinic), on_call.ladder_of(clinic)
    since = alert.climbs_from or alert.opened_at
    due: Step | None = None
    following = ladder.next_step(pace, since, alert.climbed, hours, rungs)
    while following.at <= now:
        due = following
        following = ladder.next_step(pace, since, due.number + 1, hours, rungs)
    return due, following


def _notices(alert: Alert, step: Step, now: datetime) -> list[AlertNotice]:
    people = [on_call.person_of(row, now) for row in on_call.rows(alert.clinic)]
    return [
        AlertNotice(
            alert=alert,
            step=alert.steps,
            rung=step.rung.value,
            staff_id=key,
            channel=channel.value,
            at=now,
            due_at=now,
        )
        for key, channel in ladder.told(Pace(alert.urgency), step.rung, people)
    ]


# --- words


def _claim(now: datetime) -> list[AlertNotice]:
    """What is due to be sent, ours until the lease ends. What nobody needs any more is dropped."""
    due = AlertNotice.objects.filter(state__in=[STATE.PLANNED, STATE.SENDING], due_at__lte=now)
    with transaction.atomic():
        rows = due.select_for_update(skip_locked=True, of=("self",)).exclude(alert=None)
        found = list(rows.select_related("alert__clinic").order_by("due_at", "pk")[:BATCH])
        needed = [one for one in found if one.alert and _is_waiting(one.alert)]
        stale = {one.pk for one in found} - {one.pk for one in needed}
        AlertNotice.objects.filter(pk__in=stale).update(state=STATE.NOT_NEEDED)
        for one in needed:
            one.state, one.tries, one.due_at = STATE.SENDING, one.tries + 1, now + LEASE
        AlertNotice.objects.bulk_update(needed, ["state", "tries", "due_at"])
    return needed


def _is_waiting(alert: Alert) -> bool:
    return alert.acknowledged_at is None and alert.closed_at is None


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What one person gets by one channel now: many alerts at once are one word, of the gravest."""

    channel: Channel
    rows: tuple[AlertNotice, ...]


def _bundles(claimed: Iterable[AlertNotice]) -> list[_Bundle]:
    def person(one: AlertNotice) -> tuple[int, str]:
        return one.staff_id, one.channel

    grouped = groupby(sorted(claimed, key=person), key=person)
    return [_Bundle(Channel(channel), tuple(rows)) for (_, channel), rows in grouped]


def _send(claimed: Sequence[AlertNotice], now: datetime) -> list[Outcome]:
    """Let the words leave, and record each as its outcome comes. No transaction is open meanwhile."""
    listed = {row.staff_id: row for row in OnCall.objects.select_related("clinic")} if claimed else {}
    under_way: dict[Future[Outcome], _Bundle] = {}
    for bundle in _bundles(claimed):
        row = listed.get(bundle.rows[0].staff_id)
        outgoing = _outgoing(bundle, row, now) if row else None
        if outgoing is None:
            AlertNotice.objects.filter(pk__in=[one.pk for one in bundle.rows]).update(state=STATE.NOT_NEEDED)
        else:
            under_way[_pool(bundle.channel).submit(_hand_over, bundle.channel, outgoing)] = bundle
    # What a channel has not settled by then is in doubt: the lease ends, and it is sent again.
    done, _ = wait(under_way, timeout=PATIENCE)
    outcomes = [future.result() for future in done]
    for future, outcome in zip(done, outcomes, strict=True):
        _record(under_way[future], outcome, clock.now())
    return outcomes


@cache
def _pool(channel: Channel) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix=f"alerts-{channel}")


def _hand_over(channel: Channel, outgoing: Outgoing) -> Outcome:
    try:
        return alert_senders()[channel].send(outgoing)
    except Exception:
        log.exception("an alert channel failed", extra={"channel": channel.value})
        return Outcome(ending=Ending.UNCERTAIN, detail="the channel failed unexpectedly")


def _outgoing(bundle: _Bundle, row: OnCall, now: datetime) -> Outgoing | None:
    address = row.email if bundle.channel is Channel.EMAIL else row.phone
    if not address:
        return None
    gravest = min(bundle.rows, key=_gravity)
    notice = _notice(gravest, row, len({one.alert_id for one in bundle.rows}), now)
    return outgoing_of(
        row,
        bundle.channel,
        notices.subject_of(notice, row.language),
        notices.text_of(notice, row.language),
        now,
    )


def outgoing_of(row: OnCall, channel: Channel, subject: str, text: str, now: datetime) -> Outgoing:
    """A word to somebody on the list, as the channel takes it. A text begins with what a mail has as its
    subject."""
    is_email = channel is Channel.EMAIL
    return Outgoing(
        attempt_id=uuid4(),
        to=row.email if is_email else row.phone,
        subject=subject if is_email else "",
        text=text if is_email else f"{subject}. {text}",
        language=row.language,
        from_name=row.clinic.name if is_email else row.clinic.sms_number,
        expires_at=now + timedelta(minutes=30),
        now=now,
    )


def send_test(staff: Staff) -> list[AlertNotice]:
    """Tell one person, by every channel that reaches them, that this is a test; what became of each.

    Waits for the channels. Raises NotAllowed for who is not on the list.
    """
    row = OnCall.objects.select_related("clinic").filter(staff=staff).first()
    if row is None:
        raise NotAllowed("You are not on the alert list.")
    now = clock.now()
    subject, text = notices.test_words(row.clinic.name, row.language)
    under_way: dict[Future[Outcome], _Bundle] = {}
    for channel in on_call.paths_of(row):
        # In doubt until its outcome is known, and never tried again: somebody waits for it before the page.
        one = AlertNotice.objects.create(
            rung=Rung.ON_DUTY.value,
            staff=staff,
            channel=channel.value,
            state=STATE.SENDING,
            tries=MOST_TRIES,
            at=now,
            due_at=now,
        )
        outgoing = outgoing_of(row, channel, subject, text, now)
        under_way[_pool(channel).submit(_hand_over, channel, outgoing)] = _Bundle(channel, (one,))
    done, _ = wait(under_way, timeout=PATIENCE)
    for future in done:
        _record(under_way[future], future.result(), clock.now())
    record("alert_tested", f"staff {staff.pk}", actor=staff.email, now=now)
    return list(
        AlertNotice.objects.filter(pk__in=[b.rows[0].pk for b in under_way.values()]).order_by("channel")
    )


def _gravity(one: AlertNotice) -> tuple[int, datetime]:
    order = [urgency.value for urgency in Alert.Urgency]
    alert = one.alert
    return (order.index(alert.urgency), alert.opened_at) if alert else (len(order), one.at)


def _notice(one: AlertNotice, row: OnCall, alerts: int, now: datetime) -> Notice:
    alert = one.alert
    return Notice(
        clinic=row.clinic.name,
        urgency=alert.urgency if alert else Alert.Urgency.ROUTINE,
        waited=now - (alert.opened_at if alert else now),
        link=f"{settings.PUBLIC_BASE_URL}/alerts#alert-{one.alert_id}",
        alerts=alerts,
        is_incident=one.rung == Rung.INCIDENT,
    )


def _record(bundle: _Bundle, outcome: Outcome, now: datetime) -> None:
    """What became of it, only where this try is still ours: a slow one may have been taken over."""
    detail = " ".join(filter(None, (outcome.error_code, outcome.detail)))[:200]
    for one in bundle.rows:
        ours = AlertNotice.objects.filter(pk=one.pk, state=STATE.SENDING, tries=one.tries)
        match outcome.ending:
            case Ending.ACCEPTED:
                ours.update(state=STATE.SENT, sent_at=now, detail=detail)
            case Ending.REJECTED:
                ours.update(state=STATE.FAILED, detail=detail or outcome.reason or "")
            case _ if one.tries >= MOST_TRIES:
                ours.update(state=STATE.FAILED, detail=detail)
            case _:
                # In doubt counts as not sent: for staff, twice beats never.
                ours.update(state=STATE.PLANNED, due_at=now + AGAIN, detail=detail)
    if outcome.ending is not Ending.ACCEPTED:
        log.warning("an alert notice did not leave", extra={"channel": bundle.channel.value, "why": detail})
