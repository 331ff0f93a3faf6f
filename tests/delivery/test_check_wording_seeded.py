"""Defects that real catalogs had, seeded into copies of the shipped ones: each is found, where it is.

A defect goes into every entry that can have it, in one copy. Every such entry must be found by the check that
is for it, and no other entry may be reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

from campaigns.delivery import catalogs
from campaigns.delivery.checks import catalog as checks
from campaigns.delivery.checks.catalog import Subject
from campaigns.delivery.checks.findings import Text
from campaigns.delivery.glossaries import glossary, kept_words
from campaigns.domain.languages import SOURCE

Defect = Callable[[str, str, str], str | None]
"""(English, translation, language) -> the spoilt translation; None where the entry cannot have it."""

LANGUAGES = ("fr-CA", "ar", "pa", "zh-Hant")
PLACEHOLDER = re.compile(r"%\(\w+\)s")
LETTERS = re.compile(r"[^\W\d_]")


@cache
def shipped(language: str) -> Subject:
    """The catalog as it ships, with the template cut down to what is translated."""
    kept = Catalog(fuzzy=False)
    held = catalogs.load(language)
    for entry in list(catalogs.extract())[1:]:
        message = held.get(entry.id, entry.context)
        if message and all(checks.forms(message)) and not message.fuzzy:
            kept.add(
                entry.id, context=entry.context, locations=entry.locations, auto_comments=entry.auto_comments
            )
    content = catalogs.text_of(catalogs.update(language, kept))
    live = "\n\n".join(block for block in content.split("\n\n") if "#~" not in block)
    return Subject(language=language, content=live, template=kept)


@cache
def shipped_findings(language: str) -> frozenset[tuple[str, str, str]]:
    """What is found before anything is spoilt."""
    return found(shipped(language))


def found(subject: Subject) -> frozenset[tuple[str, str, str]]:
    """(entry, check, what) of every finding."""
    return frozenset((one.entry, one.check, one.what) for one in checks.check(subject))


def entries(subject: Subject) -> tuple[Catalog, list[Message]]:
    """A fresh copy of the catalog, and its entries."""
    read = checks.read(subject)
    return read, list(read)[1:]


def spoil(language: str, defect: Defect) -> tuple[Subject, set[str]]:
    """A copy with the defect wherever it fits, and the entries that have it."""
    subject = shipped(language)
    copy, messages = entries(subject)
    spoilt: set[str] = set()
    for message in messages:
        forms = checks.forms(message)
        bad = defect(checks.sources_of(message)[-1], forms[-1], language)
        if bad is not None and bad != forms[-1]:
            message.string = (*forms[:-1], bad) if message.pluralizable else bad
            spoilt.add(str(message.context))
    return replace(subject, content=catalogs.text_of(copy)), spoilt


def dropped_placeholder(source: str, target: str, language: str) -> str | None:
    return PLACEHOLDER.sub("", target, count=1) if PLACEHOLDER.search(target) else None


def english_left_in(source: str, target: str, language: str) -> str | None:
    rest = kept_words().sub("", PLACEHOLDER.sub("", source))
    return source if LETTERS.search(rest) else None


def english_word_left_in(source: str, target: str, language: str) -> str | None:
    return re.sub(r"(?<=\w) (?=\w)", " Dear ", target, count=1) if " " in target else f"{target} Dear"


def note_as_text(source: str, target: str, language: str) -> str | None:
    return f"{target[:-1]} (do not translate this name){target[-1]}"


def note_in_its_own_language(source: str, target: str, language: str) -> str | None:
    notes = {"fr-CA": "note de la traductrice", "ar": "ملاحظة المترجم", "pa": "ਅਨੁਵਾਦਕ ਦੀ ਟਿੱਪਣੀ"}
    note = notes.get(language, "譯註")
    return f"{target[:-1]} ({note}){target[-1]}"


def wrong_script(source: str, target: str, language: str) -> str | None:
    return LETTERS.sub("ж", target) if not PLACEHOLDER.search(target) else None


def lost_negation(source: str, target: str, language: str) -> str | None:
    if not glossary(SOURCE).negations.search(source):
        return None
    return " ".join(glossary(language).negations.sub(" ", target).split())


def lost_do_not_stop(source: str, target: str, language: str) -> str | None:
    return glossary(language).keep_taking.sub("", target, count=1)


def changed_number(source: str, target: str, language: str) -> str | None:
    without = PLACEHOLDER.sub(lambda match: "\0" * len(match.group()), target)
    last = max((match.start() for match in re.finditer(r"\d", without)), default=None)
    if last is None:
        return None
    return target[:last] + str((int(target[last]) + 1) % 10) + target[last + 1 :]


def digits_of_another_script(source: str, target: str, language: str) -> str | None:
    return re.sub(r"\d", lambda match: chr(0x0660 + int(match.group())), target)


def zero_width(source: str, target: str, language: str) -> str | None:
    return target[:1] + "\u200b" + target[1:]


def direction_override(source: str, target: str, language: str) -> str | None:
    return f"{target[:1]}\u202e{target[1:]}"


def doubled_space(source: str, target: str, language: str) -> str | None:
    return target[:1] + "  " + target[1:]


def promised_cure(source: str, target: str, language: str) -> str | None:
    cure = {"fr-CA": "guérison", "ar": "شفاء", "pa": "ਹਮੇਸ਼ਾ ਲਈ", "zh-Hant": "根治"}
    return f"{target[:-1]} {cure[language]}{target[-1]}"


def success_rate(source: str, target: str, language: str) -> str | None:
    return f"{target[:-1]} 85%%{target[-1]}"


def antibiotic(source: str, target: str, language: str) -> str | None:
    word = {"fr-CA": "antibiotiques", "ar": "مضاد حيوي", "pa": "ਐਂਟੀਬਾਇਓਟਿਕ", "zh-Hant": "消炎藥"}
    return f"{target[:-1]} {word[language]}{target[-1]}" if "anti-inflammatory" in source else None


def lost_command(source: str, target: str, language: str) -> str | None:
    return re.sub(r"\b(?:STOP|HELP|START|CALL)\b", "OK", target, flags=re.ASCII)


def glued_link(source: str, target: str, language: str) -> str | None:
    return target.replace("%(link)s", "%(link)s.").replace("%(phone)s", "1%(phone)s")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("defect", "check", "least"),
    [
        (dropped_placeholder, "placeholder-parity", 80),
        (english_left_in, "untranslated", 200),
        (english_word_left_in, "untranslated", 200),
        (note_as_text, "untranslated", 200),
        (note_in_its_own_language, "untranslated", 200),
        (wrong_script, "script", 100),
        (lost_negation, "negation", 40),
        (lost_do_not_stop, "negation", 9),
        (changed_number, "kept", 30),
        (digits_of_another_script, "characters", 30),
        (zero_width, "characters", 200),
        (direction_override, "characters", 200),
        (doubled_space, "edges", 200),
        (promised_cure, "claims", 200),
        (success_rate, "claims", 200),
        (antibiotic, "glossary", 3),
        (lost_command, "kept", 8),
        (glued_link, "links", 40),
    ],
)
def test_a_seeded_defect_is_found_at_its_entry_and_nowhere_else(
    defect: Defect, check: str, least: int, language: str
) -> None:
    subject, spoilt = spoil(language, defect)
    assert len(spoilt) >= least, "the defect must go into enough entries to prove anything"
    new = found(subject) - shipped_findings(language)
    assert spoilt - {entry for entry, name, _ in new if name == check} == set()
    assert {entry for entry, _, _ in new} - spoilt == set()


def fewer_forms(content: str) -> str:
    """Every plural without its last form."""
    blocks = []
    for block in content.split("\n\n"):
        parts = re.split(r"(?m)^(?=msgstr\[)", block)
        blocks.append("".join(parts[:-1]) if len(parts) > 2 else re.sub(r"^msgid_plural.*\n", "", block))
    return "\n\n".join(blocks)


def plurals(language: str) -> set[str]:
    """The entries that count."""
    return {str(message.context) for message in entries(shipped(language))[1] if message.pluralizable}


@pytest.mark.parametrize("language", ["fr-CA", "ar", "pa"])
def test_a_plural_with_too_few_forms_is_found(language: str) -> None:
    subject = shipped(language)
    new = found(replace(subject, content=fewer_forms(subject.content))) - shipped_findings(language)
    assert len(plurals(language)) >= 3
    assert plurals(language) <= {entry for entry, check, _ in new if check == "plural-forms"}
    assert {entry for entry, _, _ in new} == plurals(language)


@pytest.mark.parametrize(
    ("language", "header", "what"),
    [
        ("fr-CA", "nplurals=3; plural=(n > 1);", "3 plural forms, the language has 2"),
        ("ar", "nplurals=2; plural=(n != 1);", "2 plural forms, the language has 6"),
        ("fr-CA", "", "no plural forms, the language has 2"),
    ],
)
def test_a_header_with_the_wrong_count_of_forms_is_found(language: str, header: str, what: str) -> None:
    line = f'"Plural-Forms: {header}\\\\n"\n' if header else ""
    content = re.sub(r'"Plural-Forms: .*"\n', line, shipped(language).content)
    assert ("the header", "plural-forms", what) in found(replace(shipped(language), content=content))


def test_a_fuzzy_header_and_a_fuzzy_entry_are_found() -> None:
    subject = shipped("ar")
    header = replace(subject, content=subject.content.replace('msgid ""', '#, fuzzy\nmsgid ""', 1))
    assert {entry for entry, _, _ in found(header) - shipped_findings("ar")} == {"the header"}
    place = subject.content.index('msgctxt "page.gone.text"')
    entry = replace(subject, content=subject.content[:place] + "#, fuzzy\n" + subject.content[place:])
    new = found(entry) - shipped_findings("ar")
    assert new == {("page.gone.text", "catalog-state", "fuzzy: review it and take the mark away")}


def test_a_finding_names_the_file_the_line_and_the_entry() -> None:
    subject = shipped("fr-CA")
    content = subject.content.replace('msgstr "Bonjour,"', 'msgstr "Bonjour\u200b,"')
    line = content[: content.index('msgctxt "shared.email.hello"\n')].count("\n") + 1
    told = [str(one) for one in checks.check(replace(subject, content=content)) if "U+200B" in one.what]
    assert len(told) == 1
    path, number, rest = told[0].split(":", 2)
    assert path == "locales/fr_CA/LC_MESSAGES/patient.po"
    assert line <= int(number) <= line + 3
    assert rest == " shared.email.hello: characters: an invisible character, U+200B"


def other_script(first: str, second: str) -> Iterator[tuple[str, bool]]:
    """Each entry of the first with the second's text in it: whether the check of scripts tells it."""
    theirs = {message.context: message for message in entries(shipped(second))[1]}
    for message in entries(shipped(first))[1]:
        other = theirs.get(message.context)
        if other and not message.pluralizable and other.string != message.string:
            source, target = checks.sources_of(message)[0], str(other.string)
            text = Text(context=str(message.context), source=source, target=target, language=first)
            names = [name for name, _ in checks.problems(text)]
            yield str(message.context), "script" in names


@pytest.mark.parametrize(("first", "second"), [("zh-Hant", "zh-Hans"), ("zh-Hans", "zh-Hant")])
def test_one_written_chinese_in_the_other_is_found(first: str, second: str) -> None:
    told = dict(other_script(first, second))
    assert len(told) > 150
    missed = [context for context, seen in told.items() if not seen]
    assert len(missed) <= 0.05 * len(told), missed


NSAIDS_FR = (
    "%(clinic)s : d'ici votre visite du %(date)s, évitez l'ibuprofène. "
    "NE cessez PAS vos médicaments prescrits."
)
NSAIDS_EN = "%(clinic)s: Until your visit %(date)s skip ibuprofen. Do NOT stop prescribed pills."


@pytest.mark.parametrize(
    ("bad", "check"),
    [
        ("NE cessez PAS vos|Cessez vos", "negation"),
        ("NE cessez PAS vos|Vous cessez vos", "negation"),
        ("ibuprofène|Advil", "kept"),
        ("médicaments prescrits|comprimés", "glossary"),
        ("votre visite|ta visite, toi", "glossary"),
        ("prescrits.|prescrits. Répondez ANNULER", "opt-out"),
        ("votre visite|your visit", "untranslated"),
        ("%(date)s|%(dat)s", "placeholder-parity"),
        ("%(date)s|%(date", "placeholder-parity"),
        ("%(date)s|{{ date }}", "placeholder-parity"),
        ("%(clinic)s :|%(clinic)s :\u00a0", "characters"),
        ("é|e\u0301", "characters"),
        ("prescrits.|prescrits?", "edges"),
        ("prescrits.|prescrits. Appelez le 604-555-0134.", "links"),
        ("vos médicaments|vos médiсaments", "script"),
        ("prescrits.|prescrits. СТОП.", "script"),
    ],
)
def test_what_one_slip_of_a_pen_does(bad: str, check: str) -> None:
    text = Text(
        context="a.b.sms.body", source=NSAIDS_EN, target=NSAIDS_FR, language="fr-CA", comments="Level: x."
    )
    assert list(checks.problems(text)) == []
    before, after = bad.split("|")
    assert before in NSAIDS_FR
    spoilt = NSAIDS_FR.replace(before, after)
    names = {name for name, _ in checks.problems(replace(text, target=spoilt))}
    assert check in names
