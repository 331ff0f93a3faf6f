"""What staff see of a mail: its words, whether the sender is proven, who it may be, and the file."""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.models import Alert, Message, Reply
from tests import factories
from tests.factories import make_staff
from tests.mail.conftest import PATIENT, Take, mail
from tests.mail.test_replies import QUOTE

BODY = f"Can I drive?{QUOTE}> what we wrote\n> and more\n"


@pytest.fixture
def page(client: Client, asked: Message) -> Client:
    client.force_login(make_staff(asked.clinic))
    return client


def read(page: Client, path: str) -> str:
    response = page.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_patients_mail_stands_in_the_conversation_without_what_it_quotes(
    page: Client, asked: Message, reply_to: str, take: Take
) -> None:
    take(mail(BODY, to=reply_to))
    for path in ("/alerts", f"/patients/{asked.patient_id}"):
        text = read(page, path)
        assert "by e-mail ·" in text
        assert "Parts that it quotes are left out" in text
        assert "&gt; what we wrote" in text
        assert "sender not proven" not in text


def test_a_mail_that_nobody_proved_says_so_and_who_it_may_be(
    page: Client, asked: Message, take: Take
) -> None:
    take(mail("Can I drive?"))
    text = read(page, "/alerts")
    assert "Unknown sender" in text
    assert "sender not proven" in text
    assert f'<a href="/patients/{asked.patient_id}"><bdi>Test Patient</bdi></a>' in text
    assert "Unknown sender" in read(page, "/")


def test_candidates_of_another_clinic_are_not_named(page: Client, asked: Message, take: Take) -> None:
    take(mail("Can I drive?"))
    Reply.objects.update(clinic=None)
    other = factories.make_clinic(name="Eastside", approved=False)
    Alert.objects.update(clinic=None)
    page.force_login(make_staff(other, "other@clinic.example"))
    text = read(page, "/alerts")
    assert "Nobody on file has this address." in text
    assert PATIENT not in text


def test_the_mail_as_it_came_is_a_file_for_its_own_clinic_only(
    page: Client, asked: Message, reply_to: str, take: Take
) -> None:
    raw = mail("<script>alert(1)</script>", to=reply_to)
    reply = take(raw).reply
    assert reply is not None
    path = f"/replies/{reply.pk}/original"
    found = page.get(path)
    assert found.content == raw
    assert found["Content-Type"] == "application/octet-stream"
    assert found["Content-Disposition"].startswith("attachment")
    assert found["X-Content-Type-Options"] == "nosniff"
    page.force_login(
        make_staff(factories.make_clinic(name="Eastside", approved=False), "other@clinic.example")
    )
    assert page.get(path).status_code == 404
