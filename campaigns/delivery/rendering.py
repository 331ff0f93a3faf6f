"""A template, a language and the facts become the text that leaves.

Each (template, channel, language, shape of the facts) is rendered, inlined and walked once, with holes where
the facts go; a message then only fills the holes. The shape is which facts are present and the clinic's
numbers, because templates ask about those.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import TemplateNotFound, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

from campaigns.delivery import wording
from campaigns.delivery.email_html import PlainText, hold_runs, inline, subject_of
from campaigns.delivery.formats import STYLES, format_phone, is_rtl, style
from campaigns.delivery.holes import Holed, hole
from campaigns.delivery.pages import page_digest
from campaigns.delivery.translations import (
    NO_OWN_WORDS,
    ROOT,
    OwnWords,
    catalog,
    catalog_path,
    language_of,
    translations,
)
from campaigns.delivery.wording import Facts, environment, template_name, wording_digest
from campaigns.domain.errors import CampaignsError, RenderError
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import normalise

__all__ = ["Facts", "Rendered", "help_line", "reload", "render", "wording_digest"]

SMS_CAP = 1_600  # characters that Twilio takes in one request
HTML_CAP = 200_000  # characters; mail programs cut a longer page off

_LTR_MARK = "\u200e"
_HYPHENATED = re.compile(r"\+\d+|\d+(?:-\d+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One text as it leaves. For SMS `subject` and `html` are empty."""

    subject: str
    text: str
    html: str
    language: str
    wording_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    digest: str
    text: Holed | PlainText
    subject: Holed
    html: Holed


_Numbers = tuple[tuple[str, int], ...]


def render(
    template: str, channel: Channel, edition: str, facts: Facts, own: OwnWords = NO_OWN_WORDS
) -> Rendered:
    """The message in that edition of a language, where a clinic has them in its own words.

    Raises TemplateMissing, TranslationMissing or RenderError (a fact is absent), each with one line that
    names the template, the language and the mend.
    """
    language = language_of(edition)
    filled = wording.values(facts, channel, language) if language in STYLES else {}
    shape = frozenset(filled)
    ready = _prepared(template, channel, edition, shape, tuple(wording.numbers(facts).items()), own)
    if channel is Channel.SMS:
        return _sms(ready, template, language, filled)
    return _email(ready, template, language, filled)


def _sms(ready: _Prepared, template: str, language: str, filled: dict[str, str]) -> Rendered:
    text = normalise(ready.text.fill(filled))
    if is_rtl(language):
        text = _keep_numbers_in_order(text)
    if len(text) > SMS_CAP:
        raise RenderError(f"{template} (sms, {language}): {len(text)} characters; {SMS_CAP} is the most.")
    return Rendered(subject="", text=text, html="", language=language, wording_digest=ready.digest)


def _email(ready: _Prepared, template: str, language: str, filled: dict[str, str]) -> Rendered:
    html = ready.html.fill({name: escape(value) for name, value in filled.items()})
    if len(html) > HTML_CAP:
        raise RenderError(f"{template} (email, {language}): {len(html)} characters; {HTML_CAP} is the most.")
    return Rendered(
        subject=ready.subject.fill(filled),
        text=ready.text.fill(filled),
        html=html,
        language=language,
        wording_digest=ready.digest,
    )


@lru_cache(maxsize=4096)
def _prepared(
    template: str, channel: Channel, edition: str, shape: frozenset[str], numbers: _Numbers, own: OwnWords
) -> _Prepared:
    name = template_name(template, channel)
    translations(edition, own)
    language = language_of(edition)
    given: dict[str, str | int] = {**wording.language_values(language), **{n: hole(n) for n in shape}}
    page = unicodedata.normalize("NFC", _run(environment(edition, own), name, given | dict(numbers)))
    digest = wording_digest(template, channel, edition, own)
    if channel is Channel.SMS:
        return _Prepared(digest=digest, text=Holed(page.strip()), subject=Holed(""), html=Holed(""))
    rtl = is_rtl(language)
    inlined = inline(page)
    return _Prepared(
        digest=digest,
        text=PlainText(page, rtl, style(language).colon),
        subject=Holed(subject_of(page)),
        html=Holed(hold_runs(inlined, rtl)),
    )


def _run(sandbox: ImmutableSandboxedEnvironment, name: str, given: dict[str, str | int]) -> str:
    language = given["lang"]
    try:
        return sandbox.get_template(name).render(given)
    except CampaignsError:
        raise
    except UndefinedError as error:
        raise RenderError(f"{name} ({language}): {error.message}; give this fact, or test for it.") from None
    except (TypeError, ValueError, KeyError, SecurityError, TemplateNotFound) as error:
        raise RenderError(f"{name} ({language}): {error}; mend the template or the catalog.") from None


def _keep_numbers_in_order(text: str) -> str:
    """A mark before each hyphenated number that follows right-to-left letters.

    Without it the Unicode algorithm shows 8-1-1 as 1-1-8 and turns a phone number round. SMS has no markup,
    and this mark is older and better kept by phones than isolates are.
    """
    return _HYPHENATED.sub(lambda m: (_LTR_MARK if _after_rtl(text, m.start()) else "") + m.group(), text)


def _after_rtl(text: str, index: int) -> bool:
    for character in reversed(text[:index]):
        kind = unicodedata.bidirectional(character)
        if kind in {"L", "R", "AL"}:
            return kind != "L"
    return True


@lru_cache(maxsize=256)
def calendar_words(edition: str, clinic: str, phone: str, own: OwnWords = NO_OWN_WORDS) -> tuple[str, str]:
    """Summary and note of a visit in the patient's calendar. `phone` is E.164. Raises TranslationMissing."""
    page = environment(edition, own).get_template(wording.CALENDAR)
    summary, note = page.render(clinic=clinic, phone=format_phone(phone)).strip().splitlines()
    return summary, note


def help_line(language: str) -> str:
    """One line for a patient who gets English because the wording in their language is not ready."""
    english = "Call us for help in your language."
    if language == SOURCE or not (ROOT / catalog_path(language)).is_file():
        return english
    return translations(language).pgettext("shared.help_line", english)


def reload() -> None:
    """Forget everything prepared, after a template or a catalog has changed on disk."""
    for known in (_prepared, calendar_words, translations, catalog):
        known.cache_clear()
    wording.forget()
    page_digest.cache_clear()
