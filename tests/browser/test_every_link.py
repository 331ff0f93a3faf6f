"""Whoever follows links finds pages and changes nothing, and every page has a link that leads to it."""

from __future__ import annotations

import pytest

from tests.browser import site_map
from tests.browser.words import WORDS
from tests.hostile.fingerprint import changed, fingerprint

pytestmark = [pytest.mark.load, pytest.mark.django_db]

NO_LINK = {
    "mfa_reauthenticate",
    "lexicon-try",
    "lexicon-decide",
    "wording-act",
    "find",
    "enroll-again",
    "clinic-change",
    # While texts are reviewed and not approved.
    "wording-approve",
    # While something goes out today, an import is done, a patient has no open course or is paused,
    # or somebody unknown wrote.
    "going-out",
    "import-undo",
    "course-begin",
    "patient-resume",
    "inbox-alert",
}
"""Pages that a form leads to, or a link that this clinic has no reason to show."""


def test_every_link_leads_to_a_page(walks: dict[str, site_map.Walk]) -> None:
    broken = [
        f"{role}: {path} answers {code}, on {walk.found_on[path]}"
        for role, walk in walks.items()
        for path, code in walk.codes.items()
        if code != 200
    ]
    assert broken == []
    for walk in walks.values():
        assert {"home", "patient", "enroll", "alerts"} <= walk.pages.keys()


def test_following_links_changes_nothing(
    walks: dict[str, site_map.Walk], readers: dict[str, site_map.Reader]
) -> None:
    before = fingerprint()
    assert site_map.walk(readers["coordinator"]).codes.keys() == walks["coordinator"].codes.keys()
    assert changed(before, fingerprint()) == []


def test_every_page_has_a_link_that_leads_to_it(
    pages: dict[str, site_map.Stop], walks: dict[str, site_map.Walk]
) -> None:
    found = {name for walk in walks.values() for name in walk.pages}
    assert pages.keys() - found <= NO_LINK


def test_every_page_has_words_in_the_tour(pages: dict[str, site_map.Stop]) -> None:
    assert pages.keys() - WORDS.keys() == set(), "say in tests/browser/words.py what the page is for"
