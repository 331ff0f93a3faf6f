"""The two loopback servers: what the demonstration, the tests and the benchmarks rely on."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from campaigns.delivery.events import from_twilio
from campaigns.delivery.sms_twilio import validate
from campaigns.domain.lifecycle import Reason, State
from campaigns.local.loopback_server import HoldPoint
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.loopback_twilio import Fate, LoopbackTwilio

PATIENT = "+16045550134"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def twilio() -> Iterator[LoopbackTwilio]:
    with LoopbackTwilio() as running:
        yield running


@pytest.fixture
def smtp() -> Iterator[LoopbackSmtp]:
    with LoopbackSmtp() as running:
        yield running


@dataclass
class Hook:
    """A site that Twilio calls back."""

    url: str = ""
    status: int = 204
    calls: list[tuple[str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    seen = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            params = dict(parse_qsl(body, keep_blank_values=True))
            seen.calls.append((self.path, params, self.headers["X-Twilio-Signature"]))
            self.send_response(seen.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.url = f"http://127.0.0.1:{site.server_port}"
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield seen
    site.shutdown()
    thread.join()
    site.socket.close()


class Client:
    """A plain HTTP client with one kept connection."""

    def __init__(self, server: LoopbackTwilio, token: str = "") -> None:
        self.root = f"/2010-04-01/Accounts/{server.account_sid}/Messages"
        credentials = f"{server.account_sid}:{token or server.auth_token}".encode()
        self._headers = {
            "Authorization": "Basic " + b64encode(credentials).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=5)

    def call(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, Any]:
        self._connection.request(method, path, urlencode(fields or {}), self._headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def create(self, **fields: str) -> tuple[int, Any]:
        text = {"To": PATIENT, "From": "+16045550100", "Body": "hello", **fields}
        return self.call("POST", f"{self.root}.json", text)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def client(twilio: LoopbackTwilio) -> Iterator[Client]:
    made = Client(twilio)
    yield made
    made.close()


class TestMessagesResource:
    def test_a_created_text_has_the_shape_that_twilio_gives_it(self, client: Client) -> None:
        status, created = client.create(Body="é 中")
        assert status == 201
        assert created["sid"].startswith("SM")
        assert len(created["sid"]) == 34
        assert (created["to"], created["body"], created["status"]) == (PATIENT, "é 中", "queued")
        assert created["date_sent"] is None

    def test_a_text_can_be_read_again(self, client: Client) -> None:
        _, created = client.create()
        status, read = client.call("GET", f"{client.root}/{created['sid']}.json")
        assert (status, read["sid"]) == (200, created["sid"])
        assert client.call("GET", f"{client.root}/SM0.json")[0] == 404

    def test_the_list_is_filtered_and_paged(self, client: Client) -> None:
        for number in range(5):
            client.create(Body=str(number))
        client.create(To="+16045550135")
        bodies = []
        path = f"{client.root}.json?{urlencode({'To': PATIENT, 'PageSize': 2})}"
        while path:
            _, page = client.call("GET", path)
            bodies += [text["body"] for text in page["messages"]]
            path = page["next_page_uri"]
        assert bodies == ["4", "3", "2", "1", "0"]

    @pytest.mark.parametrize(
        ("query", "count"),
        [({"DateSent": "2020-01-01"}, 0), ({"DateSent>": "2020-01-01"}, 1), ({"DateSent<": "2020-01-01"}, 0)],
    )
    def test_the_list_knows_days(self, client: Client, query: dict[str, str], count: int) -> None:
        client.create()
        _, page = client.call("GET", f"{client.root}.json?{urlencode(query)}")
        assert len(page["messages"]) == count

    @pytest.mark.parametrize(
        ("fields", "code"),
        [({"To": ""}, 21604), ({"To": "604"}, 21211), ({"Body": ""}, 21602), ({"From": ""}, 21603)],
    )
    def test_what_twilio_refuses_is_refused(self, client: Client, fields: dict[str, str], code: int) -> None:
        status, answer = client.create(**fields)
        assert (status, answer["code"]) == (400, code)

    def test_it_asks_who_is_there(self, twilio: LoopbackTwilio) -> None:
        stranger = Client(twilio, token="wrong")
        assert stranger.create()[0] == 401
        stranger.close()
        assert twilio.count == 0

    def test_the_statistics_are_open(self, client: Client) -> None:
        client.create()
        assert client.call("GET", "/_stats") == (200, {"sms": 1})


class TestCallbacks:
    def callbacks(self, hook: Hook) -> list[tuple[str, str]]:
        return [(path, params["MessageStatus"]) for path, params, _ in hook.calls]

    def test_a_text_is_sent_and_then_delivered(
        self, twilio: LoopbackTwilio, client: Client, hook: Hook
    ) -> None:
        _, created = client.create(StatusCallback=f"{hook.url}/status/1?a=b")
        assert twilio.drain()
        assert self.callbacks(hook) == [("/status/1?a=b", "sent"), ("/status/1?a=b", "delivered")]
        for path, params, signature in hook.calls:
            assert validate(hook.url + path, params, signature, [twilio.auth_token])
            assert from_twilio(params).provider_id == created["sid"]
        assert client.call("GET", f"{client.root}/{created['sid']}.json")[1]["status"] == "delivered"

    def test_a_number_can_have_another_fate(self, twilio: LoopbackTwilio, client: Client, hook: Hook) -> None:
        twilio.fates[PATIENT] = Fate("undelivered", 30003, delay=0.05)
        client.create(StatusCallback=hook.url)
        assert twilio.drain()
        event = from_twilio(hook.calls[-1][1])
        assert (event.state, event.reason) == (State.UNDELIVERED, Reason.UNREACHABLE)

    def test_callbacks_can_get_lost(self, twilio: LoopbackTwilio, client: Client, hook: Hook) -> None:
        twilio.callbacks = False
        client.create(StatusCallback=hook.url)
        assert twilio.drain()
        assert not hook.calls

    def test_a_site_that_is_down_is_counted_and_forgotten(
        self, twilio: LoopbackTwilio, client: Client
    ) -> None:
        client.create(StatusCallback="http://127.0.0.1:9/")
        assert twilio.drain()
        assert twilio.poster.failures == 2

    def test_a_patient_can_answer(self, twilio: LoopbackTwilio, client: Client, hook: Hook) -> None:
        twilio.inbound_url = f"{hook.url}/inbound"
        client.create(From="+16045550100")
        assert twilio.reply(PATIENT, "٧ é", message_sid="SM1") == 204
        path, params, signature = hook.calls[0]
        assert validate(hook.url + path, params, signature, [twilio.auth_token])
        assert (params["From"], params["To"]) == (PATIENT, "+16045550100")
        assert (params["Body"], params["MessageSid"]) == ("٧ é", "SM1")

    def test_a_message_can_be_answered_as_it_comes(
        self, twilio: LoopbackTwilio, client: Client, hook: Hook
    ) -> None:
        twilio.inbound_url = hook.url
        twilio.on_message = lambda text: twilio.reply(text.to, f"re: {text.body}")
        client.create(Body="how much does it hurt?")
        assert twilio.drain()
        assert hook.calls[0][1]["Body"] == "re: how much does it hurt?"


class TestHolding:
    @pytest.mark.parametrize(
        ("point", "recorded"), [(HoldPoint.BEFORE_RECORD, 0), (HoldPoint.BEFORE_RESPONSE, 1)]
    )
    def test_a_text_waits_at_the_point_until_released(
        self, twilio: LoopbackTwilio, client: Client, point: HoldPoint, recorded: int
    ) -> None:
        twilio.hold(point)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.create)
            assert twilio.wait_held()
            assert (twilio.count, waiting.done()) == (recorded, False)
            twilio.release()
            assert waiting.result()[0] == 201
        assert twilio.count == 1

    def test_a_mail_waits_at_the_point_until_released(self, smtp: LoopbackSmtp) -> None:
        smtp.hold("before_record")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send_mail, smtp, "<1@clinic.example>")
            assert smtp.wait_held()
            assert (smtp.count, waiting.done()) == (0, False)
            smtp.release()
            waiting.result()
        assert smtp.count == 1

    def test_latency_delays_the_answer_and_nothing_else(self, twilio: LoopbackTwilio) -> None:
        twilio.latency = 0.05
        clients = [Client(twilio) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda one: one.create()[0], clients))
        for one in clients:
            one.close()
        assert answers == [201] * 8


def send_mail(server: LoopbackSmtp, message_id: str, body: str = "hello") -> None:
    with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as connection:
        message = f"Subject: x\r\nMessage-ID: {message_id}\r\n\r\n{body}\r\n"
        connection.sendmail("clinic@clinic.example", ["a@patient.example"], message)


class TestMail:
    def test_dots_and_envelope_come_back_as_they_were(self, smtp: LoopbackSmtp) -> None:
        send_mail(smtp, "<1@clinic.example>", ".\r\n..two\r\nend")
        (mail,) = smtp.mails
        assert mail.raw.endswith(b"\r\n\r\n.\r\n..two\r\nend\r\n")
        assert (mail.sender, mail.recipients) == ("clinic@clinic.example", ("a@patient.example",))
        assert mail.message_id == "1@clinic.example"

    def test_copies_of_one_message_count_once(self, smtp: LoopbackSmtp) -> None:
        for name in ("<1@clinic.example>", "<1@clinic.example>", "<2@clinic.example>"):
            send_mail(smtp, name)
        assert (smtp.count, smtp.unique()) == (3, 2)


def test_each_server_writes_one_line_a_message(tmp_path: Path) -> None:
    sms, mails = tmp_path / "sms.jsonl", tmp_path / "email.jsonl"
    with LoopbackTwilio(log_path=sms) as twilio, LoopbackSmtp(log_path=mails) as smtp:
        client = Client(twilio)
        _, created = client.create(StatusCallback="http://127.0.0.1:9/status/1")
        client.close()
        send_mail(smtp, "<1@clinic.example>")
        (line,) = sms.read_text().splitlines()  # on disk before the answer came
        (mail,) = mails.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["sid"], entry["to"]) == (created["sid"], PATIENT)
    assert entry["status_callback"].endswith("/status/1")
    assert json.loads(mail)["message_id"] == "1@clinic.example"


def test_a_closed_port_opens_again_as_the_same(twilio: LoopbackTwilio) -> None:
    port = twilio.port
    twilio.refuse()
    with pytest.raises(ConnectionRefusedError):
        Client(twilio).create()
    twilio.listen()
    assert twilio.port == port
    client = Client(twilio)
    assert client.create()[0] == 201
    client.close()


def test_many_clients_at_once_lose_nothing(twilio: LoopbackTwilio) -> None:
    def run(number: int) -> list[str]:
        client = Client(twilio)
        sids = [client.create(Body=f"{number}")[1]["sid"] for _ in range(50)]
        client.close()
        return sids

    with ThreadPoolExecutor(16) as pool:
        sids = [sid for batch in pool.map(run, range(16)) for sid in batch]
    assert sorted(sids) == sorted(text.sid for text in twilio.messages)
    assert len(set(sids)) == 800


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "campaigns.local.loopback", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        running.communicate()


def test_both_run_as_a_process_of_their_own(process: Callable[..., subprocess.Popen[str]]) -> None:
    running = process("--forget")
    assert running.stdout is not None
    addresses = json.loads(running.stdout.readline())
    connection = HTTPConnection(urlsplit(addresses["twilio"]).netloc, timeout=5)
    connection.request("GET", "/_stats")
    statistics = json.loads(connection.getresponse().read())
    connection.close()
    assert (statistics["sms"], statistics["email"], statistics["email_unique"]) == (0, 0, 0)
    with smtplib.SMTP("127.0.0.1", urlsplit(addresses["smtp"]).port or 0, timeout=5) as mail:
        assert mail.noop()[0] == 250
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
