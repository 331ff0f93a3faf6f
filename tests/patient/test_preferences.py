"""The page where a patient chooses the language of the messages, and what comes by which channel."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from campaigns.delivery.pages import page_digest
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.models import AuditEntry, Consent, Message, Patient, Suppression, Wording
from campaigns.services import consent
from campaigns.services.prefer import PRESSED
from campaigns.services.send import drain
from tests.factories import NOON, set_now
from tests.patient.conftest import Link
from tests.web import cast
from tests.web.stored import everything_stored


def preferences(client: Client, patient: Patient, link: Link) -> str:
    """The address of the page, from the footer of an e-mail."""
    address = link(patient, "l")
    assert 'name="language"' in client.get(address).content.decode()
    return address


def test_it_shows_every_language_by_its_own_name(client: Client, arabic: Patient, link: Link) -> None:
    page = client.get(preferences(client, arabic, link)).content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    for tag, language in SUPPORTED.items():
        assert f'<label lang="{tag}" dir="{language.direction}">' in page
        assert language.name in page
    assert 'value="ar" checked' in page


def test_it_changes_nothing_when_it_is_only_opened(client: Client, arabic: Patient, link: Link) -> None:
    address = preferences(client, arabic, link)
    before = everything_stored()
    client.get(address)
    client.head(address)
    assert everything_stored() == before


def test_it_saves_the_choice_and_speaks_it_at_once(client: Client, arabic: Patient, link: Link) -> None:
    page = client.post(preferences(client, arabic, link), {"language": "fr-CA"}).content.decode()
    arabic.refresh_from_db()
    assert arabic.language == "fr-CA"
    assert '<html lang="fr-CA" dir="ltr">' in page
    assert 'role="status"' in page
    entry = AuditEntry.objects.get(action="language_changed")
    assert entry.detail == {"from": "ar", "to": "fr-CA", "source": "link"}


def test_it_says_when_a_language_is_not_ready(client: Client, arabic: Patient, link: Link) -> None:
    address = preferences(client, arabic, link)
    Wording.objects.filter(language="fr-CA", template="welcome/hello").update(state=Wording.State.DRAFT)
    page = client.post(address, {"language": "fr-CA"}).content.decode()
    assert "anglais" in page


def test_it_refuses_a_language_that_is_not_in_the_list(client: Client, arabic: Patient, link: Link) -> None:
    for wanted in ("xx", "", "ar<script>"):
        answer = client.post(preferences(client, arabic, link), {"language": wanted})
        assert answer.status_code == 200
        assert "<script" not in answer.content.decode()
    arabic.refresh_from_db()
    assert arabic.language == "ar"


def test_its_link_ends_one_day(client: Client, arabic: Patient, link: Link) -> None:
    address = preferences(client, arabic, link)
    set_now(NOON + timedelta(days=400))
    answer = client.post(address, {"language": "fr-CA"})
    arabic.refresh_from_db()
    assert (answer.status_code, arabic.language) == (404, "ar")


def test_a_link_that_is_too_old_speaks_the_browser_s_language_first(client: Client, db: None) -> None:
    page = client.get("/p/unknown", headers={"Accept-Language": "zh-HK,zh;q=0.9,en;q=0.5"}).content.decode()
    assert page.index('lang="zh-Hant"') < page.index('lang="zh-Hans"') < page.index('lang="ar"')


# --- what comes by which channel


def press(client: Client, patient: Patient, link: Link, switch: str) -> str:
    """Press a button of the page; the page that comes back."""
    answer = client.post(link(patient, "l"), {"switch": switch})
    assert answer.status_code == 200
    return answer.content.decode()


def switches(page: str) -> dict[str, bool]:
    """What each switch asks for, and whether it is on."""
    found = re.findall(r'role="switch" aria-checked="(\w+)" name="switch" value="([\w.]+)"', page)
    return {value: checked == "true" for checked, value in found}


def test_every_kind_of_message_has_a_switch_that_works_without_scripts(
    client: Client, arabic: Patient, link: Link
) -> None:
    page = client.get(link(arabic, "l")).content.decode()
    assert switches(page) == {
        f"{channel}.{topic}.off": True
        for channel in ("sms", "email")
        for topic in ("education", "reminders", "check_ins")
    }
    assert "<script" not in page


def test_a_switch_changes_only_its_topic_and_channel_and_keeps_what_was_shown(
    client: Client, arabic: Patient, link: Link
) -> None:
    for _ in range(2):
        page = press(client, arabic, link, "sms.reminders.off")
    assert [value for value, on in switches(page).items() if not on] == ["sms.reminders.on"]
    line = Consent.objects.get(patient=arabic, action="withdrawn")
    assert (line.channel, line.topic, line.source, line.by) == ("sms", "reminders", "preferences", "patient")
    assert (line.language_shown, line.proof) == ("ar", PRESSED)
    assert line.wording_shown == page_digest("patient/preferences", "ar")
    assert not Suppression.objects.exists()


def test_a_planned_text_on_a_topic_that_was_switched_off_is_skipped_with_its_reason(
    client: Client, arabic: Patient, link: Link
) -> None:
    press(client, arabic, link, "sms.education.off")
    planned = Message.objects.filter(patient=arabic, channel="sms", topic="education", state="planned")
    first = planned.order_by("send_at")[0]
    set_now(first.send_at)
    drain()
    first.refresh_from_db()
    assert (first.state, first.reason) == ("skipped", "opted_out")


def test_what_was_never_agreed_to_is_an_explicit_choice(client: Client, db: None, link: Link) -> None:
    patient = cast.new_patient(cast.new_clinic())
    Consent.objects.filter(patient=patient, channel="sms").delete()
    assert switches(client.get(link(patient, "l")).content.decode())["sms.reminders.on"] is False
    press(client, patient, link, "sms.reminders.on")
    line = Consent.objects.get(patient=patient, channel="sms")
    assert (line.topic, line.action, line.proof) == ("reminders", "granted", PRESSED)


def test_e_mail_that_was_stopped_comes_back_by_its_own_button_only(
    client: Client, arabic: Patient, link: Link
) -> None:
    client.post(link(arabic, "u"))
    page = press(client, arabic, link, "email.reminders.on")
    assert not any(value.startswith("email.") for value in switches(page))
    assert 'name="switch" value="email.back"' in page
    assert Suppression.objects.filter(lifted_at=None).exists()
    page = press(client, arabic, link, "email.back")
    assert switches(page)["email.reminders.off"]
    assert not Suppression.objects.filter(lifted_at=None).exists()
    newest = Consent.objects.filter(patient=arabic, channel="email").latest("id")
    assert (newest.action, newest.source, newest.proof) == ("granted", "preferences", PRESSED)


def test_texts_that_were_stopped_come_back_by_text_only(client: Client, arabic: Patient, link: Link) -> None:
    index = arabic.contact_points.get(channel="sms").address_index
    consent.opt_out(index, Channel.SMS, source="reply", now=NOON)
    for switch in ("sms.back", "sms.reminders.on"):
        page = press(client, arabic, link, switch)
        assert "START" in page
        assert not any(value.startswith("sms.") for value in switches(page))
    assert Suppression.objects.filter(lifted_at=None, channel="sms").exists()


@pytest.mark.parametrize(
    "switch", ["sms", "fax.reminders.on", "sms.money.on", "sms.reminders.up", ".", "\x00"]
)
def test_what_no_button_asks_for_changes_nothing(
    client: Client, arabic: Patient, link: Link, switch: str
) -> None:
    before = Consent.objects.count()
    press(client, arabic, link, switch)
    assert Consent.objects.count() == before
