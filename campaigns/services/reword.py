"""A clinic's own words in place of what ships: proposed with the checks' findings, saved, and taken back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.delivery.checks import size
from campaigns.delivery.checks.findings import base
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.translations import GSM_ENTRY, OwnWords, gsm_edition
from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, OwnWording, Staff, Wording
from campaigns.queries import wordings
from campaigns.queries.wordings import Text
from campaigns.services.affected import Effects, effects, lapsing
from campaigns.services.compose import Approvals, approvals
from campaigns.services.entries import (
    findings,
    in_own_words,
    shipped,
    shown_in,
    source_of,
    stale_variant,
    with_words,
)
from campaigns.services.record import record
from campaigns.services.samples import samples
from campaigns.services.sign_off import Act, require
from campaigns.services.standings import names

_SPACES = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Words that somebody wants to use: by context, None for what ships. `findings`, by context, refuse
    them."""

    language: str
    changed: Mapping[str, str | None]
    before: Approvals
    after: Approvals
    findings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def texts(self) -> list[Text]:
        """Every text that says something else with these words, variants included."""
        bases = {shown for context in self.changed for shown in shown_in(context)}
        every = names(self.language, self.after.own)
        return [text for text in every if text[:2] in bases]


def clean(said: str) -> str:
    """What was typed as it is stored: NFC, on one line, no space at an edge."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", said)).strip(" ")


def refuse_unknown(language: str, context: str) -> None:
    """Raise NotAllowed for a context that cannot be said in other words."""
    entry = source_of(context)
    if entry is None or not shown_in(context):
        raise NotAllowed(f"No text has an entry {context[:120]}.")
    if entry.plural:
        raise NotAllowed(f"{context} counts days in several forms, so it stays as it ships.")
    takes_variants = language != SOURCE and glossary(language).variants
    if context.endswith(GSM_ENTRY) and not (takes_variants and ".sms." in context):
        raise NotAllowed(f"{context}: this text has no variant.")


def propose(clinic: Clinic, language: str, said: Mapping[str, str | None]) -> Proposal:
    """What would become of other words, each by its context; None, or what ships, is the shipped text.

    Raises NotAllowed for a context that cannot be reworded. Nothing is saved.
    """
    changed = {context: _wanted(language, context, words) for context, words in said.items()}
    before = approvals(clinic)
    own = with_words(before.own, language, changed)
    after = replace(before, own=own)
    proposal = Proposal(language=language, changed=changed, before=before, after=after)
    return replace(proposal, findings=_found(clinic, proposal), after=_without_stale(proposal))


def _wanted(language: str, context: str, said: str | None) -> str | None:
    refuse_unknown(language, context)
    if said is None:
        return None
    words = clean(said)
    ships = [text.target for text in shipped(language).get(context, ())]
    return None if words in ships else words


def _found(clinic: Clinic, proposal: Proposal) -> dict[str, tuple[str, ...]]:
    """What refuses the words: the checks of each entry, and the texts they stand in, rendered."""
    language = proposal.language
    found = {
        context: findings([in_own_words(language, context, words)], is_own=True)
        for context, words in proposal.changed.items()
        if words is not None
    }
    told = {context: what for context, what in found.items() if what}
    return told or _rendered(clinic, proposal)


def _rendered(clinic: Clinic, proposal: Proposal) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in proposal.texts:
        for what in _wrong(clinic, text, proposal):
            for context in proposal.changed:
                if text[:2] in shown_in(context):
                    found[context] = (*found.get(context, ()), what)
    return found


def _wrong(clinic: Clinic, text: Text, proposal: Proposal) -> Iterator[str]:
    """A text that cannot be rendered any more, or takes too many segments and more than it did."""
    now = clinic.created_at
    today = {s.state: s for s in samples(clinic, text, proposal.after.own, now)}
    before = {s.state: s for s in samples(clinic, text, proposal.before.own, now)}
    known = max((s.segments for s in before.values()), default=0)
    errors = {s.error for s in before.values()}
    for sample in today.values():
        if sample.error and sample.error not in errors:
            yield sample.error
    most = max((s.segments for s in today.values()), default=0)
    if text[1] == Channel.SMS and most > max(size.MOST, known):
        yield f"the whole text takes {most} segments, {size.MOST} is the most"


def _without_stale(proposal: Proposal) -> Approvals:
    """What stays approved: not a variant that stands in for words which have changed."""
    stale = set(_stale(proposal.language, proposal.changed, proposal.after.own))
    approved = {one for one in proposal.after.approved if one[:3] not in stale}
    return replace(proposal.after, approved=frozenset(approved))


def _stale(language: str, changed: Mapping[str, str | None], own: OwnWords) -> Iterator[Text]:
    for context in changed:
        for template, channel in shown_in(context):
            text = (template, channel, gsm_edition(language))
            if channel == Channel.SMS and any(stale_variant(text, base(context), own)):
                yield text


def lapsed_by(proposal: Proposal) -> list[Text]:
    """The texts that would have to be approved again."""
    return lapsing(proposal.before, proposal.after, proposal.texts)


def effects_of(clinic: Clinic, proposal: Proposal, now: datetime) -> Effects:
    """Whose next messages would be held, or leave in another language, until somebody approves the words."""
    return effects(clinic, proposal.before, proposal.after, lapsed_by(proposal), now)


@transaction.atomic
def save(
    clinic: Clinic, proposal: Proposal, *, by: Staff, now: datetime, backs: Mapping[str, str] | None = None
) -> int:
    """Store the words; how many entries changed. `backs` says them in English, by context.

    Raises NotAllowed for the role, and for words that the checks refuse.
    """
    require(by, clinic, Act.REWORD)
    for context, what in proposal.findings.items():
        raise NotAllowed(f"{context}: {what[0]}.")
    made = sum(_store(clinic, proposal, c, (backs or {}).get(c, ""), by, now) for c in proposal.changed)
    for text in set(_stale(proposal.language, proposal.changed, proposal.after.own)):
        wordings.approved(clinic.pk, text).update(state=Wording.State.DRAFT)
    told = {"language": proposal.language, "entries": sorted(proposal.changed)}
    record("wording_reworded", f"clinic {clinic.pk}", actor=by.email, now=now, detail=told)
    return made


def _store(clinic: Clinic, proposal: Proposal, context: str, back: str, by: Staff, now: datetime) -> bool:
    words = proposal.changed[context]
    where: dict[str, Any] = {"clinic": clinic, "language": proposal.language, "context": context}
    if words is None:
        return bool(OwnWording.objects.filter(**where).delete()[0])
    stored = OwnWording.objects.filter(**where).first()
    if stored and stored.text == words:
        if stored.back != back:
            OwnWording.objects.filter(pk=stored.pk).update(back=back)
        return False
    fresh = {"text": words, "back": back, "written_by": by.email, "written_at": now}
    OwnWording.objects.update_or_create(**where, defaults=fresh)
    return True
