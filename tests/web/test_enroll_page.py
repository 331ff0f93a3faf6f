"""The enroll page: fill in, see every message, save once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from campaigns.models import Consent, Course, Message, Patient, Visit
from tests.web import cast

PERSON: dict[str, Any] = {
    "given_name": "Noor",
    "family_name": "Example",
    "language": "ar",
    "phone": "604 555 0177",
    "email": "noor@patients.example",
    "consent_sms": "on",
    "consent_email": "on",
    "consent_evidence": "signed at the desk",
    "sequences": list(cast.EVERY_SEQUENCE),
    "visit-TOTAL_FORMS": "0",
    "visit-INITIAL_FORMS": "0",
}
COURSE = {
    "first_date": cast.on(10).isoformat(),
    "first_time": "14:00",
    "first_kind": "consultation",
    "treatments": "2",
    "weeks": "4",
}


def filled(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**PERSON, **COURSE, **changes}.items() if value is not None}


def send(client: Client, action: str, **changes: Any) -> str:
    return client.post("/patients/new", {**filled(**changes), "action": action}).content.decode()


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def previewed(client: Client, **changes: Any) -> dict[str, Any]:
    """The form as the browser holds it after a preview."""
    page = send(client, "preview", **changes)
    return filled(**changes) | {"key": hidden(page, "key"), "seal": hidden(page, "seal"), "action": "enroll"}


def test_it_fills_in_the_dates_without_complaining_about_the_rest(pages: Client) -> None:
    page = send(pages, "dates", given_name="")
    for days in (10, 38, 66):
        assert f'value="{cast.on(days).isoformat()}"' in page
    assert "This field is required" not in page


def test_it_adds_an_empty_row(pages: Client) -> None:
    page = send(
        pages,
        "row",
        **{
            "visit-TOTAL_FORMS": "1",
            "visit-0-on_date": cast.on(9).isoformat(),
            "visit-0-at_time": "10:00",
            "visit-0-kind": "session",
        },
    )
    assert 'name="visit-1-on_date"' in page
    assert f'value="{cast.on(9).isoformat()}"' in page


def test_it_previews_every_message_beside_its_english_and_saves_nothing(pages: Client) -> None:
    page = send(pages, "preview")
    assert "Every message, before anything is saved" in page
    assert 'class="bubble" lang="ar" dir="rtl"' in page
    assert 'class="english" lang="en-CA"' in page
    assert "UCS-2" in page
    assert "USD" in page
    assert not Patient.objects.exists()
    assert not Message.objects.exists()


def test_it_enrolls_what_was_previewed(pages: Client) -> None:
    answer = pages.post("/patients/new", previewed(pages))
    patient = Patient.objects.get()
    assert answer.headers["Location"] == f"/patients/{patient.pk}"
    assert (patient.given_name, patient.language) == ("Noor", "ar")
    assert patient.contact_points.get(channel="sms").address == "+16045550177"
    assert [v.kind for v in Visit.objects.order_by("number")] == ["consultation", "session", "session"]
    assert [line.proof for line in Consent.objects.filter(patient=patient)] == ["signed at the desk"] * 6


def test_it_enrolls_once_however_often_the_button_is_pressed(pages: Client) -> None:
    form = previewed(pages)
    first, second = (pages.post("/patients/new", form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Patient.objects.count() == Course.objects.count() == 1


def test_it_shows_a_new_preview_when_something_changed_since_the_last_one(pages: Client) -> None:
    form = previewed(pages) | {"first_time": "15:00"}
    page = pages.post("/patients/new", form).content.decode()
    assert "Something changed since the preview" in page
    assert not Patient.objects.exists()


def test_it_never_enrolls_without_a_preview(pages: Client) -> None:
    page = send(pages, "enroll")
    assert "Something changed since the preview" in page
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"given_name": ""}, "This field is required."),
        ({"phone": "12"}, "too few digits"),
        ({"email": "noor at example"}, "needs a name, an @ and a domain"),
        (
            {"phone": "", "email": "", "consent_sms": None, "consent_email": None},
            "Give a mobile number",
        ),
        ({"phone": ""}, "The patient agreed to texts: add the mobile number."),
        ({"email": ""}, "The patient agreed to e-mail: add the address."),
        ({"consent_evidence": ""}, "Say how the patient agreed"),
        ({"language": "tlh"}, "Select a valid choice"),
        ({"sequences": []}, "Choose at least one."),
        ({"first_time": ""}, "Give the time too."),
        ({"first_date": cast.on(-1).isoformat()}, "has already passed at the clinic"),
        ({"first_date": cast.on(3650).isoformat()}, "more than two years away"),
        ({"treatments": "99"}, "less than or equal to 19"),
    ],
)
def test_it_says_beside_the_field_what_to_mend(pages: Client, changes: dict[str, Any], words: str) -> None:
    page = send(pages, "preview", **changes)
    assert words in page.replace("&#39;", "'")
    assert "Please mend what is marked below" in page
    assert not Patient.objects.exists()


def test_it_says_what_would_not_be_sent_and_why(pages: Client) -> None:
    page = send(pages, "preview", consent_email=None, email="", first_date=cast.on(1).isoformat())
    assert "would not be sent" in page
    assert "Another message took its place." in page


def test_it_hints_at_a_day_when_the_clinic_is_closed(pages: Client) -> None:
    page = send(pages, "dates", first_date=cast.on(12).isoformat())
    assert "The clinic is usually closed on this day." in page


def test_it_says_when_a_translation_is_not_approved(pages: Client) -> None:
    from campaigns.models import Wording

    Wording.objects.filter(language="ar").update(state=Wording.State.DRAFT)
    assert "The translation is not approved yet" in send(pages, "preview")
