"""The page where a patient chooses the language of the messages."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client

from campaigns.domain.languages import SUPPORTED
from campaigns.models import AuditEntry, Patient, Wording
from tests.factories import NOON, set_now
from tests.patient.conftest import Link
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
