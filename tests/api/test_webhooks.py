"""What endpoints are told: everything that happens, signed, until they take it, and nothing of a person."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from campaigns.delivery import webhook_http
from campaigns.domain.errors import NotAllowed
from campaigns.domain.visits import VisitState
from campaigns.domain.webhooks import backoff, check_url, may_reach
from campaigns.models import (
    Alert,
    Answer,
    Clinic,
    Installation,
    Message,
    Reply,
    Visit,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns.queries import clock
from campaigns.services import escalate, outbox, set_right
from campaigns.services.send import send_batch
from campaigns.services.visits import settle
from campaigns.tasks import tell_endpoints
from tests.api.caller import Caller
from tests.api.receiver import Receiver, is_signed, receiving
from tests.factories import NOON, make_clinic, make_staff


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with receiving() as found:
        yield found


@pytest.fixture
def endpoint(program: Caller, receiver: Receiver) -> dict[str, Any]:
    wanted = {"url": receiver.url, "events": ["message", "answer", "alert"]}
    found: dict[str, Any] = program.post("webhooks", wanted, 201)
    return found


ONLY = {"message", "patient", "state", "reason", "answer", "question", "alert", "urgency", "part_of"}
"""All that a word may be about."""


def later(**by: float) -> None:
    """Let time pass for the outbox, which goes by the real clock."""
    delta = timedelta(**by)
    for row in WebhookEndpoint.objects.all():
        for name in ("retry_at", "failing_since"):
            at = getattr(row, name)
            setattr(row, name, at - delta if at else None)
        row.save(update_fields=["retry_at", "failing_since"])
    for event in WebhookEvent.objects.all():
        event.due_at, event.created_at = event.due_at - delta, event.created_at - delta
        event.save(update_fields=["due_at", "created_at"])


def talk(visit: Visit) -> None:
    """A message goes, the patient answers, an alert is opened, taken, put back and closed."""
    patient = visit.course.patient
    staff = make_staff(patient.clinic)
    message = patient.messages.filter(channel="sms").latest("pk")
    reply = Reply.objects.create(
        provider_id="SM1",
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        body="Zorbat hurts",
        received_at=NOON,
        parser_version="1",
        outcome="answer",
    )
    answer = Answer.objects.create(
        reply=reply, patient=patient, message=message, question="pain", value="9", answered_at=NOON
    )
    alert = escalate.open_alert(
        clinic=patient.clinic,
        reply=reply,
        patient=patient,
        urgency="urgent",
        rule="x",
        matched=["Zorbat"],
        now=NOON,
    )
    escalate.acknowledge(alert.pk, staff)
    escalate.close(alert.pk, staff, Alert.Outcome.NO_ANSWER)
    escalate.close(alert.pk, staff, Alert.Outcome.REACHED, note="Zorbat")
    Answer.objects.filter(pk=answer.pk).update(value="8")
    set_right.correct(answer.pk, "", staff)
    Message.objects.filter(pk=message.pk).update(state="attempting")
    Message.objects.filter(pk=message.pk).update(state="accepted")
    Message.objects.filter(pk=message.pk).update(state="delivered")


def test_it_tells_of_everything_once_signed_and_of_nobody(
    endpoint: dict[str, Any], receiver: Receiver, program: Caller, visit: Visit
) -> None:
    talk(visit)
    assert receiver.bodies == []
    tell_endpoints()
    tell_endpoints()
    assert sorted(word["type"] for word in receiver.words) == [
        "alert.acknowledged",
        "alert.closed",
        "alert.opened",
        "alert.put_back",
        "answer.corrected",
        "answer.recorded",
        "answer.withdrawn",
        "message.accepted",
        "message.delivered",
    ]
    for head, body in zip(receiver.heads, receiver.bodies, strict=True):
        assert is_signed(endpoint["secret"], head, body)
        assert not is_signed(endpoint["secret"], head, body + b" ")
        assert head["webhook-id"] == json.loads(body)["id"]
        assert abs(int(head["webhook-timestamp"]) - timezone.now().timestamp()) < 60
        assert b"Zorbat" not in body
        assert set(json.loads(body)["data"]) <= ONLY
    [last] = [word["data"] for word in receiver.words if word["type"] == "message.delivered"]
    assert (last["state"], last["patient"]) == ("delivered", str(visit.course.patient_id))
    assert len({word["id"] for word in receiver.words}) == 9
    shown = program.get(f"webhooks/{endpoint['id']}")
    assert (shown["waiting"], shown["sent"], shown["dead"]) == (0, 9, 0)
    assert "secret" not in shown
    with connection.cursor() as cursor:
        cursor.execute("SELECT url || secret FROM webhook_endpoint")
        stored = cursor.fetchone()[0]
    assert endpoint["secret"] not in stored
    assert "127.0.0.1" not in stored


def test_what_is_undone_was_never_told_and_other_clinics_hear_nothing(
    endpoint: dict[str, Any], receiver: Receiver, program: Caller, visit: Visit
) -> None:
    far = make_clinic(name="Far Clinic", approved=False)
    escalate.open_alert(
        clinic=far, reply=None, patient=None, urgency="urgent", rule="x", matched=[], now=NOON
    )
    program.post(f"visits/{visit.pk}/cancel?dry_run=true")
    with transaction.atomic():
        settle(visit.pk, VisitState.CANCELLED, by="test")
        transaction.set_rollback(True)
    assert outbox.tell() == 0
    # An alert of nobody's is shown to every clinic, and told to every one.
    escalate.open_alert(
        clinic=None, reply=None, patient=None, urgency="urgent", rule="x", matched=[], now=NOON
    )
    settle(visit.pk, VisitState.CANCELLED, by="test")
    assert outbox.tell() == WebhookEvent.objects.count() > 1
    kinds = {word["type"] for word in receiver.words}
    assert kinds == {"alert.opened", "message.cancelled"}
    assert {w["data"].get("reason") for w in receiver.words} == {None, "visit_cancelled"}


def test_what_is_not_taken_is_said_again_later_and_given_up_at_last(
    endpoint: dict[str, Any], receiver: Receiver, program: Caller, pages_of_staff: Client
) -> None:
    path = f"webhooks/{endpoint['id']}"
    for _ in range(3):
        program.post(f"{path}/test", None, 201)
    receiver.answers = [500]
    assert outbox.tell() == 0
    assert len(receiver.bodies) == 1, "the first refusal ends the round"
    assert outbox.tell() == 0
    assert len(receiver.bodies) == 1, "and the endpoint is left alone for a while"
    later(seconds=11)
    assert outbox.tell() == 3
    assert program.get(path)["failing_since"] is None

    program.post(f"{path}/test", None, 201)
    for answer in (302, 404, 500):
        receiver.answers = [answer]
        later(hours=2)
        outbox.tell()
    assert len(receiver.bodies) == 7, "no redirect was followed"
    [event] = program.get(f"{path}/events?state=waiting")["items"]
    assert (event["tries"], event["fault"]) == (3, "answered 500")
    assert "Another program" not in pages_of_staff.get("/").content.decode()
    later(days=3)
    receiver.answers = [500]
    outbox.tell()
    shown = program.get(path)
    assert shown["given_up_at"]
    assert (shown["waiting"], shown["dead"]) == (0, 1)
    assert "Another program has not taken our notices for days" in pages_of_staff.get("/").content.decode()
    assert program.ask("POST", f"{path}/test")[0] == 409
    assert program.post(f"{path}/resume")["waiting"] == 1
    assert outbox.tell() == 1
    assert "Another program" not in pages_of_staff.get("/").content.decode()
    program.post(f"{path}/test", None, 201)
    assert program.ask("DELETE", path)[0] == 200
    assert not WebhookEvent.objects.filter(state="waiting").exists()
    assert program.ask("GET", path)[0] == 404
    later(days=31)
    outbox.tell()
    assert not WebhookEvent.objects.exists()


def test_nothing_is_said_while_the_installation_is_paused_or_twice_while_another_says_it(
    endpoint: dict[str, Any], receiver: Receiver, program: Caller, visit: Visit
) -> None:
    program.post(f"webhooks/{endpoint['id']}/test", None, 201)
    Installation.objects.update(paused=True)
    assert outbox.tell() == 0
    Installation.objects.update(paused=False)
    claimed = outbox._claim(clock.real_now())
    assert len(claimed) == 1
    assert outbox.tell() == 0, "another process has it in hand"
    later(minutes=2)
    assert outbox.tell() == 1, "that process is dead"


@pytest.fixture
def pages_of_staff(clinic: Clinic) -> Client:
    client = Client()
    client.force_login(make_staff(clinic, "kim@clinic.example"))
    return client


# --- where words may go

FORBIDDEN = [
    "http://198.51.100.7/x",
    "http://example.org/x",
    "https://10.1.2.3/",
    "https://127.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[fd00::1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:a00:1::]/",
    "https://0.0.0.0/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://2130706433/",
    "https://localhost/",
    "https://user:password@203.0.113.9/",
    "https://203.0.113.9/#x",
    "ftp://203.0.113.9/",
    "https:///x",
    "https://[/",
    "https://a b/",
    "https://" + "a" * 600,
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_may_be_somebody_s_own_network_is_refused(url: str) -> None:
    with pytest.raises((NotAllowed, OSError)):
        webhook_http.allowed_address(url, webhook_http.Rules())


def test_a_public_address_is_taken_and_the_operator_s_networks_are_too() -> None:
    rules = webhook_http.Rules(own=webhook_http.networks(["10.1.0.0/16"]))
    assert webhook_http.allowed_address("https://8.8.8.8/x", rules) == "8.8.8.8"
    assert webhook_http.allowed_address("https://10.1.2.3/x", rules) == "10.1.2.3"
    assert webhook_http.allowed_address("https://[::ffff:10.1.2.3]/x", rules) == "::ffff:10.1.2.3"
    for url in ("http://10.1.2.3/x", "https://10.2.2.3/x"):
        with pytest.raises(NotAllowed):
            webhook_http.allowed_address(url, rules)
    demo = webhook_http.Rules(own=rules.own, demo=True)
    assert webhook_http.allowed_address("http://127.0.0.1:81/x", demo) == "127.0.0.1"
    for url in ("https://10.1.2.3/x", "https://8.8.8.8/x"):
        with pytest.raises(NotAllowed):
            webhook_http.allowed_address(url, demo)


def test_a_name_that_points_elsewhere_by_the_time_of_sending_is_asked_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)), *inside]
    for found in (inside, both):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: found)
        fault = webhook_http.post("https://hook.example/x", b"{}", {}, webhook_http.Rules())
        assert fault == "forbidden address"


@hypothesis_settings(max_examples=60)
@given(st.ip_addresses())
def test_without_a_setting_only_what_is_global_is_reached(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if may_reach(address, (), demo=False, plain=False):
        assert address.is_global
        inside = (address.is_private, address.is_loopback, address.is_link_local, address.is_multicast)
        assert not any(inside)
    assert not may_reach(address, (), demo=False, plain=True)


@hypothesis_settings(max_examples=50)
@given(st.text(max_size=80) | st.builds("https://{}".format, st.text(max_size=40)))
def test_any_text_is_an_address_or_refused_in_words(url: str) -> None:
    try:
        host, plain = check_url(url)
    except NotAllowed:
        return
    assert host
    assert plain == url.lower().startswith("http:")


def test_pauses_grow_to_an_hour() -> None:
    waits = [backoff(number).total_seconds() for number in range(1, 400)]
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-1] == max(waits) == 3600


def test_what_is_sent_is_told_from_the_claim_to_the_outcome(
    endpoint: dict[str, Any], receiver: Receiver, visit: Visit
) -> None:
    first = Message.objects.filter(state="planned").earliest("due_at")
    Installation.objects.update(rehearsal_now=first.due_at)
    sent = send_batch().tried
    assert sent
    outbox.tell()
    assert [word["type"] for word in receiver.words] == ["message.accepted"] * sent
    assert {word["at"] for word in receiver.words} == {first.due_at.isoformat()}
