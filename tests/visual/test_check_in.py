"""A patient answers on a phone, and the staff see it without touching their page. With a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from campaigns.domain.visits import VisitState
from campaigns.models import Alert, Answer, Clinic, Patient
from campaigns.services.send import drain
from campaigns.services.visits import settle
from tests.factories import NOON, make_patient, make_staff, set_now
from tests.patient.test_check_in import address
from tests.visual.browser import NAMES, leave_out
from tests.web import cast

PHONE = {"width": 390, "height": 844}
TARGETS = """() => [...document.querySelectorAll("label, button, .call")].map((one) => {
  const box = one.getBoundingClientRect();
  return [one.textContent.trim(), box.width, box.height];
})"""
EVERY = 20_000
"""How often the page of alerts looks, in milliseconds."""


@pytest.fixture
def site(committed: None) -> Iterator[str]:
    """The address of the site. Made after `committed`, whose clean-up must come last; pytest-django's own
    fixture would begin before it."""
    server = LiveServer("localhost")
    yield str(server.url)
    server.stop()


@pytest.fixture
def chromium(site: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """The system's own, closed before the site is; the test is left out where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        leave_out("Chromium is not installed: nobody pressed the buttons of the form.")
    # While Playwright runs, Django takes this thread for an asynchronous one.
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as player:
        started = player.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()
            # What this thread opened while it passed for an asynchronous one, nobody else would close.
            connections.close_all()


@pytest.fixture
def clinic(committed: None) -> Clinic:
    return cast.new_clinic()


@pytest.fixture
def form(clinic: Clinic) -> str:
    """The path of the form that a patient who reads Arabic was sent."""
    patient: Patient = make_patient(clinic, language="ar", phone="", sequences=["aftercare"]).patient
    set_now(NOON + timedelta(days=14, hours=2))
    settle(cast.first_visit(patient).pk, VisitState.COMPLETED, by="test")
    mail = patient.messages.get(step="next_day")
    set_now(mail.send_at)
    drain()
    return address(mail)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """A small screen without scripts."""
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False, locale="ar")  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def staff_page(chromium: Browser, clinic: Clinic, site: str) -> Page:
    """The list of alerts, open on somebody's desk; its clock is the test's."""
    client = Client()
    client.force_login(make_staff(clinic))
    context = chromium.new_context()
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}])
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site}/alerts")
    return page


def test_an_answer_on_a_phone_shows_on_the_staff_s_open_page(
    chromium: Browser, phone: Page, clinic: Clinic, form: str, site: str
) -> None:
    desk = staff_page(chromium, clinic, site)
    assert desk.locator("article.alert").count() == 0
    desk.evaluate("() => { window.untouched = true }")

    phone.goto(site + form)
    assert phone.locator("html").get_attribute("dir") == "rtl"
    phone.locator("button").click()
    assert phone.locator("[role=alert]").is_visible(), "it asks for a choice beside the question"
    phone.get_by_label("9", exact=True).check()
    phone.locator("button").click()
    assert "911" in phone.locator("[role=status]").inner_text()
    assert (Answer.objects.get().value, Alert.objects.get().urgency) == ("9", "urgent")

    desk.clock.run_for(EVERY)
    desk.locator("article.alert").wait_for(timeout=10_000)
    assert "9" in desk.locator("article.alert dd b").first.inner_text()
    assert desk.locator("nav .count").inner_text() == "1"
    assert desk.evaluate("() => window.untouched"), "without a reload"


def test_every_target_is_large_enough_for_a_thumb(chromium: Browser, form: str, site: str) -> None:
    page = chromium.new_page(viewport=PHONE)  # type: ignore[arg-type]
    page.goto(site + form)
    small = [found for found in page.evaluate(TARGETS) if min(found[1:]) < 44]
    assert small == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll"
    page.close()
