"""Who is affected when texts are approved, withdrawn or reworded: the next messages, composed before and
after by the sender's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from uuid import UUID

from campaigns.domain.languages import Language
from campaigns.models import Clinic, Patient
from campaigns.queries import wordings
from campaigns.queries.wordings import Text, Waiting
from campaigns.services.compose import Approvals, Composed, compose, reading_chain
from campaigns.services.standings import Standing, Stood
from campaigns.services.subjects import Subject

SHOWN = 20
"""Patients in a list; how many more there are is said below it."""

HELD = ""
"""Stands where a message has its language: there are no words that may leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One patient whose messages change. `before` and `after` are the languages of the next of them, HELD
    where it would not leave; `next_at` is UTC."""

    patient: Patient
    before: str
    after: str
    next_at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a change does to messages that are planned. `patients` are the first of `total`, soonest first.

    `held`, `elsewhere` (another language) and `own` count patients by what becomes of their next message;
    `languages` counts them by what they read.
    """

    patients: tuple[Affected, ...] = ()
    total: int = 0
    held: int = 0
    elsewhere: int = 0
    own: int = 0
    languages: tuple[tuple[str, int], ...] = ()

    @property
    def more(self) -> int:
        """Patients that are not in the list."""
        return self.total - len(self.patients)


@dataclass(frozen=True, slots=True)
class _Change:
    waiting: Waiting
    before: str
    after: str


def effects(
    clinic: Clinic, before: Approvals, after: Approvals, texts: Iterable[Text], now: datetime
) -> Effects:
    """What becomes of the planned messages of these texts. Two queries.

    A message changes where it would leave in another language, or not at all. Automatic answers are not
    planned, so nobody waits for them.
    """
    templates = {template for template, _, _ in texts}
    waiting = wordings.waiting(clinic.pk, None, templates)
    decide = _Decider(clinic, before, after, now)
    changes = [change for one in waiting if (change := decide.change(one))]
    return _told(changes)


def lacking(clinic: Clinic, words: Approvals, stood: Iterable[Stood], now: datetime) -> Effects:
    """Whose messages are held, or leave in another language, because these texts are not approved."""
    wanted = [one for one in stood if one.digest and one.standing is not Standing.APPROVED]
    approved = words.approved | {(*one.text, one.digest) for one in wanted}
    full = replace(words, approved=frozenset(approved))
    return effects(clinic, full, words, [one.text for one in wanted], now)


class _Decider:
    """Asks the sender's rules once for each kind of message."""

    def __init__(self, clinic: Clinic, before: Approvals, after: Approvals, now: datetime) -> None:
        self._clinic, self._before, self._after, self._now = clinic, before, after, now
        self._known: dict[tuple[str, str, str, str], tuple[str, str]] = {}

    def change(self, one: Waiting) -> _Change | None:
        kind = (one.template, one.channel, one.purpose, one.language)
        if kind not in self._known:
            self._known[kind] = self._decide(one)
        before, after = self._known[kind]
        return _Change(one, before, after) if before != after else None

    def _decide(self, one: Waiting) -> tuple[str, str]:
        chain = reading_chain(self._clinic, one.language)
        same = all(_covers(self._before, one, lang) == _covers(self._after, one, lang) for lang in chain)
        if same:
            return HELD, HELD
        return self._leaves(one, self._before), self._leaves(one, self._after)

    def _leaves(self, one: Waiting, words: Approvals) -> str:
        composed = compose(_subject(one, self._now), self._clinic, words, self._now)
        return composed.rendered.language if isinstance(composed, Composed) else HELD


def _covers(words: Approvals, one: Waiting, language: Language) -> bool:
    return words.covers(one.template, one.channel, language.tag)


def _subject(one: Waiting, now: datetime) -> Subject:
    """A message of this kind with every fact: only what is approved decides."""
    day = now.date() + timedelta(days=7)
    return Subject(
        template=one.template,
        channel=one.channel,
        purpose=one.purpose,
        fixed_language="",
        language=one.language,
        given_name="",
        visit_number=2,
        on_date=day,
        at_time=time(14, 0),
        stated={"date": (day + timedelta(days=1)).isoformat(), "time": "14:00"},
    )


def _told(changes: list[_Change]) -> Effects:
    """By patient, soonest first. The rows come in order of time."""
    first: dict[UUID, _Change] = {}
    counts: dict[UUID, int] = {}
    for change in changes:
        patient_id = change.waiting.patient_id
        first.setdefault(patient_id, change)
        counts[patient_id] = counts.get(patient_id, 0) + change.waiting.count
    shown = list(first)[:SHOWN]
    people = wordings.patients(shown)
    return Effects(
        patients=tuple(_affected(first[one], people[one], counts[one]) for one in shown),
        total=len(first),
        held=sum(one.after == HELD for one in first.values()),
        elsewhere=sum(one.after not in {HELD, one.waiting.language} for one in first.values()),
        own=sum(one.after == one.waiting.language for one in first.values()),
        languages=tuple(_by_language(first.values()).items()),
    )


def _by_language(changes: Iterable[_Change]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.waiting.language] = found.get(change.waiting.language, 0) + 1
    return found


def _affected(change: _Change, patient: Patient, count: int) -> Affected:
    return Affected(
        patient=patient,
        before=change.before,
        after=change.after,
        next_at=change.waiting.next_at,
        count=count,
    )


def lapsing(words: Approvals, after: Approvals, texts: Iterable[Text]) -> list[Text]:
    """The approved texts among these that a change of words leaves without approval."""
    return [text for text in texts if words.covers(*text) and not after.covers(*text)]
