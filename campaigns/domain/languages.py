"""The languages we have texts in, the many tags that mean them, and what to fall back to.

The alias table is explicit: Babel's negotiation answers English for `zh-HK` and does not know Dari (`prs`).
"""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.domain.errors import UnknownLanguage


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language of the product.

    `tag` is the BCP 47 tag that we store; `script` the ISO 15924 code; `help_line` the one line, in the
    language itself, that goes under an English text when the translation is not approved yet.
    """

    tag: str
    name: str
    english_name: str
    script: str
    help_line: str
    direction: str = "ltr"

    @property
    def babel_locale(self) -> str:
        """The name Babel and the `locales/` folders use."""
        return self.tag.replace("-", "_")

    @property
    def is_source(self) -> bool:
        """Whether texts are written in this language, so that it has no catalog."""
        return self.tag == SOURCE


SOURCE = "en-CA"

SUPPORTED: dict[str, Language] = {
    language.tag: language
    for language in (
        Language(
            tag=SOURCE,
            name="English",
            english_name="English",
            script="Latn",
            help_line="Call us for help in your language.",
        ),
        Language(
            tag="fr-CA",
            name="Français",
            english_name="French",
            script="Latn",
            help_line="Appelez-nous pour obtenir de l'aide dans votre langue.",
        ),
        Language(
            tag="ar",
            name="العربية",
            english_name="Arabic",
            script="Arab",
            help_line="للمساعدة بلغتكم، يرجى الاتصال بنا.",
            direction="rtl",
        ),
    )
}
"""Every language with texts, by tag, in the order in which people choose."""

_EXACT = {
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "pa-pk": "pa-Arab",
    "fa-af": "fa",
}

_BY_PREFIX = {
    "zh-hant": "zh-Hant",
    "zh-hans": "zh-Hans",
    "pa-arab": "pa-Arab",
    "en": "en-CA",
    "fr": "fr-CA",
    "ar": "ar",
    "pa": "pa",
    "zh": "zh-Hans",
    "cmn": "zh-Hans",
    "yue": "zh-Hant",
    "fil": "fil",
    "tl": "fil",
    "ko": "ko",
    "fa": "fa",
    "prs": "fa",
    "es": "es",
    "vi": "vi",
    "hi": "hi",
    "ru": "ru",
    "uk": "uk",
    "ja": "ja",
    "ur": "ur",
    "pt": "pt-BR",
    "iw": "he",
    "in": "id",
}
"""Tags in lower case; the longest prefix ending at a hyphen wins. A target without texts is still unknown."""


def canonical(tag: str) -> str:
    """Our tag for any spelling (`EN_us` -> `en-CA`, `zh-HK` -> `zh-Hant`), with texts of ours or not."""
    cleaned = tag.strip().replace("_", "-")
    key = cleaned.lower()
    if key in _EXACT:
        return _EXACT[key]
    subtags = key.split("-")
    for length in range(len(subtags), 0, -1):
        found = _BY_PREFIX.get("-".join(subtags[:length]))
        if found:
            return found
    return cleaned


def resolve(tag: str) -> Language:
    """The language a tag means. Raises UnknownLanguage, naming the tags we have, where we have no texts."""
    found = SUPPORTED.get(canonical(tag))
    if found is None:
        shown = tag.strip()[:35].encode("unicode_escape").decode("ascii")
        raise UnknownLanguage(f'We have no texts in "{shown}". We have: {", ".join(SUPPORTED)}.')
    return found


def fallback_chain(tag: str) -> tuple[Language, ...]:
    """The languages to try in turn for a text, the wanted one first and the source language last.

    One language never stands in for another that merely resembles it: Russian not for Ukrainian, one written
    Chinese not for the other.
    """
    source = SUPPORTED[SOURCE]
    wanted = SUPPORTED.get(canonical(tag), source)
    return (wanted,) if wanted is source else (wanted, source)
