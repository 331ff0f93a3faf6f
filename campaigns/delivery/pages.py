"""The pages that patients open from a link, in their language: words and markup, nothing of HTTP."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from campaigns.delivery import wording
from campaigns.delivery.formats import format_phone
from campaigns.delivery.translations import NO_OWN_WORDS, OwnWords
from campaigns.delivery.wording import Entry
from campaigns.domain.errors import TranslationMissing
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel

PAGE = "page"
"""Stands where a message has its channel: pages are approved like messages."""

_TOPICS = ("education", "reminders", "check_ins")


def _sample_way(channel: Channel) -> Mapping[str, object]:
    switches = [{"topic": topic, "is_on": topic != "education", "name": topic} for topic in _TOPICS]
    return {"channel": channel.value, "stopped": False, "switches": switches}


SAMPLE_WAYS = tuple(map(_sample_way, Channel))
"""What the page of preferences asks for, as a reviewer sees it: some of it on, some of it off."""
SAMPLE_STOPPED = tuple({**way, "stopped": True} for way in SAMPLE_WAYS)
"""The same of a patient who has stopped everything."""

_HYPHENATED = re.compile(r"\d+(?:-\d+)+(?![^<]*>)")
"""A hyphenated number in the text of a page: beside Arabic letters, browsers would show 8-1-1 as 1-1-8."""


@cache
def pages() -> tuple[str, ...]:
    """The name of every page, such as `patient/consent`, sorted."""
    found = (wording.TEMPLATES / "patient").glob("*.html")
    return tuple(sorted(f"patient/{path.stem}" for path in found if path.stem not in {"base", "gone"}))


def page(
    name: str,
    language: str,
    facts: Mapping[str, str],
    *,
    own: OwnWords = NO_OWN_WORDS,
    about: Mapping[str, object] = MappingProxyType({}),
) -> str:
    """A page in one language; in English where its translation is not complete.

    `facts` are `clinic`, `phone` (E.164) and `stylesheet`; `about` is what else the template asks for.
    """
    try:
        return _page(name, language, facts, own, about)
    except TranslationMissing:
        return _page(name, SOURCE, facts, own, about)


def page_in_all(name: str, part: str, languages: Iterable[str], stylesheet: str) -> str:
    """A page that speaks several languages, one part each; a language that is not complete is left out."""
    parts = []
    for language in languages:
        try:
            parts.append(_page(part, language, {}, NO_OWN_WORDS, {}))
        except TranslationMissing:
            continue
    found = wording.environment(SOURCE).get_template(f"{name}.html")
    return found.render(parts=parts, stylesheet=stylesheet)


def _page(
    name: str, language: str, facts: Mapping[str, str], own: OwnWords, about: Mapping[str, object]
) -> str:
    html = (
        wording.environment(language, own)
        .get_template(f"{name}.html")
        .render(
            lang=language,
            dir=SUPPORTED[language].direction,
            **wording.named_language(language),
            phone_text=format_phone(facts.get("phone", "")),
            **facts,
            **about,
        )
    )
    return _HYPHENATED.sub(r'<bdi dir="ltr">\g<0></bdi>', html)


def page_texts(name: str, language: str, own: OwnWords = NO_OWN_WORDS) -> list[tuple[Entry, list[str]]]:
    """The words of a page, its shared parts included. Raises TranslationMissing."""
    return wording.texts_in(f"{name}.html", language, own)


def digest_of(template: str, channel: str, edition: str, own: OwnWords = NO_OWN_WORDS) -> str:
    """What an approval of a message or a page binds. Raises TranslationMissing, TemplateMissing."""
    if channel == PAGE:
        return page_digest(template, edition, own)
    return wording.wording_digest(template, Channel(channel), edition, own)


@lru_cache(maxsize=1024)
def page_digest(name: str, language: str, own: OwnWords = NO_OWN_WORDS) -> str:
    """SHA-256 (hex) of what a page says, its facts left open. Raises TranslationMissing."""
    texts = [[entry.context, words] for entry, words in page_texts(name, language, own)]
    return hashlib.sha256(json.dumps([name, language, texts], ensure_ascii=False).encode()).hexdigest()
