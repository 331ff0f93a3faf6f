"""Show every message before anything is saved: the real planner and the real words, rolled back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from campaigns.domain.course_ahead import Ahead, Named, Timing, look_ahead
from campaigns.domain.lifecycle import Reason, State
from campaigns.domain.plans import Planned
from campaigns.models import Clinic, Message, Patient, Visit
from campaigns.queries import clock, planning
from campaigns.services import plan_facts
from campaigns.services.compose import (
    SOURCE_LANGUAGE,
    Approvals,
    Composed,
    approvals,
    approvals_as_read,
    compose,
)
from campaigns.services.enroll import Application, Enrolled, enroll
from campaigns.services.enroll_again import enroll_again
from campaigns.services.subjects import Subject, subject_for, subject_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedMessage:
    """One message as it would go: when (UTC), in which words, and what it costs. `reason` says why it would
    not; `english_text` stands beside a translation and is empty for English. `due_at` is when it would go if
    nothing stood in its way, and `timing` what did. `expected`: only once a visit has taken place as booked;
    `if_silent`: only where a question before it was not answered."""

    sequence: str
    step: str
    channel: str
    visit_number: int | None
    send_at: datetime
    state: str
    reason: str = ""
    language: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    english_text: str = ""
    segments: int = 0
    encoding: str = ""
    price: Decimal = Decimal(0)
    due_at: datetime | None = None
    timing: Timing = Timing.ON_TIME
    expected: bool = False
    if_silent: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """A message before it has words."""

    subject: Subject
    bare: PreviewedMessage


def preview_enrollment(
    clinic: Clinic, application: Application, patient_id: UUID | None = None
) -> list[PreviewedMessage]:
    """Every message of the course that enrolling would open, in order of time: those that it would plan, and
    those that would follow its visits. `patient_id` where the patient is here already. Raises what `enroll`
    and `enroll_again` raise."""
    with transaction.atomic():
        if patient_id is None:
            enrolled = enroll(clinic, application, by="preview")
        else:
            enrolled = enroll_again(patient_id, application, by="preview")
        drafts = list(_drafts(enrolled))
        transaction.set_rollback(True)
    # The words take a while: no lock of the rows above, or of the audit chain, is held meanwhile.
    approved, now = approvals(clinic), clock.now()
    previews = (_preview(draft, clinic, approved, now) for draft in drafts)
    return sorted(previews, key=lambda one: one.send_at)


def _drafts(enrolled: Enrolled) -> Iterator[_Draft]:
    person = plan_facts.read([enrolled.patient.pk])[0]
    following = {row.id for row in person.enrollments if row.course_id == enrolled.course.pk}
    facts = [one for one in plan_facts.enrollment_facts(person) if one.id in following]
    # The instant that was planned from: a moment later the welcome would seem to be late.
    now = max(one.enrolled_at for one in facts)
    known = _Known(
        ahead=look_ahead(facts, person.rules.facts, plan_facts.patient_facts(person), now),
        refused=_refused(person),
        now=now,
    )
    rows = enrolled.patient.messages.filter(enrollment__in=following).select_related("visit", "patient")
    for message in rows:
        yield _Draft(subject_of(message), known.planned(message))
    patient = Patient.objects.get(pk=enrolled.patient.pk)
    visits = {visit.pk: visit for visit in enrolled.course.visits.all()}
    for planned in known.ahead.expected:
        visit = visits.get(planned.visit) if planned.visit else None
        subject = subject_for(patient, planned.template, planned.channel, visit)
        yield _Draft(subject, known.expected(planned, visit))


def _refused(person: plan_facts.Person) -> dict[str, Reason]:
    """The channels on which nothing may go, and why: it is asked when a message is about to leave, and known
    now."""
    stopped = {row.channel for row in person.reach if row.what == planning.STOPPED}
    refused = plan_facts.patient_facts(person).refused
    return {channel: Reason.OPTED_OUT if channel in stopped else Reason.NO_CONSENT for channel in refused}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known about the messages of a course before they have words."""

    ahead: Ahead
    refused: Mapping[str, Reason]
    now: datetime

    def planned(self, message: Message) -> PreviewedMessage:
        """One that enrolling plans."""
        if message.enrollment_id is None:
            raise ValueError("a message of a sequence has an enrollment")
        named = (message.enrollment_id, message.step, message.visit_id, message.visit_version)
        return self._seen(_bare(message), named, message.template)

    def expected(self, planned: Planned, visit: Visit | None) -> PreviewedMessage:
        """One that would follow a visit, or the end of the course."""
        named = (planned.enrollment, planned.step, planned.visit, planned.visit_version)
        bare = PreviewedMessage(
            sequence=planned.sequence,
            step=planned.step,
            channel=planned.channel,
            visit_number=visit.number if visit else None,
            send_at=planned.send_at,
            state=State.PLANNED,
            expected=True,
        )
        return self._seen(bare, named, planned.template)

    def _seen(self, bare: PreviewedMessage, named: Named, template: str) -> PreviewedMessage:
        if bare.state == State.PLANNED and bare.channel in self.refused:
            bare = replace(bare, state=State.SKIPPED, reason=self.refused[bare.channel])
        return replace(
            bare,
            due_at=self.ahead.due(named),
            timing=self.ahead.timing(named, template, bare.send_at, self.now),
            if_silent=self.ahead.only_unanswered(named),
        )


def as_read(messages: Iterable[Message], clinic: Clinic, now: datetime) -> list[PreviewedMessage]:
    """Each of these messages as the patient would read it if it left at `now`. Give them with their visit and
    patient; `clinic` as this transaction has just read it."""
    approved = approvals_as_read(clinic)
    drafts = (_Draft(subject_of(message), _bare(message)) for message in messages)
    return [_preview(draft, clinic, approved, now) for draft in drafts]


def _bare(message: Message) -> PreviewedMessage:
    return PreviewedMessage(
        sequence=message.sequence,
        step=message.step,
        channel=message.channel,
        visit_number=message.visit.number if message.visit else None,
        send_at=message.send_at,
        state=message.state,
        reason=message.reason,
    )


def _preview(draft: _Draft, clinic: Clinic, approved: Approvals, now: datetime) -> PreviewedMessage:
    """With its words, where it has any."""
    words = compose(draft.subject, clinic, approved, now)
    if not isinstance(words, Composed):
        return replace(draft.bare, state=State.SKIPPED, reason=draft.bare.reason or words.reason)
    translated = words.rendered.language != SOURCE_LANGUAGE
    segments = words.segmented.segments if words.segmented else 0
    return replace(
        draft.bare,
        language=words.rendered.language,
        subject=words.rendered.subject,
        text=words.rendered.text,
        html=words.rendered.html,
        english_text=_english(draft.subject, clinic, approved, now) if translated else "",
        segments=segments,
        encoding=words.segmented.encoding if words.segmented else "",
        price=Decimal(clinic.price_per_segment) * segments,
    )


def _english(subject: Subject, clinic: Clinic, approved: Approvals, now: datetime) -> str:
    words = compose(replace(subject, fixed_language=SOURCE_LANGUAGE), clinic, approved, now)
    return words.rendered.text if isinstance(words, Composed) else ""
