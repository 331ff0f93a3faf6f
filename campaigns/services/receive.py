"""Take one inbound text: stored first, then understood; what it leads to is decided in the same transaction.

Red flags are looked for before everything else, opt-outs included. Automation may raise urgency, never close.
Whatever is not certainly an answer or a keyword becomes an alert that a person sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from campaigns.domain import replies, triage
from campaigns.domain.lifecycle import Purpose, State
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import EXPECTED, Expects, Keyword, Parsed
from campaigns.domain.triage import Assessment, Urgency
from campaigns.models import Alert, Answer, Clinic, Message, Patient, Reply
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, lexicons
from campaigns.services import consent
from campaigns.services.compose import is_staffed
from campaigns.services.escalate import open_alert
from campaigns.services.plan import replan
from campaigns.services.prefer import change_language, offered

OPEN_FOR = timedelta(hours=72)
"""How long a question waits for its answer; a later number goes to a person."""

LONGEST_BODY = 20_000
"""Characters kept of one text: far more than any phone sends."""

ANSWER_LIFE = timedelta(hours=1)
"""An automatic answer that could not leave within the hour would only confuse."""

RETRY_TEMPLATES = {
    Expects.NRS: "auto/retry_nrs",
    Expects.YES_NO: "auto/retry_yes_no",
    Expects.CHANGE: "auto/retry_change",
}
LOINC_PAIN = "72514-3"
"""Pain severity, 0-10 verbal numeric rating (loinc.org)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One text as a provider brought it. Numbers in E.164; `opt_out_type` is set where the provider has
    already answered STOP, START or HELP itself."""

    provider_id: str
    sender: str
    recipient: str
    body: str
    opt_out_type: str = ""
    media: int = 0


@dataclass(slots=True)
class _Case:
    """One reply on its way through the rules."""

    inbound: Inbound
    clinic: Clinic | None
    patient: Patient | None
    asked: Message | None
    parsed: Parsed
    assessment: Assessment
    reply: Reply
    now: datetime

    @property
    def expects(self) -> Expects:
        return EXPECTED.get(self.asked.asks, Expects.NONE) if self.asked else Expects.NONE


def receive_sms(inbound: Inbound) -> str:
    """Store and act on one text; its outcome. A repeat of the same `provider_id` changes nothing."""
    known = Reply.objects.filter(provider_id=inbound.provider_id).first()
    if known:
        return known.outcome
    try:
        with transaction.atomic():
            return _receive(inbound, clock.now())
    except IntegrityError:
        # The same text came twice at once; the other one is stored.
        return Reply.objects.get(provider_id=inbound.provider_id).outcome


def _receive(inbound: Inbound, now: datetime) -> str:
    index = blind_index(inbound.sender)
    owners = list(
        Patient.objects.filter(contact_points__address_index=index, contact_points__channel=Channel.SMS)
        .select_related("clinic")
        .order_by("pk")
    )
    patient = owners[0] if len(owners) == 1 else None
    case = _understand(inbound, index, patient, _clinic(inbound, owners), now)
    case.reply.save(force_insert=True)
    _act(case, index, owners)
    return case.reply.outcome


def _clinic(inbound: Inbound, owners: list[Patient]) -> Clinic | None:
    """Whose text this is: the number it was sent to decides, then the sender's clinic, then the only clinic
    there is. None where several could be meant: then the staff of all of them see it."""
    clinic = Clinic.objects.filter(sms_number=inbound.recipient).order_by("created_at").first()
    if clinic:
        return clinic
    theirs = {owner.clinic for owner in owners} or set(Clinic.objects.all()[:2])
    return theirs.pop() if len(theirs) == 1 else None


def _understand(
    inbound: Inbound, index: str, patient: Patient | None, clinic: Clinic | None, now: datetime
) -> _Case:
    asked = _open_question(patient, now) if patient else None
    language = patient.language if patient else "en-CA"
    lexicon = lexicons.load()
    body = inbound.body[:LONGEST_BODY].replace("\x00", "\ufffd")
    question = asked.asks if asked else ""
    parsed = replies.parse(
        body,
        language=language,
        expects=EXPECTED.get(question, Expects.NONE),
        question=question,
        lexicon=lexicon,
    )
    assessment = triage.assess(
        body,
        language=language,
        question=question,
        answer=parsed.answer,
        previous_answer=_previous(patient, question),
        lexicon=lexicon,
    )
    reply = Reply(
        provider_id=inbound.provider_id,
        clinic=clinic,
        patient=patient,
        channel=Channel.SMS,
        address_index=index,
        body=body,
        received_at=now,
        language=parsed.keyword_language or language,
        keyword=parsed.keyword or "",
        answer="" if parsed.answer is None else str(parsed.answer),
        urgency=assessment.urgency or "",
        parser_version=parsed.parser[:20],
        outcome=Reply.Outcome.ALERT,
        message=asked,
    )
    return _Case(inbound, clinic, patient, asked, parsed, assessment, reply, now)


def _open_question(patient: Patient, now: datetime) -> Message | None:
    """The newest unanswered question that this patient may be answering."""
    gone = [State.ATTEMPTING, State.UNCERTAIN, State.ACCEPTED, State.DELIVERED, State.UNKNOWN]
    asked = Message.objects.filter(patient=patient, channel=Channel.SMS, state__in=gone, answers=None)
    return asked.exclude(asks="").filter(sent_at__gt=now - OPEN_FOR).order_by("-sent_at").first()


def _previous(patient: Patient | None, question: str) -> int | None:
    """The last number that this patient gave to the same question."""
    if patient is None or not question:
        return None
    last = Answer.objects.filter(patient=patient, question=question).order_by("-answered_at").first()
    return int(last.value) if last and last.value.isdigit() else None


def _act(case: _Case, index: str, owners: list[Patient]) -> None:
    """Danger first, then keywords, then the answer; what is left goes to a person."""
    alerted = _raise_danger(case)
    if case.parsed.keyword is Keyword.STOP:
        _stop(case, index, alerted)
    elif case.parsed.keyword is Keyword.START:
        _start(case, index)
    elif case.patient is None:
        _stranger(case, owners, alerted)
    elif case.parsed.keyword is Keyword.HELP:
        _finish(case, Reply.Outcome.HELP, "auto/help")
        _alert(case, Alert.Urgency.ROUTINE, "asked for help")
    elif case.parsed.keyword is Keyword.LANGUAGE:
        _choose_language(case, case.patient)
    elif case.parsed.answer is not None and case.asked is not None:
        _answer(case, case.patient, case.asked, alerted)
    elif not alerted:
        _for_a_person(case)


def _raise_danger(case: _Case) -> bool:
    """Open the alert that the words or the number call for, and only then send the fixed safety text."""
    urgency = case.assessment.urgency
    if urgency is None:
        return False
    _alert(case, urgency, case.assessment.rule, case.assessment.matched)
    if urgency is Urgency.EMERGENCY:
        crisis = "crisis" in case.assessment.groups
        _say(case, "auto/crisis" if crisis else "auto/emergency", Purpose.SAFETY)
    elif case.parsed.keyword is None:
        _say(case, _worried_words(case), Purpose.AUTO_REPLY)
    return True


def _worried_words(case: _Case) -> str:
    """What to say to words or a number that a person must look at the same day."""
    if case.assessment.rules == ("answer.not_ready",):
        return "auto/not_ready"
    staffed = case.clinic is not None and is_staffed(case.clinic, case.now)
    return "auto/high" if staffed else "auto/closed"


def _alert(case: _Case, urgency: str, rule: str, matched: tuple[str, ...] = ()) -> None:
    open_alert(
        clinic=case.clinic,
        reply=case.reply,
        patient=case.patient,
        urgency=urgency,
        rule=rule,
        matched=matched,
        now=case.now,
    )


def _finish(case: _Case, outcome: Reply.Outcome, template: str = "") -> None:
    case.reply.outcome = outcome
    case.reply.save(update_fields=["outcome"])
    if template and not case.inbound.opt_out_type:
        purpose = Purpose.OPT_OUT_CONFIRMATION if outcome == Reply.Outcome.OPT_OUT else Purpose.AUTO_REPLY
        _say(case, template, purpose)


def _stop(case: _Case, index: str, alerted: bool) -> None:
    """Stop wins at once. One confirmation, in the language of the word that was used.

    A wish in a sentence is obeyed too, and a person reads what else the sentence says.
    """
    is_new = consent.opt_out(index, Channel.SMS, source="reply", now=case.now)
    _finish(case, Reply.Outcome.OPT_OUT, "auto/stop" if is_new else "")
    if case.parsed.also_asks_visit:
        _alert(case, Alert.Urgency.ROUTINE, "may have meant the visit")
    elif case.parsed.in_free_words and not alerted:
        _alert(case, Alert.Urgency.ROUTINE, "no more messages, in their own words")


def _start(case: _Case, index: str) -> None:
    """Only an explicit word brings a patient back, and only if they had left."""
    came_back = consent.opt_in(index, Channel.SMS, source="reply", now=case.now)
    _finish(case, Reply.Outcome.OPT_IN, "auto/start" if came_back else "")


def _choose_language(case: _Case, patient: Patient) -> None:
    """The name of a language of this clinic changes the patient's; any other wish goes to a person.

    The bare word "language" is answered with the names there are.
    """
    wanted = case.parsed.keyword_language
    if wanted is None:
        _finish(case, Reply.Outcome.LANGUAGE, "auto/languages")
    elif wanted in {language.tag for language in offered(patient.clinic)}:
        change_language(patient, wanted, by="patient", source="reply", now=case.now)
        _finish(case, Reply.Outcome.LANGUAGE, "auto/language")
    else:
        _finish(case, Reply.Outcome.ALERT)
        _alert(case, Alert.Urgency.ROUTINE, "asks for a language that we do not have")


def _stranger(case: _Case, owners: list[Patient], alerted: bool) -> None:
    """An unknown number, or one that several patients share: a person decides whose words these are."""
    _finish(case, Reply.Outcome.ALERT if owners else Reply.Outcome.UNMATCHED)
    if not alerted:
        rule = "number shared by several patients" if owners else "unknown number"
        _alert(case, Alert.Urgency.ROUTINE, rule)


def _answer(case: _Case, patient: Patient, asked: Message, alerted: bool) -> None:
    Answer.objects.create(
        reply=case.reply,
        patient=patient,
        message=asked,
        question=asked.asks,
        value=case.reply.answer,
        code=LOINC_PAIN if asked.asks == "pain" else "",
        answered_at=case.now,
    )
    _finish(case, Reply.Outcome.ANSWER, "" if alerted else "auto/ok")
    replan(patient.pk, case.now)


def _for_a_person(case: _Case) -> None:
    """Not understood: a person sees it; and if a question is open, it is asked once more."""
    rule = "asks for a call" if case.parsed.asks_call else "not understood"
    _finish(case, Reply.Outcome.ALERT)
    _alert(case, Alert.Urgency.ROUTINE, rule)
    template = RETRY_TEMPLATES.get(case.expects, "")
    if case.parsed.asks_call:
        _say(case, "auto/call", Purpose.AUTO_REPLY)
    elif case.parsed.problem and template and not _asked_again(case, template):
        _say(case, template, Purpose.AUTO_REPLY)
    elif case.clinic and not is_staffed(case.clinic, case.now):
        _say(case, "auto/closed", Purpose.AUTO_REPLY)


def _asked_again(case: _Case, template: str) -> bool:
    since = case.now - OPEN_FOR
    return Message.objects.filter(patient=case.patient, template=template, created_at__gt=since).exists()


def _say(case: _Case, template: str, purpose: Purpose) -> None:
    """Queue one automatic answer. A number without a patient is answered by people only."""
    if case.patient is None or case.clinic is None or _too_soon(case, template, purpose):
        return
    Message.objects.create(
        clinic=case.clinic,
        patient=case.patient,
        sequence="auto",
        step=template.partition("/")[2],
        template=template,
        channel=Channel.SMS,
        purpose=purpose,
        topic="check_ins",
        priority=0 if purpose is Purpose.SAFETY else 1,
        capped=False,
        send_at=case.now,
        due_at=case.now,
        expires_at=case.now + ANSWER_LIFE,
        state=State.PLANNED,
        language=case.parsed.keyword_language or "",
        created_at=case.now,
    )


APART = {
    "auto/closed": timedelta(hours=24),
    "auto/emergency": timedelta(hours=1),
    "auto/crisis": timedelta(hours=1),
}
"""The same fixed text is not repeated to one patient sooner than this."""


def _too_soon(case: _Case, template: str, purpose: Purpose) -> bool:
    apart = APART.get(template)
    if apart is None:
        return False
    return Message.objects.filter(
        patient=case.patient, template=template, created_at__gt=case.now - apart
    ).exists()
