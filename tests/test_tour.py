"""docs/tour.md shows what it says it shows, and is no burden to whoever fetches the source."""

from __future__ import annotations

import json
import re

from campaigns.urls import urlpatterns
from tests.browser.jobs import JOBS
from tests.browser.words import FIRST, WORDS
from tests.house.sources import ROOT

TOUR = ROOT / "docs/tour"
LARGEST = 4_000_000


def test_every_picture_is_shown_and_every_one_that_is_shown_is_there() -> None:
    text = (ROOT / "docs/tour.md").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="tour/([^"]+)" alt="[^"]+"', text)
    kept = sorted(path.name for path in TOUR.glob("*.webp"))
    assert sorted(shown) == kept, "run `campaigns tour`"
    assert sum(path.stat().st_size for path in TOUR.iterdir()) < LARGEST


def test_the_words_are_of_pages_that_there_are() -> None:
    routes = {str(route.name) for route in urlpatterns}
    assert WORDS.keys() - routes == set()
    assert set(FIRST) <= WORDS.keys()


def test_the_figures_are_those_that_the_jobs_are_held_to() -> None:
    kept = json.loads((TOUR / "jobs.json").read_text(encoding="utf-8"))
    assert {one["job"] for one in kept} == {job.name for job in JOBS}
