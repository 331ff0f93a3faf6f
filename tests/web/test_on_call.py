"""Who is told of alerts: set by administrators, read by all, tested by whoever is on the list."""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.models import AuditEntry, Clinic, OnCall, Staff
from campaigns.services.set_up import create_staff

PEOPLE = "/alerts/people"


@pytest.fixture
def administrator(clinic: Clinic) -> Staff:
    return create_staff(
        email="ada@clinic.example", name="Ada", role=Staff.Role.ADMINISTRATOR, clinic=clinic, by="test"
    )


@pytest.fixture
def office(administrator: Staff) -> Client:
    """A browser with an administrator signed in."""
    client = Client()
    client.force_login(administrator)
    return client


def entry(staff: Staff, **changes: object) -> dict[str, object]:
    said = {
        "staff_id": staff.pk,
        "place": 1,
        "email": "robin@alerts.example",
        "phone": "604-555-0141",
        "language": "fr-CA",
        "when": "outside",
        "starts": "",
        "ends": "",
    }
    return {"of": "new", **{f"new-{name}": value for name, value in {**said, **changes}.items()}}


def test_an_administrator_puts_a_person_on_the_list_and_takes_them_off(
    office: Client, coordinator: Staff
) -> None:
    page = office.post(PEOPLE, entry(coordinator), follow=True).content.decode()
    row = OnCall.objects.get()
    assert (row.staff, row.phone, row.language, row.when) == (coordinator, "+16045550141", "fr-CA", "outside")
    assert "While the clinic is closed" in page
    assert not AuditEntry.objects.filter(detail__icontains="0141").exists()
    office.post(f"{PEOPLE}/{coordinator.pk}/remove")
    assert not OnCall.objects.exists()
    assert list(AuditEntry.objects.order_by("-seq").values_list("action", flat=True)[:2]) == [
        "on_call_removed",
        "on_call_set",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "", "phone": ""}, "Give an e-mail address or a mobile number"),
        ({"phone": "911"}, "too few digits"),
        ({"email": "nobody"}, "needs a name, an @"),
        ({"when": "between"}, "Say from when to when."),
        ({"place": 0}, "greater than or equal to 1"),
    ],
)
def test_it_says_what_is_wrong_and_keeps_what_was_typed(
    office: Client, coordinator: Staff, changes: dict[str, object], words: str
) -> None:
    page = office.post(PEOPLE, entry(coordinator, **changes)).content.decode()
    assert words in page
    assert 'value="robin@alerts.example"' in page or "email" in changes
    assert not OnCall.objects.exists()


def test_who_is_no_administrator_reads_and_changes_nothing(
    pages: Client, coordinator: Staff, clinic: Clinic
) -> None:
    page = pages.post(PEOPLE, entry(coordinator), follow=True).content.decode()
    assert "Only an administrator may do this." in page
    pages.post("/alerts/ladder", {"next_person": 1, "everybody": 2, "incident": 3, "urgent": 4})
    clinic.refresh_from_db()
    assert (OnCall.objects.count(), clinic.alert_ladder) == (0, {})
    assert "An administrator changes this list." in pages.get(PEOPLE).content.decode()


@pytest.mark.parametrize(
    ("minutes", "kept"),
    [((2, 5, 10, 60), True), ((6, 15, 30, 120), False), ((5, 3, 30, 120), False), ((0, 15, 30, 120), False)],
)
def test_the_ladder_gets_faster_and_never_slower(
    office: Client, clinic: Clinic, minutes: tuple[int, ...], kept: bool
) -> None:
    chosen = dict(zip(("next_person", "everybody", "incident", "urgent"), minutes, strict=True))
    office.post("/alerts/ladder", chosen)
    clinic.refresh_from_db()
    assert clinic.alert_ladder == (chosen if kept else {})


def test_the_alerts_page_says_loudly_that_nobody_is_on_call(pages: Client, clinic: Clinic) -> None:
    assert "Nobody is on call: an alert shows on this page" in pages.get("/alerts").content.decode()
    Clinic.objects.update(staffed_hours={})
    assert "nobody learns of an alert now" in pages.get("/alerts").content.decode()


def test_a_person_on_the_list_sends_a_test_to_themselves(pages: Client, coordinator: Staff) -> None:
    assert "You are not on the alert list." in pages.post("/alerts/test", follow=True).content.decode()
    OnCall.objects.create(
        clinic=coordinator.clinic, staff=coordinator, email="a@alerts.example", phone="+16045550141"
    )
    page = pages.post("/alerts/test", follow=True).content.decode()
    assert "Test by E-mail: sent." in page
    assert "Test by Text: sent." in page
