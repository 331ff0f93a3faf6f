"""Language tags: every spelling finds its language, and no language stands in for a neighbour."""

from __future__ import annotations

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.languages import SUPPORTED, canonical, fallback_chain, resolve


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("en", "en-CA"),
        ("EN_us", "en-CA"),
        ("en-GB", "en-CA"),
        ("fr", "fr-CA"),
        ("fr-FR", "fr-CA"),
        (" fr_CA ", "fr-CA"),
        ("ar", "ar"),
        ("ar-SY", "ar"),
    ],
)
def test_it_finds_the_language(tag: str, wanted: str) -> None:
    assert resolve(tag).tag == wanted


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("tl", "fil"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("cmn", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh_hans_cn", "zh-Hans"),
        ("yue", "zh-Hant"),
        ("yue-HK", "zh-Hant"),
        ("pa-IN", "pa"),
        ("pa-Guru", "pa"),
        ("pa-PK", "pa-Arab"),
        ("prs", "fa"),
        ("fa-AF", "fa"),
        ("es-419", "es"),
        ("pt-PT", "pt-BR"),
        ("iw", "he"),
        ("in", "id"),
        ("sw", "sw"),
    ],
)
def test_the_alias_table_is_explicit(tag: str, wanted: str) -> None:
    assert canonical(tag) == wanted


@pytest.mark.parametrize("tag", ["", "xx", "zh-HK", "pa-PK", "klingon", "engl", "a\r\nb", "é" * 99])
def test_an_unknown_language_is_refused_with_what_we_have(tag: str) -> None:
    with pytest.raises(UnknownLanguage, match="We have: en-CA, fr-CA, ar") as caught:
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
        ("uk", ["en-CA"]),
        ("zh-Hant", ["en-CA"]),
    ],
)
def test_it_falls_back_to_english_only(tag: str, chain: list[str]) -> None:
    assert [language.tag for language in fallback_chain(tag)] == chain


@pytest.mark.parametrize("language", SUPPORTED.values(), ids=SUPPORTED)
def test_babel_knows_every_language_of_ours(language: object) -> None:
    ours = resolve(next(tag for tag, value in SUPPORTED.items() if value is language))
    locale = Locale.parse(ours.babel_locale)
    assert locale.text_direction == ours.direction
    assert ours.english_name == locale.get_language_name("en")
    assert (locale.get_language_name(ours.tag[:2]) or "").casefold() == ours.name.casefold()


def test_every_language_can_ask_for_help() -> None:
    assert len({language.help_line for language in SUPPORTED.values()}) == len(SUPPORTED)
    assert [tag for tag, language in SUPPORTED.items() if language.is_source] == ["en-CA"]
