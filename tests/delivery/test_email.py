"""E-mail: every ending over a real socket, and the message as a reader sees it."""

from __future__ import annotations

import email
import email.policy
import logging
import os
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest
from icalendar import Calendar

from campaigns.delivery.calendar import CANCEL, VisitEntry, visit_file
from campaigns.delivery.channels import Ending, InvalidSetting, Outgoing, Sought
from campaigns.delivery.email import EmailSender, SmtpConfig, Tls, smtp_config
from campaigns.delivery.email_mime import message_bytes
from campaigns.domain.lifecycle import Reason
from campaigns.local.loopback_server import HoldPoint
from campaigns.local.loopback_smtp import Fault, LoopbackSmtp

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
PATIENT = "amrit.gill@patient.example"
CLINIC = "clinic@clinic.example"
LINK = "https://clinic.example/u/Q2hlY2staW4tdG9rZW4"
REPLY_TO = "r+dG9rZW4@reply.clinic.example"


def outgoing(**changes: object) -> Outgoing:
    message = Outgoing(
        attempt_id=uuid4(),
        to=PATIENT,
        subject="Votre visite à la clinique",
        text="Bonjour,\n\nVotre visite est à 9 h.\n.\nFrom là, à bientôt.\n",
        html="<html><body><p>Votre visite est à 9 h.</p></body></html>",
        now=NOW,
        expires_at=NOW + timedelta(hours=2),
        language="fr-CA",
        from_name="Clinique d'été, Vancouver",
        message_id="<m-8f14e45f@clinic.example>",
        reply_to=REPLY_TO,
        unsubscribe_url=LINK,
    )
    return message._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[LoopbackSmtp]:
    with LoopbackSmtp() as running:
        yield running


@pytest.fixture
def sender(server: LoopbackSmtp) -> Iterator[EmailSender]:
    made = EmailSender(smtp_config(server.url, CLINIC, timeout=0.5))
    yield made
    made.close()


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def built(**changes: object) -> EmailMessage:
    return parsed(message_bytes(outgoing(**changes), CLINIC))


class TestMessage:
    def test_it_arrives_as_it_was_built(self, server: LoopbackSmtp, sender: EmailSender) -> None:
        message = outgoing()
        assert sender.send(message).ending is Ending.ACCEPTED
        (mail,) = server.mails
        assert (mail.sender, mail.recipients) == (CLINIC, (PATIENT,))
        assert mail.raw == message_bytes(message, CLINIC)

    def test_its_headers_say_who_it_is_from_and_what_it_is(self) -> None:
        message = built()
        assert message["From"].addresses[0].display_name == "Clinique d'été, Vancouver"
        assert message["From"].addresses[0].addr_spec == CLINIC
        assert [address.addr_spec for address in message["To"].addresses] == [PATIENT]
        assert message["Subject"] == "Votre visite à la clinique"
        assert message["Reply-To"] == REPLY_TO
        assert message["Message-ID"] == "<m-8f14e45f@clinic.example>"
        assert message["Date"].datetime == NOW
        assert message["Content-Language"] == "fr-CA"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["X-Auto-Response-Suppress"] == "All"
        assert "Precedence" not in message

    def test_it_can_be_left_with_one_click_or_by_mail(self) -> None:
        message = built()
        assert message["List-Unsubscribe"] == f"<{LINK}>, <mailto:{REPLY_TO}?subject=unsubscribe>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_without_a_reply_domain_only_the_link_is_offered(self) -> None:
        message = built(reply_to="")
        assert message["List-Unsubscribe"] == f"<{LINK}>"
        assert "Reply-To" not in message

    def test_a_message_nobody_can_leave_has_no_such_header(self) -> None:
        message = built(unsubscribe_url="")
        assert "List-Unsubscribe" not in message
        assert "List-Unsubscribe-Post" not in message

    def test_text_and_html_are_two_forms_of_one_message(self) -> None:
        message = built()
        assert message.get_content_type() == "multipart/alternative"
        text, html = message.iter_parts()
        assert isinstance(text, EmailMessage)
        assert isinstance(html, EmailMessage)
        assert text.get_content().replace("\r\n", "\n") == outgoing().text
        assert html.get_content_type() == "text/html"
        assert "à 9 h" in html.get_content()

    @pytest.mark.parametrize("words", ["زيارتك عند الساعة ٩", "ਤੁਹਾਡੀ ਮੁਲਾਕਾਤ", "您的預約", "a b " * 60 + "c"])
    def test_a_subject_in_any_script_comes_back_whole(self, words: str) -> None:
        assert built(subject=words)["Subject"] == words

    def test_a_very_long_line_is_kept_within_the_limit_of_mail(self) -> None:
        raw = message_bytes(outgoing(text="é" * 5000), CLINIC)
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998
        (text, _) = parsed(raw).iter_parts()
        assert isinstance(text, EmailMessage)
        assert text.get_content().strip() == "é" * 5000

    def test_an_international_domain_is_written_in_ascii(
        self, server: LoopbackSmtp, sender: EmailSender
    ) -> None:
        assert sender.send(outgoing(to="amrit@clinique-été.example")).ending is Ending.ACCEPTED
        assert server.mails[0].recipients == ("amrit@xn--clinique-t-j7ab.example",)

    def test_extra_headers_are_carried(self) -> None:
        assert built(headers={"X-Attempt": "8f14e45f"})["X-Attempt"] == "8f14e45f"


class TestCalendarPart:
    def entry(self, **changes: object) -> VisitEntry:
        visit = VisitEntry(
            uid="visit-1@clinic.example",
            sequence=1,
            starts_at=NOW + timedelta(days=7),
            now=NOW,
            summary="Rendez-vous",
        )
        return replace(visit, **changes)  # type: ignore[arg-type]

    def part(self, entry: VisitEntry) -> EmailMessage:
        message = built(calendar=visit_file(entry), calendar_method=entry.method)
        (part,) = message.iter_attachments()
        assert isinstance(part, EmailMessage)
        return part

    def test_the_visit_is_attached_as_a_file(self) -> None:
        part = self.part(self.entry())
        assert part.get_content_type() == "text/calendar"
        assert part.get_param("method") == "PUBLISH"
        assert part.get_filename() == "visit.ics"
        assert part.get_payload(decode=True) == visit_file(self.entry())

    def test_a_moved_visit_updates_the_same_entry(self) -> None:
        moved = self.entry(sequence=2, starts_at=NOW + timedelta(days=9))
        entries = []
        for entry in (self.entry(), moved):
            content = self.part(entry).get_payload(decode=True)
            assert isinstance(content, bytes)
            entries.extend(Calendar.from_ical(content).walk("VEVENT"))
        first, second = entries
        assert first["UID"] == second["UID"]
        assert second.decoded("SEQUENCE") > first.decoded("SEQUENCE")

    def test_a_cancelled_visit_says_so_in_the_part_too(self) -> None:
        assert self.part(self.entry(sequence=2, cancelled=True)).get_param("method") == CANCEL


class TestInjection:
    @pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\0", "\x1b"])
    @pytest.mark.parametrize("name", ["subject", "from_name", "reply_to", "message_id", "unsubscribe_url"])
    def test_a_line_break_in_a_header_is_refused(
        self, server: LoopbackSmtp, sender: EmailSender, name: str, breaker: str
    ) -> None:
        outcome = sender.send(outgoing(**{name: f"é{breaker}Bcc: other@patient.example"}))
        assert (outcome.ending, outcome.reason) == (Ending.REJECTED, Reason.RENDER_ERROR)
        assert server.connections == 0

    @pytest.mark.parametrize(
        "headers", [{"X-A": "1\r\nBcc: x@x.example"}, {"X-A\r\nBcc": "x"}, {"X A": "1"}, {"": "1"}]
    )
    def test_an_extra_header_cannot_bring_another(self, sender: EmailSender, headers: dict[str, str]) -> None:
        assert sender.send(outgoing(headers=headers)).reason is Reason.RENDER_ERROR

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "nobody",
            "@clinic.example",
            "a@",
            "a@b.example, c@d.example",
            "a@b.example\r\nRCPT TO:<c@d.example>",
            "A <a@b.example>",
            "a@b.example>",
            "a b@c.example",
            'a"b@c.example',
            "é@c.example",
            "a@b@c.example",
            f"a@{'é' * 80}.example",
        ],
    )
    def test_anything_but_one_plain_address_is_refused(
        self, server: LoopbackSmtp, sender: EmailSender, address: str
    ) -> None:
        outcome = sender.send(outgoing(to=address))
        assert (outcome.ending, outcome.reason) == (Ending.REJECTED, Reason.BAD_ADDRESS)
        assert server.connections == 0

    def test_a_name_cannot_become_an_address(self) -> None:
        message = built(from_name='"x" <other@patient.example>, y')
        assert [address.addr_spec for address in message["From"].addresses] == [CLINIC]


class TestEndings:
    @pytest.mark.parametrize(
        ("fault", "ending", "reason", "code", "recorded"),
        [
            (Fault.BUSY_AT_CONNECT, Ending.NOT_SENT, None, "421 4.3.2", 0),
            (Fault.BUSY_AT_MAIL, Ending.NOT_SENT, None, "421 4.7.0", 0),
            (Fault.GREYLIST, Ending.NOT_SENT, None, "451 4.7.1", 0),
            (Fault.MAILBOX_BUSY, Ending.NOT_SENT, None, "450 4.2.0", 0),
            (Fault.NO_SUCH_MAILBOX, Ending.REJECTED, Reason.BAD_ADDRESS, "550 5.1.1", 0),
            (Fault.TOO_LARGE, Ending.REJECTED, Reason.UNREACHABLE, "552 5.2.2", 0),
            (Fault.CONTENT, Ending.REJECTED, Reason.FILTERED, "554 5.7.1", 0),
            (Fault.DROP_AT_RCPT, Ending.NOT_SENT, None, "", 0),
            (Fault.DROP_AFTER_DOT, Ending.UNCERTAIN, None, "", 1),
            (Fault.SILENT, Ending.NOT_SENT, None, "", 0),
        ],
    )
    def test_each_fault_has_its_ending(
        self,
        server: LoopbackSmtp,
        sender: EmailSender,
        fault: Fault,
        ending: Ending,
        reason: Reason | None,
        code: str,
        recorded: int,
    ) -> None:
        server.fail(fault)
        began = time.monotonic()
        outcome = sender.send(outgoing())
        assert (outcome.ending, outcome.reason, outcome.error_code) == (ending, reason, code)
        assert server.count == recorded
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize(
        ("lines", "ending"), [(1, Ending.UNCERTAIN), (300_000, Ending.NOT_SENT)], ids=["small", "large"]
    )
    def test_a_line_that_breaks_in_the_message_depends_on_whether_the_dot_had_left(
        self, server: LoopbackSmtp, sender: EmailSender, lines: int, ending: Ending
    ) -> None:
        server.fail(Fault.DROP_BEFORE_DOT)
        outcome = sender.send(outgoing(text=("x" * 60 + "\n") * lines, html=""))
        assert (outcome.ending, server.count) == (ending, 0)

    def test_after_a_fault_the_next_message_goes(self, server: LoopbackSmtp, sender: EmailSender) -> None:
        for fault in Fault:
            server.fail(fault)
            sender.send(outgoing())
            server.mend()
            assert sender.send(outgoing()).ending is Ending.ACCEPTED, fault

    def test_a_time_out_after_the_dot_is_uncertain(self, server: LoopbackSmtp, sender: EmailSender) -> None:
        server.hold(HoldPoint.BEFORE_RESPONSE)
        assert sender.send(outgoing()).ending is Ending.UNCERTAIN
        server.release()
        assert server.unique() == 1

    def test_a_refusal_after_the_dot_is_an_answer(self, server: LoopbackSmtp, sender: EmailSender) -> None:
        server.fail(Fault.CONTENT)
        sender.send(outgoing())
        server.mend()
        sender.send(outgoing())
        assert server.connections == 2  # after an error nothing is reused

    def test_nobody_listening_is_not_sent(self, server: LoopbackSmtp, sender: EmailSender) -> None:
        server.refuse()
        outcome = sender.send(outgoing())
        assert (outcome.ending, outcome.reason) == (Ending.NOT_SENT, None)

    def test_an_unknown_host_is_not_sent(self, sender: EmailSender, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        assert sender.send(outgoing()).ending is Ending.NOT_SENT

    def test_a_server_that_stopped_offering_tls_gets_nothing(self, server: LoopbackSmtp) -> None:
        sender = EmailSender(smtp_config(server.url.replace("none", "starttls"), CLINIC, timeout=0.5))
        outcome = sender.send(outgoing())
        assert (outcome.ending, outcome.reason) == (Ending.NOT_SENT, Reason.PROVIDER_CONFIG)
        assert server.count == 0

    def test_a_server_that_does_not_speak_tls_gets_nothing(self, server: LoopbackSmtp) -> None:
        sender = EmailSender(smtp_config(server.url.replace("none", "implicit"), CLINIC, timeout=0.5))
        assert sender.send(outgoing()).ending is Ending.NOT_SENT
        assert server.count == 0

    def test_credentials_are_given_to_the_server(self, server: LoopbackSmtp) -> None:
        url = server.url.replace("smtp://", "smtp://us%40er:p%3Ass@")
        sender = EmailSender(smtp_config(url, CLINIC, timeout=0.5))
        assert sender.send(outgoing()).ending is Ending.ACCEPTED
        sender.close()

    def test_smtp_cannot_say_what_became_of_a_message(self, sender: EmailSender) -> None:
        assert sender.find(Sought(attempt_id=uuid4(), to=PATIENT, text="", since=NOW)) is None


class TestConnections:
    def test_one_connection_serves_many_messages(self, server: LoopbackSmtp, sender: EmailSender) -> None:
        for _ in range(10):
            sender.send(outgoing())
        assert (server.count, server.connections) == (10, 1)

    def test_a_kept_connection_that_was_closed_costs_nothing(
        self, server: LoopbackSmtp, sender: EmailSender
    ) -> None:
        sender.send(outgoing())
        server.refuse()
        server.listen()
        assert sender.send(outgoing()).ending is Ending.ACCEPTED
        assert server.count == 2

    def test_a_limit_on_one_connection_is_met_with_a_new_one(
        self, server: LoopbackSmtp, sender: EmailSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sender.send(outgoing())
        server.fail(Fault.BUSY_AT_MAIL)
        outcome = sender.send(outgoing())
        assert (outcome.ending, outcome.error_code) == (Ending.NOT_SENT, "421 4.7.0")
        assert server.connections == 2  # the first try ended on the kept one, before the message

    def test_sixteen_threads_send_each_message_once(self, server: LoopbackSmtp) -> None:
        sender = EmailSender(smtp_config(server.url, CLINIC))  # a busy machine is no reason to give up
        ids = [f"<m-{number}@clinic.example>" for number in range(200)]
        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(lambda name: sender.send(outgoing(message_id=name)), ids))
        assert {outcome.ending for outcome in outcomes} == {Ending.ACCEPTED}
        sender.close()
        assert (server.count, server.unique()) == (200, 200)
        assert server.connections <= 16

    def test_a_forked_child_does_not_use_its_parents_connections(
        self, server: LoopbackSmtp, sender: EmailSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sender.send(outgoing())
        parents = sender._idle
        monkeypatch.setattr(os, "getpid", lambda: -1)
        sender.send(outgoing())
        assert server.connections == 2
        monkeypatch.undo()
        for kept in parents:
            kept.drop()

    def test_servers_are_verified(self) -> None:
        sender = EmailSender(smtp_config("smtp://mail.clinic.example", CLINIC))
        context = sender._backend().ssl_context
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_no_address_and_no_text_reaches_a_log_or_an_outcome(
    server: LoopbackSmtp, sender: EmailSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    for fault in (None, *Fault):
        server.fault = fault
        seen.append(repr(sender.send(outgoing())))
    everything = caplog.text + "".join(seen)
    assert "patient.example" not in everything
    assert "Votre visite" not in everything


class TestEmailUrl:
    @pytest.mark.parametrize(
        ("url", "tls", "port"),
        [
            ("smtp://mail.example", Tls.STARTTLS, 587),
            ("smtp://mail.example:465", Tls.IMPLICIT, 465),
            ("smtp://mail.example:2525", Tls.STARTTLS, 2525),
            ("smtp://mail.example?tls=implicit", Tls.IMPLICIT, 465),
            ("smtp://mail.example/?tls=none", Tls.NONE, 25),
            ("smtp://127.0.0.1:1025?tls=none", Tls.NONE, 1025),
        ],
    )
    def test_what_is_left_out_is_safe(self, url: str, tls: Tls, port: int) -> None:
        config = smtp_config(url, CLINIC)
        assert (config.tls, config.port) == (tls, port)

    def test_reserved_letters_are_written_with_percent(self) -> None:
        config = smtp_config("smtp://us%40er:p%3Ass%2F%C3%A9@mail.example:587?tls=starttls", CLINIC)
        assert (config.username, config.password, config.host) == ("us@er", "p:ss/é", "mail.example")

    def test_a_from_address_with_a_name_gives_the_address(self) -> None:
        assert smtp_config("smtp://mail.example", f"Clinic <{CLINIC}>").from_address == CLINIC

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("", "must look like"),
            ("mail.example:25", "must look like"),
            ("http://mail.example", "must look like"),
            ("smtp://", "must look like"),
            ("smtp://mail.example:port", "port or host"),
            ("smtp://mail.example:99999", "port or host"),
            ("smtp://[mail", "port or host"),
            ("smtp://u:hush@mail.example?tls=maybe", "tls must be starttls, implicit or none"),
            ("smtp://u:hush@mail.example?tls=", "tls must be starttls, implicit or none"),
            ("smtp://u:hush@mail.example?ssl=1", "not known: ssl"),
            ("smtp://u:hush@mail.example/inbox", "after the host"),
        ],
    )
    def test_a_mistake_is_told_in_one_line_without_the_password(self, url: str, words: str) -> None:
        with pytest.raises(InvalidSetting, match=words) as refusal:
            smtp_config(url, CLINIC)
        assert "EMAIL_URL" in str(refusal.value)
        assert "hush" not in str(refusal.value)

    @pytest.mark.parametrize("address", ["", "clinic", "a@b.example, c@d.example", "a@b.example\n"])
    def test_the_from_address_must_be_one(self, address: str) -> None:
        with pytest.raises(InvalidSetting, match="EMAIL_FROM"):
            SmtpConfig(host="mail.example", port=25, from_address=address)
