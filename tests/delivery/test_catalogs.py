"""The catalogs follow the templates: extracted, updated without a guess, compiled, put back into English."""

from __future__ import annotations

import gettext
import os
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.core.management import call_command
from django.core.management.base import CommandError

from campaigns.delivery import catalogs, translations, wording
from campaigns.delivery.checks import back
from campaigns.delivery.checks.catalog import Subject
from campaigns.delivery.rendering import reload
from campaigns.domain.recipients import Channel


def test_the_committed_catalogs_are_up_to_date() -> None:
    stale = [
        path.name
        for path, text in catalogs.generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `campaigns catalogs`"


def test_every_entry_has_a_note_for_the_translator() -> None:
    for entry in list(catalogs.extract())[1:]:
        assert "Level: " in " ".join(entry.auto_comments) + " "
        assert entry.context


def test_notes_show_samples_and_what_to_keep() -> None:
    entry = catalogs.extract().get(
        next(e.text for e in wording.message_entries("auto/stop", Channel.SMS)), "auto.stop.sms.body"
    )
    assert entry is not None
    assert any("%(phone)s is for example 604-555-0134" in comment for comment in entry.auto_comments)
    assert any(comment == "Keep as it is: START" for comment in entry.auto_comments)


def template(*entries: tuple[str, str]) -> Catalog:
    """A template with these (context, English)."""
    made = Catalog(fuzzy=False)
    for context, text in entries:
        made.add(text, context=context, auto_comments=["x"])
    return made


def test_update_never_guesses_from_a_similar_text(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Catalog(locale="fr_CA")
    old.add("Call us now", "Appelez-nous", context="a.b")
    monkeypatch.setattr(catalogs, "load", lambda language: old)
    updated = catalogs.update("fr-CA", template(("a.b", "Call us now."))).get("Call us now.", "a.b")
    assert updated is not None
    assert not updated.string
    assert not updated.fuzzy


def test_update_leaves_no_fuzzy_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "load", lambda language: Catalog(locale="ar", fuzzy=True))
    assert "fuzzy" not in catalogs.text_of(catalogs.update("ar", template(("a.b", "Call us now."))))


VARIANT = "a.b.sms.body.gsm"


def with_variant(language: str) -> Catalog:
    """A catalog that has a text and a variant of it."""
    held = Catalog(locale=language, fuzzy=False)
    held.add("Bad headache?", "Mal de tête?", context="a.b.sms.body")
    held.add("Bad headache?", "Mal de crane?", context=VARIANT)
    return held


def test_update_keeps_a_variant_beside_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "load", lambda language: with_variant("fr_CA"))
    updated = catalogs.update("fr-CA", template(("a.b.sms.body", "Bad headache?"), ("a.c", "Next")))
    assert [message.context for message in list(updated)[1:]] == ["a.b.sms.body", VARIANT, "a.c"]
    kept = updated.get("Bad headache?", VARIANT)
    assert kept is not None
    assert kept.string == "Mal de crane?"
    assert any("GSM-7" in comment for comment in kept.auto_comments)


def test_update_adds_no_variant_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "load", lambda language: Catalog(locale="fr_CA", fuzzy=False))
    updated = catalogs.update("fr-CA", template(("a.b.sms.body", "Bad headache?")))
    assert len(updated) == 1


@pytest.mark.parametrize(
    ("language", "english"), [("fr-CA", "A headache?"), ("ar", "Bad headache?")], ids=["changed", "none"]
)
def test_a_variant_goes_with_its_text_and_where_a_language_takes_none(
    language: str, english: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "load", lambda language: with_variant("fr_CA"))
    updated = catalogs.update(language, template(("a.b.sms.body", english)))
    assert VARIANT not in [message.context for message in list(updated)[1:]]
    assert VARIANT in [message.context for message in updated.obsolete.values()]


def test_fuzzy_and_half_filled_entries_stay_out_of_the_compiled_catalog() -> None:
    catalog = Catalog(locale="fr_CA", fuzzy=False)
    catalog.add("Good", "Bon", context="a")
    catalog.add("Unsure", "Peut-être", context="a", flags=["fuzzy"])
    catalog.add(("day", "days"), ("jour", ""), context="a")
    loaded = gettext.GNUTranslations(BytesIO(translations.compiled(catalog)))
    assert loaded.pgettext("a", "Good") == "Bon"
    assert loaded.pgettext("a", "Unsure") == "Unsure"
    assert loaded.npgettext("a", "day", "days", 1) == "day"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogs that a test may spoil."""
    for language in catalogs.languages():
        source = translations.ROOT / translations.catalog_path(language)
        if source.is_file():
            target = tmp_path / translations.catalog_path(language)
            target.parent.mkdir(parents=True)
            target.write_bytes(source.read_bytes())
    monkeypatch.setattr(catalogs, "ROOT", tmp_path)
    return tmp_path


def test_compiling_counts_every_entry(copied: Path) -> None:
    counts = catalogs.compile_all()
    assert {"fr-CA", "ar"} <= set(counts) <= set(catalogs.languages())
    for language, count in counts.items():
        assert count == sum(1 for message in catalogs.load(language) if message.id and message.string)
        assert (copied / translations.catalog_path(language)).with_suffix(".mo").stat().st_size > 1_000


def test_a_compiled_catalog_is_used_only_while_it_is_fresh(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "ROOT", copied)
    catalogs.compile_all()
    source = copied / translations.catalog_path("fr-CA")
    text = source.read_text(encoding="utf-8").replace('"Bonjour,"', '"Salut,"')
    source.write_text(text, encoding="utf-8")
    older = source.with_suffix(".mo").stat().st_mtime
    for age, expected in ((-10, "Bonjour,"), (10, "Salut,")):
        os.utime(source, (older + age, older + age))
        reload()
        assert translations.translations("fr-CA").pgettext("shared.email.hello", "Hello,") == expected
    monkeypatch.undo()
    reload()


# --- back-translations


def subject(french: str) -> Subject:
    """A catalog of one text."""
    held = Catalog(locale="fr_CA", fuzzy=False)
    held.add("Hello,", french, context="a.hello")
    return Subject(language="fr-CA", content=catalogs.text_of(held), template=template(("a.hello", "Hello,")))


def told(made: str, french: str = "Bonjour,", says: str = "Good day,") -> str:
    """A file of back-translations with one entry."""
    header = made.split('msgid ""')[0].replace(back.NOBODY, "R. Example")
    return f'{header}msgid ""\nmsgstr ""\n\nmsgctxt "a.hello"\nmsgid "{french}"\nmsgstr "{says}"\n'


def test_new_texts_wait_for_somebody_to_put_them_back_into_english() -> None:
    made = back.update(subject("Bonjour,"), "")
    assert 'msgctxt "a.hello"\nmsgid "Bonjour,"\nmsgstr ""' in made
    assert "# Back-translated by: nobody yet" in made
    assert back.update(subject("Bonjour,"), made) == made


def test_what_was_put_back_stays_with_the_name_of_who_did_it() -> None:
    made = back.update(subject("Bonjour,"), told(back.update(subject("Bonjour,"), "")))
    assert 'msgstr "Good day,"' in made
    assert "# Back-translated by: R. Example" in made


def test_a_translation_that_changes_loses_what_it_was_in_english() -> None:
    made = back.update(subject("Salut,"), told(back.update(subject("Bonjour,"), "")))
    assert "Good day" not in made
    assert "Bonjour" not in made
    assert 'msgid "Salut,"\nmsgstr ""' in made


@pytest.mark.parametrize(
    ("french", "change", "what"),
    [
        ("Bonjour,", ("", ""), ""),
        ("Salut,", ("", ""), "none for the text as it is: `campaigns catalogs back fr-CA`"),
        ("Bonjour,", ("Good day,", ""), "empty"),
        ("Bonjour,", ("R. Example", back.NOBODY), "does not say who made it: fill in Back-translated by:"),
    ],
)
def test_a_missing_back_translation_is_an_error_once_there_is_a_file(
    french: str, change: tuple[str, str], what: str
) -> None:
    content = told(back.update(subject("Bonjour,"), "")).replace(*change)
    found = list(back.check(subject(french), content))
    assert [one.what for one in found] == ([what] if what else [])
    assert not any(one.is_note for one in found)


def test_without_a_file_it_is_a_note() -> None:
    found = list(back.check(subject("Bonjour,"), None))
    assert [str(one) for one in found] == [
        "locales/fr_CA/LC_MESSAGES/back.po:1: the file: note: back-translation: "
        "no locales/fr_CA/LC_MESSAGES/back.po yet"
    ]


# --- the command


def test_the_command_writes_the_file_of_back_translations(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "ROOT", translations.ROOT)
    for module in ("campaigns.management.commands.catalogs", "campaigns.delivery.checks.run"):
        monkeypatch.setattr(f"{module}.ROOT", copied)
    out = StringIO()
    call_command("catalogs", "back", "fr", stdout=out)
    call_command("catalogs", "back", "fr-CA", stdout=out)
    path = "locales/fr_CA/LC_MESSAGES/back.po"
    assert out.getvalue() == f"updated: {path}\nno change: {path}\n"
    assert (copied / path).read_text(encoding="utf-8").count("msgctxt") > 200


@pytest.mark.parametrize("arguments", [("back",), ("update", "fr-CA")])
def test_the_command_refuses_what_makes_no_sense(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Only `back` takes a language"):
        call_command("catalogs", *arguments)
