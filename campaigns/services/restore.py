"""Find out, after a backup was restored, what had gone in the time that the database forgot.

The restored rows look due. For each that may have gone the provider is asked: texts are known again by
number and words on its list, e-mails by their `Message-ID` in the Sent folder. What is found is written down
as sent, what is proven not to have gone stays due, and what nobody can prove is left to staff: nothing of the
lost time is sent twice. Texts that came in meanwhile are taken in again, since a STOP may be among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, transaction

from campaigns.delivery.channels import Ending, Sought
from campaigns.delivery.provider_list import HasList, Listed, NotAsked
from campaigns.delivery.registry import senders
from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import UNSENT, Purpose, Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, Installation, Message, Reply
from campaigns.models.encryption import Undecipherable
from campaigns.queries import clock, queue, witnesses
from campaigns.queries.queue import Claimed
from campaigns.services.compose import Composed, approvals, compose
from campaigns.services.record import record
from campaigns.services.send import message_id_header
from campaigns.services.take_in import Inbound, receive_sms

SLACK = timedelta(minutes=5)
"""The provider's clock and ours may differ by so much."""
ANSWERS = {Purpose.AUTO_REPLY, Purpose.OPT_OUT_CONFIRMATION, Purpose.SAFETY}
"""What is said because of a text that came in. Taking that in again makes them due once more."""
_LINK = re.compile(r"\S*/[pu]/\S+")
_STATES = {"delivered": State.DELIVERED, "failed": State.UNDELIVERED, "undelivered": State.UNDELIVERED}


@dataclass(slots=True)
class Summary:
    """What was found, in messages. `doubtful` are left to staff; `taken_in` are texts of patients."""

    since: datetime
    until: datetime
    gone: int = 0
    still_due: int = 0
    doubtful: int = 0
    taken_in: int = 0


@dataclass(slots=True)
class _Search:
    """Due texts of the lost time, and texts on the provider's list that no try of ours explains."""

    due: list[Claimed]
    unexplained: list[Listed]
    now: datetime
    found: list[tuple[Claimed, Listed, Composed]] = field(default_factory=list)


def reconcile_restore(*, by: str) -> Summary:
    """Look up what was sent in the lost time and write it down; sending stays paused.

    Raises NotAllowed where nothing is lost, where it is too early for the provider's list to be whole, or
    where a provider cannot be asked. Both are asked first, with no transaction open and nothing written.
    """
    row = Installation.objects.filter(pk=1, paused=True).exclude(lost_since=None).first()
    if row is None or row.lost_since is None or row.lost_until is None:
        raise NotAllowed("Nothing was restored here: there is nothing to look up.")
    _wait_for_the_list(row.lost_until)
    summary = Summary(row.lost_since, row.lost_until)
    listed = _listed(row.lost_since - SLACK)
    filed = _filed(summary)
    with transaction.atomic():
        _explain_texts(listed, summary)
    summary.taken_in = _take_in(listed)
    with transaction.atomic():
        _judge_texts(_explain_texts(listed, summary), summary)
        _mails(summary, filed)
        Installation.objects.filter(pk=1).update(lost_since=None, lost_until=None)
        counts = {name: getattr(summary, name) for name in ("gone", "still_due", "doubtful", "taken_in")}
        record("restore_reconciled", "installation", actor=by, now=clock.now(), detail=counts)
    return summary


def _wait_for_the_list(until: datetime) -> None:
    """A text may need a while to be listed: as long as the reconciler waits for it."""
    left = settings.QUIET_SECONDS - (witnesses.real_now() - until).total_seconds()
    if left > 0:
        raise NotAllowed(f"Wait for {left:.0f} s: until then the provider's list may not be whole.")


def _listed(since: datetime) -> list[Listed]:
    sender = senders()[Channel.SMS]
    try:
        return sender.listed(since) if isinstance(sender, HasList) else []
    except NotAsked as error:
        raise NotAllowed(f"The provider's list cannot be read ({error}). Try again.") from None


def _take_in(listed: Sequence[Listed]) -> int:
    """Texts of patients that the database lacks, oldest first. A repeat changes nothing."""
    came = [one for one in listed if not one.is_ours]
    ids = [one.provider_id for one in came]
    known = set(Reply.objects.filter(provider_id__in=ids).values_list("provider_id", flat=True))
    lacking = [one for one in came if one.provider_id not in known]
    for one in lacking:
        receive_sms(
            Inbound(
                provider_id=one.provider_id,
                sender=one.sender,
                recipient=one.to,
                body=one.body,
                files=one.files,
            )
        )
    return len(lacking)


# --- texts


def _explain_texts(listed: Sequence[Listed], summary: Summary) -> _Search:
    """Explain the provider's list by what is due, and write down what had gone; what is left of both."""
    ours = [one for one in listed if one.is_ours]
    known = Attempt.objects.filter(provider_id__in=[one.provider_id for one in ours])
    owned = set(known.values_list("provider_id", flat=True))
    search = _Search(
        due=_due(Channel.SMS, summary.until),
        unexplained=[one for one in ours if one.provider_id not in owned],
        now=witnesses.real_now(),
    )
    _explain(search)
    for row, text, words in search.found:
        _write_gone(row, text.at, search.now, text, words)
    summary.gone += len(search.found)
    return search


def _due(channel: Channel, until: datetime) -> list[Claimed]:
    """What looks due and may have gone in the lost time, locked."""
    rows = Message.objects.select_for_update().filter(state__in=UNSENT, channel=channel)
    late = rows.filter(due_at__lte=until).values_list("pk", flat=True)
    answers = rows.filter(purpose__in=ANSWERS).values_list("pk", flat=True)
    return queue.facts(sorted({*late, *answers}))


def _explain(search: _Search) -> None:
    clinics = Clinic.objects.in_bulk({row.clinic_id for row in search.due})
    by_number: dict[str, list[Claimed]] = {}
    for row in search.due:
        by_number.setdefault(_address(row), []).append(row)
    left = []
    for text in search.unexplained:
        candidates = by_number.get(text.to, [])
        match = next(filter(None, (_match(row, text, clinics[row.clinic_id]) for row in candidates)), None)
        if match is None:
            left.append(text)
            continue
        candidates.remove(match[0])
        search.due.remove(match[0])
        search.found.append((match[0], text, match[1]))
    search.unexplained = left


def _address(row: Claimed) -> str:
    """The number; nothing where it cannot be read, and then nothing is found for it."""
    try:
        return row.address
    except Undecipherable:
        return ""


def _match(row: Claimed, text: Listed, clinic: Clinic) -> tuple[Claimed, Composed] | None:
    """Whether this text is what the message would have said at that time. Each link has a key of its own."""
    try:
        words = compose(row, clinic, approvals(clinic), text.at)
    except DatabaseError:
        raise
    except Exception:
        return None  # it cannot be written now: then its number stays unexplained, and in doubt
    if isinstance(words, Composed) and _plain(words.rendered.text) == _plain(text.body):
        return row, words
    return None


def _plain(text: str) -> str:
    return " ".join(_LINK.sub("link", text).split())


def _judge_texts(search: _Search, summary: Summary) -> None:
    """A number that got something nobody can explain is in doubt: its message may have been that."""
    in_doubt = {text.to for text in search.unexplained}
    can_list = isinstance(senders()[Channel.SMS], HasList)
    for row in search.due:
        address = _address(row)
        if can_list and address and address not in in_doubt:
            summary.still_due += 1
        else:
            _write_doubtful(row, summary.since, search.now)
            summary.doubtful += 1


# --- e-mail


def _filed(summary: Summary) -> dict[int, Ending | None]:
    """What the Sent folder says of each e-mail that looks due; None where there is no such folder."""
    with transaction.atomic():
        due = _due(Channel.EMAIL, summary.until)
    filed = {row.id: _look_for(row, summary.since) for row in due}
    if Ending.UNCERTAIN in filed.values():
        raise NotAllowed("The Sent folder cannot be read. Try again.")
    return filed


def _mails(summary: Summary, filed: Mapping[int, Ending | None]) -> None:
    now = witnesses.real_now()
    for row in _due(Channel.EMAIL, summary.until):
        match filed.get(row.id, Ending.NOT_SENT):  # what nobody asked about has come up since
            case Ending.ACCEPTED:
                _write_gone(row, summary.since, now, None, None)
                summary.gone += 1
            case Ending.NOT_SENT:
                summary.still_due += 1
            case None if settings.EMAIL_UNCERTAIN == "at_least_once":
                Message.objects.filter(pk=row.id).update(duplicate_possible=True)
                summary.still_due += 1
            case _:
                _write_doubtful(row, summary.since, now)
                summary.doubtful += 1


def _look_for(row: Claimed, since: datetime) -> Ending | None:
    """What the Sent folder says of one e-mail; None where there is none."""
    clinic = Clinic.objects.get(pk=row.clinic_id)
    name = message_id_header(clinic, row.id).strip("<>")
    sought = Sought(attempt_id=uuid4(), to="", text="", since=since, message_id=name)
    found = senders()[Channel.EMAIL].find(sought)
    return found.ending if found else None


# --- what is written


def _write_gone(
    row: Claimed, at: datetime, now: datetime, text: Listed | None, words: Composed | None
) -> None:
    """It had gone: the try that the database forgot, under the provider's name for it."""
    state = _STATES.get(text.status, State.ACCEPTED) if text else State.ACCEPTED
    changes: dict[str, object] = {"state": state, "sent_at": at, "settled_at": now}
    changes["reason"] = Reason.UNREACHABLE if state is State.UNDELIVERED else ""
    if text and words:
        changes |= {"body": text.body, "language": words.rendered.language}
        changes |= {"wording_digest": words.rendered.wording_digest}
        changes |= {"segments": words.segmented.segments if words.segmented else 0}
    _write(row, changes, partial(Attempt, started_at=at, finished_at=now, outcome=Ending.ACCEPTED), text)


def _write_doubtful(row: Claimed, since: datetime, now: datetime) -> None:
    """It may have gone, and nobody can say: staff decide."""
    changes: dict[str, object] = {"state": State.UNRESOLVED, "reason": Reason.UNCERTAIN_EXPIRED}
    changes["settled_at"] = now
    begun = partial(Attempt, started_at=since, finished_at=now, outcome=Ending.UNCERTAIN)
    _write(row, changes, begun, None)


def _write(row: Claimed, changes: dict[str, object], begun: partial[Attempt], text: Listed | None) -> None:
    epoch = row.epoch + 1
    Message.objects.filter(pk=row.id).update(**changes, epoch=epoch, tries=row.tries + 1)
    begun(
        message_id=row.id,
        channel=row.channel,
        epoch=epoch,
        provider_id=text.provider_id if text else "",
        detail="in the time that the restored database forgot",
    ).save(force_insert=True)


def describe(summary: Summary) -> Iterable[str]:
    """The summary in plain lines, for whoever restored."""
    yield f"Forgotten: from {summary.since:%Y-%m-%d %H:%M} to {summary.until:%Y-%m-%d %H:%M} UTC."
    yield f"{summary.gone} messages had gone and are written down as sent."
    yield f"{summary.still_due} had not gone: they go after `campaigns resume`, if they are still useful."
    yield f"{summary.doubtful} may have gone and are not sent again: staff find them on the first page."
    yield f"{summary.taken_in} texts of patients were taken in again."
    yield "Enter again what staff changed in that time: visits, consents, opt-outs by e-mail or on the site."
