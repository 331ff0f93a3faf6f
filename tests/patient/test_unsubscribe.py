"""The way out of e-mail: a button for people, one click for mail programs, nothing on GET."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from campaigns.delivery.pages import digest_of
from campaigns.delivery.translations import OwnWords
from campaigns.domain.errors import TranslationMissing
from campaigns.models import Clinic, Consent, ContactPoint, Patient, PatientLink, Suppression
from campaigns.services import compose
from tests.factories import NOON, set_now
from tests.patient.conftest import Link
from tests.web import cast


def is_out(patient: Patient) -> bool:
    index = ContactPoint.objects.get(patient=patient, channel="email").address_index
    return Suppression.objects.filter(address_index=index, channel="email", lifted_at=None).exists()


def test_it_shows_a_button_in_the_patient_s_language(client: Client, arabic: Patient, link: Link) -> None:
    page = client.get(link(arabic, "u")).content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert "إيقاف رسائلنا الإلكترونية" in page
    assert '<form method="post">' in page


def test_it_keeps_numbers_in_order_beside_arabic_letters(client: Client, arabic: Patient, link: Link) -> None:
    page = client.get(link(arabic, "u")).content.decode()
    assert '<a class="call" href="tel:+16045550134"><bdi dir="ltr">604-555-0134</bdi></a>' in page
    assert '<bdi dir="ltr">8-1-1</bdi>' in page
    assert '<bdi dir="ltr">8-1-1</bdi>' in client.get("/u/unknown").content.decode()


def test_it_changes_nothing_when_a_mail_scanner_opens_the_link(
    client: Client, arabic: Patient, link: Link
) -> None:
    address = link(arabic, "u")
    client.get(address)
    client.head(address)
    assert not is_out(arabic)


def test_it_acts_on_the_one_click_of_a_mail_program(arabic: Patient, link: Link) -> None:
    """RFC 8058: a POST without cookies, sign-in or CSRF token, answered 200 without a redirect."""
    answer = Client(enforce_csrf_checks=True).post(link(arabic, "u"), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert is_out(arabic)
    newest = Consent.objects.filter(patient=arabic, channel="email").order_by("-id")[0]
    assert (newest.action, newest.source) == ("withdrawn", "link")


def test_it_leaves_the_other_channel_alone(client: Client, arabic: Patient, link: Link) -> None:
    client.post(link(arabic, "u"))
    assert not Suppression.objects.filter(channel="sms").exists()


def test_it_says_done_also_the_second_time(client: Client, arabic: Patient, link: Link) -> None:
    address = link(arabic, "u")
    for _ in range(2):
        answer = client.post(address)
        assert answer.status_code == 200
        assert "تم" in answer.content.decode()
    assert Suppression.objects.count() == 1


def test_it_works_on_a_page_that_never_tells_its_address(client: Client, arabic: Patient, link: Link) -> None:
    assert client.get(link(arabic, "u")).headers["Referrer-Policy"] == "no-referrer"


def test_it_works_for_longer_than_the_60_days_that_the_law_asks_for(
    client: Client, arabic: Patient, link: Link
) -> None:
    address = link(arabic, "u")
    set_now(NOON + timedelta(days=61))
    assert client.post(address).status_code == 200
    assert is_out(arabic)


def test_it_says_when_it_stops_every_channel(client: Client, arabic: Patient, link: Link) -> None:
    Clinic.objects.update(opt_out_scope="all")
    address = link(arabic, "u")
    for page in (client.get(address), client.post(address)):
        assert "يوقف هذا رسائلنا النصية ورسائلنا بالبريد الإلكتروني معًا" in page.content.decode()
    assert set(Suppression.objects.values_list("channel", flat=True)) == {"sms", "email"}


def test_it_is_friendly_to_a_link_that_is_too_old(client: Client, arabic: Patient, link: Link) -> None:
    address = link(arabic, "u")
    set_now(NOON + timedelta(days=400))
    answer = client.post(address)
    assert answer.status_code == 404
    assert not is_out(arabic)


@pytest.mark.parametrize("address", ["/u/unknown", "/p/unknown", "/u/%00", "/p/" + "x" * 300])
def test_it_is_friendly_to_an_unknown_link_in_every_language(client: Client, db: None, address: str) -> None:
    answer = client.get(address)
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "This link does not work any more" in page
    assert "Ce lien ne fonctionne plus" in page
    assert '<section lang="ar" dir="rtl">' in page
    assert "911" in page


def test_it_takes_a_link_for_its_own_purpose_only(client: Client, arabic: Patient, link: Link) -> None:
    token = link(arabic, "u").removeprefix("/u/")
    assert client.get(f"/p/{token}").status_code == 404
    PatientLink.objects.update(purpose="information")
    assert client.post(f"/u/{token}").status_code == 404
    assert not is_out(arabic)


def refuse_arabic(whole: Callable[..., str]) -> Callable[..., str]:
    """As if a page had no Arabic translation yet."""

    def digest(name: str, channel: str, language: str, own: OwnWords) -> str:
        if language == "ar":
            raise TranslationMissing
        return whole(name, channel, language, own)

    return digest


def test_it_falls_back_to_english_where_a_translation_is_missing(
    client: Client, arabic: Patient, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = link(arabic, "u")
    monkeypatch.setattr(compose, "digest_of", refuse_arabic(digest_of))
    page = client.get(address).content.decode()
    assert '<html lang="en-CA" dir="ltr">' in page
    assert "Stop our e-mail" in page


def test_it_speaks_french_to_a_french_patient(client: Client, db: None, link: Link) -> None:
    french = cast.new_patient(cast.new_clinic(), language="fr-CA")
    assert "Ne plus recevoir nos courriels" in client.get(link(french, "u")).content.decode()
