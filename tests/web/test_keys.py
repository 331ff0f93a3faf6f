"""The keys of other programs on the staff site."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from campaigns.domain.scopes import SCOPES
from campaigns.models import ApiKey, AuditEntry, Clinic, Staff
from campaigns.services import api_keys
from campaigns.services.api_keys import UnknownKey
from campaigns.web.names import SCOPE_WORDS
from tests.factories import make_staff

FORM = {"name": "booking system", "scopes": ["courses:read", "courses:write"], "per_minute": "60"}


@pytest.fixture
def boss(clinic: Clinic) -> Client:
    staff = make_staff(clinic, "boss@clinic.example")
    Staff.objects.filter(pk=staff.pk).update(role=Staff.Role.ADMINISTRATOR)
    client = Client()
    client.force_login(Staff.objects.get(pk=staff.pk))
    return client


def test_every_scope_can_be_ticked_in_words() -> None:
    assert set(SCOPE_WORDS) == set(SCOPES)


def text(client: Client, address: str = "/keys") -> str:
    return client.get(address).content.decode()


def test_a_key_is_shown_once_and_opens_the_api_until_it_is_revoked(boss: Client) -> None:
    assert "No other program has a key." in text(boss)
    made = boss.post("/keys", FORM).content.decode()
    [secret] = re.findall(r"cmp_[\w-]{40,}", made)
    key = ApiKey.objects.get()
    assert secret not in text(boss)
    assert f"{key.prefix}…" in text(boss)
    assert api_keys.admit(secret).scopes == {"courses:read", "courses:write"}
    assert key.per_minute == 60
    assert "never used" not in text(boss)
    assert "nothing any more" in boss.post(f"/keys/{key.pk}/revoke", follow=True).content.decode()
    with pytest.raises(UnknownKey):
        api_keys.admit(secret)
    assert boss.post(f"/keys/{key.pk}/revoke", follow=True).status_code == 200  # pressed twice
    who = AuditEntry.objects.filter(action__startswith="api_key").values_list("action", "actor")
    assert list(who.order_by("pk")) == [
        ("api_key_created", "boss@clinic.example"),
        ("api_key_revoked", "boss@clinic.example"),
    ]


@pytest.mark.parametrize(
    "change", [{"name": " "}, {"scopes": []}, {"scopes": ["patients:everything"]}, {"per_minute": "0"}]
)
def test_it_says_what_is_missing_and_makes_no_key(boss: Client, change: dict[str, object]) -> None:
    page = boss.post("/keys", FORM | change).content.decode()
    assert 'class="error"' in page
    assert not ApiKey.objects.exists()


def test_after_a_while_it_asks_who_is_there_before_it_makes_one(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.web.proof.FRESH", 0)
    answer = boss.post("/keys", FORM)
    assert (answer.status_code, ApiKey.objects.count()) == (302, 0)
    assert answer.headers["Location"].startswith("/confirm")


def test_who_is_no_administrator_is_refused(pages: Client, stranger: Staff, clinic: Clinic) -> None:
    key, _ = api_keys.create(clinic, "Far booking", ["patients:read"], by="test")
    assert pages.get("/keys").status_code == 403
    assert pages.post("/keys", FORM).status_code == 403
    assert pages.post(f"/keys/{key.pk}/revoke").status_code == 403
    Staff.objects.filter(pk=stranger.pk).update(role=Staff.Role.ADMINISTRATOR)
    other = Client()
    other.force_login(Staff.objects.get(pk=stranger.pk))
    assert "Far booking" not in text(other)
    assert other.post(f"/keys/{key.pk}/revoke").status_code == 404
    assert ApiKey.objects.get().revoked_at is None
