"""Forget a patient for good: what they were, said and were told goes; that they must not be written to stays.

Kept, and why: the audit chain and the consent ledger without the words of staff (they prove that we were
allowed to write), the keyed hash of each address and of what a file called them (so that nobody writes to
them again and no import brings them back), and of every message when it went and what became of it, without
its words. The clinic's chart keeps what the law calls the health record; this program does not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import SOURCE
from campaigns.domain.lifecycle import UNSENT, Reason, State
from campaigns.domain.recipients import Channel
from campaigns.models import (
    Alert,
    Answer,
    AnswerCorrection,
    Attempt,
    Call,
    ConsentWords,
    ContactPoint,
    Conversation,
    Course,
    HandWritten,
    ImportRow,
    InboundMail,
    Message,
    Patient,
    PatientLink,
    PatientReference,
    Presence,
    Reply,
    Visit,
)
from campaigns.queries import clock
from campaigns.services import consent, find
from campaigns.services.consent import EVERY_TOPIC, Told
from campaigns.services.record import record

FORGOTTEN = "forgotten"
"""The source of an opt-out that stands because its owner was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was done. `shared` are the channels on which another patient has the same address: that one is
    still written to there, so the address itself is not stopped."""

    cancelled: int
    shared: Collection[str]


def may(staff_role: str) -> bool:
    """Whether somebody with this role may take a patient's data away, or erase them."""
    return staff_role in {"administrator", "clinician"}


@transaction.atomic
def forget(patient_id: UUID, *, by: str) -> Forgotten:
    """Erase all about a patient but what has to be kept. It cannot be undone.

    Raises NotAllowed while something about the patient is under way: a message that is leaving, or an alert
    that nobody has closed; its words must be read first. Also for who was forgotten already.
    """
    now = clock.now()
    patient = _locked(patient_id)
    own, shared = _addresses(patient)
    theirs = Reply.objects.filter(Q(patient=patient) | Q(patient=None, address_index__in=own))
    theirs = theirs.exclude(outcome=Reply.Outcome.WAITING)
    _check(patient, theirs)
    cancelled = _cancel(patient, now)
    _empty_replies(patient, list(theirs.order_by("pk").values_list("pk", flat=True)))
    _empty_messages(patient)
    _empty_person(patient, now)
    _stop(patient, shared, by, now)
    record("patient_forgotten", f"patient {patient.pk}", actor=by, now=now, detail={"cancelled": cancelled})
    return Forgotten(cancelled=cancelled, shared=sorted(shared.values()))


def _locked(patient_id: UUID) -> Patient:
    """The patient with all that hangs on the course, in the order in which moves, plans and claims lock."""
    courses = Course.objects.select_for_update(no_key=True).filter(patient=patient_id)
    list(courses.order_by("pk").values_list("pk"))
    visits = Visit.objects.select_for_update(no_key=True).filter(course__patient=patient_id)
    list(visits.order_by("pk").values_list("pk"))
    patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    messages = Message.objects.select_for_update(no_key=True).filter(patient=patient)
    list(messages.order_by("pk").values_list("pk"))
    # Both at once, and before anything is put on record: the audit chain is locked last, as everywhere.
    list(patient.contact_points.select_for_update().order_by("pk").values_list("pk"))
    return patient


def _addresses(patient: Patient) -> tuple[set[str], dict[str, str]]:
    """The hashes of the patient's own addresses; and those that another patient has too, with the channel."""
    points = list(patient.contact_points.order_by("pk"))
    others = ContactPoint.objects.exclude(patient=patient).filter(
        address_index__in=[point.address_index for point in points]
    )
    taken = set(others.values_list("address_index", "channel"))
    shared = {p.address_index: p.channel for p in points if (p.address_index, p.channel) in taken}
    return {point.address_index for point in points} - set(shared), shared


def _check(patient: Patient, theirs: QuerySet[Reply]) -> None:
    if patient.forgotten_at:
        raise NotAllowed("This patient was forgotten already.")
    waiting = Alert.objects.filter(Q(patient=patient) | Q(reply__in=theirs))
    if waiting.filter(closed_at=None).exists():
        raise NotAllowed("An alert about this patient is open: read it and close it first.")
    if Message.objects.filter(patient=patient, state=State.ATTEMPTING).exists():
        raise NotAllowed("A message to this patient is leaving just now: try again in a few minutes.")


def _cancel(patient: Patient, now: datetime) -> int:
    """Nothing more goes; what is in doubt is not searched for any more, because its words are gone."""
    rows = Message.objects.filter(patient=patient)
    waiting = rows.filter(state__in=UNSENT)
    cancelled = waiting.update(state=State.CANCELLED, reason=Reason.PATIENT_FORGOTTEN, settled_at=now)
    doubtful = rows.filter(state=State.UNCERTAIN)
    doubtful.update(state=State.UNRESOLVED, reason=Reason.PATIENT_FORGOTTEN, settled_at=now)
    return cancelled


def _empty_replies(patient: Patient, replies: Collection[int]) -> None:
    """The rows stay, because a provider that brings the same text again must find it known."""
    AnswerCorrection.objects.filter(reply__in=replies).delete()
    Answer.objects.filter(Q(reply__in=replies) | Q(patient=patient)).delete()
    InboundMail.objects.filter(reply__in=replies).update(raw=b"", envelope="", words="")
    alerts = Alert.objects.filter(Q(patient=patient) | Q(reply__in=replies))
    alerts.update(matched=[], note="")
    Reply.objects.filter(pk__in=replies).update(
        body="", sender="", address_index="", language="", keyword="", answer="", message=None
    )


def _empty_messages(patient: Patient) -> None:
    """What was written and what opens a page about the patient, and the course that it was about."""
    PatientLink.objects.filter(patient=patient).delete()
    Message.objects.filter(patient=patient).update(
        subject="", body="", html="", stated=None, language="", enrollment=None, visit=None
    )
    Attempt.objects.filter(message__patient=patient).update(detail="")
    HandWritten.objects.filter(patient=patient).update(words="")
    Conversation.objects.filter(patient=patient).delete()
    Presence.objects.filter(patient=patient).delete()
    Call.objects.filter(patient=patient).delete()
    Course.objects.filter(patient=patient).delete()


def _empty_person(patient: Patient, now: datetime) -> None:
    ConsentWords.objects.filter(consent__patient=patient).delete()
    patient.given_name = patient.family_name = patient.time_zone = ""
    patient.interpreter = patient.interpreter_language = ""
    patient.status, patient.status_reason, patient.paused_until = Patient.Status.LEFT, "", None
    patient.language, patient.forgotten_at = SOURCE, now
    patient.save()
    PatientReference.objects.filter(patient=patient).delete()
    find.forget(patient.pk)
    ImportRow.objects.filter(patient=patient).update(cells="", problems="", before="")


def _stop(patient: Patient, shared: Collection[str], by: str, now: datetime) -> None:
    """Withdraw what was agreed to and keep the hash of every address that is nobody else's as an opt-out.

    The shared ones go first: where one opt-out ends every channel, it must not find them.
    """
    told = Told(source=FORGOTTEN, by=by)
    for point in patient.contact_points.filter(address_index__in=shared).order_by("pk"):
        consent.withdraw_topics(patient, Channel(point.channel), EVERY_TOPIC, told, now)
        point.delete()
    for point in patient.contact_points.order_by("pk"):
        consent.opt_out(point.address_index, Channel(point.channel), source=FORGOTTEN, by=by, now=now)
    patient.contact_points.all().delete()
