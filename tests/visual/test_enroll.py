"""A coordinator enrolls a patient by the keyboard alone, in fewer keys than a minute has room for."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from campaigns.models import Clinic, Patient, Visit
from tests.factories import make_patient, make_staff
from tests.visual.test_check_in import chromium, site
from tests.web import cast

__all__ = ["chromium", "site"]

KEYS_A_SECOND = 4
"""Somebody who types while they talk: 48 words a minute."""


class Keyboard:
    """Types into a page and counts the keys."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = 0

    def type(self, text: str) -> None:
        """One key a letter."""
        self.keys += len(text)
        self.page.keyboard.type(text)

    def press(self, key: str, times: int = 1) -> None:
        """The same key so many times."""
        self.keys += times
        for _ in range(times):
            self.page.keyboard.press(key)

    def to(self, selector: str) -> None:
        """Tab to a field, as somebody does who does not reach for the mouse."""
        for _ in range(60):
            self.press("Tab")
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"Tab does not lead to {selector}")


def signed_in(browser: Browser, site: str, clinic: Clinic) -> Page:
    client = Client()
    client.force_login(make_staff(clinic, "robin@clinic.example"))
    context = browser.new_context(locale="en-US")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


@pytest.mark.load
def test_a_patient_is_enrolled_by_the_keyboard_in_less_than_a_minute(site: str, chromium: Browser) -> None:
    clinic = cast.new_clinic()
    known = make_patient(clinic, phone="+16045550111").patient
    page = signed_in(chromium, site, clinic)
    page.goto(f"{site}/patients/new")
    began, keys = time.monotonic(), Keyboard(page)
    keys.to("[name=given_name]")
    keys.type("Te")
    # Who is here already is shown while the name is typed.
    page.locator("#found b").wait_for()
    keys.type("ssa")
    keys.to("[name=family_name]")
    keys.type("Example")
    page.locator("#found b").wait_for(state="detached")
    keys.to("[name=phone]")
    keys.type("6045550177")
    keys.to("[name=email]")
    keys.to("[name=language]")
    keys.press("ArrowDown")
    keys.to("[name=consent_sms]")
    keys.press("Space")
    keys.to("[name=consent_evidence]")
    keys.type("signed at the desk")
    keys.to("[name=first_date]")
    keys.type("11122026")
    keys.to("[name=first_time]")
    keys.type("0200p")
    keys.press("Enter")
    page.get_by_role("heading", name="Every message, before anything is saved").wait_for()
    assert Patient.objects.count() == 1  # Enter shows, and saves nothing
    keys.to("button[value=enroll]")
    keys.press("Enter")
    page.get_by_text("The patient is enrolled.").wait_for()
    took = time.monotonic() - began
    patient = Patient.objects.exclude(pk=known.pk).get()
    assert (patient.full_name, patient.language) == ("Tessa Example", "fr-CA")
    assert Visit.objects.filter(course__patient=patient).count() == 5
    assert keys.keys <= 90
    assert keys.keys / KEYS_A_SECOND + took < 60
    # Back leads to no second patient.
    page.go_back()
    page.get_by_text("This form was saved before: here is the patient.").wait_for()
    assert Patient.objects.count() == 2
