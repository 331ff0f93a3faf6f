"""A passkey in a real browser, with a security key that the browser plays: the first sign-in, later ones, and
when a page asks again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, Page

from campaigns.models import AuditEntry, Clinic, Staff
from campaigns.services.sign_in import make_link
from campaigns.web import proof
from tests.factories import make_staff
from tests.visual.test_check_in import chromium, clinic, site

__all__ = ["chromium", "clinic", "site"]

KEY: dict[str, Any] = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser with a security key of its own."""
    context = chromium.new_context()
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    page.set_default_timeout(10_000)
    yield page
    context.close()


def test_a_passkey_is_the_whole_of_signing_in(
    page: Page, clinic: Clinic, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = make_staff(clinic)
    Staff.objects.filter(pk=staff.pk).update(role=Staff.Role.ADMINISTRATOR)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{site}/sign-in/{make_link(staff)}")
    page.click("main button")
    page.click("text=Use a passkey instead of both")
    page.fill("[name=name]", "My phone")
    page.click("main button")
    page.wait_for_selector(".codes li")
    assert page.locator(".codes li").count() == 10
    page.click("text=I have them")
    page.wait_for_selector("nav .brand")
    assert Authenticator.objects.get(user=staff, type="webauthn").data["name"] == "My phone"

    page.click("text=Sign out")
    page.click("text=Sign in with a passkey")
    page.wait_for_selector("nav .brand")
    assert AuditEntry.objects.filter(action="signed_in").latest("seq").detail == {"by": ["webauthn"]}

    monkeypatch.setattr(proof, "FRESH", 0)
    page.goto(f"{site}/account")
    page.click("text=Make new ones")
    page.wait_for_selector("[data-passkey]")
    monkeypatch.setattr(proof, "FRESH", 900)
    page.click("main button")
    page.wait_for_url("**/account")
    page.click("text=Make new ones")
    page.wait_for_selector(".codes li")
    assert complaints == []
