"""Pours poison into every way in and looks at what became of it: stored once, understood or before a person.

Runs inside one process, through the real webhook views and the real reader of mails, on a real PostgreSQL.
`campaigns fuzz` runs it long on servers of its own; a test runs it short.
"""

from __future__ import annotations

import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.db import connection
from django.test import Client

from campaigns.delivery.sms_twilio import sign
from campaigns.models import Clinic, InboundMail, Reply
from campaigns.queries import lexicons
from campaigns.services.receive_mail import Delivered, receive_mail
from campaigns.webhooks.twilio import FORM
from tests.factories import make_patient
from tests.hostile import poison

SMS_HOOK = "/webhooks/twilio/inbound"
MAIL_HOOK = "/webhooks/email/inbound"
LONGEST_SECONDS = 2.0
"""Of this process's own work for one text or mail."""
MOST_MEGABYTES = 400
"""By which the process may grow, whatever comes in."""
REPLAYED = 9
"""One of so many comes a second time."""
STRANGERS = ("+16045550177", "12345", "anonymous", "Bank", "+", "\u202e+1604", "x" * 500, "' OR 1=1", "٠١٢")

_STATED: dict[str, str] = {
    Reply.Outcome.WAITING: "waits",
    Reply.Outcome.ALERT: "person",
    Reply.Outcome.UNMATCHED: "person",
}
_COUNTED = ("reply", "message", "alert", "answer", "suppression", "consent", "inbound_mail", "contact_point")

Advance = Callable[[int], None]


@dataclass(slots=True)
class Result:
    """What came in and what became of it. `breaches` is empty where every promise held."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slowest_was: str = ""
    grew_megabytes: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """Whom it is poured on: a clinic, and the numbers and reply addresses of its patients."""

    clinic: Clinic
    phones: Sequence[str]
    mailboxes: Sequence[str]


PEOPLE = (("en-CA", "01"), ("ar", "02"), ("fr-CA", "03"), ("en-CA", "03"))
"""Languages and phones of those whom it is poured on: two share a phone."""


def target_at(clinic: Clinic) -> Target:
    """The patients of `PEOPLE`, enrolled at a clinic."""
    for place, (language, number) in enumerate(PEOPLE):
        mailbox = f"patient{place}@patients.example"
        make_patient(clinic, language=language, phone=f"+160455501{number}", email=mailbox)
    phones = sorted({f"+160455501{number}" for _, number in PEOPLE})
    return Target(clinic, phones, ("r+" + "0" * 32 + "@reply.clinic.example",))


def fuzz(
    target: Target, *, bodies: int, seed: int, huge: int = 5, advance: Advance = lambda done: None
) -> Result:
    """Half of `bodies` as texts, half as mails; so many huge ones of each kind come on top."""
    lexicons.load()  # every process reads the word lists once
    result, began = Result(seed), time.monotonic()
    before = _megabytes()
    run = _Run(target, result, Client(raise_request_exception=False))
    for number in range(bodies):
        rng = random.Random(f"{seed} {number}")
        run.text(rng, number) if number % 2 else run.mail(rng, number)
        advance(number + 1)
    run.huge(huge)
    result.seconds = time.monotonic() - began
    result.grew_megabytes = _megabytes() - before
    if result.grew_megabytes > MOST_MEGABYTES:
        result.breaches.append(f"the process grew by {result.grew_megabytes:.0f} MB")
    return result


def _megabytes() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(slots=True)
class _Run:
    target: Target
    result: Result
    client: Client

    def text(self, rng: random.Random, number: int) -> None:
        sender = rng.choice((*self.target.phones, *self.target.phones, *STRANGERS))
        media = str(rng.choice((0, 0, 0, 0, 1, 10, "x", "-1", "99999")))
        odd = {"OptOutType": rng.choice(("STOP", "HELP", "START", "?" * 99))} if rng.random() < 0.05 else {}
        self._post(number, {"From": sender, "Body": poison.words(rng), "NumMedia": media, **odd})

    def _post(self, number: int | str, fields: dict[str, str]) -> None:
        named = f"SM{self.result.seed:x}x{number}"
        form = {
            "AccountSid": settings.TWILIO_ACCOUNT_SID,
            "MessageSid": named,
            "To": "+16045550199",
            **fields,
        }
        sent = urlencode(form, errors="surrogatepass")
        letters = form
        if _has_surrogates(fields):  # signed as Twilio signs: over the letters that such bytes are
            letters = dict(parse_qsl(sent, keep_blank_values=True, errors="replace"))
        signed = {"X-Twilio-Signature": sign(settings.PUBLIC_BASE_URL + SMS_HOOK, letters, _token())}

        def post() -> int:
            return self.client.post(SMS_HOOK, sent, content_type=FORM, headers=signed).status_code

        self._bring("text", named, post)
        self._judge_text(named)
        self._again(number, named, post)

    def mail(self, rng: random.Random, number: int) -> None:
        raw = poison.mail(rng, rng.choice((*self.target.mailboxes, "clinic@clinic.example")))
        sender = rng.choice((None, "", "patient@patients.example", "x" * 300))
        self._deliver(number, raw, rng.choice(("smtp", "imap", "webhook")), sender)

    def _deliver(self, number: int | str, raw: bytes, way: str, sender: str | None) -> None:
        named, known = f"mail {number}", InboundMail.objects.count()
        brought: list[int] = []

        def bring() -> int:
            if way == "webhook":
                secret = {"Authorization": f"Bearer {settings.MAIL_WEBHOOK_SECRET}"}
                kind = "message/rfc822"
                code = self.client.post(MAIL_HOOK, raw, content_type=kind, headers=secret).status_code
                return code if raw.strip() else 200 + (code != 400)
            brought.append(receive_mail(Delivered(raw=raw, way=way, sender=sender, recipients=())))
            return 200

        self._bring("mail", named, bring)
        if raw.strip() or way != "webhook":
            self._judge_mail(named, known)
        self._again(number, named, bring)

    def _bring(self, what: str, named: str, bring: Callable[[], int]) -> None:
        began = time.process_time()
        try:
            code = bring()
        except Exception as error:
            self.result.breaches.append(f"{named}: {type(error).__name__}")
            return
        took = time.process_time() - began
        self.result.counts[what] += 1
        if code != 200:
            self.result.breaches.append(f"{named}: HTTP {code}")
        if took > self.result.slowest:
            self.result.slowest, self.result.slowest_was = took, named
        if took > LONGEST_SECONDS:
            self.result.breaches.append(f"{named}: took {took:.1f} s")

    def _judge_text(self, named: str) -> None:
        rows = list(Reply.objects.filter(provider_id=named).values_list("outcome", "alerts"))
        if len({outcome for outcome, _ in rows}) != 1:
            self.result.breaches.append(f"{named}: stored {len(rows)} times")
            return
        outcome, seen = rows[0][0], any(alert for _, alert in rows)
        became = _STATED.get(outcome, "understood")
        self.result.counts[became] += 1
        if became == "waits" or (became == "person" and not seen):
            self.result.breaches.append(f"{named}: {outcome}, and before nobody")

    def _judge_mail(self, named: str, known: int) -> None:
        """The newest mail; one that the same bytes brought before is no new one."""
        if InboundMail.objects.count() == known:
            self.result.counts["known"] += 1
            return
        mail = InboundMail.objects.defer("raw", "words", "envelope").latest("id")
        became = f"mail {mail.kind or mail.state}"
        self.result.counts[became] += 1
        reply = Reply.objects.filter(mail=mail).prefetch_related("alerts").first()
        machine = mail.kind in {"loop", "automatic", "bounce", "complaint"}
        if mail.state == InboundMail.State.STORED:
            self.result.breaches.append(f"{named}: stored and not read")
        elif reply is None and not machine:
            self.result.breaches.append(f"{named}: {mail.kind}, and nobody sees it")
        elif reply is not None and reply.outcome in _STATED and not reply.alerts.exists():
            self.result.breaches.append(f"{named}: {reply.outcome}, and before nobody")

    def _again(self, number: int | str, named: str, bring: Callable[[], int]) -> None:
        """Brought again it changes nothing."""
        if isinstance(number, int) and number % REPLAYED:
            return
        before = _totals()
        self._bring("again", f"{named} again", bring)
        if _totals() != before:
            self.result.breaches.append(f"{named}: brought again it changed something")

    def huge(self, most: int) -> None:
        for place, body in enumerate(poison.huge_words()[:most]):
            self._post(f"huge{place}", {"From": self.target.phones[0], "Body": body, "NumMedia": "0"})
        for place, raw in enumerate(poison.huge_mails()[:most]):
            self._deliver(f"huge {place}", raw, "smtp", None)


def _has_surrogates(fields: dict[str, str]) -> bool:
    return any("\ud800" <= char <= "\udfff" for value in fields.values() for char in value)


def _token() -> str:
    return str(settings.TWILIO_AUTH_TOKEN).partition(",")[0]


def _totals() -> tuple[int, ...]:
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in _COUNTED)  # noqa: S608  names of our own
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        row: tuple[int, ...] = cursor.fetchone()
    return row
