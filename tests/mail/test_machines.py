"""Mail that machines write: bounces, complaints, absence notes, and our own mail in a circle."""

from __future__ import annotations

import pytest

from campaigns.delivery.email_mime import message_bytes
from campaigns.domain.lifecycle import State
from campaigns.models import Alert, Answer, ContactPoint, InboundMail, Message, Reply, Suppression
from campaigns.services.send import drain, message_id_header
from tests.mail.conftest import PATIENT, Mails, Take, mail
from tests.mail.test_replies import automatic, rules
from tests.web.stored import everything_stored

FROM_DAEMON = "From: Mail Delivery <MAILER-DAEMON@mx.clinic.example>\r\nTo: clinic@clinic.example\r\n"


def bounce(
    returned: str,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    to: str = PATIENT,
    kind: str = "message/rfc822",
) -> bytes:
    """A delivery report (RFC 3464) about one mail."""
    return (
        f"{FROM_DAEMON}Subject: Undelivered\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type="delivery-status"; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--b--\r\n"
    ).encode()


def complaint(returned: str, kind: str = "abuse") -> bytes:
    """A feedback report (RFC 5965) about one mail."""
    return (
        "From: fbl@provider.example\r\nTo: clinic@clinic.example\r\nSubject: Abuse report\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
        f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nVersion: 1\r\n"
        f"Original-Rcpt-To: {PATIENT}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{returned}\r\n--b--\r\n"
    ).encode()


@pytest.fixture
def sent(asked: Message, mails: Mails) -> str:
    """The question as it left."""
    outgoing = next(one for one in mails if one.subject == asked.subject)
    return message_bytes(outgoing, "clinic@clinic.example").decode()


def now_of(message: Message) -> tuple[str, str, str]:
    """State and reason of a message, and the state of the patient's address."""
    message.refresh_from_db()
    point = ContactPoint.objects.get(patient=message.patient, channel="email")
    return message.state, message.reason, point.state


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize("held_by", ["token", "id"])
def test_a_mail_that_came_back_marks_message_and_address(
    asked: Message, sent: str, take: Take, kind: str, held_by: str
) -> None:
    returned = sent if held_by == "token" else f"Message-ID: {message_id_header(asked.clinic, asked.pk)}\r\n"
    report = bounce(returned, kind=kind)
    assert take(report, sender="").kind == "bounce"
    assert now_of(asked) == (State.UNDELIVERED, "bad_address", "bad")
    assert (rules(), automatic(), Reply.objects.count()) == ([], [], 0)
    before = everything_stored()
    take(report, sender="")
    assert everything_stored() == before


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({"status": "5.2.2"}, (State.UNDELIVERED, "unreachable", "good")),
        ({"status": "5.7.1"}, (State.UNDELIVERED, "filtered", "good")),
        ({"status": "4.4.7"}, (State.UNDELIVERED, "unreachable", "good")),
        ({"to": "forwarded@elsewhere.example"}, (State.UNDELIVERED, "unreachable", "good")),
        ({"action": "delayed", "status": "4.4.1"}, (State.ACCEPTED, "", "good")),
    ],
)
def test_only_an_address_that_does_not_exist_is_called_bad(
    asked: Message, sent: str, take: Take, changes: dict[str, str], now: tuple[str, str, str]
) -> None:
    take(bounce(sent, **changes), sender="")
    assert now_of(asked) == now
    assert rules() == []


@pytest.mark.parametrize(
    "returned", ["", "Message-ID: <guessed@clinic.example>\r\nReply-To: r+0@reply.clinic.example"]
)
def test_a_report_that_holds_nothing_of_ours_marks_nothing(asked: Message, take: Take, returned: str) -> None:
    take(bounce(returned), sender="")
    assert now_of(asked) == (State.ACCEPTED, "", "good")
    assert rules() == [("routine", "mail came back")]


def test_a_complaint_stops_our_mail_and_tells_staff(asked: Message, sent: str, take: Take) -> None:
    take(complaint(sent))
    assert Suppression.objects.get(channel="email").source == "complaint"
    assert rules() == [("routine", "marked our mail as junk")]


@pytest.mark.parametrize(
    ("returned", "kind"), [("Message-ID: <guessed@x.example>", "abuse"), ("", "not-spam")]
)
def test_a_forged_complaint_stops_nothing(asked: Message, take: Take, returned: str, kind: str) -> None:
    take(complaint(returned, kind))
    assert not Suppression.objects.exists()
    assert len(rules()) == (kind == "abuse")


@pytest.mark.parametrize(
    ("headers", "subject", "sender"),
    [
        ([("Auto-Submitted", "auto-replied")], "Re: x", PATIENT),
        ([("Auto-Submitted", "auto-generated; x=y")], "Re: x", PATIENT),
        ([("Precedence", "auto_reply")], "Re: x", PATIENT),
        ([("X-Autoreply", "yes")], "Re: x", PATIENT),
        ([("Return-Path", "<>")], "Re: x", None),
        ([], "Re: x", ""),
        ([], "Automatic reply: your treatment", PATIENT),
        ([], "Réponse automatique : absence", PATIENT),
        ([], "自动回复：您的治疗", PATIENT),
    ],
)
def test_an_automatic_mail_is_kept_and_is_nobodys_answer(
    asked: Message,
    reply_to: str,
    take: Take,
    headers: list[tuple[str, str]],
    subject: str,
    sender: str | None,
) -> None:
    raw = mail("4", to=reply_to, headers=tuple(headers), subject=subject)
    assert take(raw, sender=sender).kind == "automatic"
    assert (Reply.objects.count(), Answer.objects.count(), rules(), automatic()) == (0, 0, [], [])


def test_danger_in_an_automatic_mail_is_shown_and_never_answered(
    asked: Message, reply_to: str, take: Take
) -> None:
    take(mail("I cannot breathe", to=reply_to, headers=(("Auto-Submitted", "auto-replied"),)))
    [alert] = Alert.objects.all()
    assert (alert.urgency, alert.patient) == ("emergency", None)
    assert (automatic(), Answer.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "header", [("Precedence", "bulk"), ("X-Auto-Response-Suppress", "All"), ("List-Id", "<x.example>")]
)
def test_a_mail_that_may_be_automatic_is_shown_and_not_answered(
    asked: Message, reply_to: str, take: Take, header: tuple[str, str]
) -> None:
    assert take(mail("4", to=reply_to, headers=(header,))).kind == "doubtful"
    assert (rules(), Answer.objects.count()) == ([("routine", "perhaps automatic")], 0)
    take(mail("I cannot breathe", to=reply_to, headers=(header,)))
    assert automatic() == []


def test_our_own_mail_in_a_circle_ends_at_once(
    asked: Message, reply_to: str, take: Take, mails: Mails
) -> None:
    """A mailbox that sends everything straight back to the address it should be answered to."""
    take(mail("I cannot breathe", to=reply_to))
    drain()
    for _ in range(5):
        for outgoing in list(mails):
            take(message_bytes(outgoing, "clinic@clinic.example"))
        drain()
    assert automatic() == ["auto/emergency"]
    assert Alert.objects.count() == 1
    assert set(InboundMail.objects.exclude(kind="personal").values_list("kind", flat=True)) == {"loop"}


def test_a_robot_that_repeats_what_we_say_is_answered_once(
    asked: Message, reply_to: str, take: Take, mails: Mails
) -> None:
    """It hides that it is one: no header says so, and each mail has an id of its own."""
    take(mail("I cannot breathe", to=reply_to))
    for _ in range(5):
        drain()
        take(mail(f"I cannot breathe\n\n{mails[-1].text}", to=mails[-1].reply_to))
    assert automatic() == ["auto/emergency"]
