"""Who may say what about a text, and the acts themselves: review, approve, withdraw, retire, comment.

Approval is a clinician's, of the very words that were on the screen, and never of words of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from campaigns.delivery.translations import OwnWords, language_of
from campaigns.domain.errors import NotAllowed
from campaigns.models import Clinic, Staff, Wording, WordingComment
from campaigns.queries import wordings
from campaigns.queries.wordings import Text
from campaigns.services import review
from campaigns.services.affected import effects
from campaigns.services.compose import Approvals, approvals
from campaigns.services.entries import context_in, entries_of, faults
from campaigns.services.record import record
from campaigns.services.standings import Standing, Stood, standings, standings_of

LONGEST_COMMENT = 2_000
HELD_ABOVE = 20
"""Patients. An approval that changes what more than these get next takes effect after `HOLD`."""
HOLD = timedelta(minutes=5)


class Act(StrEnum):
    """What somebody does about a text."""

    COMMENT = "comment"
    REWORD = "reword"
    REVIEW = "review"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    RETIRE = "retire"


_READERS = frozenset({Staff.Role.TRANSLATOR, Staff.Role.CLINICIAN})
_CLINICIANS = frozenset({Staff.Role.CLINICIAN})

WHO: Mapping[Act, Collection[str]] = {
    Act.COMMENT: _READERS,
    Act.REWORD: _READERS,
    Act.REVIEW: _READERS,
    Act.APPROVE: _CLINICIANS,
    Act.WITHDRAW: _CLINICIANS,
    Act.RETIRE: _CLINICIANS,
}
"""Who may do it. Everybody else at the clinic reads."""

FROM: Mapping[Act, Collection[Standing]] = {
    Act.REVIEW: {Standing.DRAFT, Standing.LAPSED, Standing.RETIRED},
    Act.APPROVE: {Standing.REVIEWED},
    Act.WITHDRAW: {Standing.REVIEWED, Standing.APPROVED},
    Act.RETIRE: {Standing.DRAFT, Standing.LAPSED, Standing.REVIEWED, Standing.APPROVED},
}
"""Where a text must stand for each act."""

_TO = {
    Act.REVIEW: (Wording.State.REVIEWED, "wording_reviewed"),
    Act.APPROVE: (Wording.State.APPROVED, "wording_approved"),
    Act.WITHDRAW: (Wording.State.DRAFT, "wording_withdrawn"),
    Act.RETIRE: (Wording.State.RETIRED, "wording_retired"),
}


def may(staff: Staff, act: Act) -> bool:
    """Whether somebody with this role may do it."""
    return staff.is_active and staff.role in WHO[act]


def possible(staff: Staff, stood: Stood) -> list[Act]:
    """The acts that are open to somebody, for a text as it stands."""
    return [act for act, states in FROM.items() if stood.standing in states and may(staff, act)]


def why_not(act: Act, text: Text, own: OwnWords, authors: Mapping[str, str], by: str) -> str:
    """Why `by` cannot approve this text, in one line; empty where they can, and for other acts.

    `authors` is `authors_of` the text's language.
    """
    if act is not Act.APPROVE:
        return ""
    if found := faults(text, own):
        context, what = found[0]
        return f"The checks find something wrong in {context}: {what}."
    if by in writers(text, own, authors):
        return "You wrote some of these words yourself: another clinician must approve them."
    return ""


def authors_of(clinic: Clinic, language: str) -> dict[str, str]:
    """Who wrote the clinic's own words in a language: e-mail address by context."""
    return {context: row.written_by for context, row in wordings.own(clinic.pk, language).items()}


def writers(text: Text, own: OwnWords, authors: Mapping[str, str]) -> set[str]:
    """Who wrote the clinic's own words in a text."""
    contexts = {context_in(entry.context, text, own) for entry in entries_of(text[0], text[1])}
    return {authors[context] for context in contexts if context in authors}


@transaction.atomic
def change(clinic: Clinic, act: Act, seen: Mapping[Text, str], *, by: Staff, now: datetime) -> Sequence[Text]:
    """Do it for each text, with the digest that was on the screen. All or nothing.

    Raises NotAllowed: for the role, for words that have changed meanwhile, for a state that does not allow
    it, and for an approval of what the checks find wrong or what `by` wrote.
    """
    require(by, clinic, act)
    # One at a time for a clinic: of two who press the same button the second finds the text moved on.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    words = approvals(clinic)
    languages = {language_of(edition) for _, _, edition in seen}
    authors = {language: authors_of(clinic, language) for language in languages}
    rows = []
    stands = list(standings_of(clinic, list(seen), words.own))
    for stood in stands:
        known = authors[language_of(stood.text[2])]
        _refuse(act, stood, seen[stood.text], why_not(act, stood.text, words.own, known, by.email))
        rows.append(_row(clinic, stood, words))
    for row in rows:
        _mark(row, act, by, now)
    review.store(rows, ["reviewed_by", "reviewed_at", "approved_by", "approved_at"])
    if act is Act.RETIRE:
        _retire_older(clinic, seen)
    if act is Act.APPROVE:
        _hold_back(clinic, words, stands, now)
    told = [f"{row.template} {row.channel} {row.language} {row.digest[:12]}" for row in rows]
    record(_TO[act][1], f"clinic {clinic.pk}", actor=by.email, now=now, detail={"texts": told})
    return list(seen)


def _hold_back(clinic: Clinic, words: Approvals, stands: Collection[Stood], now: datetime) -> None:
    """Where many patients wait for these words, let none of them go for a while: who approved by mistake, or
    sees only then how many it is, withdraws in that time, and nobody has read them. What would be too late
    by then goes at once."""
    texts = [one.text for one in stands]
    if effects(clinic, words, after(words, Act.APPROVE, stands), texts, now).total > HELD_ABOVE:
        wordings.put_off(clinic.pk, {text[:2] for text in texts}, now + HOLD)


def require(by: Staff, clinic: Clinic, act: Act) -> None:
    """Raise NotAllowed unless somebody of this clinic with this role may do it."""
    if by.clinic_id != clinic.pk or not may(by, act):
        allowed = " or ".join(sorted(WHO[act]))
        raise NotAllowed(f"Only a {allowed} may do this.")


def _refuse(act: Act, stood: Stood, digest: str, reason: str) -> None:
    name = stood.text[0]
    if stood.digest != digest or not digest:
        raise NotAllowed(f"{name} says something else by now: look at it again.")
    if stood.standing not in FROM[act]:
        raise NotAllowed(f"{name} is {stood.standing.value}: look at it again.")
    if reason:
        raise NotAllowed(f"{name}: {reason}")


def _row(clinic: Clinic, stood: Stood, words: Approvals) -> Wording:
    row = review.text(clinic, *stood.text, words.own)
    if stood.row:
        for name in ("reviewed_by", "reviewed_at", "approved_by", "approved_at"):
            setattr(row, name, getattr(stood.row, name))
    return row


def _mark(row: Wording, act: Act, by: Staff, now: datetime) -> None:
    row.state = _TO[act][0]
    if act is Act.REVIEW:
        row.reviewed_by, row.reviewed_at = by.email, now
    if act is Act.APPROVE:
        row.approved_by, row.approved_at = by.email, now


def _retire_older(clinic: Clinic, texts: Collection[Text]) -> None:
    """Words that were approved before must not come back when somebody undoes a change."""
    for text in texts:
        wordings.approved(clinic.pk, text).update(state=Wording.State.RETIRED)


def after(words: Approvals, act: Act, stood: Collection[Stood]) -> Approvals:
    """What would be approved after the act: for the dry run."""
    today = {(*one.text, one.digest) for one in stood}
    approved = words.approved | today if act is Act.APPROVE else words.approved - today
    return words if act is Act.REVIEW else replace(words, approved=frozenset(approved))


@transaction.atomic
def approve_sound(clinic: Clinic, language: str, *, by: str, now: datetime) -> tuple[int, dict[Text, str]]:
    """Approve a whole language by name, for the command line: how many were not approved before, and why the
    others were left: not translated, retired, faulty by the checks, or written by `by`."""
    words = approvals(clinic)
    authors = authors_of(clinic, language)
    left: dict[Text, str] = {}
    listed = list(standings(clinic, [language], words.own))
    for stood in listed:
        reason = why_not(Act.APPROVE, stood.text, words.own, authors, by)
        if stood.standing in {Standing.MISSING, Standing.RETIRED}:
            reason = f"It is {stood.standing.value}."
        if reason:
            left[stood.text] = reason
    _hold_back(clinic, words, [one for one in listed if one.text not in left], now)
    return review.approve_language(clinic, language, by=by, now=now, leave=left), left


# --- comments


@transaction.atomic
def comment(clinic: Clinic, text: Text, said: str, *, by: Staff, now: datetime) -> WordingComment:
    """Ask or remark something about a text. Raises NotAllowed for the role, and for nothing or too much."""
    require(by, clinic, Act.COMMENT)
    said = said.replace("\x00", "").strip()
    if not said or len(said) > LONGEST_COMMENT:
        raise NotAllowed(f"Write a comment of up to {LONGEST_COMMENT:,} characters.")
    template, channel, edition = text
    made = WordingComment.objects.create(
        clinic=clinic, template=template, channel=channel, language=edition, text=said, by=by.email, at=now
    )
    told = {"comment": made.pk, "text": " ".join(text)}
    record("wording_commented", f"clinic {clinic.pk}", actor=by.email, now=now, detail=told)
    return made


@transaction.atomic
def settle(made: WordingComment, *, by: Staff, now: datetime) -> None:
    """Close a comment. Raises NotAllowed for the role; one that is settled stays as it is."""
    require(by, made.clinic, Act.COMMENT)
    marked = WordingComment.objects.filter(pk=made.pk, settled_at=None).update(
        settled_by=by.email, settled_at=now
    )
    if marked:
        told = {"comment": made.pk}
        record("wording_settled", f"clinic {made.clinic_id}", actor=by.email, now=now, detail=told)
