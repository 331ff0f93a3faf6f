"""The rules that every way in shares: a reply is kept as it came, searched for danger, taken as an answer.

Red flags are looked for before everything else, opt-outs included. Automation may raise urgency, never close.
Everything here runs inside the transaction of the way in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from campaigns.domain import triage
from campaigns.domain.lifecycle import Purpose, State
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import Parsed
from campaigns.domain.triage import Assessment
from campaigns.models import Alert, Answer, Clinic, Message, Patient, Reply
from campaigns.queries import lexicons, questions
from campaigns.services import addresses, consent, on_call
from campaigns.services.escalate import open_alert
from campaigns.services.plan import replan

LONGEST_BODY = 20_000
"""Characters kept of one reply: far more than any phone sends."""

ANSWER_LIFE = timedelta(hours=1)
"""An automatic answer that could not leave within the hour would only confuse."""

LOINC_PAIN = "72514-3"
"""Pain severity, 0-10 verbal numeric rating (loinc.org)."""

NOT_READY = ("answer.not_ready", "answer.not_confirm")
"""Rules by which staff ring the patient about the visit; nothing about them is a worry about health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said, by whichever way. `body` is clean (`readable`); `asked` is the message that it
    answers; `now` is UTC. The same `provider_id` never counts twice."""

    provider_id: str
    channel: Channel
    address_index: str
    body: str
    clinic: Clinic | None
    patient: Patient | None
    asked: Message | None
    now: datetime

    @property
    def language(self) -> str:
        """The language the sender is known to read."""
        return self.patient.language if self.patient else "en-CA"

    @property
    def question(self) -> str:
        """The id of the question that is answered, or nothing."""
        return self.asked.asks if self.asked else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reply on its way through the rules, stored."""

    said: Said
    parsed: Parsed
    assessment: Assessment
    reply: Reply


def readable(text: str) -> str:
    """What is kept of a text from outside: capped, and without what no database takes."""
    whole = text[:LONGEST_BODY].replace("\x00", "\ufffd")
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in whole)


def once(provider_id: str, receive: Callable[[], Reply]) -> Reply:
    """Receive in a transaction, or find what came of it the time before. A repeat changes nothing."""
    known = Reply.objects.filter(provider_id=provider_id).first()
    if known:
        return known
    try:
        with transaction.atomic():
            return receive()
    except IntegrityError:
        # The same came twice at once; the other one is stored.
        return Reply.objects.get(provider_id=provider_id)


def assess(said: Said, parsed: Parsed) -> Assessment:
    """Whether this needs a person now: its words in every language, and its answer."""
    return triage.assess(
        said.body,
        language=said.language,
        question=said.question,
        answer=parsed.answer,
        previous_answer=_previous(said.patient, said.question),
        lexicon=lexicons.of(said.clinic),
    )


def store(said: Said, parsed: Parsed, assessment: Assessment, waiting: Reply | None = None) -> Case:
    """Write down how it was read, before anything is made of it; on the row that the way in has stored, where
    one waits. Until a rule says otherwise, a person must look."""
    reply = waiting or Reply(
        provider_id=said.provider_id,
        channel=said.channel,
        address_index=said.address_index,
        body=said.body,
        received_at=said.now,
    )
    reply.clinic, reply.patient, reply.message = said.clinic, said.patient, said.asked
    reply.language = parsed.keyword_language or said.language
    reply.keyword = parsed.keyword or ""
    reply.answer = "" if parsed.answer is None else str(parsed.answer)
    reply.urgency = assessment.urgency or ""
    reply.parser_version = parsed.parser[:20]
    reply.outcome = Reply.Outcome.ALERT
    # What it said stays as it came: a body is not encrypted a second time.
    reply.save(update_fields=_READING if waiting else None)
    return Case(said=said, parsed=parsed, assessment=assessment, reply=reply)


_READING = (
    *("clinic", "patient", "message", "language", "keyword"),
    *("answer", "urgency", "parser_version", "outcome"),
)
"""What reading a reply adds to it."""


def _previous(patient: Patient | None, question: str) -> int | None:
    """The last number that this patient gave to the same question."""
    if patient is None or not question:
        return None
    given = Answer.objects.filter(patient=patient, question=question, late=False)
    last = given.order_by("-answered_at").first()
    return int(last.value) if last and last.value.isdigit() else None


def is_answered(asked: Message) -> bool:
    """Whether this question has its answer, to this message or to another that asked the same again."""
    same = Q(message=asked)
    if asked.enrollment_id and asked.group:
        same |= Q(
            message__enrollment=asked.enrollment_id,
            message__group=asked.group,
            message__visit=asked.visit_id,
            message__visit_version=asked.visit_version,
            question=asked.asks,
        )
    # Named by its patient first: the database reads a few dozen messages then and not all answers.
    return Answer.objects.filter(same, message__patient=asked.patient_id).exists()


def conclude(case: Case, outcome: Reply.Outcome) -> None:
    """Say on the reply what became of it."""
    case.reply.outcome = outcome
    case.reply.save(update_fields=["outcome"])


def alert(case: Case, urgency: str, rule: str, matched: tuple[str, ...] = ()) -> None:
    """Put the reply before the staff."""
    open_alert(
        clinic=case.said.clinic,
        reply=case.reply,
        patient=case.said.patient,
        urgency=urgency,
        rule=rule,
        matched=matched,
        now=case.said.now,
    )


def alert_danger(case: Case) -> bool:
    """Open the alert that the words or the number call for; False where nothing does."""
    found = case.assessment
    if found.urgency is None:
        return False
    alert(case, found.urgency, found.rule, found.matched)
    return True


def safety_template(case: Case) -> str:
    """The fixed safety text for an emergency: that staff know, only once the alert is stored and only while
    somebody learns of it; else that nobody is there to read."""
    said = case.said
    kind = "auto/crisis" if "crisis" in case.assessment.groups else "auto/emergency"
    return kind if said.clinic is None or on_call.is_watched(said.clinic, said.now) else f"{kind}_unread"


WRONG_PERSON = "may be the wrong person"
"""Somebody there says that they are not who we think. Nothing planned goes until staff have asked."""


MAY_STOP = "may want no more messages"
"""An opt-out word that was not certain enough to be obeyed. It stops what is planned all the same until staff
have asked: what is obeyed by mistake only START brings back."""


def doubt(case: Case) -> bool:
    """Somebody says that we have the wrong person, or perhaps that they want no more: pause the address and
    tell staff the same day; False where nobody said so, or where the address is nobody's."""
    said, parsed = case.said, case.parsed
    if not (parsed.wrong_person or parsed.may_stop):
        return False
    if not addresses.pause(said.address_index, said.channel, said.now):
        return False
    alert(case, Alert.Urgency.URGENT, WRONG_PERSON if parsed.wrong_person else MAY_STOP)
    return True


def stop(case: Case, alerted: bool, *, source: str = "reply") -> bool:
    """Stop wins at once, in the scope of the clinic; False when the address had stopped before.

    A wish in a sentence is obeyed too, and a person reads what else the sentence says.
    """
    said = case.said
    is_new = consent.opt_out(said.address_index, said.channel, source=source, now=said.now)
    conclude(case, Reply.Outcome.OPT_OUT)
    if case.parsed.also_asks_visit:
        alert(case, Alert.Urgency.ROUTINE, "may have meant the visit")
    elif case.parsed.in_free_words and not alerted:
        alert(case, Alert.Urgency.ROUTINE, "no more messages, in their own words")
    return is_new


def wants_back(case: Case) -> bool:
    """A wish to have the messages again that stands in a sentence: it is no consent that we could show, and a
    provider that has heard STOP goes on refusing until it hears START. A person answers; False for the word
    itself."""
    if not case.parsed.in_free_words:
        return False
    alert(case, Alert.Urgency.ROUTINE, "wants messages again, in their own words")
    return True


def record_answer(case: Case, patient: Patient, asked: Message) -> None:
    """Keep a certain answer, bound to the message that asked, and plan again what depends on it."""
    keep_answer(case, patient, asked, late=False)
    replan(patient.pk, case.said.now)
    questions.let_go(patient.pk, case.said.now)
    if (asked.asks, case.reply.answer) == ("nsaids_taken", "yes"):
        alert(case, Alert.Urgency.ROUTINE, "nsaids_taken")


def record_late(case: Case, patient: Patient, asked: Message, alerted: bool) -> None:
    """Keep an answer to a question that was closed, marked so. A person sees it, and nothing follows from it
    but that the question is not asked again."""
    keep_answer(case, patient, asked, late=True)
    replan(patient.pk, case.said.now)
    if not alerted:
        alert(case, Alert.Urgency.ROUTINE, "late answer")


def keep_answer(case: Case, patient: Patient, asked: Message, *, late: bool) -> None:
    """Keep an answer, given at `case.said.now`. Whoever calls plans again."""
    Answer.objects.create(
        reply=case.reply,
        patient=patient,
        message=asked,
        question=asked.asks,
        value=case.reply.answer,
        code=LOINC_PAIN if asked.asks == "pain" else "",
        answered_at=case.said.now,
        late=late,
    )
    conclude(case, Reply.Outcome.ANSWER)


def say(case: Case, template: str, purpose: Purpose) -> None:
    """Queue one automatic answer on the same channel. Who is no patient is answered by people only, and so is
    a number that has had its answers of the day: what it wrote is before a person in any case."""
    said = case.said
    if said.patient is None or said.clinic is None or _too_soon(case, template):
        return
    if purpose is Purpose.AUTO_REPLY and template != ALWAYS_CONFIRMED and _has_had_its_answers(said):
        if not case.reply.alerts.exists():
            alert(case, Alert.Urgency.ROUTINE, "no more automatic answers today")
        return
    Message.objects.create(
        clinic=said.clinic,
        patient=said.patient,
        sequence="auto",
        step=template.partition("/")[2],
        template=template,
        channel=said.channel,
        purpose=purpose,
        topic="check_ins",
        priority=0 if purpose is Purpose.SAFETY else 1,
        capped=False,
        send_at=said.now,
        due_at=said.now,
        expires_at=said.now + ANSWER_LIFE,
        state=State.PLANNED,
        language=case.parsed.keyword_language or "",
        created_at=said.now,
    )


APART = {
    "auto/closed": timedelta(hours=24),
    "auto/which_patient": timedelta(hours=24),
    "auto/emergency": timedelta(hours=1),
    "auto/crisis": timedelta(hours=1),
    "auto/emergency_unread": timedelta(hours=1),
    "auto/crisis_unread": timedelta(hours=1),
}
"""The same fixed text is not repeated to one patient on one channel sooner than this."""


def _too_soon(case: Case, template: str) -> bool:
    apart = APART.get(template)
    if apart is None:
        return False
    since = case.said.now - apart
    lately = Message.objects.filter(patient=case.said.patient, template=template, created_at__gt=since)
    return lately.filter(channel=case.said.channel).exists()


MOST_ANSWERS = 10
"""Automatic answers to one number in 24 hours: more than a day of questions and slips needs. A robot that
answers every text of ours would get texts for ever. Safety texts, STOP and START are outside of this."""

ALWAYS_CONFIRMED = "auto/start"
"""The confirmation of STOP has a purpose of its own; this one has not."""


def _has_had_its_answers(said: Said) -> bool:
    """Counted by number, whichever of those who share it was written to. The caller has locked them all."""
    answers = Message.objects.filter(purpose=Purpose.AUTO_REPLY, channel=said.channel)
    mine = answers.filter(
        patient__contact_points__address_index=said.address_index,
        patient__contact_points__channel=said.channel,
        created_at__gt=said.now - timedelta(hours=24),
    )
    return mine.exclude(template=ALWAYS_CONFIRMED).count() >= MOST_ANSWERS
