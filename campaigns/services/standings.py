"""Where each text of a clinic stands today: draft, reviewed, approved, lapsed, retired, or not translated.

A row binds the digest of what was read. Today's text is what the templates, the catalog and the clinic's own
words say now; where that has no row any more although another one was approved, the approval has lapsed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain

from campaigns.delivery.pages import PAGE, digest_of, pages
from campaigns.delivery.translations import OwnWords, gsm_edition, language_of
from campaigns.delivery.wording import has_gsm_variant, templates
from campaigns.domain.errors import CampaignsError, TranslationMissing
from campaigns.domain.recipients import Channel
from campaigns.domain.steps import Anchor, Step
from campaigns.domain.steps import Sequence as Steps
from campaigns.domain.visits import VisitKind
from campaigns.models import Clinic, Wording
from campaigns.queries import sequence_files, wordings
from campaigns.queries.wordings import Text


class Standing(StrEnum):
    """Where a text stands. Only an approved one is sent."""

    MISSING = "missing"
    DRAFT = "draft"
    LAPSED = "lapsed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """One text as it stands today. `row` is what is stored about today's words; `digest` is empty where the
    text is not translated."""

    text: Text
    digest: str
    standing: Standing
    row: Wording | None = None

    @property
    def is_variant(self) -> bool:
        """Whether this is the edition without letters outside GSM-7."""
        return language_of(self.text[2]) != self.text[2]


def standings(clinic: Clinic, languages: Iterable[str], own: OwnWords) -> list[Stood]:
    """Every text of these languages, in the order patients meet them. One query."""
    return standings_of(clinic, [text for language in languages for text in names(language, own)], own)


def standings_of(clinic: Clinic, listed: Collection[Text], own: OwnWords) -> list[Stood]:
    """These texts, in the order given. One query. Raises TemplateMissing where there is none of a name."""
    stored = wordings.rows(clinic.pk, {edition for _, _, edition in listed})
    return [_stood(text, stored.get(text, []), own) for text in listed]


def standing(clinic: Clinic, text: Text, own: OwnWords) -> Stood:
    """One text. Raises TemplateMissing where there is none of that name."""
    return standings_of(clinic, [text], own)[0]


def _stood(text: Text, stored: Sequence[Wording], own: OwnWords) -> Stood:
    try:
        digest = digest_of(*text, own)
    except TranslationMissing:
        return Stood(text=text, digest="", standing=Standing.MISSING)
    row = next((row for row in stored if row.digest == digest), None)
    if row is not None and (row.state != Wording.State.DRAFT or row.approved_at):
        return Stood(text=text, digest=digest, standing=Standing(row.state), row=row)
    lapsed = any(other.state == Wording.State.APPROVED for other in stored)
    word = Standing.LAPSED if lapsed else Standing.DRAFT
    return Stood(text=text, digest=digest, standing=word, row=row)


def names(language: str, own: OwnWords) -> Iterator[Text]:
    """Every text of a language in the order patients meet them, variants beside theirs, pages last."""
    for template, channel in in_order():
        yield template, channel, language
        if channel == Channel.SMS and _has_variant(template, language, own):
            yield template, channel, gsm_edition(language)


def _has_variant(template: str, language: str, own: OwnWords) -> bool:
    try:
        return has_gsm_variant(template, language, own)
    except CampaignsError:
        return False


@cache
def in_order() -> tuple[tuple[str, str], ...]:
    """(template, channel) of everything a patient reads: sequences by what begins them, step by step, then
    what answers or corrects, then pages."""
    there = [(template, channel.value) for template, channel in templates()]
    sequences = sorted(sequence_files.load_all().values(), key=_beginning)
    steps = chain.from_iterable(_templates_of(sequence) for sequence in sequences)
    place = {template: number for number, template in enumerate(dict.fromkeys(steps))}
    folders = {sequence.key: number for number, sequence in enumerate(sequences)}

    def met(text: tuple[str, str]) -> tuple[int, int, str, bool]:
        template, channel = text
        folder = folders.get(template.partition("/")[0], len(folders))
        return folder, place.get(template, len(place)), template, channel != Channel.SMS

    return (*sorted(there, key=met), *((page, PAGE) for page in pages()))


def _beginning(sequence: Steps) -> tuple[int, bool, str]:
    """What a sequence begins with: enrollment before visits, the first consultation before treatments."""
    first = sequence.steps[0]
    begins = {Anchor.ENROLLMENT: 0, Anchor.VISIT_START: 1, Anchor.VISIT_COMPLETED: 2}
    later = 3 if first.anchor is not Anchor.VISIT_MISSED else 4
    treats = first.only_if.visit_kind is not VisitKind.CONSULTATION
    return begins.get(first.anchor, later), treats, sequence.key


def _templates_of(sequence: Steps) -> Iterator[str]:
    for step in sequence.steps:
        yield sequence.template(step)
        yield from _late(step)


def _late(step: Step) -> Iterator[str]:
    if step.late.template:
        yield step.late.template


def counts(stood: Iterable[Stood]) -> Mapping[Standing, int]:
    """How many texts stand where."""
    found = dict.fromkeys(Standing, 0)
    for one in stood:
        found[one.standing] += 1
    return found


def of_state(stood: Iterable[Stood], states: Collection[Standing]) -> list[Stood]:
    """The texts that stand in one of these places."""
    return [one for one in stood if one.standing in states]
