"""The catalogs are complete, and each check catches what it is for."""

from __future__ import annotations

import gettext
import json
import os
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.core.management import call_command
from django.core.management.base import CommandError

from campaigns.delivery import catalogs, wording
from campaigns.delivery.rendering import reload
from campaigns.domain.recipients import Channel

NSAIDS = (
    "%(clinic)s: Visit %(date)s. Skip ibuprofen. Do NOT stop prescribed pills. "
    "Reply STOP to end. Call 911 or 8-1-1."
)
FRENCH = (
    "%(clinic)s : visite le %(date)s. Évitez l'ibuprofène. NE cessez PAS vos médicaments prescrits. "
    "Répondez STOP pour cesser. Appelez le 911 ou le 8-1-1."
)
ARABIC = (
    "من %(clinic)s: الزيارة يوم %(date)s. تجنبوا ibuprofen. لا توقفوا أدويتكم الموصوفة. "
    "أرسلوا STOP للتوقف. اتصلوا بالرقم 911 أو 8-1-1."
)


def message(target: str, context: str = "a.b.sms.body", source: str = NSAIDS) -> Message:
    return Message(source, target, context=context, flags=[])


def test_the_committed_catalogs_are_up_to_date() -> None:
    stale = [p.name for p, text in catalogs.generated().items() if p.read_text(encoding="utf-8") != text]
    assert stale == [], "run `campaigns catalogs`"


def test_the_committed_catalogs_have_nothing_to_mend() -> None:
    assert catalogs.lines(catalogs.check()) == ""


def test_every_entry_has_a_note_for_the_translator() -> None:
    for language in catalogs.languages():
        for entry in list(catalogs.load(language))[1:]:
            assert "Level: " in " ".join(entry.auto_comments) + " "
            assert entry.context


def test_notes_show_samples_and_what_to_keep() -> None:
    entry = catalogs.extract().get(
        next(e.text for e in wording.message_entries("auto/stop", Channel.SMS)), "auto.stop.sms.body"
    )
    assert entry is not None
    assert any("%(phone)s is for example 604-555-0134" in comment for comment in entry.auto_comments)
    assert any(comment == "Keep as it is: START" for comment in entry.auto_comments)


def test_a_good_translation_has_no_finding() -> None:
    assert catalogs.check_message(message(FRENCH), "fr-CA") == []
    assert catalogs.check_message(message(ARABIC), "ar") == []


@pytest.mark.parametrize(
    ("language", "good", "bad", "what"),
    [
        ("fr-CA", "%(date)s", "mardi", "%(date)s is missing"),
        ("fr-CA", "%(date)s", "%(date)s %(time)s", "%(time)s is not in the English"),
        ("fr-CA", "%(date)s", "%(date)s %(date)s", "%(date)s is not in the English"),
        ("fr-CA", "%(date)s", "%(date)s %(date", "a placeholder is broken"),
        ("fr-CA", "%(date)s", "%(date)s {{ date }}", "a placeholder is broken"),
        ("fr-CA", "911", "112", "the number 911 is missing"),
        ("fr-CA", "911", "112", "the number 112 is not in the English"),
        ("fr-CA", "8-1-1", "811", "the number 8-1-1 is missing"),
        ("ar", "911", "٩١١", "digits must be 0 to 9"),
        ("fr-CA", "STOP", "ARRET", "STOP must stay as it is"),
        ("fr-CA", "ibuprofène", "Advil", "ibuprofène must stay as it is"),
        ("ar", "ibuprofen", "إيبوبروفين", "ibuprofen must stay as it is"),
        ("fr-CA", "NE cessez PAS vos", "Cessez vos", "the English says not, this does not"),
        ("ar", "لا توقفوا", "أوقفوا", "'do not stop' is lost or doubled"),
        ("ar", "من %(clinic)s: الزيارة", "%(clinic)s: الزيارة", "must begin with a letter"),
        ("fr-CA", "8-1-1.", "8-1-1. ", "space at an edge"),
        ("fr-CA", " pour", "  pour", "doubled space"),
        ("fr-CA", " pour", "\npour", "doubled space or a line break"),
        ("fr-CA", "É", "E\u0301", "not NFC"),
        ("fr-CA", " :", "\u00a0:", "a special space"),
        ("fr-CA", "pour", "pour\u200b", "an invisible character"),
        ("ar", "للتوقف", "\u202eللتوقف", "an invisible character"),
        ("fr-CA", "pour cesser", "END pour cesser", "END would opt the patient out"),
        ("ar", "تجنبوا", "please avoid the following pills before", "are of another script"),
        ("fr-CA", "visite", "визит " * 12, "are of another script"),
    ],
)
def test_a_seeded_defect_is_found(language: str, good: str, bad: str, what: str) -> None:
    text = {"fr-CA": FRENCH, "ar": ARABIC}[language]
    assert good in text
    problems = catalogs.check_message(message(text.replace(good, bad)), language)
    assert any(what in problem for problem in problems), problems


def test_english_left_in_place_is_found() -> None:
    assert "same as the English" in catalogs.check_message(message(NSAIDS), "fr-CA")


def test_an_empty_or_fuzzy_entry_is_found() -> None:
    assert catalogs.check_message(message(""), "fr-CA") == ["not translated"]
    fuzzy = Message(NSAIDS, FRENCH, context="a.b.sms.body", flags=["fuzzy"])
    assert catalogs.check_message(fuzzy, "fr-CA")[0].startswith("fuzzy")


def test_a_plural_may_leave_out_the_count_but_no_form() -> None:
    source = ("%(num)s day before", "%(num)s days before")
    forms = (
        "%(num)s يوم قبل",
        "يوم واحد قبل",
        "يومان قبل",
        "%(num)s أيام قبل",
        "%(num)s يومًا قبل",
        "%(num)s يوم قبل",
    )
    assert catalogs.check_message(Message(source, forms, context="a"), "ar") == []
    assert catalogs.check_message(Message(source, (*forms[:5], ""), context="a"), "ar") == ["not translated"]
    lost = catalogs.check_message(Message(source, (*forms[:5], "يوم قبل"), context="a"), "ar")
    assert lost == ["%(num)s is missing"]


def test_missing_and_obsolete_entries_are_found_with_file_and_line() -> None:
    template = Catalog()
    template.add("New text", context="a.new", auto_comments=["x"])
    po = b'msgid ""\nmsgstr ""\n\nmsgctxt "a.old"\nmsgid "Old"\nmsgstr "Vieux"\n'
    findings = [str(f) for f in catalogs.check_catalog("fr-CA", read_po(BytesIO(po)), template)]
    assert findings == [
        "locales/fr_CA/LC_MESSAGES/patient.po:1: a.new: missing: run update",
        "locales/fr_CA/LC_MESSAGES/patient.po:5: a.old: obsolete: remove it",
    ]


def test_one_context_with_two_texts_and_a_text_without_a_note_are_found() -> None:
    template = Catalog()
    template.add("One", locations=[("t.txt", 1)], context="a", auto_comments=["note"])
    template.add("Two", locations=[("t.txt", 2)], context="a")
    found = [str(finding) for finding in catalogs.check_source(template)]
    assert found == [
        "t.txt:2: a: another text has the same context",
        "t.txt:2: a: has no TRANSLATORS: comment",
    ]


def test_update_never_guesses_from_a_similar_text(monkeypatch: pytest.MonkeyPatch) -> None:
    template = Catalog()
    template.add("Call us now.", context="a.b", auto_comments=["x"])
    old = Catalog(locale="fr_CA")
    old.add("Call us now", "Appelez-nous", context="a.b")
    monkeypatch.setattr(catalogs, "load", lambda language: old)
    updated = catalogs.update("fr-CA", template).get("Call us now.", "a.b")
    assert updated is not None
    assert not updated.string
    assert not updated.fuzzy


def test_fuzzy_and_half_filled_entries_stay_out_of_the_compiled_catalog() -> None:
    catalog = Catalog(locale="fr_CA", fuzzy=False)
    catalog.add("Good", "Bon", context="a")
    catalog.add("Unsure", "Peut-être", context="a", flags=["fuzzy"])
    catalog.add(("day", "days"), ("jour", ""), context="a")
    loaded = gettext.GNUTranslations(BytesIO(wording.compiled(catalog)))
    assert loaded.pgettext("a", "Good") == "Bon"
    assert loaded.pgettext("a", "Unsure") == "Unsure"
    assert loaded.npgettext("a", "day", "days", 1) == "day"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogs that a test may spoil."""
    for language in catalogs.languages():
        target = tmp_path / wording.catalog_path(language)
        target.parent.mkdir(parents=True)
        target.write_bytes((wording.ROOT / wording.catalog_path(language)).read_bytes())
    monkeypatch.setattr(catalogs, "ROOT", tmp_path)
    return tmp_path


def test_compiling_counts_every_entry(copied: Path) -> None:
    counts = catalogs.compile_all()
    assert set(counts) == {"fr-CA", "ar"}
    assert set(counts.values()) == {len(catalogs.load("ar"))}
    assert (copied / "locales/ar/LC_MESSAGES/patient.mo").stat().st_size > 1_000


def test_a_compiled_catalog_is_used_only_while_it_is_fresh(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wording, "ROOT", copied)
    catalogs.compile_all()
    source = copied / wording.catalog_path("fr-CA")
    text = source.read_text(encoding="utf-8").replace('"Bonjour,"', '"Salut,"')
    source.write_text(text, encoding="utf-8")
    older = source.with_suffix(".mo").stat().st_mtime
    for age, expected in ((-10, "Bonjour,"), (10, "Salut,")):
        os.utime(source, (older + age, older + age))
        reload()
        assert wording.translations("fr-CA").pgettext("shared.email.hello", "Hello,") == expected
    monkeypatch.undo()
    reload()


def test_the_command_reports_and_ends_well() -> None:
    out = StringIO()
    call_command("catalogs", "check", stdout=out)
    assert out.getvalue() == "check: nothing to mend\n"


def test_the_command_ends_badly_with_one_line_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = catalogs.Finding(file="f.po", line=3, entry="a.b", what="not translated")
    monkeypatch.setattr(catalogs, "check", lambda: [finding])
    out = StringIO()
    with pytest.raises(CommandError, match="1 findings"):
        call_command("catalogs", "check", stdout=out)
    assert out.getvalue() == "f.po:3: a.b: not translated\n"
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("catalogs", "check", "--json", stdout=out)
    assert json.loads(out.getvalue())[0]["line"] == 3
