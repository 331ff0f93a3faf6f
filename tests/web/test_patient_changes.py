"""Changes to one patient: shown first, with what the patient will be told; stale ones are refused."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import translation
from django.utils.html import escape

from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import ContactPoint, Course, Enrollment, Message, Patient, Staff, Visit
from campaigns.queries import clock
from campaigns.services import contact_points, courses, in_care, pausing, prefer, stale, visits
from campaigns.services.contact_points import NewAddress
from campaigns.services.pausing import Why
from campaigns.services.send import drain
from campaigns.web.told import told
from tests.factories import set_now
from tests.web import cast
from tests.web.chart_steps import DONE, change, looked, plain, press
from tests.web.test_in_french import refusals

COLLEAGUE = "kim@clinic.example"
MOVED = {"on_date": cast.on(13).isoformat(), "at_time": "09:00"}


def last_visit(patient: Patient) -> Visit:
    return Visit.objects.filter(course__patient=patient).order_by("-number")[0]


def test_what_the_page_says_the_patient_will_be_told_is_what_is_sent(pages: Client, patient: Patient) -> None:
    visit = cast.first_visit(patient)
    told_of = Message.objects.filter(patient=patient, visit=visit, state="planned").order_by("send_at")
    set_now(told_of[0].send_at)
    drain()
    for planned in told_of.filter(step="prepare"):
        set_now(planned.send_at)
        drain()
    page, button = looked(pages, f"/visits/{visit.pk}/move", MOVED)
    assert "What the patient will be told" in page
    shown = re.findall(r'<p class="bubble" lang="ar" dir="rtl">(.*?)</p>', plain(page), re.DOTALL)
    english = re.findall(r'<p class="english" lang="en-CA" dir="ltr">(.*?)</p>', plain(page), re.DOTALL)
    assert "1 correction tells the patient" in page or "2 corrections tell the patient" in page
    assert english
    assert "Corrections: The visit was moved" in page
    press(pages, f"/visits/{visit.pk}/move", button)
    correction = Message.objects.filter(patient=patient, purpose="correction", channel="sms").get()
    set_now(correction.send_at)
    drain()
    correction.refresh_from_db()
    assert correction.sent_at is not None
    assert escape(correction.body) in shown


def test_a_visit_that_somebody_else_changed_meanwhile_is_left_alone(pages: Client, patient: Patient) -> None:
    visit = cast.first_visit(patient)
    move, cancel = f"/visits/{visit.pk}/move", f"/visits/{visit.pk}/settle/cancelled"
    _, to_move = looked(pages, move, MOVED)
    _, to_cancel = looked(pages, cancel)
    visits.move(visit.pk, cast.on(15), visit.at_time, by=COLLEAGUE)
    for where, button in ((move, to_move), (cancel, to_cancel)):
        page = press(pages, where, button)
        assert f"Somebody moved this visit to {cast.on(15)} 14:00. Look again." in page
        assert 'name="confirm"' in page
        visit.refresh_from_db()
        assert (visit.on_date, visit.state) == (cast.on(15), "booked")
    _, fresh = looked(pages, move, MOVED)
    visits.settle(visit.pk, VisitState.CANCELLED, by=COLLEAGUE)
    assert "This visit is cancelled by now. Look again." in press(pages, move, fresh)
    change(pages, move, MOVED)
    assert cast.first_visit(patient).on_date == cast.on(13)


def test_a_press_counts_once_and_only_for_what_was_shown(pages: Client, patient: Patient) -> None:
    course = Course.objects.get(patient=patient)
    where = f"/courses/{course.pk}/visit"
    form = {"kind": "session", "on_date": cast.on(80).isoformat(), "at_time": "10:00"}
    page, button = looked(pages, where, form)
    assert "It becomes visit 4." in page
    _, in_another_tab = looked(pages, where, form)
    other = button | {"on_date": cast.on(81).isoformat()}
    assert "Something was typed since you looked." in press(pages, where, other)
    assert last_visit(patient).number == 3
    assert [press(pages, where, button) for _ in range(2)] == [
        DONE,
        DONE,
    ]  # a double click, or the back button
    assert last_visit(patient).number == 4
    assert "Somebody booked visit 4 meanwhile. Look again." in press(pages, where, in_another_tab)
    assert last_visit(patient).number == 4
    del button["shown"]
    move = f"/visits/{last_visit(patient).pk}/move"
    assert 'name="confirm"' in pages.post(move, MOVED | {"confirm": "yes"}).content.decode()
    assert last_visit(patient).version == 1


def test_who_has_no_open_course_gets_another_one_and_only_one(pages: Client, patient: Patient) -> None:
    course = Course.objects.get(patient=patient)
    where = f"/patients/{patient.pk}/course"
    assert where not in pages.get(f"/patients/{patient.pk}").content.decode()
    change(pages, f"/courses/{course.pk}/complete")
    assert where in pages.get(f"/patients/{patient.pk}").content.decode()
    form = {"kind": "session", "on_date": cast.on(80).isoformat(), "at_time": "10:00"}
    assert 'class="error"' in pages.post(where, form).content.decode()
    page, button = looked(pages, where, form | {"sequences": "pretreatment"})
    assert "messages will be planned" in page
    _, in_another_tab = looked(pages, where, form | {"sequences": "pretreatment"})
    assert press(pages, where, button) == DONE
    assert "Somebody opened a course for this patient meanwhile." in press(pages, where, in_another_tab)
    assert Course.objects.filter(patient=patient).count() == 2
    assert Message.objects.filter(visit__on_date=cast.on(80), state="planned").exists()


def test_a_pause_says_what_waits_and_holds_until_somebody_goes_on(pages: Client, patient: Patient) -> None:
    where = f"/patients/{patient.pk}/pause"
    form = {"until": cast.on(12).isoformat(), "why": "away"}
    page, button = looked(pages, where, form)
    waiting = Message.objects.filter(patient=patient, state="planned")
    noon = clock.now()
    lost = re.search(r"(\d+) messages? would be too late", page)
    assert lost
    assert int(lost.group(1)) > 0
    assert "The patient is not told of a pause." in page
    _, late = looked(pages, where, form | {"why": "asked"})
    assert press(pages, where, button) == DONE
    patient.refresh_from_db()
    assert (patient.status, patient.status_reason) == ("paused", "away")
    assert "Somebody has paused the messages to this patient meanwhile." in press(pages, where, late)
    set_now(waiting.order_by("send_at")[0].send_at)
    drain()
    assert not Message.objects.filter(patient=patient, sent_at__gt=noon).exists()
    top = pages.get(f"/patients/{patient.pk}").content.decode()
    assert "The patient is away" in top
    change(pages, f"/patients/{patient.pk}/resume")
    drain()
    assert Message.objects.filter(patient=patient, sent_at__gt=noon).exists()
    assert "has already passed" in looked(pages, where, {"until": "2020-01-01", "why": "away"})[0]
    assert 'class="error"' in pages.post(where, {"until": "soon", "why": ""}).content.decode()


@pytest.mark.load
def test_another_language_shows_how_the_next_message_reads(pages: Client, patient: Patient) -> None:
    where = f"/patients/{patient.pk}/language"
    page, button = looked(pages, where, {"language": "fr-CA", "time_zone": "America/Toronto"})
    assert '<p class="bubble" lang="fr-CA"' in page
    assert "get a new time" in page
    assert "would not be in this language" not in page
    page, _ = looked(pages, where, {"language": "pa", "time_zone": ""})
    assert "would not be in this language: their translations are not approved." in page
    prefer.at_desk(patient.pk, "en-CA", "", by=COLLEAGUE)
    assert "Somebody changed the language to English meanwhile." in press(pages, where, button)
    change(pages, where, {"language": "fr-CA", "time_zone": "America/Toronto"})
    patient.refresh_from_db()
    assert (patient.language, patient.time_zone) == ("fr-CA", "America/Toronto")
    assert 'class="error"' in pages.post(where, {"language": "xx", "time_zone": "Mars"}).content.decode()


def test_a_new_number_ends_what_was_agreed_to_unless_the_patient_agrees_anew(
    pages: Client, patient: Patient
) -> None:
    where = f"/patients/{patient.pk}/address/sms/change"
    _, late = looked(pages, where, {"address": "604 555 0177", "way": "phone"})
    change(pages, where, {"address": "604 555 0178", "way": "phone"})
    point = ContactPoint.objects.get(patient=patient, channel="sms")
    assert (point.address, cast.granted(patient, Channel.SMS)) == ("+16045550178", set())
    assert "Somebody changed this number or address meanwhile." in press(pages, where, late)
    agreed = {"address": "604 555 0179", "way": "phone", "agreed": "on", "evidence": ""}
    assert "Say how the patient agreed" in pages.post(where, agreed).content.decode()
    change(pages, where, agreed | {"evidence": "rang us on Monday"})
    assert len(cast.granted(patient, Channel.SMS)) == 3
    assert "rang us on Monday" in pages.get(f"/patients/{patient.pk}/history").content.decode()
    assert 'class="error"' in pages.post(where, {"address": "12", "way": "phone"}).content.decode()


@pytest.mark.load
def test_a_number_that_is_a_landline_gets_no_texts_and_mail_goes_instead(
    pages: Client, patient: Patient
) -> None:
    where = f"/patients/{patient.pk}/address/sms/mark"
    _, late = looked(pages, where, {"state": "bad"})
    page, button = looked(pages, where, {"state": "landline"})
    assert "planned messages are cancelled" in page
    press(pages, where, button)
    assert ContactPoint.objects.get(patient=patient, channel="sms").state == "landline"
    assert not Message.objects.filter(patient=patient, state="planned", channel="sms").exists()
    assert "Somebody changed this number or address meanwhile." in press(pages, where, late)
    change(pages, where, {"state": "good"})
    assert Message.objects.filter(patient=patient, state="planned", channel="sms").exists()
    mail = f"/patients/{patient.pk}/address/email/mark"
    assert 'class="error"' in pages.post(mail, {"state": "landline"}).content.decode()
    assert pages.get(f"/patients/{patient.pk}/address/fax/mark").status_code == 404


@pytest.mark.load
def test_a_course_stops_and_starts_a_sequence_with_a_reason(pages: Client, patient: Patient) -> None:
    enrollment = Enrollment.objects.get(course__patient=patient, sequence="pretreatment")
    stop, theirs = f"/enrollments/{enrollment.pk}/stop", Message.objects.filter(enrollment=enrollment)
    page, button = looked(pages, stop, {"why": "patient_asked"})
    assert "planned messages are cancelled" in page
    press(pages, stop, button)
    enrollment.refresh_from_db()
    assert (enrollment.state, enrollment.reason) == ("stopped", "patient_asked")
    assert not theirs.filter(state="planned").exists()
    assert "This was stopped already." in looked(pages, stop, {"why": "mistake"})[0]
    assert "The patient asked" in pages.get(f"/patients/{patient.pk}").content.decode()
    again = f"/courses/{enrollment.course_id}/follow?sequence=pretreatment"
    page, button = looked(pages, again)
    press(pages, again, button | {"sequence": "pretreatment"})
    assert theirs.filter(state="planned").exists()
    assert 'class="error"' in pages.post(again, {"sequence": "pretreatment"}).content.decode()


def test_a_status_that_somebody_else_changed_meanwhile_is_left_alone(pages: Client, patient: Patient) -> None:
    where = f"/patients/{patient.pk}/status"
    assert "The patient has died" in pages.get(where).content.decode()
    page, button = looked(pages, f"{where}?status=left")
    assert "planned messages are cancelled" in page
    in_care.set_status(patient.pk, "deceased", by=COLLEAGUE)
    assert "this patient has died. Look again." in press(pages, where, button | {"status": "left"})
    patient.refresh_from_db()
    assert patient.status == "deceased"


def test_what_a_patient_said_is_written_down_once(pages: Client, patient: Patient) -> None:
    where = f"/patients/{patient.pk}/consent"
    key = re.search(r'name="key" value="([^"]+)"', pages.get(where).content.decode())
    assert key
    said = {"action": "granted", "channel": "sms", "topic": "reminders", "way": "phone", "evidence": "rang"}
    for _ in range(2):
        pages.post(where, said | {"key": key.group(1)})
    assert patient.consents.filter(source="phone").count() == 1


def test_who_may_not_change_patients_sees_no_button(
    pages: Client, patient: Patient, coordinator: Staff
) -> None:
    changing = re.compile(r'href="(/(?:visits|courses|enrollments)/|[^"]*/(?:pause|status|language|change)")')
    assert changing.search(pages.get(f"/patients/{patient.pk}").content.decode())
    for role in (Staff.Role.TRANSLATOR, Staff.Role.AUDITOR):
        Staff.objects.filter(pk=coordinator.pk).update(role=role)
        assert not changing.search(pages.get(f"/patients/{patient.pk}").content.decode())


def test_whatever_is_refused_is_said_in_french() -> None:
    found = [
        text
        for module in (contact_points, courses, in_care, pausing, prefer, stale, visits)
        for text in refusals(module)
    ]
    assert len(found) > 20
    with translation.override("fr-ca"):
        said = {text: told(text) for text in found if text != "7 Look again."}  # two facts of stale's own
    assert {text for text, french in said.items() if french == text} == set()


def test_other_programs_that_showed_nothing_are_not_asked_what_they_showed(patient: Patient) -> None:
    visit = cast.first_visit(patient)
    visits.move(visit.pk, cast.on(15), visit.at_time, by="a program")
    pausing.pause(patient.pk, None, Why.OTHER, by="a program")
    new = NewAddress(channel=Channel.SMS, address="+16045550180")
    contact_points.change(patient.pk, new, by="a program")
    patient.refresh_from_db()
    assert patient.status == "paused"
