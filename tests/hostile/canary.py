"""A patient whose every field holds a word that is nowhere else, a day in the real processes, and the search.

`python -m tests.hostile.canary FOLDER` plays it and prints JSON: where the words were found, and where they
were found once one had been put into each place on purpose, which shows that the search can find. Logs are at
DEBUG, where a program says most.
"""

from __future__ import annotations

import http.cookiejar
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import redis
import urllib3

from campaigns.local import stage as staging
from campaigns.local.loopback_twilio import Fault, LoopbackTwilio, Request
from campaigns.local.stage import Stage
from tests.hostile.search import (
    MARKERS,
    Found,
    columns,
    fields_in,
    found_in,
    kept,
    logs,
    processes,
    unsealed,
    valkey,
)

if TYPE_CHECKING:
    from campaigns.models import Clinic, Patient, Staff

SECRET = "for the servers of this run only"
DOMAIN = "reply.demo-clinic.example"
QUESTION = "question to the provider"

# --- what is overheard meanwhile


@dataclass(slots=True)
class Overheard:
    """What went over the wires: commands to Valkey, lines of requests to the provider and to the site, and
    apart from them those that ask the provider what became of a text: they name the number."""

    commands: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def places(self) -> Iterator[tuple[str, str]]:
        """All of it."""
        yield from (("valkey command", one) for one in self.commands)
        yield from (("request line", one) for one in self.urls)
        yield from ((QUESTION, one) for one in self.questions)


@contextmanager
def listening(stage: Stage, heard: Overheard, url: str) -> Iterator[None]:
    """Take down every command to Valkey and every path that the provider is asked for."""
    client = redis.Redis.from_url(url)
    ready, over = threading.Event(), threading.Event()

    def listen() -> None:
        with client.monitor() as monitor:  # type: ignore[no-untyped-call]
            ready.set()
            while not over.is_set():
                heard.commands.append(str(monitor.next_command()["command"]))

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(10)
    handle = LoopbackTwilio.handle

    def handled(self: LoopbackTwilio, request: Request, answer: Any, drop: Any) -> None:
        asks = request.method == "GET" and request.path.endswith("/Messages.json")
        (heard.questions if asks else heard.urls).append(f"{request.method} {request.path} {request.query}")
        handle(self, request, answer, drop)

    LoopbackTwilio.handle = handled  # type: ignore[method-assign]
    try:
        yield
    finally:
        LoopbackTwilio.handle = handle  # type: ignore[method-assign]
        over.set()
        client.ping()  # one more command, so that the listener looks up
        client.close()


@dataclass(slots=True)
class Browser:
    """Somebody of the staff at the site, over HTTP; keeps the addresses that were asked for."""

    base: str
    heard: Overheard
    opener: urllib.request.OpenerDirector = field(init=False)

    def __post_init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def get(self, path: str) -> str:
        """A page."""
        return self._open(urllib.request.Request(self.base + path))  # noqa: S310

    def post(self, path: str, form: Mapping[str, str], *, seen_at: str) -> str:
        """Send a form of the page at `seen_at`."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(seen_at))
        assert token, seen_at
        body = urlencode({**form, "csrfmiddlewaretoken": token[1]}).encode()
        asked = urllib.request.Request(self.base + path, body, {"Origin": self.base})  # noqa: S310
        return self._open(asked)

    def _open(self, request: urllib.request.Request) -> str:
        with self.opener.open(request, timeout=20) as answer:
            self.heard.urls.append(f"{request.get_method()} {request.selector} -> {answer.geturl()}")
            return str(answer.read().decode())


# --- the day


@dataclass(slots=True)
class Day:
    """What happens to the patient: written to, answering by every way, looked at by staff."""

    stage: Stage
    clinic: Clinic
    staff: Staff
    heard: Overheard

    def live(self) -> None:
        """All of it, in order."""
        patient = self._enroll()
        self._doubt()
        self._wait(lambda: len(self.stage.smtp.mails) and self.stage.twilio.messages, "the welcome")
        self._ask(patient)
        self._answer()
        self._look(patient)
        self.stage.twilio.drain(10)

    def _enroll(self) -> Patient:
        from campaigns.domain.visits import VisitKind
        from campaigns.services.enroll import Application, NewVisit, enroll
        from campaigns.tasks import send_due
        from tests.factories import NOON, set_now

        self.stage.twilio.fail(Fault.ERROR_500)
        set_now(NOON)
        visit = NewVisit(kind=VisitKind.SESSION, on_date=NOON.date().replace(day=16), at_time=NOON.time())
        enrolled = enroll(
            self.clinic,
            Application(
                given_name=MARKERS["given name"],
                family_name=MARKERS["family name"],
                language="en-CA",
                interpreter_language=MARKERS["interpreter"],
                phone=f"+1{MARKERS['phone']}",
                email=f"{MARKERS['mailbox']}@patients.example",
                consent_sms=True,
                consent_email=True,
                consent_evidence=MARKERS["evidence"],
                visits=[visit],
                sequences=["welcome", "pretreatment", "aftercare"],
            ),
            by=self.staff.email,
        )
        send_due.apply_async(expires=10)
        return enrolled.patient

    def _doubt(self) -> None:
        """The first text may have been taken: the provider is asked for it, and then it goes again."""
        from campaigns.tasks import reconcile

        self._wait(lambda: self.stage.twilio.requests, "the first try")
        self.stage.twilio.mend()
        while not self.stage.twilio.messages:
            reconcile.apply_async(expires=10)
            time.sleep(0.5)

    def _ask(self, patient: Patient) -> None:
        """A question by text and one by e-mail, which leave as all messages do."""
        from campaigns.models import Message
        from campaigns.tasks import send_due
        from tests.web import cast

        asked = [cast.question(patient) for _ in range(2)]
        email = [one.pk for one in asked[1:]]
        waiting = {"state": "planned", "sent_at": None, "purpose": "safety", "capped": False}
        Message.objects.filter(pk__in=email).update(channel="email", **waiting)
        send_due.apply_async(expires=10)
        self._wait(lambda: Message.objects.filter(pk__in=email, state="accepted").exists(), "the question")

    def _answer(self) -> None:
        phone, said = f"+1{MARKERS['phone']}", self.stage.twilio.reply
        for words in (f"6 {MARKERS['reply']}", f"my chest hurts {MARKERS['danger']}", "help"):
            assert said(phone, words, to=staging.SMS_NUMBER) == 200
        assert said(f"+1{MARKERS['stranger']}", MARKERS["stranger's words"], to=staging.SMS_NUMBER) == 200
        self._mail()
        page = next(mail for mail in reversed(self.stage.smtp.mails) if b"/p/" in mail.raw)
        forms = re.findall(r"/p/[\w-]{20,}", page.raw.replace(b"=\r\n", b"").decode())
        form = urlencode({"answer": "4", "note": MARKERS["form note"]}).encode()
        for path in forms:
            with urllib.request.urlopen(f"{self.stage.base_url}{path}", form, timeout=20) as answer:  # noqa: S310
                self.heard.urls.append(f"POST {answer.geturl()}")

    def _mail(self) -> None:
        raw = (
            f"From: {MARKERS['mail name']} <{MARKERS['mailbox']}@patients.example>\r\n"
            f"To: clinic@demo-clinic.example\r\nSubject: {MARKERS['mail subject']}\r\n"
            f"Message-ID: <1@x.example>\r\n\r\n{MARKERS['mail words']}\r\n"
        )
        for secret, code in ((SECRET, 200), ("wrong", 403)):
            headers = {"Content-Type": "message/rfc822", "Authorization": f"Bearer {secret}"}
            url = f"{self.stage.base_url}/webhooks/email/inbound"
            assert urllib3.request("POST", url, body=raw.encode(), headers=headers).status == code

    def _look(self, patient: Patient) -> None:
        """Staff open every page about the patient and write in every field."""
        from campaigns.local.setting import sign_in_url
        from campaigns.models import Alert

        browser = Browser(self.stage.base_url, self.heard)
        link = sign_in_url("", self.staff)
        browser.post(link, {}, seen_at=link)
        page, known = (
            f"/patients/{patient.pk}",
            Alert.objects.filter(patient=patient, part_of=None).latest("id"),
        )
        closing = {"outcome": "reached", "note": MARKERS["alert note"], "seen": "9"}
        browser.post(f"/alerts/{known.pk}/close", closing, seen_at="/alerts")
        called = {"outcome": "reached", "note": MARKERS["call note"]}
        browser.post(f"/call-list/{patient.pk}/called", called, seen_at="/alerts")
        told = {"action": "withdrawn", "channel": "email", "topic": "every", "way": "phone"}
        browser.post(f"{page}/consent", {**told, "evidence": MARKERS["told"]}, seen_at=f"{page}/consent")
        seen = [
            browser.get(path)
            for path in (
                page,
                "/",
                "/patients",
                "/today/going-out",
                "/alerts",
                "/call-list",
                "/readiness",
                "/healthz",
            )
        ]
        assert {"given name", "reply", "danger"} <= fields_in(" ".join(seen)), "the pages show the patient"
        ready = urllib3.request("GET", f"{self.stage.base_url}/readyz", retries=False)
        assert not fields_in(seen[-1] + ready.data.decode())

    def _wait(self, true: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)


# --- a word in each place, on purpose


@contextmanager
def leaks(stage: Stage, url: str, state: Path, heard: Overheard) -> Iterator[None]:
    """Put one into each place that is searched."""
    from django.db import connection

    import worker

    logging.getLogger("campaigns.canary").warning("a line about %s", MARKERS["reply"])
    client = redis.Redis.from_url(url)
    client.set(MARKERS["mailbox"], MARKERS["form note"])
    worker.app.send_task("no_such_task", args=[MARKERS["phone"]], expires=1)
    with urllib.request.urlopen(f"{stage.twilio.base_url}/_stats?of={MARKERS['family name']}"):  # noqa: S310
        pass
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patient SET status_reason = %s", [MARKERS["call note"]])
        cursor.execute("UPDATE patient SET family_name = %s", [MARKERS["family name"]])
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", MARKERS["given name"]]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {"WHO": MARKERS["told"]})
    time.sleep(0.3)
    try:
        yield
    finally:
        child.communicate(timeout=10)
        client.close()


def search(state: Path, url: str, heard: Overheard) -> Found:
    """Every place."""
    places = (*logs(state), *processes(), *valkey(url), *heard.places(), *columns())
    return found_in(places)


def main(state: Path) -> dict[str, Any]:
    """Play the day, search, put a word into each place and search again."""
    os.environ |= {"LOG_LEVEL": "DEBUG", "REPLY_DOMAIN": DOMAIN, "MAIL_WEBHOOK_SECRET": SECRET}
    heard = Overheard()
    with staging.set_up(state, staging.free_port(), throw_away=True) as stage:
        from campaigns.local.setting import clinic_of_the_demo, prepare_database, wait_for_site

        prepare_database()
        stage.processes.start()
        clinic, staff = clinic_of_the_demo()
        wait_for_site(stage.base_url)
        url = os.environ["REDIS_URL"]
        with listening(stage, heard, url):
            Day(stage, clinic, staff[0], heard).live()
            clean, wrong = search(state, url, heard), unsealed()
            sizes = {place: len(text) for place, text in logs(state)}
            covered: dict[str, Any] = {
                "commands": len(heard.commands),
                "urls": len(heard.urls),
                "files": sizes,
            }
            covered |= {"kept": sorted(kept())}
            with leaks(stage, url, state, heard):
                planted, planted_unsealed = search(state, url, heard), unsealed()
    return {
        "found": clean,
        "unsealed": wrong,
        "covered": covered,
        "planted": planted,
        "planted_unsealed": planted_unsealed,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
