"""Bind a text to the question that it answers: the open one, or for certain one that is closed, or none.

On a phone that several patients share nothing is bound. The text is still read as an answer to the question
that is open there, because a 9 must be seen at once; whose it is, a person says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from campaigns.domain import replies
from campaigns.domain.dialogue import Asked, closed_questions, open_question
from campaigns.domain.replies import EXPECTED, Expects, Parsed
from campaigns.domain.triage import Assessment
from campaigns.models import Message, Patient
from campaigns.queries import lexicons, questions
from campaigns.services import understand
from campaigns.services.understand import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A text as it was read. `said` names the message that it answers, if that is certain; `is_late` when the
    question was closed. `spokesman` is who is written to on a shared phone about what was said there, and
    `answers_somebody` says that it would be an answer if it were known whose."""

    said: Said
    parsed: Parsed
    assessment: Assessment
    is_late: bool = False
    spokesman: Patient | None = None
    answers_somebody: bool = False


def read(said: Said, owners: Sequence[Patient]) -> Read:
    """Read a text from a phone that `owners` have. `said` names no question yet, and the patient if it is
    known whose words these are."""
    texted = questions.asked_by_text([owner.pk for owner in owners], said.now)
    asked = [one for one in texted if one.sent_at <= said.now]
    waiting = open_question(asked, said.now)
    if said.patient is None:
        return _from_shared(said, owners, waiting)
    mine = [one for one in asked if one.patient == said.patient.pk]
    waiting = waiting if waiting in mine else None
    bound = replace(said, asked=_message(waiting))
    parsed = parse(bound)
    if parsed.keyword is None and parsed.answer is None:
        late = _late(said, closed_questions(mine, waiting, said.now))
        if late is not None:
            return late
    return Read(said=bound, parsed=parsed, assessment=understand.assess(bound, parsed))


def parse(said: Said) -> Parsed:
    """What the words say, as an answer to the question that `said` names."""
    return replies.parse(
        said.body,
        language=said.language,
        expects=EXPECTED.get(said.question, Expects.NONE),
        question=said.question,
        lexicon=lexicons.of(said.clinic),
    )


def _late(said: Said, closed: Sequence[Asked]) -> Read | None:
    """The reading as an answer to a closed question: only where it fits exactly one."""
    fitting = []
    for one in closed:
        bound = replace(said, asked=_message(one))
        parsed = parse(bound)
        if parsed.keyword is None and parsed.answer is not None:
            fitting.append((bound, parsed))
    if len(fitting) != 1:
        return None
    [(bound, parsed)] = fitting
    return Read(said=bound, parsed=parsed, assessment=understand.assess(bound, parsed), is_late=True)


def _from_shared(said: Said, owners: Sequence[Patient], waiting: Asked | None) -> Read:
    """Nothing is kept as an answer, and no chart is named; danger counts whoever is meant."""
    asked = next((owner for owner in owners if waiting and owner.pk == waiting.patient), None)
    probe = replace(said, patient=asked, asked=_message(waiting) if asked else None)
    parsed = parse(probe)
    return Read(
        said=said,
        parsed=replace(parsed, answer=None),
        assessment=understand.assess(probe, parsed),
        spokesman=asked or next(iter(owners), None),
        answers_somebody=parsed.keyword is None and parsed.answer is not None,
    )


def _message(asked: Asked | None) -> Message | None:
    return Message.objects.select_related("visit").get(pk=asked.message) if asked else None
