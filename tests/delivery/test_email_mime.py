"""The bytes of a mail, held against what Django's own classes make of the same message."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any, cast
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import MIMEMixin
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.delivery.channels import Outgoing
from campaigns.delivery.email_mime import message_bytes

CLINIC = "clinic@clinic.example"
LINK = "https://clinic.example/u/x7Kd3mQ9TBx7Kd3mQ9TBx7"
NOW = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)

SCRIPTS = (
    "Votre visite à la clinique, été",
    "ਤੁਹਾਡੀ ਮੁਲਾਕਾਤ",
    "您的預約時間",
    "زيارتك عند الساعة ٩",
    "अपॉइंटमेंट",
    "Cuộc hẹn của quý vị",
    "👩🏽‍⚕️",
    "plain words",
    '"quoted", <odd>; =?utf-8?q?no?=',
)
letters = st.characters(exclude_categories=["Cs"])
words = st.lists(st.sampled_from(SCRIPTS) | st.text(letters, max_size=30), max_size=8)
# What the library would break a header at, or lose: only the other tests look at those.
one_line = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
header_words = st.lists(st.sampled_from(SCRIPTS) | st.text(one_line, max_size=30), min_size=1, max_size=8)
headers = header_words.map(" ".join).map(lambda text: " ".join(text.split())).filter(bool)
bodies = (
    words.map("\n".join) | words.map(" ".join) | words.map("\r\n.".join) | st.text(letters, max_size=2000)
)
calendars = st.none() | words.map(lambda lines: "\r\n".join(lines).encode())


def outgoing(**changes: Any) -> Outgoing:
    given: dict[str, Any] = {
        "attempt_id": UUID(int=1),
        "to": "amrit@patient.example",
        "subject": "Your visit",
        "text": "Hello\n",
        "html": "<p>Hello</p>\n",
        "now": NOW,
        "expires_at": NOW + timedelta(hours=2),
        "from_name": "Example Clinic",
        "message_id": "<m-1@clinic.example>",
        "unsubscribe_url": LINK,
    }
    return Outgoing(**given | changes)


def by_the_library(message: Outgoing) -> bytes:
    """The same message from Django's classes, as they would send it."""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=formataddr((message.from_name, CLINIC)),
        to=[message.to],
        headers={
            "Date": format_datetime(message.now),
            "Content-Language": message.language,
            "Message-ID": message.message_id,
            "List-Unsubscribe": f"<{message.unsubscribe_url}>",
        },
    )
    mail.encoding = "utf-8"
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    if message.calendar is not None:
        part = MIMEText(message.calendar.decode(), "calendar", "utf-8")
        part.set_param("method", message.calendar_method)
        part.add_header("Content-Disposition", "attachment", filename="visit.ics")
        mail.attach(part)
    return cast(MIMEMixin, mail.message()).as_bytes(linesep="\r\n")


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def sender_of(raw: bytes) -> tuple[str, str]:
    """Name and address of the sender. The newer parser leaves spaces between the encoded words of a name."""
    name, address = parseaddr(email.message_from_bytes(raw)["From"])
    return str(make_header(decode_header(name))), address


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def meaning(message: EmailMessage) -> list[tuple[object, ...]]:
    """What a reader gets of each part: what it is, what it is called, and what it holds."""
    found: list[tuple[object, ...]] = []
    for part in message.walk():
        kind = part.get_content_type(), part.get_content_disposition(), part.get_filename()
        if part.is_multipart():
            found.append(kind)
        else:
            content = cast(bytes, part.get_payload(decode=True)).decode()
            found.append((*kind, part.get_content_charset(), part.get_param("method"), unix(content)))
    return found


# The library leaves out an empty text, which no template makes.
@settings(deadline=None)  # the library's own parser is slow the first time
@given(text=bodies.filter(bool), html=bodies, calendar=calendars)
def test_every_part_means_what_the_librarys_means(text: str, html: str, calendar: bytes | None) -> None:
    message = outgoing(text=text, html=html, calendar=calendar, calendar_method="PUBLISH")
    ours = parsed(message_bytes(message, CLINIC))
    assert not [part.defects for part in ours.walk() if part.defects]
    assert meaning(ours) == meaning(parsed(by_the_library(message)))


@settings(deadline=None)
@given(subject=headers, name=headers)
def test_every_header_means_what_the_librarys_means(subject: str, name: str) -> None:
    message = outgoing(subject=subject, from_name=name)
    raw = message_bytes(message, CLINIC)
    ours = parsed(raw)
    for header in ("To", "Date", "Content-Language", "Message-ID", "List-Unsubscribe", "MIME-Version"):
        assert ours[header] == parsed(by_the_library(message))[header]
    assert ours["Subject"] == subject
    assert sender_of(raw) == (name, CLINIC)


@settings(deadline=None)
@given(subject=headers, name=headers, text=bodies, html=bodies, calendar=calendars)
def test_every_line_is_plain_ascii_and_short_enough(
    subject: str, name: str, text: str, html: str, calendar: bytes | None
) -> None:
    message = outgoing(subject=subject, from_name=name, text=text, html=html, calendar=calendar)
    raw = message_bytes(message, CLINIC)
    assert raw.isascii()
    lines = raw.split(b"\r\n")
    assert not [line for line in lines if b"\n" in line or b"\r" in line]
    assert max(map(len, lines)) <= 998
    _, _, content = raw.partition(b"\r\n\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 78


@settings(deadline=None)
@given(text=bodies, html=bodies)
def test_no_body_can_hold_a_boundary(text: str, html: str) -> None:
    forged = f"--=_alternative\r\n{text}\r\n--=_alternative--\r\n--=_mixed--\r\n"
    message = parsed(message_bytes(outgoing(text=forged, html=html or "-", calendar=b"--=_mixed--"), CLINIC))
    alternative, calendar = message.iter_parts()
    assert isinstance(alternative, EmailMessage)
    plain, _ = alternative.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert unix(cast(bytes, plain.get_payload(decode=True)).decode()) == unix(forged)
    assert calendar.get_payload(decode=True) == b"--=_mixed--"


@pytest.mark.parametrize(
    "subject", ["", "x" * 2000, "a  b", " a ", "=?utf-8?q?no?=", "a\u2028b\x85c", "word " * 300]
)
def test_an_odd_subject_comes_back_whole(subject: str) -> None:
    raw = message_bytes(outgoing(subject=subject), CLINIC)
    assert parsed(raw)["Subject"] == subject
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("name", ["", "x" * 300, "Clinique « d'été »" * 5, 'a "b" (c) <d@e.example>, f'])
def test_an_odd_name_comes_back_whole(name: str) -> None:
    assert sender_of(message_bytes(outgoing(from_name=name), CLINIC)) == (name, CLINIC)


def test_latin_letters_stay_legible_and_other_scripts_take_less_room() -> None:
    assert b"Content-Transfer-Encoding: quoted-printable" in message_bytes(outgoing(html=""), CLINIC)
    gurmukhi = message_bytes(outgoing(text=SCRIPTS[1] * 50, html=""), CLINIC)
    assert b"Content-Transfer-Encoding: base64" in gurmukhi


def test_every_try_of_one_message_has_the_same_bytes() -> None:
    message = outgoing(calendar=b"BEGIN:VCALENDAR\r\n")
    assert message_bytes(message, CLINIC) == message_bytes(message, CLINIC)


def test_a_long_header_is_folded_between_its_words() -> None:
    unsubscribe = f"<{LINK}>, <mailto:reply+{'x' * 40}@reply.clinic.example?subject=unsubscribe>"
    raw = message_bytes(outgoing(reply_to=f"reply+{'x' * 40}@reply.clinic.example"), CLINIC)
    assert parsed(raw)["List-Unsubscribe"] == unsubscribe
    assert unsubscribe.encode() not in raw


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"to": "other@patient.example"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"X-A": "1", "x-a": "2"}},
        {"calendar": b"x", "calendar_method": "PUBLISH\r\nX: y"},
        {"text": "\ud800"},
        {"subject": "\ud800"},
    ],
)
def test_what_would_change_another_part_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        message_bytes(outgoing(**changes), CLINIC)


def test_a_header_of_ours_can_be_given_another_value() -> None:
    assert (
        parsed(message_bytes(outgoing(headers={"Content-Language": "fr-CA"}), CLINIC))["Content-Language"]
        == "fr-CA"
    )
