"""Checks that need whole messages: pseudo-locales, segments of what several entries make, English to read."""

from __future__ import annotations

import gettext
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time

from jinja2.sandbox import ImmutableSandboxedEnvironment

from campaigns.delivery import wording
from campaigns.delivery.checks.findings import Finding
from campaigns.delivery.checks.reading import Reading, read
from campaigns.delivery.checks.size import MOST
from campaigns.delivery.email_html import inline
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.holes import HOLE, hole
from campaigns.delivery.rendering import render
from campaigns.delivery.translations import gsm_edition
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import is_gsm7, segment

_ACCENTS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž",
)
_NOON = replace(SAMPLE, starts_at=time(12, 0), old_at=time(12, 0))
_LONGER = 0.35  # what translations of English add to its length
_VISIBLE = re.compile(r"<(style|title)\b.*?</\1>|<[^>]*>|&\w+;", re.DOTALL)
_PLACEHOLDER = re.compile(r"(%\(\w+\)s)")
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_PLAIN_WORD = re.compile(r"[A-Za-z]{2,}")


def accented(text: str) -> str:
    """en-XA: every letter accented, a third longer, between brackets; placeholders as they are."""
    padding = " ·" * round(len(text) * _LONGER / 2)
    return "[" + _outside(text, lambda part: part.translate(_ACCENTS)) + padding + "]"


def mirrored(text: str) -> str:
    """ar-XB: every run of words shown from right to left; placeholders as they are."""
    return "\u200f" + _outside(
        text, lambda part: f"\u202e{part.translate(_ACCENTS)}\u202c" if part.strip() else part
    )


PSEUDO: dict[str, Callable[[str], str]] = {"en-XA": accented, "ar-XB": mirrored}
"""Languages that nobody speaks. They are in no list: no clinic can offer them."""


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text with everything between placeholders changed."""
    pieces = _PLACEHOLDER.split(text)
    return "".join(piece if index % 2 else change(piece) for index, piece in enumerate(pieces))


class _Pseudo(gettext.NullTranslations):
    """Stands for a catalog: each text changed by a rule."""

    def __init__(self, change: Callable[[str], str]) -> None:
        super().__init__()
        self.change = change

    def pgettext(self, context: str, message: str) -> str:
        return self.change(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.change(msgid1 if n == 1 else msgid2)


def pseudo() -> Iterator[Finding]:
    """Check 15: every template in both pseudo-locales, with each fact where the English has it.

    What is still plain English there stands in the template itself, where no translator finds it.
    """
    english = wording.sandbox(gettext.NullTranslations())
    for tag, change in PSEUDO.items():
        sandbox = wording.sandbox(_Pseudo(change))
        for template, channel in wording.templates():
            name = wording.template_name(template, channel)
            for what in _compare(name, channel, tag, english, sandbox):
                yield Finding(
                    file=f"templates/{name}", line=1, entry=template, check="pseudo-locales", what=what
                )


def written_out() -> Iterator[Finding]:
    """Part of check 15: English that stands in a page or design itself, where no translator finds it."""
    for folder in ("patient", "email"):
        for path in sorted((wording.TEMPLATES / folder).glob("*.html")):
            shown = _VISIBLE.sub(" ", _JINJA.sub(" ", path.read_text(encoding="utf-8")))
            for found in _PLAIN_WORD.finditer(shown):
                name = f"templates/{folder}/{path.name}"
                what = f"English that no translator sees: {found.group()}"
                yield Finding(file=name, line=1, entry=path.stem, check="pseudo-locales", what=what)


def _compare(
    name: str,
    channel: Channel,
    tag: str,
    english: ImmutableSandboxedEnvironment,
    sandbox: ImmutableSandboxedEnvironment,
) -> Iterator[str]:
    given = _given(channel, tag)
    try:
        ours, theirs = (env.get_template(name).render(given) for env in (english, sandbox))
        if channel is Channel.EMAIL:
            inline(theirs)
    except (CampaignsError, TypeError, ValueError, KeyError) as error:
        yield f"cannot be rendered in {tag}: {error}"
        return
    lost = Counter(HOLE.findall(ours)) - Counter(HOLE.findall(theirs))
    for fact in sorted(lost):
        yield f"{fact} is lost in {tag}"
    if left := _PLAIN_WORD.findall(HOLE.sub(" ", _VISIBLE.sub(" ", theirs))):
        yield f"English that no translator sees: {' '.join(left[:6])}"


def _given(channel: Channel, tag: str) -> dict[str, str | int]:
    """The sample facts as holes, and what a template asks about its language."""
    rtl = tag == "ar-XB"
    about = wording.language_values(SOURCE) | {"lang": tag, "dir": "rtl" if rtl else "ltr"}
    if rtl:
        about |= {"start": "right", "end": "left"}
    facts = {name: hole(name) for name in wording.values(SAMPLE, channel, SOURCE)}
    return {**about, "language_name": hole("language_name"), **facts, **wording.numbers(SAMPLE)}


def messages(language: str) -> Iterator[Finding]:
    """Check 10 for what is sent: some SMS are made of several entries; a variant goes where there is one.

    A visit at noon is only a note: one time of the day, which some languages write long.
    """
    for template, channel in wording.templates():
        if channel is not Channel.SMS:
            continue
        used, at_noon = (_segments(template, language, facts) for facts in (SAMPLE, _NOON))
        most = _most(template, language)
        if max(used, at_noon) > most:
            name = f"templates/{wording.template_name(template, channel)}"
            when = "" if used > most else " for a visit at noon"
            what = f"{max(used, at_noon)} segments in {language}{when}, {most} is the budget"
            yield Finding(
                file=name,
                line=1,
                entry=template,
                check="segments",
                what=what,
                language=language,
                is_note=used <= most,
            )


def _most(template: str, language: str) -> int:
    """The budget of a whole SMS. A variant that is lacking is told at its entry, and not here again."""
    costly = "languages" in wording.placeholders(template, Channel.SMS)
    try:
        text = render(template, Channel.SMS, gsm_edition(language), SAMPLE).text
    except CampaignsError:
        return MOST
    lacking = glossary(language).variants and not is_gsm7(text)
    return MOST if costly or lacking else glossary(language).segments


def _segments(template: str, language: str, facts: wording.Facts) -> int:
    """0 where an entry is missing, which check 2 tells at its place."""
    try:
        return segment(render(template, Channel.SMS, gsm_edition(language), facts).text).segments
    except CampaignsError:
        return 0


def readings() -> dict[tuple[str, Channel], Reading]:
    """How hard each English message is to read, the clinic's own names left out."""
    return {
        (template, channel): read(render(template, channel, SOURCE, SAMPLE).text)
        for template, channel in wording.templates()
    }


def too_hard() -> Iterator[Finding]:
    """Part of check 11: an English message that many patients could not read."""
    for (template, channel), found in readings().items():
        if found.is_too_hard:
            name = f"templates/{wording.template_name(template, channel)}"
            what = f"grade {found.grade:.1f}: shorter sentences and shorter words"
            yield Finding(file=name, line=1, entry=template, check="reading", what=what)
