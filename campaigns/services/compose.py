"""Turn a message into the words that leave: language, approval, facts, links, calendar.

The same function makes the preview that staff see and the text that is sent.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from django.conf import settings

from campaigns.delivery.pages import PAGE, digest_of
from campaigns.delivery.rendering import Facts, Rendered, help_line, render
from campaigns.delivery.translations import NO_OWN_WORDS, OwnWords, gsm_edition
from campaigns.delivery.wording import has_gsm_variant, placeholders
from campaigns.domain.errors import RenderError, TemplateMissing, TranslationMissing
from campaigns.domain.languages import Language, among, fallback_chain
from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import Limits, Segmented, normalise, segment
from campaigns.models import Clinic, OwnWording, PatientLink, Wording
from campaigns.services.on_call import clinic_time

MOST_SEGMENTS = 6
"""A longer text is a mistake in its wording, and some carriers drop it."""

LINK_LIFE = {
    PatientLink.Purpose.INFORMATION: timedelta(days=30),
    PatientLink.Purpose.UNSUBSCRIBE: timedelta(days=180),
    PatientLink.Purpose.PREFERENCES: timedelta(days=180),
    PatientLink.Purpose.CHECK_IN: timedelta(days=7),
    PatientLink.Purpose.REPLY: timedelta(days=180),
}
"""How long a link works. Unsubscribe links, and the address to answer to, outlive CASL's 60 days."""

LINKED = {Channel.SMS: PatientLink.Purpose.INFORMATION, Channel.EMAIL: PatientLink.Purpose.CHECK_IN}
"""What the link in the words opens: from a text the whole sheet, from an e-mail the form of its question."""

SOURCE_LANGUAGE = "en-CA"

Approved = frozenset[tuple[str, str, str, str]]
"""(template, channel, edition, digest) of every wording that a clinic has approved."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """What a clinic has approved, and its own words, which every digest depends on."""

    approved: Approved = frozenset()
    own: OwnWords = NO_OWN_WORDS

    def covers(self, template: str, channel: str, edition: str) -> bool:
        """Whether the text as it stands is approved. A text that is not translated is not."""
        try:
            digest = digest_of(template, channel, edition, self.own)
        except TranslationMissing:
            return False
        return (template, str(channel), edition, digest) in self.approved

    def page_language(self, name: str, chain: Iterable[Language]) -> str:
        """The first language of the chain that a page is approved in; English where it is in none."""
        return next((one.tag for one in chain if self.covers(name, PAGE, one.tag)), SOURCE_LANGUAGE)


class Subject(Protocol):
    """What composing needs to know about a message: a claimed row or a planned one."""

    @property
    def template(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def fixed_language(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def given_name(self) -> str: ...
    @property
    def visit_number(self) -> int | None: ...
    @property
    def on_date(self) -> date | None: ...
    @property
    def at_time(self) -> time | None: ...
    @property
    def stated(self) -> dict[str, str] | None: ...
    @property
    def words(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The words of one message. `tokens` are the raw link tokens by purpose: stored only as hashes.

    `states` says which facts about the visit the words tell: a correction follows when they change.
    """

    rendered: Rendered
    segmented: Segmented | None
    tokens: Mapping[str, str] = field(default_factory=dict)
    states: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NotComposed:
    """Why there are no words to send. `detail` is for the log: it names templates, never patients."""

    reason: Reason
    detail: str


def approvals(clinic: Clinic) -> Approvals:
    """What this clinic has approved, in whose words. Read again only after a change."""
    version = Clinic.objects.values_list("wording_version", flat=True).get(pk=clinic.pk)
    return _approvals(clinic.pk, version)


def approvals_as_read(clinic: Clinic) -> Approvals:
    """The same for a row that this transaction has just read: its version is the one that counts."""
    return _approvals(clinic.pk, clinic.wording_version)


@lru_cache(maxsize=64)
def _approvals(clinic: UUID, version: UUID) -> Approvals:
    """The version never comes twice, not even after a roll-back: what is kept here is never out of date."""
    rows = Wording.objects.filter(clinic=clinic, state=Wording.State.APPROVED)
    own = OwnWording.objects.filter(clinic=clinic).values_list("language", "context", "text")
    return Approvals(
        frozenset(rows.values_list("template", "channel", "language", "digest")), OwnWords(frozenset(own))
    )


def compose(subject: Subject, clinic: Clinic, approved: Approvals, now: datetime) -> Composed | NotComposed:
    """The words for one message, or the reason why there are none."""
    channel = Channel(subject.channel)
    wanted = subject.fixed_language or subject.language
    if subject.words and channel is Channel.SMS:
        return _measured(subject, channel, wanted, _as_typed(subject.words, wanted, clinic), {}, clinic)
    try:
        language = _language(subject, channel, wanted, clinic, approved)
        if isinstance(language, NotComposed):
            return language
        tokens = _tokens(subject.template, channel)
        facts = facts_of(subject, clinic, tokens, now)
        rendered = _shortest(subject.template, channel, language, facts, clinic, approved)
    except TemplateMissing as error:
        return NotComposed(Reason.TEMPLATE_MISSING, str(error))
    except TranslationMissing as error:
        return NotComposed(Reason.TRANSLATION_MISSING, str(error))
    except RenderError as error:
        return NotComposed(Reason.RENDER_ERROR, str(error))
    return _measured(subject, channel, wanted, rendered, tokens, clinic)


def _as_typed(words: str, language: str, clinic: Clinic) -> Rendered:
    """A text in the words that staff typed: no template, no wording to approve, only who it comes from."""
    text = normalise(f"{clinic.display_name}: {words}")
    return Rendered(subject="", text=text, html="", language=language, wording_digest="")


def _shortest(
    template: str, channel: Channel, language: str, facts: Facts, clinic: Clinic, approved: Approvals
) -> Rendered:
    """The text, or its GSM-safe variant where that is approved and saves a segment."""
    full = render(template, channel, language, facts, approved.own)
    if channel is Channel.EMAIL or not has_gsm_variant(template, language, approved.own):
        return full
    edition = gsm_edition(language)
    if not approved.covers(template, channel, edition):
        return full
    limits = Limits(**clinic.sms_limits)
    variant = render(template, channel, edition, facts, approved.own)
    saves = segment(variant.text, limits).segments < segment(full.text, limits).segments
    return variant if saves else full


def _measured(
    subject: Subject,
    channel: Channel,
    wanted: str,
    rendered: Rendered,
    tokens: dict[str, str],
    clinic: Clinic,
) -> Composed | NotComposed:
    typed = subject.words and channel is Channel.SMS
    needed = () if typed else placeholders(subject.template, channel)
    states = frozenset({"date", "time"} & set(needed))
    if channel is Channel.EMAIL:
        return Composed(rendered=rendered, segmented=None, tokens=tokens, states=states)
    if rendered.language != wanted:
        rendered = _with_help_line(rendered, wanted)
    segmented = segment(rendered.text, Limits(**clinic.sms_limits))
    if segmented.segments > MOST_SEGMENTS:
        return NotComposed(Reason.TOO_LONG, f"{subject.template} takes {segmented.segments} segments")
    return Composed(rendered=rendered, segmented=segmented, tokens=tokens, states=states)


def _with_help_line(rendered: Rendered, wanted: str) -> Rendered:
    return Rendered(
        subject=rendered.subject,
        text=f"{rendered.text}\n{help_line(wanted)}",
        html=rendered.html,
        language=rendered.language,
        wording_digest=rendered.wording_digest,
    )


def reading_chain(clinic: Clinic, wanted: str) -> tuple[Language, ...]:
    """What a patient who wants one language gets in turn, as the clinic has set it."""
    return fallback_chain(wanted, clinic.fallback_languages.get(wanted, ()))


def _language(
    subject: Subject, channel: Channel, wanted: str, clinic: Clinic, approved: Approvals
) -> str | NotComposed:
    """The language that may leave: the patient's if approved, else what the clinic's policy says.

    A safety text is never held for want of an approval in the patient's language.
    """
    if approved.covers(subject.template, channel, wanted):
        return wanted
    may_fall_back = (
        clinic.unapproved_policy == Clinic.UnapprovedPolicy.ENGLISH or subject.purpose == Purpose.SAFETY
    )
    for language in reading_chain(clinic, wanted) if may_fall_back else ():
        if approved.covers(subject.template, channel, language.tag):
            return language.tag
    return NotComposed(
        Reason.TRANSLATION_NOT_APPROVED, f"{subject.template} {channel} is not approved in {wanted}"
    )


def _tokens(template: str, channel: Channel) -> dict[str, str]:
    """A fresh random token for each link that the text holds (128 bits, OWASP ASVS 11.5.1)."""
    needed = placeholders(template, channel)
    tokens = {}
    if "link" in needed:
        tokens[LINKED[channel].value] = secrets.token_urlsafe(16)
    if channel is Channel.EMAIL:
        tokens[PatientLink.Purpose.UNSUBSCRIBE.value] = secrets.token_urlsafe(16)
        tokens[PatientLink.Purpose.PREFERENCES.value] = secrets.token_urlsafe(16)
        # In letters that survive a server that writes addresses in lower case.
        tokens |= {PatientLink.Purpose.REPLY.value: secrets.token_hex(16)} if settings.REPLY_DOMAIN else {}
    return tokens


def token_hash(token: str) -> str:
    """What the database keeps of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def unsubscribe_url(tokens: Mapping[str, str]) -> str:
    """The address that stops this channel, or nothing where the text has no such link."""
    token = tokens.get(PatientLink.Purpose.UNSUBSCRIBE.value)
    return f"{settings.PUBLIC_BASE_URL}/u/{token}" if token else ""


def reply_address(tokens: Mapping[str, str]) -> str:
    """The address that an answer to this e-mail goes to, or nothing where no mail is received."""
    token = tokens.get(PatientLink.Purpose.REPLY.value)
    return f"r+{token}@{settings.REPLY_DOMAIN}" if token else ""


def page_url(tokens: Mapping[str, str], purpose: PatientLink.Purpose) -> str:
    """The address of a patient's page: behind a text, the form of a question, or the choice of language."""
    token = tokens.get(purpose.value)
    return f"{settings.PUBLIC_BASE_URL}/p/{token}" if token else ""


def facts_of(subject: Subject, clinic: Clinic, tokens: Mapping[str, str], now: datetime) -> Facts:
    """Everything a text may state, as the patient's clinic has it now."""
    stated = subject.stated or {}
    needed = placeholders(subject.template, Channel(subject.channel))
    return Facts(
        clinic=clinic.display_name if subject.channel == Channel.SMS else clinic.name,
        phone=clinic.phone,
        address=clinic.address,
        clinician=clinic.clinician_name,
        fee=clinic.fee_text,
        starts_on=subject.on_date,
        starts_at=subject.at_time,
        old_on=date.fromisoformat(stated["date"]) if "date" in stated else None,
        old_at=time.fromisoformat(stated["time"]) if "time" in stated else None,
        opens=next_opening(clinic, now) if "opens" in needed else None,
        link=page_url(tokens, LINKED[Channel(subject.channel)]),
        given_name=subject.given_name if subject.channel == Channel.EMAIL else "",
        visit_number=subject.visit_number or 0,
        settings=clinic.settings,
        unsubscribe_url=unsubscribe_url(tokens),
        preferences_url=page_url(tokens, PatientLink.Purpose.PREFERENCES),
        languages=_tags(clinic) if "languages" in needed else (),
        words=subject.words,
    )


def _tags(clinic: Clinic) -> tuple[str, ...]:
    return tuple(language.tag for language in among(clinic.languages))


def next_opening(clinic: Clinic, now: datetime) -> datetime | None:
    """When somebody is next at the clinic: naive wall time there, or None if never in two weeks."""
    calendar = clinic_time(clinic)
    local = now.astimezone(calendar.zone).replace(tzinfo=None)
    for days in range(15):
        day = local.date() + timedelta(days=days)
        hours = calendar.hours.get(day.weekday())
        if not hours or day in calendar.holidays:
            continue
        opens = datetime.combine(day, hours[0])
        if opens > local:
            return opens
    return None


def is_staffed(clinic: Clinic, now: datetime) -> bool:
    """Whether somebody is at the clinic now."""
    return clinic_time(clinic).is_open(now)
