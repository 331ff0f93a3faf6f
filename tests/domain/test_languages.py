"""Language tags: every spelling finds its language, and no language stands in for a neighbour."""

from __future__ import annotations

import unicodedata

import pytest
from babel import Locale
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.languages import SUPPORTED, Language, canonical, fallback_chain, resolve


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("en-CA en EN_us en-GB en-Latn-CA", "en-CA"),
        ("fr-CA fr FR fr-FR fr_CA fr-CH fr-Latn", "fr-CA"),
        ("pa pa-IN PA_in pa-Guru pa-Guru-IN pa_Guru_CA", "pa"),
        ("zh-Hant zh-hant ZH_HANT zh-Hant-HK zh-Hant-TW zh-Hant-CN zh-Hant-CA", "zh-Hant"),
        ("zh-HK zh-TW zh_tw zh-MO zh-HK-u-ca-gregory", "zh-Hant"),
        ("yue yue-HK yue-Hant yue-Hant-HK yue-CN zh-yue cmn-Hant cmn-TW", "zh-Hant"),
        ("zh-Hans zh_hans_cn zh-Hans-SG zh-Hans-HK zh-Hans-TW", "zh-Hans"),
        ("zh zh-CN zh-SG ZH_sg zh-MY zh-CA cmn cmn-Hans cmn-CN yue-Hans yue-Hans-CN", "zh-Hans"),
        ("fil fil-PH tl tl-PH TL_ph", "fil"),
        ("ko ko-KR ko_Kore_KR", "ko"),
        ("fa fa-IR fa-AF fa_Arab_AF prs prs-AF", "fa"),
        ("es es-MX es-419 es-ES es_US es-Latn-CO", "es"),
        ("vi vi-VN", "vi"),
        ("ar ar-SY ar-EG ar_Arab_IQ", "ar"),
        ("hi hi-IN hi-Deva", "hi"),
        ("ru ru-RU ru-UA", "ru"),
        ("uk uk-UA UK", "uk"),
    ],
    ids=lambda value: value.replace(" ", ","),
)
def test_it_finds_the_language(tags: str, wanted: str) -> None:
    assert {tag: resolve(f" {tag} ").tag for tag in tags.split()} == dict.fromkeys(tags.split(), wanted)


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("pa-PK", "pa-Arab"),
        ("pa-Arab", "pa-Arab"),
        ("pa_arab_PK", "pa-Arab"),
        ("pt-PT", "pt-BR"),
        ("ja-JP", "ja"),
        ("ur-PK", "ur"),
        ("iw", "he"),
        ("iw-IL", "he"),
        ("in", "id"),
        ("sw", "sw"),
    ],
)
def test_a_language_without_texts_keeps_its_own_tag_and_reads_english(tag: str, wanted: str) -> None:
    assert canonical(tag) == wanted
    assert [language.tag for language in fallback_chain(tag)] == ["en-CA"]


def test_a_tag_that_merely_begins_with_ours_is_another_language() -> None:
    for tag in ("fur", "fas-x", "koi", "hif", "rue", "arc", "eng", "spa", "tlh", "zha"):
        assert canonical(tag) == tag


OURS = "We have: en-CA, fr-CA, pa, zh-Hant, zh-Hans, fil, ko, fa, es, vi, ar, hi, ru, uk"


@pytest.mark.parametrize("tag", ["", "xx", "he", "pa-PK", "klingon", "engl", "a\r\nb", "é" * 99])
def test_an_unknown_language_is_refused_with_what_we_have(tag: str) -> None:
    with pytest.raises(
        UnknownLanguage,
        match=OURS,
    ) as caught:
        resolve(tag)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=20))
def test_any_tag_resolves_or_is_refused(tag: str) -> None:
    try:
        assert resolve(tag).tag in SUPPORTED
    except UnknownLanguage:
        assert canonical(tag) not in SUPPORTED


@pytest.mark.parametrize(
    ("tag", "chain"),
    [
        ("en", ["en-CA"]),
        ("fr", ["fr-CA", "en-CA"]),
        ("ar", ["ar", "en-CA"]),
        ("uk", ["uk", "en-CA"]),
        ("ru-UA", ["ru", "en-CA"]),
        ("zh-HK", ["zh-Hant", "en-CA"]),
        ("zh", ["zh-Hans", "en-CA"]),
        ("prs", ["fa", "en-CA"]),
        ("pa-PK", ["en-CA"]),
        ("", ["en-CA"]),
    ],
)
def test_it_falls_back_to_english_only(tag: str, chain: list[str]) -> None:
    assert [language.tag for language in fallback_chain(tag)] == chain


@pytest.mark.parametrize("language", SUPPORTED.values(), ids=SUPPORTED)
def test_babel_knows_every_language_of_ours(language: Language) -> None:
    locale = Locale.parse(language.babel_locale)
    assert str(locale) == language.babel_locale
    assert locale.text_direction == language.direction
    likely = get_global("likely_subtags").get(locale.language, "")
    assert language.script in (locale.script, likely.split("_")[1])


OPERATORS_NAMES = {"zh-Hant": "Chinese", "zh-Hans": "Chinese", "fil": "Tagalog", "fa": "Farsi"}
OWN_NAMES = {"zh-Hant": "繁體中文", "zh-Hans": "简体中文"}


@pytest.mark.parametrize("language", SUPPORTED.values(), ids=SUPPORTED)
def test_a_language_has_its_own_name_and_the_one_a_911_operator_knows(language: Language) -> None:
    locale = Locale(language.tag.split("-")[0])
    assert language.english_name == OPERATORS_NAMES.get(language.tag, locale.get_language_name("en"))
    own = OWN_NAMES.get(language.tag, locale.get_language_name() or "")
    assert language.name.casefold() == own.casefold()


def test_staff_can_tell_every_language_from_the_others() -> None:
    assert len({language.staff_name for language in SUPPORTED.values()}) == len(SUPPORTED)
    assert SUPPORTED["zh-Hant"].staff_name == "Chinese (Traditional)"
    assert SUPPORTED["pa"].staff_name == "Punjabi"


def test_every_language_can_ask_for_help() -> None:
    assert len({language.help_line for language in SUPPORTED.values()}) == len(SUPPORTED)
    assert [tag for tag, language in SUPPORTED.items() if language.is_source] == ["en-CA"]


@pytest.mark.parametrize("language", SUPPORTED.values(), ids=SUPPORTED)
def test_a_call_for_help_is_one_short_line_in_the_script_of_its_language(language: Language) -> None:
    line = language.help_line
    assert len(line) <= 67
    assert line == unicodedata.normalize("NFC", " ".join(line.split()))
    letters = [unicodedata.name(c) for c in line if c.isalpha()]
    assert all(name.startswith(SCRIPTS[language.script]) for name in letters)
    assert (unicodedata.bidirectional(line[0]) == "AL") is (language.direction == "rtl")


SCRIPTS = {
    "Latn": "LATIN",
    "Arab": "ARABIC",
    "Guru": "GURMUKHI",
    "Deva": "DEVANAGARI",
    "Cyrl": "CYRILLIC",
    "Kore": "HANGUL",
    "Hant": "CJK UNIFIED",
    "Hans": "CJK UNIFIED",
}
