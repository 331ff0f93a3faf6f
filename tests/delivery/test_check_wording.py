"""The shipped texts pass every check, and what is not one text beside its English is checked too."""

from __future__ import annotations

import gettext
import json
from dataclasses import replace
from io import StringIO

import pytest
import yaml
from babel.messages.catalog import Catalog
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from campaigns.delivery import catalogs, wording
from campaigns.delivery.checks import catalog as checks
from campaigns.delivery.checks import reading, rendered, run, size
from campaigns.delivery.checks.catalog import Subject
from campaigns.delivery.checks.findings import Finding, Text
from campaigns.delivery.checks.parity import NAME
from campaigns.delivery.formats import style
from campaigns.delivery.glossaries import FOLDER, glossary
from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.glossary import InvalidGlossary, parse
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import is_gsm7


def test_the_shipped_texts_have_nothing_to_mend() -> None:
    report = run.check()
    assert run.lines(finding for finding in report.findings if not finding.is_note) == ""
    assert report.languages == len(SUPPORTED)


# --- a catalog as a whole


def subject(language: str, *entries: tuple[str, str, str], extra: str = "") -> Subject:
    """A catalog with these (context, English, translation)."""
    held, template = Catalog(locale=language.replace("-", "_"), fuzzy=False), Catalog(fuzzy=False)
    for context, source, target in entries:
        held.add(source, target, context=context)
        if not context.endswith(".gsm"):
            template.add(source, context=context, auto_comments=["x"])
    held.mime_headers = [("Plural-Forms", style(language).plural)]
    return Subject(language=language, content=catalogs.text_of(held) + extra, template=template)


def told(given: Subject) -> list[tuple[str, str, str]]:
    """(entry, check, what) of every finding."""
    return [(one.entry, one.check, one.what) for one in checks.check(given)]


def test_missing_empty_and_obsolete_entries_are_found_with_file_and_line() -> None:
    given_ = subject(
        "fr-CA", ("a.empty", "Old", ""), extra='\nmsgctxt "a.gone"\nmsgid "Gone"\nmsgstr "Parti"\n'
    )
    given_.template.add("New text", context="a.new", auto_comments=["x"])
    path = "locales/fr_CA/LC_MESSAGES/patient.po"
    found = [str(one) for one in checks.check(given_)]
    assert f"{path}:1: a.new: catalog-state: missing: run `campaigns catalogs update`" in found
    assert any(one.endswith("a.empty: catalog-state: not translated") for one in found)
    assert any(one.endswith("a.gone: catalog-state: obsolete: remove it") for one in found)
    assert len(found) == 3


def test_a_language_without_a_catalog_and_a_broken_file_are_one_finding() -> None:
    empty = Subject(language="ar", content="", template=Catalog())
    assert told(empty) == [("the file", "catalog-state", "there is no catalog: run `campaigns catalogs`")]
    broken = replace(subject("ar", ("a", "Yes", "نعم")), content='msgid "a"\nmsgstr "b\n\nmsgid 3')
    assert [entry for entry, _, _ in told(broken)][-1] == "the file"


def test_a_language_without_a_glossary_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UnknownLanguage, match=r"There is no glossary for xx: add campaigns/glossaries/xx\.yaml"
    ):
        glossary("xx")


def test_the_english_needs_one_text_a_context_and_a_note() -> None:
    template = Catalog()
    template.add("One.", locations=[("t.txt", 1)], context="a", auto_comments=["note"])
    template.add("Two: call us to cure it all.", locations=[("t.txt", 2)], context="a")
    assert [str(finding) for finding in checks.of_source(template)] == [
        "t.txt:2: a: catalog-state: another text has the same context",
        "t.txt:2: a: catalog-state: has no TRANSLATORS: comment",
        "t.txt:2: a: claims: 'cure' promises too much",
    ]


# --- variants and segments

HEADACHE = "%(clinic)s: Any fever, spreading redness, pus, bad headache when sitting up? Reply Y or N now."
TETE = "%(clinic)s : fièvre, pus, rougeur qui s'étend, gros mal de tête une fois assis? Y ou N maintenant."
CRANE = "%(clinic)s : fièvre, pus, rougeur qui s'étend, fortes douleurs au front, assis? Y ou N maintenant."


def variants(*entries: tuple[str, str]) -> list[str]:
    """What is said about variants of one text."""
    given_ = subject("fr-CA", *((f"a.b.sms.body{end}", HEADACHE, target) for end, target in entries))
    return [what for _, check, what in told(given_) if check == "gsm-variant"]


def test_a_text_that_is_dear_for_its_letters_needs_a_variant() -> None:
    assert variants(("", TETE)) == [
        "dear for its letters alone: add a.b.sms.body.gsm, the same in GSM-7 letters"
    ]
    assert variants(("", TETE), (".gsm", CRANE)) == []
    assert variants(("", CRANE)) == []


def test_a_translator_may_say_why_there_is_no_variant() -> None:
    given_ = subject("fr-CA", ("a.b.sms.body", HEADACHE, TETE))
    content = given_.content.replace("msgctxt", "# no variant: no plain word for it\nmsgctxt")
    found = list(checks.check(replace(given_, content=content)))
    assert [(one.check, one.what, one.is_note) for one in found] == [
        ("gsm-variant", "none: no plain word for it", True)
    ]


def test_a_variant_must_stay_in_the_alphabet_and_save_something() -> None:
    assert variants(("", TETE), (".gsm", TETE)) == ["not in the GSM-7 alphabet: ê"]
    assert variants(("", CRANE), (".gsm", CRANE)) == [
        "takes 1 segments, as many as the text it stands in for: remove it"
    ]


def test_every_check_looks_at_variants_too() -> None:
    spoilt = CRANE.replace("Y ou N", "oui ou non").replace("fièvre", "chaleur")
    found = told(subject("fr-CA", ("a.b.sms.body", HEADACHE, TETE), ("a.b.sms.body.gsm", HEADACHE, spoilt)))
    assert {(entry, check) for entry, check, _ in found} == {
        ("a.b.sms.body.gsm", "kept"),
        ("a.b.sms.body.gsm", "glossary"),
    }


def test_a_variant_where_the_language_takes_none_is_obsolete() -> None:
    found = told(subject("ar", ("a.sms.body", "Yes", "نعم"), ("a.sms.body.gsm", "Yes", "نعم")))
    assert ("a.sms.body.gsm", "catalog-state", "obsolete: remove it") in found


@pytest.mark.parametrize("language", SUPPORTED)
def test_the_longest_values_are_not_shorter_than_the_samples(language: str) -> None:
    longest = size.longest_values(language)
    sample = wording.values(wording.SAMPLE, Channel.SMS, language)
    assert all(len(longest[name]) >= len(sample[name]) for name in ("date", "time", "old_date", "opens"))


@pytest.mark.parametrize(("language", "most"), [("en-CA", 1), ("fr-CA", 2), ("es", 2), ("fil", 2), ("ru", 3)])
def test_an_sms_over_the_budget_of_its_language_is_found(language: str, most: int) -> None:
    assert glossary(language).segments == most
    part = 153 if language != "ru" else 67
    letter = "a" if language != "ru" else "б"
    for letters in (part, part * most, part * most + 12, part * (most + 1)):
        text = Text(context="a.sms.b", source="x", target=letter * letters, language=language)
        used = size.as_sent(text.target, language).segments
        assert list(size.segments(text)) == (
            [f"{used} segments with the longest values, {most} is the budget"] if used > most else []
        )
    assert used == most + 1
    page = Text(context="page.unsubscribe.sms.text", source="x", target="a" * 900, language=language)
    assert list(size.segments(page)) == []


# --- pseudo-locales


@given(
    st.lists(
        st.sampled_from(["Hello", "%(date)s", " you, ", "911", "%(phone)s", "100%%", "\u00e9"]), max_size=9
    )
)
def test_a_pseudo_text_keeps_every_placeholder_and_no_plain_letter(parts: list[str]) -> None:
    text = "".join(parts)
    for change in rendered.PSEUDO.values():
        changed = change(text)
        assert NAME.findall(changed) == NAME.findall(text)
        assert not any(c.isascii() and c.isalpha() for c in NAME.sub("", changed))
    assert len(rendered.accented(text)) >= len(text)


def test_pseudo_locales_are_offered_to_nobody() -> None:
    assert not rendered.PSEUDO.keys() & SUPPORTED.keys()


def test_every_template_renders_in_both_pseudo_locales() -> None:
    assert list(rendered.pseudo()) == []
    assert list(rendered.written_out()) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text, "English that no translator sees"),
        (lambda text: rendered.accented(NAME.sub("", text)), "is lost in"),
        (lambda text: rendered.accented(text) + "%(nowhere)s", "cannot be rendered in"),
    ],
)
def test_a_pseudo_locale_shows_what_is_wrong_with_a_template(
    change: object, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendered, "PSEUDO", {"en-XA": change})
    assert any(what in finding.what for finding in rendered.pseudo())


def test_the_sandbox_of_the_product_keeps_its_own_texts() -> None:
    before = wording.environment(SOURCE)
    wording.sandbox(gettext.NullTranslations())
    assert wording.environment(SOURCE) is before


# --- reading


@pytest.mark.parametrize(
    ("word", "count"),
    [
        *[(word, 1) for word in ("cat", "come", "moved", "the", "like", "pus", "skipped", "breathe", "late")],
        *[
            (word, 2)
            for word in ("reply", "visit", "table", "wanted", "being", "question", "doctor", "little")
        ],
        *[(word, 3) for word in ("medicine", "naproxen", "radio", "prescription", "ligament")],
        ("emergency", 4),
        ("ibuprofen", 4),
        ("911", 3),
        ("8-1-1", 3),
        ("7", 1),
    ],
)
def test_syllables_are_counted_by_rule(word: str, count: int) -> None:
    assert reading.syllables(word) == count


def test_the_grade_tells_easy_from_hard() -> None:
    assert reading.read("The cat sat on the mat. It was red.").grade < 1
    hard = reading.read("Pharmacological anticoagulation necessitates multidisciplinary consultation. " * 7)
    assert hard.grade > 20
    assert hard.is_too_hard
    assert not reading.read("Pharmacological anticoagulation.").is_too_hard
    assert reading.read("").grade == 0


@given(st.text())
def test_any_text_has_a_grade(text: str) -> None:
    assert isinstance(reading.read(text).grade, float)


# --- glossaries


def test_every_language_has_a_glossary_and_no_other_has() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(SUPPORTED)
    for language in SUPPORTED:
        assert glossary(language).language == language
        assert glossary(language).terms.keys() == glossary(SOURCE).terms.keys()


@pytest.mark.parametrize("language", SUPPORTED)
def test_a_glossary_follows_the_schema_that_editors_use(language: str) -> None:
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    document = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []


def test_the_two_written_chineses_have_no_strange_character_in_common() -> None:
    assert not glossary("zh-Hant").strange & glossary("zh-Hans").strange


GOOD = """language: fr-CA
letters: [LATIN]
segments: 2
length: {least: 60, most: 190}
sentence: {words: 15}
terms: {fever: 'fièvre'}
negations: ['pas']
keep_taking: ['ne cessez pas']
"""


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        (
            "segments: 2",
            "segments: 9",
            "x.yaml:3: `segments` of the file must be a whole number from 1 to 3.",
        ),
        ("segments: 2", "budget: 2", "x.yaml:3: the file knows no `budget`."),
        ("'pas'", "'pa(s'", "x.yaml:7: 'pa(s' is not a pattern"),
        ("'fièvre'", "['fi', 'fi[']", "x.yaml:6: 'fi[' is not a pattern"),
        ("terms", "term", "x.yaml:1: the file has no `terms`. Add it."),
        ("{words: 15}", "{word: 15}", "knows no `word`"),
        ("segments", "joiners: [XXX]\nsegments", "x.yaml:3: `joiners` knows no `XXX`."),
        ("segments", "banned: [{why: 'x'}]\nsegments", "x.yaml:3: an entry of `banned` has no `find`."),
        ("language: fr-CA", "language: [", "this is not YAML"),
    ],
)
def test_a_fault_in_a_glossary_is_told_with_file_and_line(good: str, bad: str, fault: str) -> None:
    assert parse(GOOD, "x.yaml").segments == 2
    with pytest.raises(InvalidGlossary) as told_:
        parse(GOOD.replace(good, bad, 1), "x.yaml")
    assert fault in str(told_.value)


# --- the command

FINDING = Finding(file="f.po", line=3, entry="a.b", check="kept", what="911 is missing", language="ar")


def report(*findings: Finding) -> run.Report:
    """A report of two languages."""
    return run.Report(languages=14, texts=2912, findings=findings)


def call(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    try:
        call_command("check_wording", *arguments, stdout=out)
    except CommandError as error:
        out.write(f"1: {error}")
    return out.getvalue()


def test_the_command_ends_with_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    note = replace(FINDING, is_note=True)
    monkeypatch.setattr(run, "check", lambda languages: report(note))
    assert call() == (
        "f.po:3: a.b: note: kept: 911 is missing\n14 languages, 2,912 texts, 0 errors, 1 note\n"
    )


def test_the_command_fails_with_one_line_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "check", lambda languages: report(FINDING))
    assert call() == (
        "f.po:3: a.b: kept: 911 is missing\n14 languages, 2,912 texts, 1 error, 0 notes\n"
        "1: 1 errors in the texts that patients read."
    )
    assert json.loads(call("--json").split("\n")[0])["findings"][0] == {
        "file": "f.po",
        "line": 3,
        "entry": "a.b",
        "check": "kept",
        "what": "911 is missing",
        "language": "ar",
        "is_note": False,
    }


def test_the_command_takes_languages_by_any_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def note(languages: list[str]) -> run.Report:
        asked.append(list(languages))
        return report()

    monkeypatch.setattr(run, "check", note)
    call("--language", "zh-HK", "--language", "fr", "--language", "fr-CA")
    assert asked == [["zh-Hant", "fr-CA"]]
    assert 'no texts in "xx"' in call("--language", "xx")


def test_the_command_shows_what_a_course_costs() -> None:
    lines = call("--segments", "--language", "en", "--language", "ar", "--price", "0.01").splitlines()
    assert lines[0].split() == ["segments", "x", "en-CA", "ar"]
    row = next(line.split() for line in lines if line.startswith("aftercare/next_day "))
    assert row[1:] == ["5", "1", "3"]
    total = next(line.split() for line in lines if line.startswith("a whole course"))
    price = next(line.split() for line in lines if line.startswith("US$"))
    assert [float(usd) for usd in price[-2:]] == [int(count) / 100 for count in total[-2:]]
    document = json.loads(call("--segments", "--json", "--language", "en", "--sessions", "1"))
    assert document["course"]["en-CA"]["segments"] < int(total[-2])
    assert "--price takes US dollars" in call("--segments", "--price", "much")


def test_the_command_shows_how_english_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = call("--reading").splitlines()
    assert lines[-1].endswith(f"mean of {len(wording.templates())} messages; the target is grade 6")
    assert json.loads(call("--reading", "--json"))["mean"] <= 6
    hard = reading.Reading(words=31, sentences=1, syllables=60)
    monkeypatch.setattr(rendered, "readings", lambda: {("auto/ok", Channel.SMS): hard})
    assert "1: Some English messages are too hard to read." in call("--reading")
    assert [finding.check for finding in rendered.too_hard()] == ["reading"]


def test_variants_are_only_where_letters_outside_the_alphabet_are_few() -> None:
    assert {tag for tag in SUPPORTED if glossary(tag).variants} == {"fr-CA", "es"}
    assert not is_gsm7("Tiếng Việt")
