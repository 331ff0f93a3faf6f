"""Who may change the word lists of a clinic, and the acts: propose, review, approve, reject, retire, comment.

The same approval as for wording: a word works only when a clinician has approved it who did not propose it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from campaigns.domain import own_words
from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import canonical
from campaigns.domain.lexicon_files import KEYWORDS
from campaigns.domain.own_words import SHARED, Change, Kind, is_emergency, needs_reason
from campaigns.models import Clinic, LexiconChange, LexiconComment, Staff
from campaigns.queries import lexicons
from campaigns.queries.lexicons import as_change
from campaigns.services.record import record

LONGEST_REASON = 500
LONGEST_COMMENT = 2_000
MOST_AT_ONCE = 200
"""Words in one proposal or file."""
MOST_OWN = 2_000
"""Words of a clinic that are proposed or in force: each makes every reply a little slower to read."""

State = LexiconChange.State


class Act(StrEnum):
    """What somebody does about a word."""

    PROPOSE = "propose"
    COMMENT = "comment"
    REVIEW = "review"
    APPROVE = "approve"
    REJECT = "reject"
    RETIRE = "retire"


_READERS = frozenset({Staff.Role.TRANSLATOR, Staff.Role.CLINICIAN})
_CLINICIANS = frozenset({Staff.Role.CLINICIAN})

WHO: Mapping[Act, Collection[str]] = {
    Act.PROPOSE: _READERS,
    Act.COMMENT: _READERS,
    Act.REVIEW: _READERS,
    Act.APPROVE: _CLINICIANS,
    Act.REJECT: _READERS,
    Act.RETIRE: _CLINICIANS,
}
"""Who may do it. Everybody else at the clinic reads."""

READS_REPLIES = frozenset({Staff.Role.CLINICIAN, Staff.Role.COORDINATOR})
"""Who is shown what patients wrote when a change is tried on past replies; others see only how many."""

FROM: Mapping[Act, Collection[str]] = {
    Act.REVIEW: {State.DRAFT},
    Act.APPROVE: {State.REVIEWED},
    Act.REJECT: {State.DRAFT, State.REVIEWED},
    Act.RETIRE: {State.APPROVED},
}
"""Where a word must stand for each act."""

_TOLD = {
    Act.REVIEW: "lexicon_reviewed",
    Act.APPROVE: "lexicon_approved",
    Act.REJECT: "lexicon_rejected",
    Act.RETIRE: "lexicon_retired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What somebody wants, each change with the reason why it cannot be (empty where it can)."""

    changes: tuple[Change, ...]
    refusals: tuple[str, ...]

    @property
    def sound(self) -> tuple[Change, ...]:
        """Those that can be."""
        return tuple(c for c, why in zip(self.changes, self.refusals, strict=True) if not why)


def may(staff: Staff, act: Act) -> bool:
    """Whether somebody with this role may do it."""
    return staff.is_active and staff.role in WHO[act]


def require(by: Staff, clinic: Clinic, act: Act) -> None:
    """Raise NotAllowed unless somebody of this clinic with this role may do it."""
    if by.clinic_id != clinic.pk or not may(by, act):
        allowed = " or ".join(sorted(WHO[act]))
        raise NotAllowed(f"Only a {allowed} may do this.")


def places(language: str) -> list[tuple[str, str]]:
    """(file, entry) of every list that belongs to a language: its own file's, and its keywords. Of the
    shared file those that belong to no language with a file, and what every language shares."""
    shared = lexicons.lists(SHARED)
    tags = {canonical(one) for one in lexicons.shipped() if one != SHARED}
    if language == SHARED:
        return [(SHARED, entry) for entry in shared if _tag(entry) not in tags]
    own = [(language, entry) for entry in lexicons.lists(language)]
    return own + [(SHARED, entry) for entry in shared if _tag(entry) == canonical(language)]


def _tag(entry: str) -> str:
    """The language that a list of keywords is for, or nothing."""
    name, _, tag = entry.partition(".")
    return tag if name in KEYWORDS else ""


def living(clinic: Clinic) -> list[LexiconChange]:
    """Everything that is proposed or in force, oldest first."""
    return list(LexiconChange.objects.filter(clinic=clinic).exclude(state=State.RETIRED).order_by("pk"))


def look(clinic: Clinic, wanted: Sequence[Change]) -> Looked:
    """What the checks say of these changes, beside all that is proposed or in force. Nothing is saved."""
    known = [as_change(row) for row in living(clinic)]
    there = {(c.language, c.entry, c.word, c.kind) for c in known}
    refused = own_words.refusals(lexicons.shipped(), known, wanted)
    found = [
        why or ("Somebody has proposed this already." if _name(change) in there else "")
        for change, why in zip(wanted, refused, strict=True)
    ]
    if len(known) + len(wanted) > MOST_OWN:
        found = [f"A clinic can have {MOST_OWN} words of its own."] * len(wanted)
    return Looked(changes=tuple(wanted), refusals=tuple(found))


def _name(change: Change) -> tuple[str, str, str, Kind]:
    return change.language, change.entry, change.word, change.kind


@transaction.atomic
def propose(
    clinic: Clinic, wanted: Sequence[Change], reason: str, *, by: Staff, now: datetime
) -> list[LexiconChange]:
    """Store proposals, all or none; they do nothing yet. Raises NotAllowed: for the role, for what the checks
    refuse, and for want of a reason where one is needed."""
    require(by, clinic, Act.PROPOSE)
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    reason = reason.replace("\x00", "").strip()
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise NotAllowed(f"Write between 1 and {MOST_AT_ONCE} words.")
    if len(reason) > LONGEST_REASON:
        raise NotAllowed(f"Write a reason of up to {LONGEST_REASON} characters.")
    if not reason and any(map(needs_reason, wanted)):
        raise NotAllowed("Say why: this can hide something that matters.")
    for why in look(clinic, wanted).refusals:
        if why:
            raise NotAllowed(why)
    rows = [_row(clinic, change, reason, by, now) for change in wanted]
    made = LexiconChange.objects.bulk_create(rows)
    _record("lexicon_proposed", clinic, made, by, now)
    return made


def _row(clinic: Clinic, change: Change, reason: str, by: Staff, now: datetime) -> LexiconChange:
    return LexiconChange(
        clinic=clinic,
        language=change.language,
        entry=change.entry,
        word=change.word,
        kind=change.kind.value,
        reason=reason,
        proposed_by=by.email,
        proposed_at=now,
    )


def why_not(act: Act, row: LexiconChange, by: Staff) -> str:
    """Why `by` cannot do this about a word in the state it is in, in one line; empty where they can."""
    if row.state not in FROM[act]:
        return "This word is in another state by now: look at it again."
    if act in {Act.REVIEW, Act.APPROVE} and row.proposed_by == by.email:
        return "You proposed this yourself: somebody else must decide."
    if act is Act.RETIRE and row.kind == LexiconChange.Kind.ADD and _is_emergency(row):
        return "A sign of an emergency goes only by a proposal, with a reason, that a second person approves."
    return ""


def _is_emergency(row: LexiconChange) -> bool:
    document = lexicons.shipped().get(row.language)
    return bool(document and is_emergency(document, row.entry))


@transaction.atomic
def change(
    clinic: Clinic, act: Act, ids: Collection[int], *, by: Staff, now: datetime
) -> list[LexiconChange]:
    """Do it for each of these words, all or none. An approval is in force at once, in every process.

    Raises NotAllowed: for the role, for a state that does not allow it, for one's own proposal, and for an
    approval of what the lists of today refuse.
    """
    require(by, clinic, act)
    # One at a time for a clinic: two approvals must not let one word mean two things.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    rows = list(LexiconChange.objects.select_for_update().filter(clinic=clinic, pk__in=ids).order_by("pk"))
    if not rows or len(rows) != len(set(ids)):
        raise NotAllowed("This word is in another state by now: look at it again.")
    for row in rows:
        if why := why_not(act, row, by):
            raise NotAllowed(why)
    if act is Act.APPROVE:
        _refuse_unsound(clinic, rows)
    for row in rows:
        _mark(row, act, by, now)
    _record(_TOLD[act], clinic, rows, by, now)
    return rows


def _refuse_unsound(clinic: Clinic, rows: Sequence[LexiconChange]) -> None:
    """What was sound when it was proposed may not be any more: lists change with every release."""
    in_force = LexiconChange.objects.filter(clinic=clinic, state=State.APPROVED).order_by("pk")
    known, wanted = map(as_change, in_force), list(map(as_change, rows))
    refused = own_words.refusals(lexicons.shipped(), known, wanted)
    for row, why in zip(rows, refused, strict=True):
        if why:
            raise NotAllowed(f"{row.word} cannot be approved any more. {why}")


def _mark(row: LexiconChange, act: Act, by: Staff, now: datetime) -> None:
    if act is Act.REVIEW:
        row.state, row.reviewed_by, row.reviewed_at = State.REVIEWED, by.email, now
    elif act is Act.APPROVE:
        row.state, row.approved_by, row.approved_at = State.APPROVED, by.email, now
        _settle(row, by, now)
    else:
        row.state, row.retired_by, row.retired_at = State.RETIRED, by.email, now
    row.save()


def _settle(row: LexiconChange, by: Staff, now: datetime) -> None:
    """Taking away a word of the clinic's own retires it; then nothing is left to take away."""
    same = LexiconChange.objects.filter(clinic=row.clinic_id, language=row.language, entry=row.entry)
    mine = same.filter(word=row.word, kind=LexiconChange.Kind.ADD, state=State.APPROVED)
    if row.kind == LexiconChange.Kind.REMOVE and mine.update(
        state=State.RETIRED, retired_by=by.email, retired_at=now
    ):
        row.state, row.retired_by, row.retired_at = State.RETIRED, by.email, now


def _record(action: str, clinic: Clinic, rows: Sequence[LexiconChange], by: Staff, now: datetime) -> None:
    told = [f"{row.pk} {row.kind} {row.language} {row.entry} {row.word}" for row in rows]
    record(action, f"clinic {clinic.pk}", actor=by.email, now=now, detail={"words": told})


@transaction.atomic
def comment(row: LexiconChange, said: str, *, by: Staff, now: datetime) -> LexiconComment:
    """Ask or remark something about a word. Raises NotAllowed for the role, and for nothing or too much."""
    require(by, row.clinic, Act.COMMENT)
    said = said.replace("\x00", "").strip()
    if not said or len(said) > LONGEST_COMMENT:
        raise NotAllowed(f"Write a comment of up to {LONGEST_COMMENT:,} characters.")
    made = LexiconComment.objects.create(change=row, text=said, by=by.email, at=now)
    told = {"comment": made.pk, "word": row.pk}
    record("lexicon_commented", f"clinic {row.clinic_id}", actor=by.email, now=now, detail=told)
    return made
