"""The jobs that a coordinator does all day, as they are done: from the first page, by mouse and keyboard.

Each has a bound. A change of a page that makes a job longer breaks it, and somebody decides whether it may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page

from campaigns.urls import urlpatterns
from tests.browser.desk import Desk

MANY = 500
"""Patients whom one person imports by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """About whom the jobs are: names as the pages show them, and dates ahead that are working days."""

    newcomer: str
    number: str
    first_visit: str
    moved_to: str
    moves: str
    worries: str
    leaves: str
    file: Path


Steps = Callable[[Desk, Facts], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is done, with so many clicks and keys: digits, letters and Tabs are keys."""

    name: str
    words: str
    do: Steps
    clicks: int
    keys: int
    route: str = "home"
    """Where it is done: a job waits for its page."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one job took."""

    job: str
    clicks: int
    keys: int
    machine_seconds: float
    person_seconds: float

    def as_dict(self) -> dict[str, object]:
        """For the report."""
        return asdict(self)


def figures(job: Job, desk: Desk) -> Figures:
    """What the hands at the desk did so far."""
    return Figures(job.name, desk.clicks, desk.keys, round(desk.seconds, 1), round(desk.by_a_person))


def field(page: Page, name: str) -> Locator:
    """The field of a form, by what it is called in it."""
    return page.locator(f"main [name={name}]:not([type=hidden])").first


def button(page: Page, name: str) -> Locator:
    """A button that can be seen."""
    return page.get_by_role("button", name=name, exact=True).last


def find(desk: Desk, name: str) -> None:
    """Open somebody's page from the first page: by one word of their name, as it is done among thousands."""
    page = desk.page
    desk.open("/")
    desk.press(page.locator("nav").get_by_role("link", name="Patients"))
    desk.type(field(page, "q"), name.split()[1])
    desk.enter()
    page.wait_for_url("**/patients/find")
    desk.press(page.locator("#found").get_by_role("link", name=name, exact=True).first)


def enroll(desk: Desk, facts: Facts) -> None:
    """A new patient who agrees to texts, with a first visit and four treatments."""
    look_ahead(desk, facts)
    desk.press(button(desk.page, "Enroll"))
    desk.page.get_by_role("heading", level=1, name=f"{facts.newcomer} Example").wait_for()


def look_ahead(desk: Desk, facts: Facts) -> None:
    """Fill in the form, and see every message of the course before anything is saved."""
    page = desk.page
    desk.open("/")
    desk.press(page.locator("nav").get_by_role("link", name="Enroll a patient"))
    desk.type(field(page, "given_name"), facts.newcomer)
    desk.type(field(page, "family_name"), "Example")
    desk.press(page.locator("[name=language][value=ar]"))
    desk.type(field(page, "phone"), facts.number)
    desk.press(field(page, "consent_sms"))
    desk.type(field(page, "consent_evidence"), "signed the form")
    desk.type(field(page, "first_date"), facts.first_visit)
    desk.type(field(page, "first_time"), "14:00")
    desk.press(button(page, "Preview every message"))
    button(page, "Enroll").wait_for()


def move(desk: Desk, facts: Facts) -> None:
    """A booked visit goes to another day."""
    try_to_move(desk, facts)
    desk.press(button(desk.page, "Move the visit"))
    desk.page.get_by_text("The visit was moved.").wait_for()


def try_to_move(desk: Desk, facts: Facts) -> None:
    """What a move would change, before it does."""
    page = desk.page
    find(desk, facts.moves)
    desk.press(page.get_by_role("link", name="Move the next visit", exact=True))
    desk.type(field(page, "on_date"), facts.moved_to)
    desk.press(button(page, "Show what this changes"))
    button(page, "Move the visit").wait_for()


def alert(desk: Desk, facts: Facts) -> None:
    """Somebody wrote of a fever: take the alert, call, and say how it ended."""
    page = desk.page
    desk.open("/")
    desk.press(page.locator(".needs").get_by_role("link", name=facts.worries).first)
    mine = page.locator("article.alert").filter(has=page.get_by_role("link", name=facts.worries))
    mine = page.locator(f"#{mine.first.get_attribute('id')}")
    desk.press(mine.get_by_role("button", name="I have it"))
    desk.press(mine.locator("[name=outcome][value=reached]"))
    desk.type(mine.locator("[name=note]"), "Called, goes to a clinic today.")
    desk.press(mine.get_by_role("button", name="Close the alert"))
    page.get_by_text("The alert is closed.").wait_for()


def why(desk: Desk, facts: Facts) -> None:
    """A message did not go: find out why, at the list of its reason and on the patient's own page."""
    page = desk.page
    desk.open("/")
    reasons = page.locator(".needs a[href*='reason=']:visible")
    if not reasons.count():
        desk.press(page.locator(".needs summary").first)
    desk.press(reasons.first)
    desk.press(page.locator("main table a").first)
    page.locator("#timeline").wait_for()
    assert page.locator("tr.bad, tr.wait, tr.off, .timeline .why").count(), "the page says what became of it"


def stop(desk: Desk, facts: Facts) -> None:
    """A patient left the clinic: nothing more goes."""
    page = desk.page
    find(desk, facts.leaves)
    desk.press(page.get_by_role("link", name="The patient has left the clinic", exact=True))
    desk.press(page.locator("button[name=confirm]"))
    page.get_by_text("Saved.").wait_for()


def import_many(desk: Desk, facts: Facts) -> None:
    """Five hundred patients with a visit each, from the file of another program."""
    page = desk.page
    desk.open("/")
    desk.press(page.locator("nav summary"))
    desk.press(page.locator("nav").get_by_role("link", name="Import a file"))
    desk.type(field(page, "source"), "Jane")
    desk.attach(field(page, "file"), facts.file)
    desk.press(button(page, "Read the file"))
    desk.press(button(page, "Check every row"))
    desk.wait_for(page.get_by_role("heading", name="What this import would change"))
    desk.press(page.get_by_role("button", name="Import 500 rows"))
    desk.wait_for(page.get_by_role("heading", name="What this import changed"))


ALL = (
    Job(name="enroll", words="Enroll a patient", do=enroll, clicks=10, keys=56),
    Job(name="move", words="Move a visit", do=move, clicks=6, keys=13),
    Job(name="alert", words="Handle an alert", do=alert, clicks=4, keys=32),
    Job(name="why", words="Find out why a message did not go", do=why, clicks=2, keys=0),
    Job(name="stop", words="Stop a patient's messages", do=stop, clicks=4, keys=6),
    Job(name="import", words="Import 500 patients", do=import_many, clicks=9, keys=4, route="imports"),
)
JOBS = tuple(job for job in ALL if job.route in {route.name for route in urlpatterns})
