"""Signing in and out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import SignInLink, Staff
from campaigns.services.sign_in import make_link

PASSWORD = "a long pass phrase for tests"


@pytest.fixture
def coordinator(coordinator: Staff) -> Staff:
    """With a password."""
    coordinator.set_password(PASSWORD)
    coordinator.save(update_fields=["password"])
    return coordinator


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_it_signs_in_whatever_the_case_of_the_address(client: Client, coordinator: Staff) -> None:
    client.post("/sign-in", {"username": "Robin@Clinic.example", "password": PASSWORD})
    assert is_in(client)


def test_it_refuses_a_wrong_password_in_plain_words(client: Client, coordinator: Staff) -> None:
    answer = client.post("/sign-in", {"username": coordinator.email, "password": "wrong"})
    assert "The e-mail address or the password is not right." in answer.content.decode()
    assert not is_in(client)


def test_it_never_leads_to_another_site(client: Client, coordinator: Staff) -> None:
    data = {"username": coordinator.email, "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post("/sign-in", data).headers["Location"] == "/"


def test_it_signs_in_by_link_only_when_the_button_is_pressed(client: Client, coordinator: Staff) -> None:
    link = f"/sign-in/{make_link(coordinator)}"
    assert "Sign in as Coordinator" in client.get(link).content.decode()
    assert not is_in(client)
    client.post(link)
    assert is_in(client)


def test_it_takes_a_link_once(client: Client, coordinator: Staff) -> None:
    link = f"/sign-in/{make_link(coordinator)}"
    Client().post(link)
    answer = client.post(link)
    assert answer.status_code == 404
    assert "does not work any more" in answer.content.decode()
    assert not is_in(client)


def test_it_refuses_a_link_that_is_too_old(client: Client, coordinator: Staff) -> None:
    link = f"/sign-in/{make_link(coordinator)}"
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.post(link)
    assert not is_in(client)


def test_it_refuses_somebody_who_has_left(client: Client, coordinator: Staff) -> None:
    link = f"/sign-in/{make_link(coordinator)}"
    Staff.objects.filter(pk=coordinator.pk).update(is_active=False)
    client.post(link)
    assert not is_in(client)


def test_it_signs_out_only_by_post(pages: Client) -> None:
    assert pages.get("/sign-out").status_code == 405
    assert is_in(pages)
    pages.post("/sign-out")
    assert not is_in(pages)


def test_it_ends_the_session_of_somebody_who_has_left(pages: Client, coordinator: Staff) -> None:
    Staff.objects.filter(pk=coordinator.pk).update(is_active=False)
    assert not is_in(pages)


def test_it_keeps_the_session_cookie_from_scripts(client: Client, coordinator: Staff) -> None:
    client.post("/sign-in", {"username": coordinator.email, "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
