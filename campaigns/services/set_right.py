"""What a person puts right about a reply: whose words these are, and what the answer was.

The old stays on record, and the audit says who did it. Danger is looked for again: a person who says whose
pain of 9 this is, or that the 1 was a 10, opens what the same answer opens by itself.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.domain import triage
from campaigns.domain.answering import Answer as Value
from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import EXPECTED
from campaigns.domain.triage import Assessment
from campaigns.models import Alert, Answer, AnswerCorrection, Patient, Reply, Staff
from campaigns.queries import clock, lexicons, questions
from campaigns.services import binding, understand
from campaigns.services.answer_form import CHOICES
from campaigns.services.escalate import open_alert
from campaigns.services.plan import replan
from campaigns.services.record import record
from campaigns.services.understand import Case, Said


@transaction.atomic
def assign(alert_id: int, patient_id: UUID, staff: Staff) -> Alert:
    """Say whose words from a shared phone these are; if they answer that patient's question, so they do now.

    Raises NotAllowed where it is known already, or where the patient does not have that phone.
    """
    now = clock.now()
    sharing = _sharing(alert_id, staff)
    alert = Alert.objects.select_for_update(of=("self",)).select_related("reply").get(pk=alert_id)
    reply = alert.reply
    if reply is None or reply.patient_id is not None:
        raise NotAllowed("It is already known whose words these are.")
    patient = next((one for one in sharing if one.pk == patient_id), None)
    if patient is None:
        raise NotAllowed("This patient does not have that phone.")
    reply.patient = patient
    reply.save(update_fields=["patient"])
    reply.alerts.filter(patient=None).update(patient=patient)
    _read_again(reply, patient, sharing, now)
    record(
        "reply_assigned", f"reply {reply.pk}", actor=staff.email, now=now, detail={"patient": str(patient.pk)}
    )
    return alert


def _sharing(alert_id: int, staff: Staff) -> list[Patient]:
    """The patients of this clinic who have the phone that a reply came from, locked before anything else."""
    phone = Reply.objects.filter(alerts=alert_id).values("address_index")[:1]
    rows = Patient.objects.select_for_update(of=("self",), no_key=True).select_related("clinic")
    return list(
        rows.filter(
            clinic=staff.clinic_id,
            contact_points__channel=Channel.SMS,
            contact_points__address_index__in=phone,
        ).order_by("pk")
    )


def _read_again(reply: Reply, patient: Patient, sharing: list[Patient], now: datetime) -> None:
    """Read the words as this patient's, at the time when they came."""
    said = Said(
        provider_id=reply.provider_id,
        channel=Channel(reply.channel),
        address_index=reply.address_index,
        body=reply.body,
        clinic=patient.clinic,
        patient=patient,
        asked=None,
        now=reply.received_at,
    )
    read = binding.read(said, sharing)
    asked, answer = read.said.asked, read.parsed.answer
    if read.parsed.keyword is None and asked is not None and answer is not None:
        reply.message, reply.answer = asked, str(answer)
        reply.save(update_fields=["message", "answer"])
        case = Case(said=read.said, parsed=read.parsed, assessment=read.assessment, reply=reply)
        understand.keep_answer(case, patient, asked, late=read.is_late)
        replan(patient.pk, now)
        questions.let_go(patient.pk, now)
    _tell(reply, patient, read.assessment, now)


def _tell(reply: Reply, patient: Patient, found: Assessment, now: datetime) -> None:
    """Open the alert that an answer calls for, unless one as grave was opened for this reply."""
    grave = [Alert.Urgency.EMERGENCY.value, found.urgency or ""]
    if found.urgency is None or reply.alerts.filter(urgency__in=grave).exists():
        return
    open_alert(
        clinic=patient.clinic,
        reply=reply,
        patient=patient,
        urgency=found.urgency,
        rule=found.rule,
        matched=found.matched,
        now=now,
    )


@transaction.atomic
def correct(answer_id: int, value: str, staff: Staff) -> None:
    """Put an answer right. `value` is one that the question's form offers, or empty: it was no answer.

    Raises NotAllowed for anything else, and where the answer says so already.
    """
    now = clock.now()
    owner = Answer.objects.values_list("patient_id", flat=True).get(pk=answer_id)
    patient = Patient.objects.select_for_update(no_key=True).get(pk=owner)
    answer = (
        Answer.objects.select_for_update(of=("self",)).select_related("reply", "message").get(pk=answer_id)
    )
    offered = CHOICES[EXPECTED[answer.question]]
    if value and value not in offered:
        raise NotAllowed("Choose one of the answers that the question takes.")
    if value == answer.value:
        raise NotAllowed("The answer says so already.")
    AnswerCorrection.objects.create(
        reply=answer.reply, message=answer.message, was=answer.value, became=value, by=staff, at=now
    )
    if value:
        _change(answer, patient, offered[value], now)
    else:
        _take_away(answer)
    replan(patient.pk, now)
    record("answer_corrected", f"reply {answer.reply_id}", actor=staff.email, now=now)


def _change(answer: Answer, patient: Patient, value: Value, now: datetime) -> None:
    earlier = Answer.objects.filter(
        patient=patient, question=answer.question, late=False, answered_at__lt=answer.answered_at
    ).order_by("-answered_at")
    before = earlier.values_list("value", flat=True).first()
    answer.value = str(value)
    answer.save(update_fields=["value"])
    found = triage.assess(
        "",
        language=patient.language,
        question=answer.question,
        answer=value,
        previous_answer=int(before) if before and before.isdigit() else None,
        lexicon=lexicons.load(),
    )
    _tell(answer.reply, patient, found, now)


def _take_away(answer: Answer) -> None:
    """It was no answer: a person has read it, and the question is open again."""
    reply = answer.reply
    answer.delete()
    reply.outcome = Reply.Outcome.ALERT
    reply.save(update_fields=["outcome"])
