"""One message by hand: a text that the clinic has approved, or the writer's own words.

It goes the ordinary way. The gates are asked before it is shown and again when it is sent; what is shown is
the real message, rolled back. Under the patient's lock one form makes one message, the same words are not
said twice in a few minutes, and nobody answers over words that they have not seen.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from django.db import transaction

from campaigns.domain import by_hand
from campaigns.domain.consent import Defer, Skip, judge
from campaigns.domain.errors import NotAllowed
from campaigns.domain.lifecycle import PLANNED_PRIORITY, Purpose, Reason, State
from campaigns.domain.recipients import Channel
from campaigns.domain.timing import to_instant
from campaigns.models import Alert, Clinic, Conversation, HandWritten, Message, Patient, Staff, Visit
from campaigns.queries import clock, conversations, queue
from campaigns.queries.contactability import reaches
from campaigns.services import escalate
from campaigns.services.compose import SOURCE_LANGUAGE, Approvals, Composed, approvals, compose
from campaigns.services.compose import Subject as Described
from campaigns.services.gates import JUST_WROTE, Counts, contexts, gate_facts
from campaigns.services.record import record
from campaigns.services.subjects import Subject, subject_for

TEXTS = ("will_call", "passed_on", "please_call", "tried", "thanks", "visit", "confirmed")
"""The texts that a clinic has for this, each approved like any other, in the order they are offered."""
ABOUT_VISIT = frozenset({"visit", "confirmed"})
OWN = "own"
"""The writer's own words."""

SEQUENCE = "replies"
LIFE = timedelta(hours=24)
"""Words by hand that could not go for a day are not sent behind the writer's back."""
SAME_WITHIN = timedelta(minutes=10)
"""The same words twice within this are one press too many, or two people at once."""

WRITERS = frozenset({Staff.Role.COORDINATOR, Staff.Role.CLINICIAN, Staff.Role.ADMINISTRATOR})


class Then:
    """What else is done about the open alerts, when the writer asks for it."""

    NOTHING = ""
    TAKE = "take"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to send. `words` and `written_in` count for own words alone."""

    text: str
    channel: Channel
    words: str = ""
    written_in: str = SOURCE_LANGUAGE

    @property
    def template(self) -> str:
        """The template's name."""
        return f"{SEQUENCE}/{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A draft as it would go. `reason` says why it would not; `goes_at` (UTC) is later than now where the
    patient's night has begun. `mark` changes with every word and fact of it."""

    text: str
    subject: str
    english: str
    language: str
    goes_at: datetime
    waits: bool
    segments: int
    encoding: str
    price: Decimal
    reason: Reason | None
    mark: str


class Seen(Protocol):
    """What the writer had before them."""

    @property
    def version(self) -> str: ...
    @property
    def mark(self) -> str: ...
    @property
    def alerts(self) -> Collection[str]: ...


def may(role: str) -> bool:
    """Whether somebody with this role may write to patients."""
    return role in WRITERS


def faults(draft: Draft, patient: Patient) -> list[str]:
    """What is wrong with own words, one sentence each."""
    if draft.text != OWN:
        return []
    return list(by_hand.faults(draft.words, draft.channel, (patient.given_name, patient.family_name)))


def look(patient: Patient, draft: Draft, staff: Staff) -> Look:
    """What this draft would send, when, and at what price: the real message, rolled back."""
    now = clock.now()
    with transaction.atomic():
        shown = _look(_plan(patient, draft, now, staff, uuid4()), patient.clinic, now)
        transaction.set_rollback(True)
    return shown


@transaction.atomic
def write(
    patient_id: UUID, staff: Staff, draft: Draft, *, key: UUID, seen: Seen, then: str = Then.NOTHING
) -> Message:
    """Send it. The same `key` again gives the message of the first time.

    Raises NotAllowed for who may not write, for own words with a fault, when somebody has said the same just
    now, when patient or colleague have written since, when the words would now be others, and where it
    cannot go.
    """
    now = clock.now()
    rows = Patient.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    patient = rows.get(pk=patient_id)
    key = uuid5(key, str(patient_id))  # a browser sends the key: it can only ever name this patient's message
    known = HandWritten.objects.filter(key=key, patient=patient).select_related("message").first()
    if known:
        return known.message
    _check(patient, staff, draft, seen, now)
    waiting = _open_alerts(patient)
    _check_alerts(waiting, seen.alerts, then)
    message = _plan(patient, draft, now, staff, key)
    _place(message, _look(message, patient.clinic, now), seen.mark)
    Conversation.objects.update_or_create(patient=patient, defaults={"handled_at": now, "handled_by": staff})
    _follow(waiting, staff, then)
    detail = {"patient": str(patient.pk), "text": draft.text, "channel": draft.channel.value}
    record("written_by_hand", f"message {message.pk}", actor=staff.email, now=now, detail=detail)
    return message


def _check(patient: Patient, staff: Staff, draft: Draft, seen: Seen, now: datetime) -> None:
    if not may(staff.role):
        raise NotAllowed("Only a coordinator, a clinician or an administrator may write to patients.")
    if wrong := faults(draft, patient):
        raise NotAllowed(" ".join(wrong))
    for one in conversations.said_lately(patient.pk, draft.template, now, SAME_WITHIN):
        if one.words == draft.words and one.message.channel == draft.channel:
            raise NotAllowed(f"{one.by.name} has just sent the same. Nothing was sent twice.")
    how = conversations.standing(patient.pk)
    if how.version == seen.version:
        return
    if seen.version.partition("-")[2] != str(how.told):
        raise NotAllowed(
            f"{how.told_by_name} has written to this patient meanwhile: read it before you send."
        )
    raise NotAllowed("The patient has written again: read it before you send.")


def _open_alerts(patient: Patient) -> list[Alert]:
    """Locked all at once, before anything is put on record: the audit chain comes last."""
    rows = Alert.objects.select_for_update(of=("self",)).filter(patient=patient, closed_at=None, part_of=None)
    return list(rows.order_by("pk"))


def seen_as(alerts: Sequence[Alert], joined: Mapping[int | None, int]) -> list[str]:
    """Alerts as a form names them: each with how many texts joined it."""
    return [f"{alert.pk}:{joined.get(alert.pk, 0)}" for alert in alerts]


def may_close(alerts: Sequence[Alert]) -> bool:
    """Whether an answer in writing may end them: nothing that is urgent ends without a voice."""
    return bool(alerts) and all(alert.urgency == Alert.Urgency.ROUTINE for alert in alerts)


def _check_alerts(alerts: Sequence[Alert], seen: Collection[str], then: str) -> None:
    if then == Then.NOTHING:
        return
    joined = Counter(Alert.objects.filter(part_of__in=alerts).values_list("part_of", flat=True))
    if sorted(seen) != sorted(seen_as(alerts, joined)):
        raise NotAllowed("The alerts of this patient have changed meanwhile: look at them again.")
    if then == Then.CLOSE and not may_close(alerts):
        raise NotAllowed("An answer in writing closes no alert that is urgent.")


def _follow(alerts: Sequence[Alert], staff: Staff, then: str) -> None:
    for alert in alerts:
        if then == Then.TAKE:
            escalate.acknowledge(alert.pk, staff)
        elif then == Then.CLOSE:
            escalate.close(alert.pk, staff, Alert.Outcome.NOT_URGENT)


def _plan(patient: Patient, draft: Draft, now: datetime, staff: Staff, key: UUID) -> Message:
    """The message and who wrote it, to go now."""
    clinic, visit = patient.clinic, _visit(patient, draft, now)
    just_wrote = conversations.heard_since(patient.pk, now - JUST_WROTE)
    message = Message.objects.create(
        clinic=clinic,
        patient=patient,
        sequence=SEQUENCE,
        step=draft.text,
        template=draft.template,
        visit=visit,
        visit_version=visit.version if visit else 0,
        channel=draft.channel,
        purpose=Purpose.MANUAL,
        topic=_topic(patient, draft.channel),
        priority=PLANNED_PRIORITY - 1 if just_wrote else PLANNED_PRIORITY,
        capped=False,
        send_at=now,
        due_at=now,
        expires_at=_expires(visit, clinic, now),
        state=State.PLANNED,
        language=draft.written_in if draft.text == OWN else "",
        created_at=now,
    )
    HandWritten.objects.create(
        message=message, clinic=clinic, patient=patient, key=key, by=staff, words=draft.words, at=now
    )
    return message


def _visit(patient: Patient, draft: Draft, now: datetime) -> Visit | None:
    if draft.text not in ABOUT_VISIT:
        return None
    visit = conversations.next_visit(patient.pk, now.astimezone(ZoneInfo(patient.clinic.time_zone)).date())
    if visit is None:
        raise NotAllowed("No visit is booked: choose another text.")
    return visit


def _expires(visit: Visit | None, clinic: Clinic, now: datetime) -> datetime:
    """A day from now, or when the visit begins that it is about."""
    if visit is None:
        return now + LIFE
    return min(now + LIFE, to_instant(visit.on_date, visit.at_time, ZoneInfo(clinic.time_zone)))


def _topic(patient: Patient, channel: Channel) -> str:
    """The topic whose consent carries it: one that the patient agrees to, where there is one."""
    topics = [topic for reach in reaches(patient) if reach.channel == channel for topic in reach.topics]
    return next((topic.name for topic in topics if topic.reason is None), topics[0].name)


def _look(message: Message, clinic: Clinic, now: datetime) -> Look:
    """The gates' verdict on a stored message, and its words."""
    row = queue.facts([message.pk])[0]
    known = contexts([row])
    verdict = judge(gate_facts(row, known[clinic.pk], Counts([row], known, now)), now)
    words = compose(row, clinic, known[clinic.pk].approved, now)
    reason = verdict.reason if isinstance(verdict, Skip) else None
    if not isinstance(words, Composed):
        return _without_words(reason or words.reason, now)
    plain = words.rendered.language == SOURCE_LANGUAGE or bool(row.words)
    english = "" if plain else _english(row, clinic, known[clinic.pk].approved, now)
    segments = words.segmented.segments if words.segmented else 0
    facts = (row.template, row.channel, row.words, row.on_date, row.at_time, words.rendered.wording_digest)
    return Look(
        text=words.rendered.text,
        subject=words.rendered.subject,
        english=english,
        language=words.rendered.language,
        goes_at=verdict.until if isinstance(verdict, Defer) else now,
        waits=isinstance(verdict, Defer),
        segments=segments,
        encoding=words.segmented.encoding if words.segmented else "",
        price=Decimal(clinic.price_per_segment) * segments,
        reason=reason,
        mark=hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest(),
    )


def _without_words(reason: Reason, now: datetime) -> Look:
    return Look(
        text="",
        subject="",
        english="",
        language="",
        goes_at=now,
        waits=False,
        segments=0,
        encoding="",
        price=Decimal(0),
        reason=reason,
        mark="",
    )


def _place(message: Message, shown: Look, mark: str) -> None:
    """Let it go when it may. What the night puts off is planned for the morning, as it was shown."""
    if shown.reason is not None:
        raise NotAllowed("It cannot go as it is: look at it again.")
    if shown.mark != mark:
        raise NotAllowed("The text would say something else by now: look at it again.")
    if shown.waits:
        message.send_at = message.due_at = shown.goes_at
        message.save(update_fields=["send_at", "due_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One text of the clinic as this patient would read it. `reason` says why it cannot be chosen."""

    key: str
    text: str
    english: str
    language: str
    segments: int
    reason: Reason | None = None


def offers(patient: Patient, channel: Channel, now: datetime) -> list[Offer]:
    """The texts of the clinic on one channel, in the patient's language and in English. `now` is UTC."""
    clinic = patient.clinic
    visit = conversations.next_visit(patient.pk, now.astimezone(ZoneInfo(clinic.time_zone)).date())
    return list(_offers(patient, clinic, channel, visit, now))


def _offers(
    patient: Patient, clinic: Clinic, channel: Channel, visit: Visit | None, now: datetime
) -> Iterator[Offer]:
    approved = approvals(clinic)
    for key in TEXTS:
        if key in ABOUT_VISIT and visit is None:
            continue
        subject = _subject(patient, channel, key, visit)
        words = compose(subject, clinic, approved, now)
        if not isinstance(words, Composed):
            yield Offer(key=key, text="", english="", language="", segments=0, reason=words.reason)
            continue
        said = words.rendered
        english = "" if said.language == SOURCE_LANGUAGE else _english(subject, clinic, approved, now)
        segments = words.segmented.segments if words.segmented else 0
        yield Offer(key=key, text=said.text, english=english, language=said.language, segments=segments)


def _english(subject: Described, clinic: Clinic, approved: Approvals, now: datetime) -> str:
    """The same in English, for the writer."""
    plain = Subject(
        template=subject.template,
        channel=subject.channel,
        purpose=Purpose.MANUAL,
        fixed_language=SOURCE_LANGUAGE,
        language=SOURCE_LANGUAGE,
        given_name=subject.given_name,
        visit_number=subject.visit_number,
        on_date=subject.on_date,
        at_time=subject.at_time,
        stated=None,
    )
    words = compose(plain, clinic, approved, now)
    return words.rendered.text if isinstance(words, Composed) else ""


def _subject(patient: Patient, channel: Channel, key: str, visit: Visit | None) -> Subject:
    about = visit if key in ABOUT_VISIT else None
    return replace(subject_for(patient, f"{SEQUENCE}/{key}", channel, about), purpose=Purpose.MANUAL)
