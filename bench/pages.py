"""`pages`: every list and page of the site, signed in, over a clinic of many patients; the ten slowest are
reported.

The real site under gunicorn; each page is read once to warm it, then again and again, pages in turns. Beside
the time stands the number of queries: one that grows with the rows is found by it.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlencode

import psycopg

from bench import ground, machine, population, seed
from bench.ground import BenchFailed, Ground
from bench.population import People
from bench.report import Aim, Report, Sheet, percentile
from campaigns.local.postgres import free_port
from campaigns.local.processes import Processes, Program
from campaigns.local.progress import Advance

NAME = "pages"
HEADER = "X-Queries"
"""In which bench/counted_site.py says how many queries a page took."""
AIM_MS = 200.0
ALERTS = 50
"""Alerts that wait for a person, however many patients there are."""
_TOKEN = "bench-only-check-in-form"  # noqa: S105  opens one form of made-up data
_HOST = "clinic.example"


_ABOUT: dict[str, LiteralString] = {
    # The one with the longest story.
    "patient": "SELECT patient_id FROM reply GROUP BY patient_id ORDER BY count(*) DESC, patient_id LIMIT 1",
    "asked": "SELECT id FROM message WHERE asks = 'pain' AND state = 'delivered' "
    "ORDER BY sent_at DESC, id LIMIT 1",
    "visit": "SELECT id FROM visit WHERE state = 'booked' ORDER BY on_date DESC, id LIMIT 1",
    "last": "SELECT to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '%2B00:00,' || id FROM patient "
    "ORDER BY created_at, id OFFSET 20 LIMIT 1",
    "mail": "SELECT id FROM message WHERE html <> '' ORDER BY id LIMIT 1",
}


@dataclass(slots=True)
class Page:
    """One page: milliseconds of each reading, and what was odd."""

    name: str
    took: list[float] = field(default_factory=list)
    queries: set[int] = field(default_factory=set)
    size: int = 0
    wrong: set[str] = field(default_factory=set)


def measure(
    place: Ground, *, patients: int, readings: int, seed: int, contenders: Sequence[str], advance: Advance
) -> Report:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    people = _fill(place, patients, seed, advance)
    pages, extra = _pages(place)
    found = {name: Page(name) for name in pages}
    with _site(place) as port:
        cookie = _sign_in(place, port)
        for number in range(readings + 1):
            for name, path in pages.items():
                _read(port, path, cookie, found[name], counts=number > 0)
                place.deadline.check()
            advance("reading pages", number, readings)
    return _report(list(found.values()), people, extra, seed, readings, facts)


def _fill(place: Ground, patients: int, number: int, advance: Advance) -> People:
    """The clinic on the real clock, with patients and one administrator; what is filled stays as it is."""
    from campaigns.models import Clinic, Installation, Patient, Staff
    from campaigns.services import count_up
    from campaigns.services.set_up import create_staff

    seed.make_clinic()
    Installation.objects.update(rehearsal_now=None)
    people = People(patients=patients, now=datetime.now(UTC), alerts=ALERTS, seed=number)
    if not Patient.objects.exists():
        population.fill(place, people, advance)
    list(count_up.rebuild())
    if not Staff.objects.exists():
        clinic = Clinic.objects.get()
        create_staff(
            email="a@clinic.example", name="Example", role="administrator", clinic=clinic, by="bench"
        )
    if Patient.objects.count() != patients:
        raise BenchFailed(f"The kept clinic has {Patient.objects.count():,} patients, not {patients:,}.")
    return people


def _pages(place: Ground) -> tuple[dict[str, str], dict[str, str]]:
    """Every GET that staff or a patient open: name -> path. And what they are about."""
    from campaigns.models import Message, PatientLink
    from campaigns.services.compose import token_hash

    with psycopg.connect(place.seeded) as connection:
        rows = {name: connection.execute(query).fetchone() for name, query in _ABOUT.items()}
    about = {name: str(row[0]) for name, row in rows.items() if row}
    if set(about) != set(_ABOUT):
        raise BenchFailed(f"The clinic has no {', '.join(sorted(set(_ABOUT) - set(about)))}.")
    asked = Message.objects.get(pk=about["asked"])
    PatientLink.objects.get_or_create(
        token_hash=token_hash(_TOKEN),
        defaults={
            "patient_id": asked.patient_id,
            "message": asked,
            "purpose": "check_in",
            "expires_at": asked.expires_at,
        },
    )
    today = datetime.now(UTC).date()
    return {
        "home": "/",
        "goes out today": "/today/going-out",
        "not sent": "/messages/unsent",
        "patients list": "/patients",
        "patients list, last page": f"/patients?after={about['last']}",
        "patient": f"/patients/{about['patient']}",
        "a patient's e-mail": f"/messages/{about['mail']}/html",
        "alerts": "/alerts",
        "alerts, people": "/alerts/people",
        "call list": "/call-list",
        "call list, page 50": "/call-list?page=50",
        "readiness": f"/readiness?day={today}",
        "wording": "/wording",
        "wording of a language": "/wording/pa",
        "one text": "/wording/pa/pretreatment/nsaids/email",
        "lexicons": "/words",
        "lexicon of a language": "/words/pa",
        "reports": "/reports",
        "audit": "/audit",
        "enroll": "/patients/new",
        "move a visit": f"/visits/{about['visit']}/move",
        "a patient's form": f"/p/{_TOKEN}",
    }, about


@contextmanager
def _site(place: Ground) -> Iterator[int]:
    """The site, ready to answer, with its word lists read."""
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "gunicorn", "bench.counted_site:application"]
    command += [
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--worker-class",
        "gthread",
        "--threads",
        "4",
    ]
    programs = [Program(name="web", command=[*command, "--no-control-socket"])]
    env = {"ALLOWED_HOSTS": _HOST, "TRUSTED_PROXIES": "127.0.0.1"}
    ground.leave_database()
    with Processes(place.state, programs, env, restart=False) as running:
        ends = time.monotonic() + 60
        while True:
            try:
                if _get(port, "/healthz", "")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
            if time.monotonic() > ends or not running.pids():
                raise BenchFailed(running.log("web").read_text(errors="replace")[-500:])
        yield port


def _get(
    port: int, path: str, cookie: str, form: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": _HOST, "X-Forwarded-Proto": "https", "Cookie": cookie}
    if form is None:
        connection.request("GET", path, headers=headers)
    else:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{_HOST}"}
        connection.request("POST", path, urlencode(form), headers)
    answer = connection.getresponse()
    body = answer.read()
    found = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "set-cookie"}
    cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    connection.close()
    return answer.status, {**found, "cookies": "; ".join(cookies)}, body


def _sign_in(place: Ground, port: int) -> str:
    """By a one-time link, as on the first day; the cookies of the session."""
    from campaigns.models import Staff
    from campaigns.services.sign_in import make_link

    path = f"/sign-in/{make_link(Staff.objects.get())}"
    ground.leave_database()
    _, headers, body = _get(port, path, "")
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', body)
    if not token:
        raise BenchFailed("The page of the sign-in link has no form.")
    form = {"csrfmiddlewaretoken": token[1].decode()}
    status, headers, _ = _get(port, path, headers["cookies"], form)
    if status != 302 or "sessionid" not in headers["cookies"]:
        raise BenchFailed(f"Signing in was answered with {status}.")
    return headers["cookies"]


def _read(port: int, path: str, cookie: str, page: Page, *, counts: bool) -> None:
    began = time.perf_counter()
    status, headers, body = _get(port, path, cookie)
    took = (time.perf_counter() - began) * 1000
    if status != 200:
        page.wrong.add(f"{page.name}: answered with {status}")
    if counts:
        page.took.append(took)
        page.queries.add(int(headers.get(HEADER.lower(), 0)))
        page.size = len(body)


def _report(
    pages: list[Page], people: People, about: dict[str, str], seed: int, readings: int, facts: dict[str, str]
) -> Report:
    pages.sort(key=lambda page: -percentile(page.took, 95))
    rows = [
        [
            page.name,
            *(f"{percentile(page.took, cut):.0f}" for cut in (50, 95)),
            "-".join(str(count) for count in sorted({min(page.queries), max(page.queries)})),
            f"{page.size / 1024:.0f}",
        ]
        for page in pages
    ]
    slow = [page.name for page in pages if percentile(page.took, 95) >= AIM_MS]
    worst = percentile(pages[0].took, 95)
    measured = f"{worst:.0f} ms ({pages[0].name}); {len(slow)} of {len(pages)} are slower"
    return Report(
        benchmark=NAME,
        seed=seed,
        sizes={"patients": people.patients, "messages": people.messages, "readings": readings},
        machine=facts,
        sheets=[
            Sheet(
                f"Pages of a clinic with {people.patients:,} patients and {people.messages:,} messages",
                ["page", "p50 ms", "p95 ms", "queries", "KiB"],
                rows,
            )
        ],
        figures={
            page.name: {"p95_ms": percentile(page.took, 95), "queries": max(page.queries)} for page in pages
        },
        aims=[Aim("the slowest page, p95", f"under {AIM_MS:g} ms", measured, not slow)],
        complaints=sorted({complaint for page in pages for complaint in page.wrong}),
    )
