"""Each ending of a try at Twilio, over real sockets against the loopback server."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.delivery import sms_twilio
from campaigns.delivery.channels import Ending, InvalidSetting, Outgoing, Sought
from campaigns.delivery.sms_twilio import TwilioConfig, TwilioSender
from campaigns.delivery.twilio_http import quoted
from campaigns.domain.lifecycle import Reason
from campaigns.local.loopback_twilio import Fault, LoopbackTwilio

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
PATIENT = "+16045550134"
CLINIC = "+16045550100"


def outgoing(**changes: object) -> Outgoing:
    message = Outgoing(
        attempt_id=uuid4(),
        to=PATIENT,
        text="Rappel : votre visite est à 9 h.",
        now=NOW,
        expires_at=NOW + timedelta(hours=2),
        status_callback="",
    )
    return message._replace(**changes)  # type: ignore[arg-type]


def config_for(server: LoopbackTwilio, **changes: object) -> TwilioConfig:
    config = TwilioConfig(
        account_sid=server.account_sid,
        auth_token=server.auth_token,
        from_number=CLINIC,
        api_base_url=server.base_url,
        read_timeout=0.5,
    )
    return replace(config, **changes)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[LoopbackTwilio]:
    with LoopbackTwilio() as running:
        yield running


@pytest.fixture
def sender(server: LoopbackTwilio) -> Iterator[TwilioSender]:
    made = TwilioSender(config_for(server))
    yield made
    made.close()


def sought(message: Outgoing, **changes: object) -> Sought:
    since = datetime.now(UTC)
    asked = Sought(attempt_id=message.attempt_id, to=message.to, text=message.text, since=since)
    return replace(asked, **changes)  # type: ignore[arg-type]


@given(st.text())
@example("100 % of 5%20 é\nالساعة ~9_.-")
def test_a_form_is_written_as_the_standard_library_writes_it(words: str) -> None:
    fields = {"Body": words, "To": PATIENT}
    try:
        expected = urlencode(fields)
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            urlencode(fields, quote_via=quoted)
    else:
        assert urlencode(fields, quote_via=quoted) == expected


class TestWhatLeaves:
    def test_an_accepted_text_has_the_providers_id(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        outcome = sender.send(outgoing())
        assert outcome.ending is Ending.ACCEPTED
        assert outcome.provider_id == server.messages[0].sid

    def test_the_text_goes_out_as_it_is(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        words = "ਸਵੇਰੇ 9:00 & 100% +1 é\nالساعة 9"
        callback = "https://clinic.example/webhooks/twilio/status/8f14e45f"
        sender.send(outgoing(text=words, status_callback=callback))
        assert server.messages[0].fields == {
            "To": PATIENT,
            "From": CLINIC,
            "Body": words,
            "StatusCallback": callback,
            "ValidityPeriod": "7200",
            "SmartEncoded": "false",
        }

    def test_a_messaging_service_takes_the_place_of_the_number(self, server: LoopbackTwilio) -> None:
        service = "MG00000000000000000000000000000000"
        sender = TwilioSender(config_for(server, messaging_service_sid=service))
        sender.send(outgoing())
        sender.close()
        fields = server.messages[0].fields
        assert fields["MessagingServiceSid"] == service
        assert "From" not in fields

    @pytest.mark.parametrize(
        ("left", "seconds"),
        [(timedelta(days=3), 36_000), (timedelta(minutes=1), 60), (timedelta(seconds=-5), 1)],
    )
    def test_twilio_drops_what_has_expired(
        self, server: LoopbackTwilio, sender: TwilioSender, left: timedelta, seconds: int
    ) -> None:
        sender.send(outgoing(expires_at=NOW + left))
        assert server.messages[0].fields["ValidityPeriod"] == str(seconds)

    def test_a_region_in_the_environment_does_not_change_the_address(
        self, server: LoopbackTwilio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TWILIO_REGION", "ie1")
        monkeypatch.setenv("TWILIO_EDGE", "dublin")
        sender = TwilioSender(config_for(server))
        assert sender.send(outgoing()).ending is Ending.ACCEPTED
        sender.close()

    def test_a_lone_surrogate_is_refused_before_a_byte_leaves(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        outcome = sender.send(outgoing(text="\ud800"))
        assert (outcome.ending, outcome.reason) == (Ending.REJECTED, Reason.RENDER_ERROR)
        assert server.requests == 0


class TestEndings:
    @pytest.mark.parametrize(
        ("fault", "recorded"),
        [
            (Fault.ACCEPT_THEN_500, 1),
            (Fault.ACCEPT_THEN_DROP, 1),
            (Fault.ERROR_500, 0),
            (Fault.TIMEOUT, 0),
            (Fault.DROP, 0),
            (Fault.HTML_200, 0),
            (Fault.HALF, 0),
            (Fault.DRIP, 0),
            (Fault.REDIRECT, 0),
        ],
    )
    def test_what_cannot_be_proven_is_uncertain_and_ends_in_time(
        self, server: LoopbackTwilio, sender: TwilioSender, fault: Fault, recorded: int
    ) -> None:
        server.fail(fault)
        began = time.monotonic()
        outcome = sender.send(outgoing())
        assert outcome.ending is Ending.UNCERTAIN
        assert time.monotonic() - began < 5
        assert server.count == recorded
        assert server.requests == 1  # never a second try

    def test_after_a_fault_the_next_text_goes(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        for fault in (Fault.TIMEOUT, Fault.HALF, Fault.DROP, Fault.ERROR_500):
            server.fail(fault)
            sender.send(outgoing())
            server.mend()
            assert sender.send(outgoing()).ending is Ending.ACCEPTED

    @pytest.mark.parametrize("asked", [7, None])
    def test_too_many_requests_waits_as_long_as_asked(
        self, server: LoopbackTwilio, sender: TwilioSender, asked: int | None
    ) -> None:
        server.fail(Fault.TOO_MANY, retry_after=asked)
        outcome = sender.send(outgoing())
        assert outcome.ending is Ending.NOT_SENT
        assert outcome.retry_after == asked
        assert outcome.error_code == "429"

    def test_service_unavailable_with_twilios_own_code_was_not_sent(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        server.fail(Fault.UNAVAILABLE)
        outcome = sender.send(outgoing())
        assert (outcome.ending, outcome.error_code) == (Ending.NOT_SENT, "20503")

    @pytest.mark.parametrize(
        ("code", "ending", "reason"),
        [
            (21211, Ending.REJECTED, Reason.BAD_ADDRESS),
            (21614, Ending.REJECTED, Reason.LANDLINE),
            (21610, Ending.REJECTED, Reason.OPTED_OUT),
            (21617, Ending.REJECTED, Reason.TOO_LONG),
            (21606, Ending.NOT_SENT, Reason.PROVIDER_CONFIG),
            (35118, Ending.NOT_SENT, Reason.PROVIDER_CONFIG),
            (21611, Ending.NOT_SENT, None),
            (29999, Ending.REJECTED, Reason.PROVIDER_REFUSED),
        ],
    )
    def test_a_refusal_has_its_reason(
        self,
        server: LoopbackTwilio,
        sender: TwilioSender,
        code: int,
        ending: Ending,
        reason: Reason | None,
    ) -> None:
        server.fail(Fault.REJECT, code=code)
        outcome = sender.send(outgoing())
        assert (outcome.ending, outcome.reason, outcome.error_code) == (ending, reason, str(code))

    def test_a_wrong_token_is_our_configuration(self, server: LoopbackTwilio) -> None:
        sender = TwilioSender(config_for(server, auth_token="another"))
        outcome = sender.send(outgoing())
        sender.close()
        assert (outcome.ending, outcome.reason) == (Ending.NOT_SENT, Reason.PROVIDER_CONFIG)

    def test_a_text_that_twilio_put_off_by_itself_is_flagged(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        server.fail(Fault.SCHEDULED)
        outcome = sender.send(outgoing())
        assert outcome.ending is Ending.ACCEPTED
        assert "scheduled" in outcome.detail

    def test_nobody_listening_is_not_sent(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        server.refuse()
        outcome = sender.send(outgoing())
        assert outcome.ending is Ending.NOT_SENT
        assert "no connection" in outcome.detail

    def test_an_unknown_host_is_not_sent(self, sender: TwilioSender, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        assert sender.send(outgoing()).ending is Ending.NOT_SENT

    def test_a_server_that_does_not_speak_tls_is_not_sent(self, server: LoopbackTwilio) -> None:
        address = server.base_url.replace("http://", "https://")
        sender = TwilioSender(config_for(server, api_base_url=address, connect_timeout=0.5))
        outcome = sender.send(outgoing())
        assert outcome.ending is Ending.NOT_SENT
        assert server.count == 0

    def test_a_connection_that_is_never_taken_ends_in_time(self, server: LoopbackTwilio) -> None:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            address = f"https://127.0.0.1:{deaf.getsockname()[1]}"
            sender = TwilioSender(config_for(server, api_base_url=address, connect_timeout=0.3))
            began = time.monotonic()
            outcome = sender.send(outgoing())
        assert outcome.ending is Ending.NOT_SENT
        assert time.monotonic() - began < 3

    def test_twilio_is_verified(self) -> None:
        config = TwilioConfig(account_sid="AC0", auth_token="x", from_number=CLINIC)
        context = TwilioSender(config).http._tls
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


class TestConnections:
    def test_one_connection_serves_many_texts(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        for _ in range(20):
            sender.send(outgoing())
        assert (server.count, server.connections) == (20, 1)

    def test_a_kept_connection_that_was_closed_costs_nothing(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        sender.send(outgoing())
        server.refuse()
        server.listen()
        assert sender.send(outgoing()).ending is Ending.ACCEPTED
        assert server.count == 2

    def test_sixteen_threads_send_each_text_once(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        texts = [f"text {number}" for number in range(400)]
        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(lambda text: sender.send(outgoing(text=text)), texts))
        by_sid = {message.sid: message.body for message in server.messages}
        assert [by_sid[outcome.provider_id] for outcome in outcomes] == texts
        assert server.connections <= 16

    def test_a_forked_child_does_not_use_its_parents_connections(
        self, server: LoopbackTwilio, sender: TwilioSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sender.send(outgoing())
        parents = sender.http._idle
        monkeypatch.setattr(os, "getpid", lambda: -1)
        sender.send(outgoing())
        assert server.connections == 2
        monkeypatch.undo()
        for kept in parents:
            kept.sock.close()


class TestFind:
    def test_it_finds_what_was_taken_without_an_answer(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        message = outgoing()
        server.fail(Fault.ACCEPT_THEN_500)
        sender.send(message)
        found = sender.find(sought(message))
        assert (found.ending, found.provider_id) == (Ending.ACCEPTED, server.messages[0].sid)

    def test_other_words_other_numbers_and_old_texts_are_not_it(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        message = outgoing()
        sender.send(message._replace(text="something else"))
        sender.send(message._replace(to="+16045550135"))
        sender.send(message)
        server.messages[-1].at -= timedelta(hours=3)
        found = sender.find(sought(message))
        assert found.ending is Ending.NOT_SENT

    def test_a_text_that_belongs_to_another_attempt_is_not_it(
        self, server: LoopbackTwilio, sender: TwilioSender
    ) -> None:
        message = outgoing()
        other = sender.send(message)
        found = sender.find(sought(message, known=frozenset({other.provider_id})))
        assert found.ending is Ending.NOT_SENT

    def test_it_reads_every_page(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        message = outgoing()
        sender.send(message)
        for number in range(250):
            sender.send(message._replace(text=f"later {number}"))
        found = sender.find(sought(message))
        assert found.provider_id == server.messages[0].sid

    def test_a_broken_list_leaves_it_uncertain(self, server: LoopbackTwilio, sender: TwilioSender) -> None:
        server.list_fails = True
        assert sender.find(sought(outgoing())).ending is Ending.UNCERTAIN
        server.refuse()
        assert sender.find(sought(outgoing())).ending is Ending.UNCERTAIN

    def test_a_list_too_long_to_read_proves_nothing(
        self, server: LoopbackTwilio, sender: TwilioSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sms_twilio, "_LIST_LIMIT", 2)
        for number in range(3):
            sender.send(outgoing(text=f"another {number}"))
        assert sender.find(sought(outgoing())).ending is Ending.UNCERTAIN


def test_no_number_and_no_text_reaches_a_log_or_an_outcome(
    server: LoopbackTwilio, sender: TwilioSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    for fault in (None, *Fault):
        server.fault = fault
        seen.append(repr(sender.send(outgoing())))
    server.mend()
    seen.append(repr(sender.send(outgoing(to="+1604555013x"))))
    seen.append(repr(sender.find(sought(outgoing()))))
    everything = caplog.text + "".join(seen)
    assert PATIENT.lstrip("+") not in everything
    assert "604555013" not in everything
    assert "Rappel" not in everything


@pytest.mark.parametrize(
    ("sender", "address", "words"),
    [
        ("", "https://api.twilio.com", "TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM"),
        (CLINIC, "api.twilio.com", "TWILIO_API_BASE_URL"),
        (CLINIC, "ftp://host", "TWILIO_API_BASE_URL"),
    ],
)
def test_half_a_configuration_is_refused_in_words(sender: str, address: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        TwilioConfig(account_sid="AC0", auth_token="x", from_number=sender, api_base_url=address)
