"""Encoding, units and parts of texts, held against Twilio's own calculator (`sms-segments-calculator`).

Every SMS as it is rendered, in every language and edition, and generated texts that are meant to be hard.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from campaigns.delivery.rendering import help_line, render
from campaigns.delivery.translations import gsm_edition, language_of
from campaigns.delivery.wording import SAMPLE, SAMPLE_SHORT, Facts, has_gsm_variant, placeholders, templates
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import Encoding, segment
from tests.delivery.oracle import node

GENERATED = 2_000
SEED = 1

BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡AZaz§¿ÄÖÑÜäöñüà"
ESCAPED = "\f^{}\\[~]|€"
LETTERS = "ÇçêâîôûœŞłžДжїґабغكپگچیکڤםשਅਸ਼ਟੀਕਾਂ੍हिन्दीक्ष한국어가각ᄒ中文繁體简体日の้ၵ"
MARKS = (
    "\u0301\u0302\u0327\u0640\u064b\u0670\u0a3c\u0a41\u093f\u094d\u0e33\u20e3\u200d\u200c\ufe0f\u1160\u11a8"
)
INVISIBLE = "\u200e\u200f\u2068\u2069\u202f\u00a0\u00ad\u200b\ufeff\u2028"
ASTRAL = "😀🩹💉𝒳𐍈🀄🦴🫀𠮷"
HALVES = "\ud83d\ude00\udbff\udc00"
WHOLE = (
    "🇨🇦", "🇨🇦🇫🇷", "🇨", "👍🏽", "👩‍👩‍👧‍👦", "👩🏽‍⚕️", "🏴‍☠️", "❤️", "1️⃣", "e\u0301", "क्षि", "ਸ਼੍ਰੀ",
    "각", "ᄒ\u1161\u11ab", "\r\n", "ا\u064e\u0651", "می\u200cشود", "https://clinic.example/p/x7Kd3mQ9",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """How a text travels. `parts` are UTF-16: Python tells two halves from the whole character."""

    encoding: str
    units: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One text, and what to call it when the two disagree."""

    name: str
    text: str


def rendered() -> Iterator[Case]:
    """Every SMS in every language and edition, with long facts and with short ones."""
    for tag in SUPPORTED:
        for template, channel in templates():
            if channel is Channel.SMS:
                yield from _editions(template, tag)


def _editions(template: str, tag: str) -> Iterator[Case]:
    variant = (gsm_edition(tag),) if has_gsm_variant(template, tag) else ()
    for edition in (tag, *variant):
        for name, facts in (("long", SAMPLE), ("short", _short(template))):
            text = render(template, Channel.SMS, edition, facts).text
            yield Case(name=f"{template} {edition} {name}", text=text)
            if edition == SOURCE:
                yield from _with_help(template, name, text)


def _with_help(template: str, name: str, text: str) -> Iterator[Case]:
    """English with one line in another language under it, for patients whose wording is not ready."""
    for tag in SUPPORTED:
        yield Case(name=f"{template} {name} with help in {tag}", text=f"{text}\n{help_line(tag)}")


def _short(template: str) -> Facts:
    """The short facts, where they are all that the message asks for."""
    asked = placeholders(template, Channel.SMS)
    return SAMPLE if asked & {"link", "address", "fee", "clinician"} else SAMPLE_SHORT


def generated() -> Iterator[Case]:
    """Texts by chance around the lengths where a text is cut, of one alphabet, two, or all."""
    chance = random.Random(SEED)
    pools: tuple[str | tuple[str, ...], ...] = (
        BASIC, ESCAPED, LETTERS, LETTERS + MARKS, BASIC + INVISIBLE, ASTRAL, HALVES + "a", WHOLE,
    )  # fmt: skip
    for number in range(GENERATED):
        chosen = chance.sample(pools, chance.randint(1, 3))
        length = chance.choice((5, 33, 35, 67, 70, 71, 134, 135, 153, 160, 161, 306, 307, 460))
        pieces = [chance.choice(chance.choice(chosen)) for _ in range(chance.randint(length - 4, length + 4))]
        yield Case(name=f"generated {number}", text="".join(pieces))


@cache
def compared(make: Callable[[], Iterator[Case]]) -> list[tuple[Case, Packed]]:
    """Each text with the calculator's answer; one Node process for all."""
    cases = list(make())
    answers = node.ask("segments.js", [case.text for case in cases])
    return [(case, packed(**answer)) for case, answer in zip(cases, answers, strict=True)]


def packed(encoding: str, units: int, parts: Iterable[str]) -> Packed:
    """An answer, ours or the calculator's."""
    held = tuple(part.encode("utf-16-be", "surrogatepass").hex(" ", 2) for part in parts)
    return Packed(encoding=encoding, units=units, parts=held)


def ours(text: str) -> Packed:
    """Our own answer."""
    cut = segment(text)
    return packed(cut.encoding.value, cut.units, cut.parts)


@pytest.mark.parametrize("make", [rendered, generated])
def test_texts_are_packed_as_twilio_packs_them(make: Callable[[], Iterator[Case]]) -> None:
    differing = [
        f"{case.name}: {case.text!r}\n  ours {ours(case.text)}\n  Twilio's {answer}"
        for case, answer in compared(make)
        if ours(case.text) != answer
    ]
    assert not differing, f"{len(differing)} differ\n" + "\n".join(differing[:5])


def test_every_language_and_every_variant_is_among_the_rendered() -> None:
    editions = {case.name.split()[1] for case in rendered() if "help" not in case.name}
    assert {language_of(edition) for edition in editions} == set(SUPPORTED)
    assert {gsm_edition("fr-CA"), gsm_edition("es")} <= editions


def test_the_generated_texts_are_of_both_encodings_and_of_many_lengths() -> None:
    found = [segment(case.text) for case in generated()]
    assert len(found) == GENERATED
    assert min(sum(one.encoding is name for one in found) for name in Encoding) > GENERATED / 20
    assert {one.segments for one in found} >= set(range(1, 9))


def test_a_difference_would_be_seen() -> None:
    (_, answer), *_ = compared(rendered)
    assert ours("a" * 161) != answer
    assert ours("ê" * 71).parts != ours("ê" * 72).parts
