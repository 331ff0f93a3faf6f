"""Who is no provider of ours: refused, slowed down, and told of in few lines that hold nothing of theirs."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Iterator
from itertools import count, permutations
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from campaigns.delivery.registry import build
from campaigns.delivery.sms_twilio import TwilioSender, sign
from campaigns.domain import refusals
from campaigns.domain.proxies import client_of, networks
from campaigns.domain.recipients import Channel
from campaigns.domain.refusals import BURST, MOST_LINES, MOST_SOURCES, Refusals, source_of
from campaigns.models import Attempt, DeliveryEvent, Message, Patient, Reply
from campaigns.webhooks import door, twilio
from campaigns.webhooks.twilio import FORM
from tests.hostile.conftest import ACCOUNT, PUBLIC, TOKEN
from tests.hostile.fingerprint import fingerprint

INBOUND = "/webhooks/twilio/inbound"
STATUS = f"/webhooks/twilio/status/{UUID(int=1)}"
TEXT = {"AccountSid": ACCOUNT, "MessageSid": "SM1", "From": "+16045550111", "Body": "my secret pain"}
numbers = count(1)


def post(
    path: str,
    form: dict[str, str] | list[tuple[str, str]],
    *,
    url: str = "",
    token: str = TOKEN,
    signature: str | None = None,
    kind: str = FORM,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """Post as Twilio does; each argument is a way to get it wrong."""
    made = sign(url or PUBLIC + path, dict(form), token) if signature is None else signature
    given = {"X-Twilio-Signature": made, **(headers or {})}
    sent = urlencode(form).encode() if body is None else body
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return client.post(path, sent, content_type=kind, headers={k: v for k, v in given.items() if v})


def forgeries() -> Iterator[tuple[str, Any]]:
    """Every way to forge that we know, for one text; (what it is, the answer)."""
    host = PUBLIC.removeprefix("https://")
    urls = [f"http://{host}", f"https://{host}.evil.example", f"https://evil@{host}", "https://127.0.0.1", ""]
    urls += [f"http://{host}:80", f"https://{host}:8443", PUBLIC.upper(), f"{PUBLIC}//", f"{PUBLIC}/x/.."]
    for url in urls:
        yield f"signed for {url}", post(INBOUND, TEXT, url=f"{url}{INBOUND}?")
    for token in ("", "x", TOKEN + " ", TOKEN[:-1], TOKEN.upper(), ACCOUNT):
        yield f"with the token {token!r}", post(INBOUND, TEXT, token=token)
    right = sign(PUBLIC + INBOUND, TEXT, TOKEN)
    for wrong in (
        "",
        "é",
        right[:-1],
        right + "=",
        right.lower(),
        " " * 5,
        base64.b64encode(b"0" * 20).decode(),
    ):
        yield f"signature {wrong!r}", post(INBOUND, TEXT, signature=wrong)
    for name, value in (
        ("Body", "8"),
        ("OptOutType", "STOP"),
        ("From", "+16045550112"),
        ("MessageSid", "SM2"),
    ):
        yield f"{name} changed", post(INBOUND, TEXT | {name: value}, signature=right)
    for name in TEXT:
        short = {key: value for key, value in TEXT.items() if key != name}
        yield f"{name} left out", post(INBOUND, short, signature=right)
    yield "twice", post(INBOUND, [*TEXT.items(), ("Body", "STOP")], signature=right)
    other = TEXT | {"AccountSid": "AC" + "9" * 32}
    yield "another account", post(INBOUND, other)
    yield "no account", post(INBOUND, {k: v for k, v in TEXT.items() if k != "AccountSid"})
    yield "an account of odd letters", post(INBOUND, TEXT | {"AccountSid": "é\ufffd"})
    yield "a query that was not signed", post(f"{INBOUND}?a=1", TEXT, signature=right)
    yield "in another's place", post(STATUS, TEXT, signature=right)
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "", "x" * 5000):
        yield f"as {kind[:20]}", post(INBOUND, TEXT, kind=kind)
    document = json.dumps(TEXT).encode()
    digest = hashlib.sha256(document).hexdigest()
    yield (
        "JSON with its hash",
        post(f"{INBOUND}?bodySHA256={digest}", {}, kind="application/json", body=document),
    )
    yield (
        "a form with its hash",
        post(
            f"{INBOUND}?bodySHA256={digest}", {}, body=document, url=f"{PUBLIC}{INBOUND}?bodySHA256={digest}"
        ),
    )
    yield "two thousand fields", post(INBOUND, TEXT | {f"x{n}": "" for n in range(2_000)})
    shared = {"X-Twilio-Webhooks-Signature-Settings": "alg=HMAC-SHA256,v=1"}
    yield "by another rule", post(INBOUND, TEXT, signature="A" * 44, headers=shared)


def test_no_forgery_is_believed_and_nothing_is_written_and_each_line_is_without_a_value(
    patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    before, lines = fingerprint(), 0
    with caplog.at_level(logging.DEBUG):
        tried = forgeries()
        while True:
            door.forget()
            caplog.clear()
            if (forged := next(tried, None)) is None:
                break
            what, answer = forged
            assert answer.status_code == 403, what
            ours = [one for one in caplog.records if one.name.startswith("campaigns")]
            assert len(ours) == 1, what
            said = str(ours[0].__dict__)
            assert not [v for v in (*TEXT.values(), "evil", "AC999") if v in said], (what, said)
            lines += 1
    assert lines > 40
    assert fingerprint() == before


@hypothesis_settings(max_examples=120, deadline=None)
@given(noise=st.binary(max_size=300), signature=st.text(st.characters(min_codepoint=33, max_codepoint=255)))
def test_whatever_the_bytes_without_the_token_they_are_refused(noise: bytes, signature: str) -> None:
    door.forget()
    answer = post(INBOUND, {}, body=noise, signature=signature)
    assert answer.status_code == 403


def test_who_keeps_forging_is_slowed_down_and_no_provider_ever_is(
    patient: Patient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one address, as behind a proxy that tells nobody's: all refusals are counted, nothing else is."""
    now = 1_000.0
    monkeypatch.setattr("campaigns.webhooks.door.time.monotonic", lambda: now)
    codes = [post(INBOUND, TEXT, token="x").status_code for _ in range(BURST + 30)]
    assert codes == [403] * BURST + [429] * 30
    assert len([one for one in caplog.records if "refused" in one.getMessage()]) == BURST
    for _ in range(BURST * 2):
        assert post(INBOUND, TEXT | {"MessageSid": f"SM{next(numbers)}"}).status_code == 200
    long = TEXT | {"Body": "x" * 300_000}
    assert post(INBOUND, long).status_code == 429, "nothing long is read from who forged so much"
    mail = Client().post("/webhooks/email/inbound", b"x", content_type="message/rfc822")
    assert (mail.status_code, int(mail.headers["Retry-After"])) == (429, 30)
    now += refusals.SECONDS_EACH * 1.5
    caplog.clear()
    assert post(INBOUND, TEXT, token="x").status_code == 403
    assert [one.__dict__["unsaid"] for one in caplog.records if "refused" in one.getMessage()] == [32]
    assert post(INBOUND, TEXT, token="x").status_code == 429


def test_what_is_remembered_of_forgers_is_bounded_and_so_are_the_lines() -> None:
    table = Refusals()
    verdicts = [table.note(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 0.0) for n in range(MOST_SOURCES * 3)]
    assert len(table) == MOST_SOURCES
    assert sum(one.say for one in verdicts) == MOST_LINES
    assert not any(one.slow_down for one in verdicts)
    assert table.note("10.0.0.1", 100.0).unsaid == MOST_SOURCES * 3 - MOST_LINES
    assert not any(table.note("10.9.9.9", 0.0).slow_down for _ in range(BURST))
    assert table.note("10.9.9.9", 0.0).slow_down
    assert not table.note("10.9.9.9", refusals.SECONDS_EACH).slow_down


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("x" * 900, "x" * 64),
    ],
)
def test_a_forger_cannot_be_many(address: str, source: str) -> None:
    assert source_of(address) == source


# --- while the token is being replaced


def test_while_the_token_is_replaced_no_webhook_is_lost_and_the_first_signs_ours(
    patient: Patient, settings: Settings
) -> None:
    def said(token: str) -> int:
        form = TEXT | {"MessageSid": f"SM{next(numbers)}"}
        return int(post(INBOUND, form, token=token).status_code)

    def signs() -> str:
        settings.SMS_CHANNEL, settings.TWILIO_FROM = "twilio", "+16045550199"
        sender = build(settings)[Channel.SMS]
        assert isinstance(sender, TwilioSender)
        sender.close()
        return sender._config.auth_token

    assert (said("old"), said(TOKEN)) == (403, 200)
    settings.TWILIO_AUTH_TOKEN = "old"
    assert (said("old"), said("new"), signs()) == (200, 403, "old")
    settings.TWILIO_AUTH_TOKEN = "old, new"
    assert (said("old"), said("new"), signs()) == (200, 200, "old")
    settings.TWILIO_AUTH_TOKEN = "new,old"
    assert (said("old"), said("new"), said("new,old"), said(""), signs()) == (200, 200, 403, 403, "new")
    settings.TWILIO_AUTH_TOKEN = "new"
    assert (said("old"), said("new"), signs()) == (403, 200, "new")
    assert Reply.objects.count() == 7


# --- the same again


def test_a_thousand_repeats_of_a_text_change_nothing(patient: Patient) -> None:
    assert post(INBOUND, TEXT).status_code == 200
    before = fingerprint()
    signed = {"X-Twilio-Signature": sign(PUBLIC + INBOUND, TEXT, TOKEN)}
    sent, make = urlencode(TEXT), RequestFactory()
    for _ in range(1_000):
        again = make.post(INBOUND, sent, content_type=FORM, headers=signed)
        assert twilio.inbound(again).status_code == 200
    assert fingerprint() == before


WORDS = ("queued", "sent", "delivered", "undelivered")


def test_in_whatever_order_and_however_often_news_come_there_is_one_end(patient: Patient) -> None:
    """Every order of four words, each of them twice; the first final word counts."""
    attempt = Attempt.objects.get(message__patient=patient, channel="sms")
    for order in permutations(WORDS):
        Message.objects.filter(pk=attempt.message_id).update(state="accepted", reason="")
        Attempt.objects.filter(pk=attempt.pk).update(outcome="accepted")
        DeliveryEvent.objects.all().delete()
        for word in (*order, *reversed(order)):
            form = {"AccountSid": ACCOUNT, "MessageSid": "SM2", "MessageStatus": word}
            if word == "undelivered":
                form["ErrorCode"] = "30007"  # a handset that is only off would be tried again
            assert post(f"/webhooks/twilio/status/{attempt.pk}", form).status_code == 204
        first = next(word for word in order if word in {"delivered", "undelivered"})
        assert Message.objects.get(pk=attempt.message_id).state == first
        assert DeliveryEvent.objects.count() == 4


# --- what a proxy says

LIES = {
    "X-Forwarded-For": "198.51.100.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "8443",
    "Forwarded": "for=198.51.100.9;host=evil.example;proto=https",
    "X-Real-IP": "198.51.100.9",
}


@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"], ["10.0.0.0/8"]])
def test_no_header_moves_the_address_that_signatures_are_held_against(
    patient: Patient, settings: Settings, trusted: list[str]
) -> None:
    settings.TRUSTED_PROXIES = trusted
    assert post(INBOUND, TEXT, headers=LIES).status_code == 200
    for host in ("https://evil.example", "https://evil.example:8443", f"{PUBLIC}:8443"):
        assert post(INBOUND, TEXT, url=host + INBOUND, headers=LIES).status_code == 403
    assert Client().get("/healthz", headers={"Host": "evil.example"}).status_code in {200, 400}
    answer = Client().get("/", headers={"Host": "evil.example"} | LIES)
    assert answer.status_code == 400
    answer = Client().get("/", headers=LIES)
    assert answer.headers["Location"] == "/sign-in?next=/"
    assert b"evil" not in Client().get("/sign-in", headers=LIES).content


def test_https_is_believed_from_our_proxy_alone(settings: Settings, db: None) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.5"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def is_secure(peer: str) -> bool:
        answer = Client().get("/sign-in", headers=LIES, REMOTE_ADDR=peer)
        return bool(answer.wsgi_request.is_secure())

    assert (is_secure("10.0.0.5"), is_secure("10.0.0.6"), is_secure("")) == (True, False, True)


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.5", "1.1.1.1, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.5", "1.1.1.1, 192.0.2.1, 10.0.0.5", "192.0.2.1"),
        ("10.0.0.5", "192.0.2.1, <script>", "10.0.0.5"),
        ("192.0.2.9", "1.1.1.1", "192.0.2.9"),
        ("10.0.0.5", ",".join(["10.0.0.5"] * 5000), "10.0.0.5"),
        ("", "192.0.2.1", "192.0.2.1"),
        ("::ffff:10.0.0.5", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_proxy_of_ours(peer: str, said: str, client: str) -> None:
    assert client_of(peer, said, networks(("10.0.0.5", "nonsense"))) == client


def test_a_forger_behind_our_proxy_is_slowed_down_alone(patient: Patient, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    for n in range(BURST + 1):  # what stands further left anybody can write
        code = post(
            INBOUND, TEXT, token="x", headers={"X-Forwarded-For": f"192.0.2.{n}, 198.51.100.1"}
        ).status_code
    assert code == 429
    assert post(INBOUND, TEXT, token="x", headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 403
