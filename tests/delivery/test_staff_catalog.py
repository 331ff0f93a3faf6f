"""The catalog of the staff site: complete, in step with what is marked, and compiled as it is kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.core.management import call_command
from django.utils import translation

from campaigns.delivery import catalogs, staff_catalog
from campaigns.delivery.translations import ROOT

THE_SAME = {
    "%(n)d patient",
    "%(n)d patients",
    *("Conversation", "Patient", "Patients", "Date", "Message", "Messages", "Question", "Page"),
    *("Consultation", "Correction", "Corrections", "Urgent", "code", "Code", "hindi", "Infection", "Note"),
    *("%(n)s message", "%(n)s messages", "%(n)s segment", "%(n)s segments"),
    *("%(n)s patient", "%(n)s patients", "%(n)s min", "%(hours)s h %(minutes)s min"),
}
"""Words that French writes as English does."""

HOLE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
WITH_NO_SPACE = re.compile(r"[ \u00a0\u202f][?!;]|\s,|«[^\u00a0]|[^\u00a0]»")
COLON = re.compile(r"(?<!\u00a0):(?!\d\d)")


def forms(said: object) -> tuple[str, ...]:
    """A text, or the forms of one that counts."""
    return tuple(said) if isinstance(said, (tuple, list)) else (str(said or ""),)


def entries() -> Iterator[Message]:
    """Every entry of the kept catalog."""
    return (message for message in staff_catalog.load() if message.id)


def test_the_kept_catalog_is_up_to_date() -> None:
    stale = [
        path.name
        for path, text in staff_catalog.generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `campaigns catalogs`"


def test_no_text_is_marked_by_a_name_that_the_catalog_does_not_read() -> None:
    alias = re.compile(r"import n?p?gettext(?:_lazy)? as (\w+)")
    names = {
        name
        for path in (ROOT / "campaigns/web").glob("*.py")
        for name in alias.findall(path.read_text(encoding="utf-8"))
    }
    assert {"_"} <= names <= set(staff_catalog.KEYWORDS)


def test_the_kept_compiled_file_is_the_catalog_compiled() -> None:
    kept = staff_catalog.po_path().with_suffix(".mo").read_bytes()
    assert kept == staff_catalog.compiled_file(), "run `campaigns catalogs compile`"


def test_the_compiled_file_is_not_ignored() -> None:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lines.index("!locales/*/LC_MESSAGES/django.mo") > lines.index("*.mo")


def test_every_text_is_translated_and_none_is_a_guess() -> None:
    catalog = staff_catalog.load()
    assert [message.id for message in entries() if not all(forms(message.string)) or message.fuzzy] == []
    assert not catalog.obsolete
    assert not catalog.fuzzy
    assert len(list(entries())) > 500


def test_no_text_is_left_in_english() -> None:
    left = {
        said
        for message in entries()
        for said in forms(message.string)
        if said in forms(message.id) and re.search(r"[A-Za-z]{2}", said)
    }
    assert left <= THE_SAME


def test_each_text_states_the_same_facts() -> None:
    wrong = []
    for message in entries():
        english = [Counter(HOLE.findall(text)) for text in forms(message.id)]
        wrong += [message.id for said in forms(message.string) if Counter(HOLE.findall(said)) not in english]
    assert wrong == []


def test_texts_that_count_have_the_two_forms_of_french() -> None:
    assert staff_catalog.load().plural_forms == "nplurals=2; plural=(n > 1);"
    assert [m.id for m in entries() if len(forms(m.string)) != len(forms(m.id))] == []


def test_signs_stand_as_canadian_french_sets_them() -> None:
    wrong = [
        said
        for message in entries()
        for said in forms(message.string)
        if WITH_NO_SPACE.search(said) or COLON.search(said)
    ]
    assert wrong == []


def test_staff_are_spoken_to_politely() -> None:
    familiar = re.compile(r"\b(?:tu|toi|ton|tes|t'as)\b", re.IGNORECASE)
    assert [m.string for m in entries() if any(familiar.search(said) for said in forms(m.string))] == []


def test_sequences_and_languages_are_in_it() -> None:
    template = staff_catalog.extract()
    assert template.get("After a missed visit", "title of a sequence")
    purpose = template.get("Ask once more when there was no answer.", "purpose of a message")
    assert purpose is not None
    assert "The step next_day_again" in purpose.auto_comments
    assert template.get("Chinese (Traditional)", "language")


def test_django_reads_it() -> None:
    with translation.override("fr-ca"):
        assert translation.gettext("Alerts") == "Alertes"
        assert translation.pgettext("a visit", "Cancelled") == "Annulée"
        assert translation.pgettext("a message", "Cancelled") == "Annulé"
        for number, said in ((0, "%(n)s essai"), (1, "%(n)s essai"), (2, "%(n)s essais")):
            assert translation.ngettext("%(n)s try", "%(n)s tries", number) == said
        assert translation.gettext("This field is required.") == "Ce champ est obligatoire."


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalog that a test may spoil; patients' catalogs stay out of it."""
    kept = staff_catalog.po_path()
    monkeypatch.setattr(staff_catalog, "LOCALES", tmp_path)
    staff_catalog.po_path().parent.mkdir(parents=True)
    staff_catalog.po_path().write_bytes(kept.read_bytes())
    return staff_catalog.po_path()


def test_update_never_guesses_and_keeps_what_is_there(copied: Path) -> None:
    template = Catalog(fuzzy=False)
    template.add("Alerts")
    template.add("Alerts!")
    updated = staff_catalog.update(template)
    assert [(m.id, m.string or "") for m in list(updated)[1:]] == [
        ("Alerts", "Alertes"),
        ("Alerts!", ""),
    ]


def test_fuzzy_and_half_filled_texts_are_not_compiled(copied: Path) -> None:
    whole = staff_catalog.compiled_file()
    text = copied.read_text(encoding="utf-8")
    copied.write_text(text.replace('msgid "Alerts"', '#, fuzzy\nmsgid "Alerts"'), encoding="utf-8")
    assert b"Alertes\x00" in whole
    assert b"Alertes\x00" not in staff_catalog.compiled_file()


def test_the_command_compiles_it_and_leaves_what_is_the_same(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "compile_all", lambda: {"ar": 3})
    out = StringIO()
    for _time in range(2):
        call_command("catalogs", "compile", stdout=out)
    said = f"ar: 3 texts compiled\nfr-CA: {len(list(entries()))} texts for staff compiled\n"
    assert out.getvalue() == 2 * said
    assert copied.with_suffix(".mo").read_bytes() == staff_catalog.compiled_file()


def test_the_command_extracts_for_patients_and_for_staff(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.management.commands.catalogs.LOCALES", copied.parents[2])
    out = StringIO()
    call_command("catalogs", "extract", stdout=out)
    assert re.fullmatch(
        r"\d+ texts for patients in the template; changed\n\d+ texts for staff in the template; changed\n",
        out.getvalue(),
    )
