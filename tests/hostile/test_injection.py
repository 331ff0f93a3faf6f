"""More than two thousand words that would like to act, in everything that is made of what people type."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from campaigns.delivery.calendar import VisitEntry, visit_file
from campaigns.delivery.channels import Outgoing
from campaigns.delivery.email_mime import message_bytes
from campaigns.delivery.rendering import HTML_CAP, SMS_CAP, render
from campaigns.delivery.translations import OwnWords
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.errors import NotAllowed, RenderError
from campaigns.domain.own_words import Change, Kind, refusals
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.queries import contactability, lexicons
from campaigns.services import entries, exchange, reword, word_files
from campaigns.web import consents
from tests.hostile.conftest import json_lines
from tests.hostile.payloads import PRODUCT, SEEDS, broken_out, elements, payloads

NOW = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
LINE = "\n"


def test_there_are_enough_of_them() -> None:
    assert len(payloads()) > 2_000


def test_the_check_of_a_page_sees_each_way_out() -> None:
    for bad in ("<xq7>", "<a onclick=x>", "<a href=' javascript:x'>", "<script>x</script>", f"<p>{PRODUCT}"):
        assert broken_out(bad), bad
    assert broken_out("<p>&lt;xq7&gt; onclick=x</p><script src='/static/x.js'></script>") == []


@pytest.mark.parametrize(("language", "some"), [("en-CA", 1), ("ar", 5)])
def test_no_fact_is_more_than_words_in_a_message(language: str, some: int) -> None:
    """As given name, clinic, address and whatever else a text states: in the page, the text, the subject."""
    plain = elements(render("welcome/hello", Channel.EMAIL, language, SAMPLE).html)
    for words in payloads()[::some]:
        facts = replace(SAMPLE, given_name=words, clinic=words, address=words, clinician=words, fee=words)
        try:
            made = render("welcome/hello", Channel.EMAIL, language, facts)
            text = render("welcome/hello", Channel.SMS, language, facts).text
        except RenderError:
            continue  # too long: no message at all
        assert broken_out(made.html) == [], words
        assert elements(made.html) == plain, words
        assert PRODUCT not in made.subject + made.text + text, words


def test_no_fact_adds_a_header_a_part_or_a_line_to_a_mail() -> None:
    usual: list[str] = []
    for words in ("Ann", *payloads()):
        outgoing = Outgoing(
            attempt_id=UUID(int=1),
            to="patient@patients.example",
            text=words,
            subject=words,
            html=f"<p>{words}",
            from_name=words,
            expires_at=NOW,
            now=NOW,
            message_id="<1@clinic.example>",
        )
        try:
            raw = message_bytes(outgoing, "clinic@clinic.example")
        except ValueError:  # a control character in a header: refused, and a person sees why
            assert any(char < " " or char in "\x7f\ud800" for char in words), words
            continue
        read = email.message_from_bytes(raw, policy=email.policy.default)
        usual = usual or [*read.keys(), *(part.get_content_type() for part in read.walk())]
        assert [*read.keys(), *(part.get_content_type() for part in read.walk())] == usual, words
        assert read["To"] == "patient@patients.example"
        assert LINE + "." + LINE not in raw.decode().replace("\r\n", LINE), words


def test_no_fact_adds_a_line_to_a_calendar() -> None:
    def names(words: str) -> list[str]:
        entry = VisitEntry(
            uid="1", sequence=1, starts_at=NOW, now=NOW, summary=words, description=words, location=words
        )
        lines = visit_file(entry).decode("utf-8", "replace").replace("\r\n ", "").split("\r\n")
        return [line.partition(":")[0].partition(";")[0] for line in lines]

    usual = names("Ann")
    for words in payloads():
        if "\ud800" not in words:  # no column and no form takes half a letter
            assert names(words) == usual, words


def test_no_cell_of_the_list_for_spreadsheets_is_a_formula() -> None:
    rows: list[dict[str, object]] = [dict.fromkeys(contactability.FIELDS, words) for words in payloads()]
    made = consents._csv(rows).removeprefix("\ufeff")
    read = list(csv.reader(io.StringIO(made, newline="")))
    assert len(read) == len(rows) + 1
    for words, row in zip(payloads(), read[1:], strict=True):
        assert len(row) == len(contactability.FIELDS), words
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝")), words


def test_no_value_breaks_out_of_a_line_of_the_log() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_lines())
    log = logging.Logger("campaigns.x")
    log.addHandler(handler)
    for words in payloads():
        log.warning("event %s", words, extra={"why": words})
    written = stream.getvalue()
    assert written.isascii()
    lines = [json.loads(line) for line in written.split(LINE)[:-1]]
    assert len(lines) == len(payloads())
    assert {line["level"] for line in lines} == {"warning"}
    assert not set(written) & set(map(chr, [*range(10), *range(11, 32), 127]))


BODY = "auto.ok.sms.body"
MAIL = "shared.email.hello"


def test_no_own_words_are_more_than_words() -> None:
    """What the checks let through renders as it was typed, in one round, and adds no element."""
    accepted, took = 0, 0.0
    plain = elements(render("welcome/hello", Channel.EMAIL, "fr-CA", SAMPLE).html)
    ships = entries.shipped("fr-CA")[MAIL][0].target
    for words in payloads():
        said = reword.clean(f"{words} {ships}")
        found = entries.findings([entries.in_own_words("fr-CA", MAIL, said)], is_own=True)
        if found:
            continue
        accepted += 1
        began = time.process_time()
        own = OwnWords(frozenset({("fr-CA", MAIL, said)}))
        if accepted % 20 == 1:  # each is a new environment: some of them, for the whole way
            made = render("welcome/hello", Channel.EMAIL, "fr-CA", SAMPLE, own)
            assert broken_out(made.html) == [], words
            assert elements(made.html) == plain, words
            assert PRODUCT not in made.html + made.text + made.subject, words
        took = max(took, time.process_time() - began)
    assert 100 < accepted < len(payloads()) / 2, accepted
    assert took < 2


LOOPS = (
    "{% for x in range(10**9) %}x{% endfor %}",
    "{{ 'x' * 10**9 }}",
    "{{ range(10**9)|list }}",
    "{% set x = 'x' %}{% for i in range(60) %}{% set x = x + x %}{% endfor %}",
    "{{ lipsum(n=10**6) }}",
    "{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}",
    "{% include 'email/base.html' %}",
    "%(clinic)s" * 30_000,
    "%(clinic)900000000s",
    "x" * 100_000,
)


@pytest.mark.parametrize("words", LOOPS, ids=range(len(LOOPS)))
def test_no_own_words_can_loop_or_grow(words: str) -> None:
    """They are words in a place of a template, never a template: there is nothing that could run long.

    That is why rendering needs no clock: what may be saved has a length, and what is made of it has too.
    """
    said = reword.clean(words)
    began = time.process_time()
    assert entries.findings([entries.in_own_words("en-CA", MAIL, said)], is_own=True), (
        "refused when it is saved"
    )
    own = OwnWords(frozenset({("en-CA", MAIL, said[: entries.MOST])}))
    try:
        made = render("welcome/hello", Channel.EMAIL, "en-CA", SAMPLE, own)
    except RenderError:  # stored all the same, by whatever way: there is no message
        made = None
    assert made is None or max(len(made.html), len(made.text)) <= HTML_CAP
    assert time.process_time() - began < 2


def test_the_longest_facts_make_no_endless_message() -> None:
    for words in ("x" * 200_000, "<" * 100_000, "{{" * 50_000):
        with pytest.raises(RenderError, match="is the most"):
            render("welcome/hello", Channel.SMS, "en-CA", replace(SAMPLE, clinic=words))
        with pytest.raises(RenderError, match="is the most"):
            render("welcome/hello", Channel.EMAIL, "en-CA", replace(SAMPLE, given_name=words * 2))
    assert SMS_CAP < HTML_CAP


def test_no_file_of_a_translator_or_a_speaker_is_more_than_words(clinic: Clinic) -> None:
    for words in SEEDS:
        clean = words.encode("utf-8", "replace").decode()
        quoted = json.dumps(clean, ensure_ascii=False)
        po = f'msgid ""\nmsgstr "Language: fr_CA\\n"\n\nmsgctxt "{MAIL}"\nmsgid "x"\nmsgstr {quoted}\n'
        for content in (po, clean, po + clean):
            try:
                read = exchange.read(clinic, "fr-CA", content)
            except NotAllowed:
                continue
            for change in read.changes:
                assert broken_out(change.after) == [], words
        for content in (f"language: fr\nyes:\n- {quoted}\n", f"language: fr\n{clean}\n", clean):
            try:
                listed = word_files.read(clinic, "fr", content)
            except NotAllowed:
                continue
            for line in listed.new:
                assert "xq7(" not in line.change.word


def test_no_word_of_a_list_is_more_than_a_word() -> None:
    shipped: Any = lexicons.shipped()
    wanted = [Change(language="en", entry="yes", word=words, kind=Kind.ADD) for words in payloads()]
    for change, why in zip(wanted, refusals(shipped, [], wanted), strict=True):
        letters = [char for char in change.word if char.isalpha()]
        assert why or (letters and not set(change.word) & set("\x00\r\n\u202e\ud800")), change.word
