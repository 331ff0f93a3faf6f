"""The list of patients: every one once, page by page both ways, and only this clinic's."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client

from campaigns.models import AuditEntry, Clinic, Patient, Staff
from campaigns.queries import roster
from tests.factories import NOON
from tests.web import cast


def text(client: Client, address: str = "/patients") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(page: str) -> list[str]:
    """The ids on a page, in order."""
    return re.findall(r'<th scope="row"><a href="/patients/([^"]+)"', page)


def link(page: str, rel: str) -> str:
    """Where the link to an older (`next`) or newer (`prev`) page leads; empty without one."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    return "/patients" + found[1].replace("&amp;", "&") if found else ""


def crowd(clinic: Clinic, number: int) -> list[str]:
    """Patients of whom every second came at the same instant as the one before; newest first."""
    rows = [
        Patient(
            id=uuid.uuid4(),
            clinic=clinic,
            given_name=f"N{one}",
            language="pa" if one % 2 else "ko",
            status="paused" if one == 3 else "active",
            created_at=NOON + timedelta(seconds=one // 2),
        )
        for one in range(number)
    ]
    Patient.objects.bulk_create(rows)
    rows.sort(key=lambda row: (row.created_at, row.id), reverse=True)
    return [str(row.pk) for row in rows]


def test_it_greets_a_new_clinic_with_a_way_to_begin(pages: Client) -> None:
    page = text(pages)
    assert "No patients yet." in page
    assert 'href="/patients/new"' in page
    assert "No patients of this kind." in text(pages, "/patients?status=left")


def test_it_shows_patients_with_their_next_visit_and_message(pages: Client, patient: Patient) -> None:
    page = text(pages)
    assert "Test Patient" in page
    assert "Thu Nov 12, 2:00 pm" in page
    assert "العربية · Arabic" in page
    [look] = AuditEntry.objects.filter(action="looked_at", detail__page="patients")
    assert look.detail["patients"] == [str(patient.pk)]


@pytest.mark.parametrize("number", [7, 8])
def test_every_patient_stands_on_one_page_there_and_back(
    pages: Client, clinic: Clinic, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "A_PAGE", 2)
    everybody = crowd(clinic, number)
    there, page, address = [], "", "/patients"
    while address:
        page = text(pages, address)
        there += listed(page)
        address = link(page, "next")
    assert there == everybody
    back = listed(page)
    while address := link(page, "prev"):
        page = text(pages, address)
        back = listed(page) + back
    assert back == everybody
    assert link(text(pages), "prev") == ""


def test_filters_are_links_and_hold_from_page_to_page(
    pages: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "A_PAGE", 2)
    crowd(clinic, 6)
    page = text(pages, "/patients?language=pa")
    assert 'href="?status=paused&amp;language=pa"' in page
    following = text(pages, link(page, "next"))
    assert len(listed(page) + listed(following)) == 3
    assert link(following, "next") == ""
    assert len(listed(text(pages, "/patients?status=paused&language=pa"))) == 1
    for nonsense in (
        "status=x&language=y",
        "after=x",
        "after=2026-11-02,x",
        "before=,&after=2026-11-02T00:00,1",
    ):
        assert len(listed(text(pages, f"/patients?{nonsense}"))) == 2, nonsense


def test_who_is_forgotten_or_another_clinic_s_is_not_on_it(
    pages: Client, stranger: Staff, patient: Patient
) -> None:
    cast.new_patient(stranger.clinic, phone="+16045550122")
    assert listed(text(pages)) == [str(patient.pk)]
    Patient.objects.filter(pk=patient.pk).update(forgotten_at=NOON)
    assert listed(text(pages)) == []
