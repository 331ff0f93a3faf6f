"""Changes to visits: shown first, done on confirmation."""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.models import Course, Message, Patient, Visit
from tests.web import cast
from tests.web.chart_steps import change, looked


def test_it_shows_what_a_move_changes_before_it_moves(pages: Client, patient: Patient) -> None:
    visit = cast.first_visit(patient)
    new = {"on_date": cast.on(13).isoformat(), "at_time": "09:00"}
    page, button = looked(pages, f"/visits/{visit.pk}/move", new)
    assert "1 planned message is cancelled." in page
    visit.refresh_from_db()
    assert (visit.on_date, visit.version) == (cast.on(10), 1)

    answer = pages.post(f"/visits/{visit.pk}/move", button)
    assert answer.headers["Location"] == f"/patients/{patient.pk}#visits"
    visit.refresh_from_db()
    assert (visit.on_date, visit.version) == (cast.on(13), 2)
    assert Message.objects.filter(visit=visit, reason="visit_moved").exists()


def test_it_refuses_a_move_into_the_past_beside_the_field(pages: Client, patient: Patient) -> None:
    visit = cast.first_visit(patient)
    past = {"on_date": cast.on(-1).isoformat(), "at_time": "09:00", "confirm": "yes"}
    assert "has already passed" in pages.post(f"/visits/{visit.pk}/move", past).content.decode()
    visit.refresh_from_db()
    assert visit.version == 1


@pytest.mark.parametrize("state", ["completed", "no_show", "cancelled"])
def test_it_settles_a_visit_only_on_confirmation(pages: Client, patient: Patient, state: str) -> None:
    address = f"/visits/{cast.first_visit(patient).pk}/settle/{state}"
    page = pages.get(address).content.decode()
    assert "What this changes" in page
    assert ("This visit is still ahead." in page) is (state != "cancelled")
    assert cast.first_visit(patient).state == "booked"
    change(pages, address)
    assert cast.first_visit(patient).state == state


def test_it_says_so_when_a_visit_is_settled_twice(pages: Client, patient: Patient) -> None:
    address = f"/visits/{cast.first_visit(patient).pk}/settle/cancelled"
    change(pages, address)
    page, button = looked(pages, address)
    assert "This visit is already cancelled." in page
    assert not button


def test_it_knows_no_other_way_to_settle(pages: Client, patient: Patient) -> None:
    assert pages.post(f"/visits/{cast.first_visit(patient).pk}/settle/booked").status_code == 404
    assert Visit.objects.filter(state="booked").count() == 3


def test_it_completes_a_course(pages: Client, patient: Patient) -> None:
    course = Course.objects.get()
    change(pages, f"/courses/{course.pk}/complete")
    course.refresh_from_db()
    assert course.state == "completed"
