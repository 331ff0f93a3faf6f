"""What a coordinator does all day, in a browser: each job with its clicks, by keyboard alone where it must
be quick, and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.models import Clinic
from tests.browser import judge
from tests.browser.desk import Desk
from tests.browser.jobs import JOBS, Facts, Figures, Job, figures
from tests.browser.place import Place
from tests.browser.who import facts

pytestmark = [pytest.mark.load, pytest.mark.django_db]

NAMES = [job.name for job in JOBS]


@pytest.fixture
def who(tmp_path: Path) -> Facts:
    """Somebody for each job."""
    return facts(Clinic.objects.get(), tmp_path)


def done(place: Place, job: Job, who: Facts, *, mouse: bool = True, scripts: bool = True) -> Figures:
    """Do it; what it took. The page that it ends on is for everybody, and none complained."""
    with place.tab(scripts=scripts) as page:
        desk = Desk(page, place.url, mouse, place.work)
        job.do(desk, who)
        took = figures(job, desk)
        assert not scripts or judge.violations(page) == []
    assert place.heard == []
    return took


@pytest.mark.parametrize("job", JOBS, ids=NAMES)
def test_a_job_takes_as_many_clicks_and_keys_as_it_is_known_to(place: Place, job: Job, who: Facts) -> None:
    took = done(place, job, who)
    assert (took.clicks, took.keys) == (job.clicks, job.keys), "a job got longer, or its bound can be lowered"
    assert took.person_seconds < 60


BY_KEYBOARD = {"enroll": 160, "alert": 95}
"""The jobs that must be quick without a mouse, and how many keys they take at most, each Tab counted."""


@pytest.mark.parametrize("job", [job for job in JOBS if job.name in BY_KEYBOARD], ids=list(BY_KEYBOARD))
def test_a_job_needs_no_mouse(place: Place, job: Job, who: Facts) -> None:
    took = done(place, job, who, mouse=False)
    assert took.clicks == 0
    assert took.keys <= BY_KEYBOARD[job.name]


@pytest.mark.parametrize("job", [job for job in JOBS if job.name != "import"], ids=lambda job: job.name)
def test_a_job_needs_no_scripts(place: Place, job: Job, who: Facts) -> None:
    assert done(place, job, who, scripts=False).clicks == job.clicks
