"""The work of `campaigns tour`, at a demo that runs: pictures of every page, or a look at each."""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from rich.console import Console

from campaigns.delivery.gallery.sheets import sheets
from campaigns.local.setting import sign_in_url
from campaigns.models import Clinic, Staff
from campaigns.queries import sequence_files
from campaigns.services.set_up import create_staff
from tests.browser import jobs, judge, site_map
from tests.browser.desk import Desk
from tests.browser.place import DESKTOP, HEIGHTS, PHONE, ZOOMED, Place, chromium, chromium_here
from tests.browser.site_map import Reader, Stop
from tests.browser.who import facts
from tests.browser.words import FIRST, SEEN_WHILE_WORKING, WORDS

ROLES = ("clinician", "administrator", "translator", "coordinator", "auditor")
LANGUAGES = ("en-ca", "fr-ca")
SHORTEST, TALLEST = 300, {DESKTOP: 1150, PHONE: 1300}
"""Pixels of a page that a picture shows: the rest of a long list is more of the same."""
KNOWN: Mapping[str, Any] = {
    "language": "ar",
    "edition": "ar",
    "sequence": "welcome",
    "step": "hello",
    "channel": "email",
    "shown": "normal",
    "act": "withdraw",
    "context": "shared.email.hello",
    "tag": "ar",
}
"""What routes name that no link of the demo leads to."""
SMALLER = """async ([shot, quality]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + shot;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""
QUALITY = 0.45
SAYS = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was kept: the file's name, what it shows."""

    file: str
    title: str


def take(url: str, into: Path) -> int:
    """Pictures of every page, the jobs with their figures, and the document that shows both."""
    with _at(url) as (place, pages), tempfile.TemporaryDirectory() as spare:
        folder = into / "tour"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        camera = Camera(place, folder, Path(spare))
        shown = {stop.name: camera.page(stop) for stop in in_order(pages)}
        shown |= camera.while_working()
        patients = camera.what_patients_open()
        took = _work(place, Path(spare))
    (folder / "jobs.json").write_text(json.dumps([one.as_dict() for one in took], indent=1) + "\n")
    (into / "tour.md").write_text(document(shown, patients, took), encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    SAYS.print(f"{len(list(folder.glob('*.webp')))} pictures, {size / 1e6:.1f} MB, in {folder}")
    missing = pages.keys() - WORDS.keys()
    return _complain([f"{name}: no words for it in tests/browser/words.py" for name in sorted(missing)])


def check(url: str) -> int:
    """Each page in every way; says how many looks there were, and each fault."""
    wrong: list[str] = []
    looks: Counter[str] = Counter()
    with _at(url) as (place, pages):
        for language, role in product(LANGUAGES, ROLES):
            with place.tab(role, language=language) as page:
                for stop in (stop for stop in pages.values() if stop.role == role):
                    judge.show(page, url, stop)
                    for found in _in_every_way(page, stop):
                        looks["looks"] += 1
                        wrong += [f"{language} {stop.name}: {one}" for one in found]
        wrong += place.heard
    SAYS.print(
        f"{len(pages)} pages, {len(LANGUAGES)} languages, {len(HEIGHTS)} widths, light and dark: "
        f"{looks['looks']} looks, {len(wrong)} faults"
    )
    return _complain(wrong)


def _in_every_way(page: Page, stop: Stop) -> Iterator[list[str]]:
    options = judge.OPTIONS if stop.scripts else judge.SENT
    yield judge.faults(page) + judge.sideways(page) if stop.scripts else judge.sideways(page)
    for width, scheme in product((DESKTOP, ZOOMED, PHONE), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        yield [f"{width} px, {scheme}: {one}" for one in judge.violations(page, options=options)]
    page.emulate_media(color_scheme="light")


def _complain(wrong: list[str]) -> int:
    for one in wrong:
        SAYS.print(one, highlight=False, markup=False, soft_wrap=True)
    return 1 if wrong else 0


def in_order(pages: Mapping[str, Stop]) -> list[Stop]:
    """As the tour goes."""
    first = [pages[name] for name in FIRST if name in pages]
    return first + [stop for name, stop in pages.items() if name not in FIRST]


@contextmanager
def _at(url: str) -> Iterator[tuple[Place, dict[str, Stop]]]:
    """A browser before the demo, somebody of each role signed in, and every page that links lead them to."""
    with chromium(str(chromium_here())) as browser:
        sessions = {role: _session(browser, url, role) for role in ROLES}
        place = Place(url, browser, sessions)
        readers = {role: Reader(url, session) for role, session in sessions.items()}
        walks = {role: site_map.walk(reader) for role, reader in readers.items()}
        yield place, site_map.pages(walks, readers, KNOWN)


def _session(browser: Browser, url: str, role: str) -> str:
    """Somebody of that role opens their link."""
    clinic = Clinic.objects.get(is_demo=True)
    staff = Staff.objects.filter(clinic=clinic, role=role).first() or create_staff(
        email=f"{role}@demo-clinic.example",
        name=f"Demo {role.capitalize()}",
        role=Staff.Role(role),
        clinic=clinic,
        by="demo",
    )
    context = browser.new_context(locale="en-CA")
    page = context.new_page()
    page.goto(sign_in_url(url, staff))
    page.click("main button")
    page.wait_for_selector("nav .brand")
    cookies = {cookie.get("name"): cookie.get("value", "") for cookie in context.cookies()}
    context.close()
    return str(cookies["sessionid"])


@dataclass(frozen=True, slots=True)
class Camera:
    """Keeps pictures in a folder, as small as they can be and still be read."""

    place: Place
    folder: Path
    spare: Path

    def page(self, stop: Stop) -> list[Picture]:
        """English on a desk, French on a phone."""
        found = []
        ways = (("en-ca", DESKTOP, ""), ("fr-ca", PHONE, ".fr"))
        # What a patient was sent is in the patient's language, whoever looks.
        for language, width, ending in ways if stop.scripts else ways[:1]:
            with self.place.tab(stop.role, language=language, width=width) as page:
                judge.show(page, self.place.url, stop)
                found.append(self._keep(page, stop.name + ending, width))
        return found

    def while_working(self) -> dict[str, list[Picture]]:
        """What only a filled-in form shows. Nothing is saved."""
        found = {}
        steps = (jobs.look_ahead, jobs.try_to_move)
        for name, do in zip(SEEN_WHILE_WORKING, steps, strict=True):
            with self.place.tab() as page:
                do(Desk(page, self.place.url), facts(Clinic.objects.get(is_demo=True), self.spare))
                found[name] = [self._keep(page, name.replace(", the ", "-").replace(" ", "-"), DESKTOP)]
        return found

    def what_patients_open(self) -> list[Picture]:
        """Every page of a patient who reads Arabic, on a phone."""
        found = []
        with self.place.tab("", width=PHONE) as page:
            for number, sheet in enumerate(sheets("ar", sequence_files.questions()), start=1):
                page.set_content(sheet.html)
                title = f"{sheet.name.removeprefix('patient/').replace('_', ' ')} {sheet.state}".strip()
                file = self._keep(page, f"patient-{number:02d}.ar", PHONE).file
                found.append(Picture(file, title))
        return found

    def _keep(self, page: Page, name: str, width: int) -> Picture:
        page.set_viewport_size({"width": width, "height": SHORTEST})
        tall = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": max(SHORTEST, min(tall, TALLEST[width]))})
        shot = base64.b64encode(page.screenshot(scale="css")).decode()
        # Alerts that wait are counted in the title.
        title = re.sub(r"^\(\d+\) ", "", page.title().partition(" · ")[0])
        blank = self.place.browser.new_page()
        small = base64.b64decode(blank.evaluate(SMALLER, [shot, QUALITY]))
        blank.close()
        (self.folder / f"{name}.webp").write_bytes(small)
        return Picture(f"{name}.webp", title)


def _work(place: Place, spare: Path) -> list[jobs.Figures]:
    """Do each job once; what it took. The clinic lets one person import so many by themselves."""
    Clinic.objects.filter(is_demo=True).update(large_act_limit=jobs.MANY)
    found = []
    for job in jobs.JOBS:
        with place.tab() as page:
            desk = Desk(page, place.url)
            job.do(desk, facts(Clinic.objects.get(is_demo=True), spare))
            found.append(jobs.figures(job, desk))
    return found


def document(shown: Mapping[str, list[Picture]], patients: list[Picture], took: list[jobs.Figures]) -> str:
    """docs/tour.md."""
    words = {job.name: job.words for job in jobs.JOBS}
    rows = [
        f"| {words[one.job]} | {one.clicks} | {one.keys} | {one.person_seconds:.0f} s |"
        f" {one.machine_seconds:.1f} s |"
        for one in took
    ]
    parts = [HEAD.format(jobs="\n".join(rows))]
    for name, pictures in shown.items():
        said = WORDS.get(name) or SEEN_WHILE_WORKING.get(name, "")
        parts.append(f"### {_title(name, pictures)}\n\n{said}\n\n" + " ".join(map(_image, pictures)) + "\n")
    parts.append(f"{PATIENTS}\n" + "\n".join(_image(picture) for picture in patients) + "\n")
    return "\n".join(parts)


def _title(name: str, pictures: list[Picture]) -> str:
    return pictures[0].title + (f", the {name.partition(', the ')[2]}" if ", the " in name else "")


def _image(picture: Picture) -> str:
    wide = 190 if picture.file.endswith((".fr.webp", ".ar.webp")) else 600
    return f'<img src="tour/{picture.file}" alt="{picture.title}" width="{wide}">'


HEAD = """# A tour of the site

Made by `campaigns tour` from the demo: every page in English on a desk and in French on a phone, and what
patients open, in Arabic. Nobody in it is real.

## What a coordinator does all day

Each job begins at the first page and is done in a real browser; a test fails when one takes other clicks or
keys than it is known to. A key is a letter, a digit or Tab. What somebody takes who knows the page is worked
out by the keystroke-level model of Card, Moran and Newell: 0.28 s a key, 1.3 s a click, 1.35 s to decide on
each. Talking to the patient is not in it. The machine is one of two busy cores.

| job | clicks | keys | somebody who knows the page | the machine |
| --- | ---: | ---: | ---: | ---: |
{jobs}

## The pages
"""
PATIENTS = """## What patients open

The pages behind the links in texts and e-mails, for somebody who reads Arabic.
"""
