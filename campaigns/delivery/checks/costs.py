"""What texts cost: segments of each SMS in each language, and of all that one whole course sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from campaigns.delivery import wording
from campaigns.delivery.rendering import render
from campaigns.delivery.translations import gsm_edition
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import segment
from campaigns.domain.steps import Anchor, Repeat, Sequence, Step
from campaigns.domain.visits import VisitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One SMS: its segments by language (0: cannot be rendered), and how often it goes in a course."""

    template: str
    times: int
    segments: dict[str, int]


def rows(languages: Iterable[str], sequences: Iterable[Sequence], sessions: int) -> Iterator[Row]:
    """Every SMS with long sample values, as the sender would choose it: a variant where that is shorter."""
    times = dict(_course(sequences, sessions))
    chosen = tuple(languages)
    for template, channel in wording.templates():
        if channel is Channel.SMS:
            segments = {language: _segments(template, language) for language in chosen}
            yield Row(template=template, times=times.get(template, 0), segments=segments)


def totals(rows: Iterable[Row], languages: Iterable[str]) -> dict[str, int]:
    """The segments of a whole course in each language."""
    kept = list(rows)
    return {language: sum(row.times * row.segments[language] for row in kept) for language in languages}


def _segments(template: str, language: str) -> int:
    """The fewest segments of the editions there are; 0 where the text is not translated yet."""
    editions = (language,) if language == SOURCE else (language, gsm_edition(language))
    try:
        return min(segment(render(template, Channel.SMS, e, SAMPLE).text).segments for e in editions)
    except CampaignsError:
        return 0


def _course(sequences: Iterable[Sequence], sessions: int) -> Iterator[tuple[str, int]]:
    """How often each template goes to a patient who answers, books ahead and misses nothing."""
    for sequence in sequences:
        for step in sequence.steps:
            first = sequence.step(step.follows) if step.follows else step
            if Channel.SMS in step.channels.names:
                yield sequence.template(step), min(_times(step, sessions), _times(first, sessions))


def _times(step: Step, sessions: int) -> int:
    if step.only_if.unanswered or step.only_if.no_next_visit or step.anchor is Anchor.VISIT_MISSED:
        return 0
    if step.repeat is Repeat.ONCE_PER_COURSE:
        return 1
    visits = {VisitKind.CONSULTATION: 1, VisitKind.SESSION: sessions, None: sessions + 1}
    if step.anchor is Anchor.VISIT_GAP or step.only_if.gap_days_at_least:
        return sessions - 1
    return visits[step.only_if.visit_kind]
