"""The least that it can cost: the same bytes, made ready beforehand, pushed over one kept connection."""

from __future__ import annotations

import smtplib
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from itertools import cycle, islice
from typing import cast
from urllib.parse import urlencode, urlsplit

from django.core.mail.message import MIMEMixin

from bench.ground import ACCOUNT, FROM, SENDER, TOKEN, BenchFailed, Deadline, Sink
from bench.peers import naive
from campaigns.domain.recipients import Channel
from campaigns.models import ContactPoint, Message

SAMPLE = 1_000
"""So many different messages are made ready; a longer run sends them again."""

_CREATE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
_HEADERS = {
    "User-Agent": "limit/1",
    "Accept": "application/json",
    "Accept-Charset": "utf-8",
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode(),
}

Ready = tuple[str, bytes]
"""An address, and the bytes of one message to it."""


def prepare(channel: Channel) -> list[Ready]:
    """The bytes of due messages of the seeded database, by the functions of the naive peer."""
    due = Message.objects.select_related("clinic", "patient", "visit").order_by("-id")
    make = _form if channel is Channel.SMS else _mail
    return [make(message) for message in due[:SAMPLE]]


def _address(message: Message) -> str:
    return ContactPoint.objects.get(patient=message.patient, channel=message.channel).address


def _form(message: Message) -> Ready:
    to = _address(message)
    words, _ = naive.words_of(message)
    fields = {
        "To": to,
        "From": SENDER,
        "Body": words.text,
        "ValidityPeriod": 36_000,
        "SmartEncoded": False,
        "StatusCallback": naive.status_address(message.pk),
    }
    return to, urlencode(fields).encode()


def _mail(message: Message) -> Ready:
    to = _address(message)
    words, tokens = naive.words_of(message)
    mail = naive.mail_of(message, to, words, tokens)
    return to, cast(MIMEMixin, mail.message()).as_bytes(linesep="\r\n")


def push(channel: Channel, ready: Sequence[Ready], number: int, sink: Sink, deadline: Deadline) -> float:
    """Seconds for `number` messages, connecting included."""
    send, close = _texts(sink) if channel is Channel.SMS else _mails(sink)
    began = time.perf_counter()
    for count, (to, message) in enumerate(islice(cycle(ready), number)):
        send(to, message)
        if count % 1_000 == 0:
            deadline.check()
    took = time.perf_counter() - began
    close()
    return took


Pair = tuple[Callable[[str, bytes], object], Callable[[], object]]


def _texts(sink: Sink) -> Pair:
    connection = HTTPConnection(urlsplit(sink.twilio).netloc, timeout=10)

    def send(to: str, body: bytes) -> None:
        connection.request("POST", _CREATE, body, _HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise BenchFailed(f"The other end refused a text: {answer.status}")

    return send, connection.close


def _mails(sink: Sink) -> Pair:
    parts = urlsplit(sink.smtp)
    connection = smtplib.SMTP(parts.hostname or "", parts.port or 0, timeout=10)
    return lambda to, message: connection.sendmail(FROM, [to], message), connection.quit
