"""A patient who was asked something by e-mail, and mails that answer it as mail programs do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from itertools import count

import pytest
from pytest_django.fixtures import Settings

from campaigns.delivery.channels import Ending, Outcome, Outgoing, Sought
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import Clinic, InboundMail, Message, Visit
from campaigns.services import deliver
from campaigns.services.receive_mail import Delivered, receive_mail
from campaigns.services.send import drain
from campaigns.services.visits import settle
from tests import factories
from tests.factories import make_patient, message, set_now

PATIENT = "patient@patients.example"
DOMAIN = "reply.clinic.example"
SERVER = "mx.clinic.example"
VOUCHED = f"{SERVER}; dmarc=pass (p=none) header.from=patients.example"
numbers = count(1)

Mails = list[Outgoing]


class Caught:
    """A mail channel that keeps what it was given."""

    def __init__(self) -> None:
        self.mails: Mails = []

    def send(self, outgoing: Outgoing) -> Outcome:
        self.mails.append(outgoing)
        return Outcome(ending=Ending.ACCEPTED)

    def find(self, sought: Sought) -> Outcome | None:
        return None


@pytest.fixture(autouse=True)
def own_domain(settings: Settings) -> None:
    settings.REPLY_DOMAIN = DOMAIN
    settings.MAIL_AUTHSERV_ID = SERVER
    settings.EMAIL_FROM = "clinic@clinic.example"


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Mails:
    """Every e-mail that leaves."""
    caught = Caught()
    monkeypatch.setattr(deliver, "senders", lambda: {Channel.EMAIL: caught, Channel.SMS: caught})
    return caught.mails


@pytest.fixture
def clinic(db: None) -> Clinic:
    set_now(factories.NOON)
    return factories.make_clinic()


@pytest.fixture
def asked(clinic: Clinic, mails: Mails) -> Message:
    """The e-mail that asks for the pain after a treatment, just sent."""
    enrolled = make_patient(clinic, sequences=["aftercare"], email=PATIENT, phone="")
    set_now(factories.NOON + timedelta(days=14, hours=2))
    settle(Visit.objects.get(course__patient=enrolled.patient).pk, VisitState.COMPLETED, by="test")
    question = next(m for m in enrolled.patient.messages.order_by("send_at") if m.asks == "pain")
    set_now(question.send_at)
    drain()
    question.refresh_from_db()
    assert question.state == "accepted"
    return question


@pytest.fixture
def reply_to(asked: Message, mails: Mails) -> str:
    """The address that the question is answered to."""
    return next(mail.reply_to for mail in mails if mail.subject == asked.subject)


def mail(
    body: str = "4",
    *,
    to: str = "clinic@clinic.example",
    sender: str = f"Ann <{PATIENT}>",
    subject: str = "Re: How are you?",
    headers: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """One mail; `headers` stand on top, as a server adds them."""
    built = EmailMessage()
    built["From"], built["To"], built["Subject"] = sender, to, subject
    built["Message-ID"] = f"<{next(numbers)}@patients.example>"
    built.set_content(body)
    top = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return top.encode() + built.as_bytes().replace(b"\n", b"\r\n")


Take = Callable[..., InboundMail]


@pytest.fixture
def take(clinic: Clinic) -> Take:
    """Bring a mail in, and give back what was stored of it."""

    def take(raw: bytes, *, sender: str | None = PATIENT, to: tuple[str, ...] = ()) -> InboundMail:
        stored = receive_mail(Delivered(raw=raw, way="smtp", sender=sender, recipients=to))
        return InboundMail.objects.select_related("reply").get(pk=stored)

    return take


def header(raw: bytes, name: str) -> str:
    """One header of a mail on the wire, unfolded."""
    found = re.search(rf"(?im)^{name}:\s*((?:.|\n[ \t])*)$", raw.decode().replace("\r\n", "\n"))
    return re.sub(r"\s+", " ", found[1]).strip() if found else ""


__all__ = ["Mails", "Take", "header", "mail", "message"]
