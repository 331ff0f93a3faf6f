"""The languages we have texts in, the many tags that mean them, and what to fall back to.

The alias table is explicit: Babel's negotiation answers English for `zh-HK` and does not know Dari (`prs`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from campaigns.domain.errors import UnknownLanguage


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language of the product.

    `tag` is the BCP 47 tag that we store; `script` the ISO 15924 code; `help_line` the one line, in the
    language itself, that goes under an English text when the translation is not approved yet.

    `english_name` is the word a patient says to 911 to get an interpreter, so it names what is spoken:
    "Chinese" (the operator asks which), "Tagalog", "Farsi". `written` tells staff apart what that word does
    not.
    """

    tag: str
    name: str
    english_name: str
    script: str
    help_line: str
    direction: str = "ltr"
    written: str = ""

    @property
    def staff_name(self) -> str:
        """The name for staff, unlike every other: `Chinese (Traditional)`, `Punjabi`."""
        return self.written or self.english_name

    @property
    def babel_locale(self) -> str:
        """The name Babel and the `locales/` folders use; Babel reads `pa` as Punjabi in Gurmukhi."""
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
            tag="pa",
            name="ਪੰਜਾਬੀ",
            english_name="Punjabi",
            script="Guru",
            help_line="ਆਪਣੀ ਭਾਸ਼ਾ ਵਿੱਚ ਮਦਦ ਲਈ ਸਾਨੂੰ ਫ਼ੋਨ ਕਰੋ।",
        ),
        Language(
            tag="zh-Hant",
            name="繁體中文",
            english_name="Chinese",
            script="Hant",
            help_line="如需以您的語言獲得協助，請致電我們。",
            written="Chinese (Traditional)",
        ),
        Language(
            tag="zh-Hans",
            name="简体中文",
            english_name="Chinese",
            script="Hans",
            help_line="如需用您的语言获得帮助，请致电我们。",
            written="Chinese (Simplified)",
        ),
        Language(
            tag="fil",
            name="Filipino",
            english_name="Tagalog",
            script="Latn",
            help_line="Tumawag po sa amin para sa tulong sa inyong wika.",
            written="Filipino (Tagalog)",
        ),
        Language(
            tag="ko",
            name="한국어",
            english_name="Korean",
            script="Kore",
            help_line="한국어로 도움이 필요하시면 저희에게 전화해 주십시오.",
        ),
        Language(
            tag="fa",
            name="فارسی",
            english_name="Farsi",
            script="Arab",
            help_line="برای دریافت کمک به زبان خودتان، به ما زنگ بزنید.",
            direction="rtl",
            written="Persian (Farsi)",
        ),
        Language(
            tag="es",
            name="Español",
            english_name="Spanish",
            script="Latn",
            help_line="Para recibir ayuda en su idioma, puede llamarnos.",
        ),
        Language(
            tag="vi",
            name="Tiếng Việt",
            english_name="Vietnamese",
            script="Latn",
            help_line="Hãy gọi cho chúng tôi để được giúp đỡ bằng ngôn ngữ của quý vị.",
        ),
        Language(
            tag="ar",
            name="العربية",
            english_name="Arabic",
            script="Arab",
            help_line="للمساعدة بلغتكم، يرجى الاتصال بنا.",
            direction="rtl",
        ),
        Language(
            tag="hi",
            name="हिन्दी",
            english_name="Hindi",
            script="Deva",
            help_line="अपनी भाषा में मदद के लिए हमें फ़ोन करें।",
        ),
        Language(
            tag="ru",
            name="Русский",
            english_name="Russian",
            script="Cyrl",
            help_line="Если Вам нужна помощь на Вашем языке, позвоните нам.",
        ),
        Language(
            tag="uk",
            name="Українська",
            english_name="Ukrainian",
            script="Cyrl",
            help_line="Якщо Вам потрібна допомога Вашою мовою, зателефонуйте нам.",
        ),
    )
}
"""Every language with texts, by tag, in the order in which people choose."""

_BY_PREFIX = {
    "zh-hant": "zh-Hant",
    "zh-hans": "zh-Hans",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh-yue": "zh-Hant",
    "yue-hans": "zh-Hans",
    "cmn-hant": "zh-Hant",
    "cmn-tw": "zh-Hant",
    "pa-arab": "pa-Arab",
    "pa-pk": "pa-Arab",
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
    subtags = cleaned.lower().split("-")
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


def fallback_chain(tag: str, between: Iterable[str] = ()) -> tuple[Language, ...]:
    """The languages to try in turn for a text, the wanted one first and the source language last.

    One language never stands in for another that merely resembles it, Russian not for Ukrainian, one written
    Chinese not for the other, unless somebody has put it `between`. Tags without texts are passed over.
    """
    tags = (canonical(tag), *between, SOURCE)
    return tuple(dict.fromkeys(SUPPORTED[one] for one in tags if one in SUPPORTED))


def among(tags: Collection[str]) -> tuple[Language, ...]:
    """The languages with these tags, in the order in which people choose; all of them for no tags."""
    return tuple(language for tag, language in SUPPORTED.items() if tag in (tags or SUPPORTED))
