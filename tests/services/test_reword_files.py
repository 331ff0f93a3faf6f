"""A language as a translator's file: out and in again without a loss, and broken files said in one line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.domain.errors import NotAllowed
from campaigns.models import Clinic, OwnWording, Staff
from campaigns.services import exchange, reword
from tests.factories import NOON
from tests.services.wordings import HELLO, person, say, ships


def read(clinic: Clinic, content: str, language: str = "fr-CA") -> exchange.Reading:
    return exchange.read(clinic, language, exchange.decoded(content.encode()))


def entry(context: str, english: str, words: str, mark: str = "") -> str:
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return f'{header}{mark}msgctxt "{context}"\nmsgid "{english}"\nmsgstr "{words}"\n'


@pytest.mark.parametrize("language", ["en-CA", "fr-CA", "ar", "zh-Hant", "es"])
def test_what_goes_out_comes_in_without_a_change(clinic: Clinic, language: str) -> None:
    content = exchange.exported(clinic, language)
    found = read(clinic, content, language)
    assert (found.changes, found.refused, found.unknown, found.proposal) == ((), (), (), None)
    assert found.unchanged > (200 if language != "en-CA" else -1)


@pytest.mark.parametrize(
    ("language", "context", "words"),
    [
        ("fr-CA", HELLO, "Bonjour à vous,"),
        ("en-CA", "page.consent.free", "You may say no. Your treatment stays the same."),
    ],
)
def test_own_words_go_out_and_come_in_at_another_clinic(
    clinic: Clinic, language: str, context: str, words: str
) -> None:
    translator = person(clinic, Staff.Role.TRANSLATOR)
    say(clinic, language, context, words, translator)
    content = exchange.exported(clinic, language)
    assert words in content
    assert not read(clinic, content, language).changes
    say(clinic, language, context, None, translator)
    found = read(clinic, content, language)
    assert [(one.context, one.after) for one in found.changes] == [(context, words)]
    assert found.proposal is not None
    assert reword.save(clinic, found.proposal, by=translator, now=NOON) == 1
    assert OwnWording.objects.get(clinic=clinic).text == words


def test_the_dry_run_sorts_what_changes_what_is_refused_and_what_is_unknown(clinic: Clinic) -> None:
    content = "\n".join(
        [
            entry(HELLO, "Hello,", "Bonjour à vous,"),
            'msgctxt "shared.email.footer.preferences"\nmsgid "Change the language"\nmsgstr "<b>"\n',
            'msgctxt "no.such"\nmsgid "Hello,"\nmsgstr "Bonjour,"\n',
            'msgctxt "shared.email.footer.unsubscribe"\nmsgid "An older English"\nmsgstr "Arrêter"\n',
            '#, fuzzy\nmsgctxt "page.consent.heading"\nmsgid "May we send you messages?"\nmsgstr "On?"\n',
        ]
    )
    found = read(clinic, content)
    assert [one.context for one in found.changes] == [HELLO]
    refused = {one.context: one.findings[0] for one in found.refused}
    assert "cannot be used" in refused["shared.email.footer.preferences"]
    assert "fuzzy" in refused["page.consent.heading"]
    assert found.unknown == ("no.such", "shared.email.footer.unsubscribe")
    assert not OwnWording.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00m", "not in UTF-8"),
        (b"msgid \x00", "not a text file"),
        (b"x" * (exchange.LARGEST + 1), "larger than 1 MB"),
        (b"PK\x03\x04 not a catalog", "line 1"),
        (b'msgid "a"\nmsgstr "b', "line 2 has no closing quote"),
        (b"# nothing\n", "no entries"),
        (b'msgid ""\nmsgstr ""\n"Language: es\\n"\n\nmsgid "a"\nmsgstr "b"\n', "its language is es"),
        (b'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=x;\\n"\n\nmsgid "a"\nmsgstr "b"\n', "header"),
    ],
)
def test_a_broken_file_is_said_in_one_line(clinic: Clinic, content: bytes, why: str) -> None:
    with pytest.raises(NotAllowed, match=why) as caught:
        exchange.read(clinic, "fr-CA", exchange.decoded(content))
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), put=st.text(max_size=12), at=st.integers(0, 400))
def test_no_file_brings_it_down(clinic: Clinic, cut: int, put: str, at: int) -> None:
    whole = entry(HELLO, "Hello,", ships("fr-CA", HELLO))
    content = whole[: len(whole) - cut % len(whole)]
    content = content[: at % (len(content) + 1)] + put + content[at % (len(content) + 1) :]
    with suppress(NotAllowed):
        exchange.read(clinic, "fr-CA", exchange.decoded(content.encode()))
