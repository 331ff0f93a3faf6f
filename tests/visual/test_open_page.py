"""The open page of alerts calls somebody, and says by itself when nothing checks alerts any more."""

from __future__ import annotations

from playwright.sync_api import Browser

from campaigns.models import Alert, Clinic
from campaigns.queries import ticks
from campaigns.services.duties import Duty
from tests.factories import NOON
from tests.visual.test_check_in import EVERY, chromium, clinic, site, staff_page

__all__ = ["chromium", "clinic", "site"]


def emergency(clinic: Clinic) -> Alert:
    return Alert.objects.create(clinic=clinic, urgency="emergency", rule="en.breathing", opened_at=NOON)


def test_a_new_alert_counts_in_the_title_and_appears_beside_somebody_who_writes(
    chromium: Browser, clinic: Clinic, site: str
) -> None:
    first = emergency(clinic)
    ticks.mark(Duty.CLIMBING)
    desk = staff_page(chromium, clinic, site)
    assert desk.title().startswith("(1) ")
    desk.locator(f"#note-{first.pk}").fill("half a sentence")
    second = emergency(clinic)
    desk.clock.run_for(EVERY)
    desk.locator(f"#alert-{second.pk}").wait_for(timeout=10_000)
    assert desk.title().startswith("(2) ")
    assert desk.locator(f"#note-{first.pk}").input_value() == "half a sentence"
    sound = desk.locator("[data-sound]")
    sound.click()
    assert sound.get_attribute("aria-pressed") == "true"


def test_it_turns_red_by_itself_when_nothing_answers_any_more(
    chromium: Browser, clinic: Clinic, site: str
) -> None:
    ticks.mark(Duty.CLIMBING)
    desk = staff_page(chromium, clinic, site)
    assert not desk.locator(".checked.old").count()
    desk.context.set_offline(True)
    desk.clock.run_for(80_000)
    assert "Nobody is being told of alerts" in desk.locator(".checked.old .late").inner_text()
