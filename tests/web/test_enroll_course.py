"""The enroll page shows a whole course before it is saved, warns of what is wrong with it, and saves that."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import (
    AuditEntry,
    Clinic,
    Consent,
    ContactPoint,
    Course,
    Enrollment,
    Installation,
    Message,
    Patient,
    Staff,
    Suppression,
    Visit,
    Wording,
)
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services import newcomers
from campaigns.services.enroll import Application, enroll
from campaigns.services.enroll_again import enroll_again
from tests.factories import NOON, set_now
from tests.web import cast
from tests.web.test_enroll_page import filled, hidden, previewed, send

TITLE = re.compile(r'<span class="state \w+">([^<]+)</span>')
DAY = re.compile(r'<h3 id="d\d+">([^<]+)</h3>')


SHORT = {"sequences": ["welcome", "previsit"], "treatments": "0"}
"""A course of one visit: few words to write."""


def warned(page: str) -> set[str]:
    """The kinds of warning on a page."""
    return set(TITLE.findall(page))


def new(clinic: Clinic, given_name: str, phone: str, family_name: str = "Example") -> Patient:
    wanted = Application(
        given_name=given_name, family_name=family_name, language="ar", phone=phone, sequences=["welcome"]
    )
    return enroll(clinic, wanted, by="test").patient


# --- the course as a whole


def test_it_shows_the_course_to_its_end_and_saves_nothing(pages: Client, clinic: Clinic) -> None:
    page = send(pages, "preview")
    assert "Pain, the next day" in page  # what follows a visit
    assert "End of the course: Pain, after three months" in page
    assert "once the visit has taken place" in page
    assert "only without an answer" in page
    days = DAY.findall(page)
    assert days[0] == "Mon Nov 2"
    assert "Thu Nov 12" in days
    assert len(days) == len(set(days))
    visits = re.findall(r'<p class="visit-line"><b>Visit (\d)</b>', page)
    assert visits == ["1", "2", "3"]
    # The picture and the list say the same.
    said = re.findall(r'role="img" aria-label="Four weeks from [^"]*: (\d+) visits?, (\d+) messages?"', page)
    totals = re.search(r"<b>(\d+) messages</b>", page)
    assert totals
    assert [sum(int(one[place]) for one in said) for place in (0, 1)] == [3, int(totals[1])]
    assert (page.count('class="visit"') - 1, page.count(" expected") > 20) == (3, True)
    # Each message that is warned of is there to be looked at.
    assert set(re.findall(r'href="#(m\d+)"', page)) <= set(re.findall(r'id="(m\d+)"', page))
    assert not Patient.objects.exists()
    assert not Message.objects.exists()
    assert not AuditEntry.objects.filter(actor="preview").exists()
    # What would be planned is what is planned; what follows the visits is not yet.
    pages.post("/patients/new", previewed(pages))
    going = int(totals[1]) - int(re.findall(r"(\d+) of them once", page)[0])
    assert Message.objects.filter(state="planned").count() == going


def stop(clinic: Clinic) -> None:
    Suppression.objects.create(
        address_index=blind_index("+16045550177"), channel="sms", source="reply", created_at=NOON
    )


def landline(clinic: Clinic) -> None:
    new(clinic, "Ann", "+16045550177")
    ContactPoint.objects.update(state="landline")


def hold(clinic: Clinic) -> None:
    Clinic.objects.update(unapproved_policy="hold")
    draft(clinic)


def draft(clinic: Clinic) -> None:
    Wording.objects.filter(language="ar").update(state=Wording.State.DRAFT)


def close(clinic: Clinic) -> None:
    Clinic.objects.update(holidays=[cast.on(10).isoformat()])


def evening(clinic: Clinic) -> None:
    set_now(NOON + timedelta(hours=7, minutes=30))


def dawn(clinic: Clinic) -> None:
    set_now(NOON - timedelta(hours=7))


def one_a_day(clinic: Clinic) -> None:
    Clinic.objects.update(sms_per_day=1)


def one_a_week(clinic: Clinic) -> None:
    Clinic.objects.update(sms_per_week=1)


def trial(clinic: Clinic) -> None:
    Installation.objects.update(is_trial=True)


def nothing(clinic: Clinic) -> None:
    pass


FULL = {"sequences": list(cast.EVERY_SEQUENCE), "treatments": "1"}
NO_WORD = {"consent_sms": None, "consent_email": None}


@pytest.mark.parametrize(
    ("arrange", "changes", "kinds", "words"),
    [
        (nothing, {}, set(), "message"),
        (nothing, {"consent_email": None}, {"No consent"}, "has not agreed to e-mail"),
        (nothing, NO_WORD, {"No consent", "Nothing would be sent"}, "has not agreed to texts"),
        (stop, {}, {"Opted out"}, "by texting START"),
        (landline, {}, {"Landline", "Shared"}, "is a landline"),
        (nothing, {"phone": "+44 20 7946 0018"}, {"Landline"}, "is a landline"),
        (nothing, {"phone": "800 555 0199"}, {"Landline"}, "is a landline"),
        (draft, {}, {"In English"}, "goes out in English"),
        (hold, {}, {"Held", "Nothing would be sent"}, "this clinic holds such messages"),
        (nothing, {"first_date": cast.on(2).isoformat()}, {"Booked late"}, "so near"),
        (close, {}, {"Clinic closed"}, "usually closed on this day. Thu Nov 12"),
        (evening, {}, {"Another day"}, "Mon Nov 2, 8:30 pm</time>"),
        (dawn, {}, {"Another hour"}, "Moved to an hour"),
        (one_a_day, FULL, {"Another day"}, "enough texts"),
        (one_a_week, FULL, {"Not sent"}, "enough texts"),
        (trial, {}, {"Trial"}, "not live yet"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_warns_of_what_is_wrong(
    pages: Client, clinic: Clinic, arrange: Any, changes: dict[str, Any], kinds: set[str], words: str
) -> None:
    arrange(clinic)
    page = send(pages, "preview", **SHORT | changes)
    assert warned(page) == kinds
    assert words in page


def test_it_asks_the_database_as_often_for_ten_visits_as_for_two(pages: Client) -> None:
    send(pages, "preview")
    counts = []
    for treatments in ("1", "9"):
        with CaptureQueriesContext(connection) as said:
            send(pages, "preview", treatments=treatments, weeks="1")
        counts.append(len(said))
    assert counts[0] == counts[1]


def test_a_welcome_at_once_is_not_late(pages: Client) -> None:
    """On a clock that runs: the preview is made a moment after the plan."""
    set_now(None)
    ahead = (clock.now() + timedelta(days=60)).date()
    page = send(pages, "preview", first_date=ahead.isoformat())
    assert "Welcome: Who writes, and how to stop" in page
    assert "Booked late" not in warned(page)


# --- sequences that fit


def ticked(page: str) -> set[str]:
    return set(re.findall(r'name="sequences" value="(\w+)"[^>]* checked', page))


def test_what_is_suggested_follows_the_course_until_somebody_chooses(pages: Client) -> None:
    first = pages.get("/patients/new").content.decode()
    assert ticked(first) == set(cast.EVERY_SEQUENCE)
    left = {"suggested": hidden(first, "suggested"), "first_kind": "session"}
    page = send(pages, "preview", **left)
    assert ticked(page) == set(cast.EVERY_SEQUENCE) - {"previsit"}
    assert "Not suggested: the course has no consultation." in page
    chosen = send(pages, "preview", **left, sequences=["welcome", "previsit"])
    assert ticked(chosen) == {"welcome", "previsit"}


# --- stale, twice, back


def test_it_says_what_changed_since_the_preview(pages: Client, clinic: Clinic) -> None:
    form = previewed(pages, **SHORT)
    later = form | {"first_time": "15:00", "given_name": "Nora"}
    page = pages.post("/patients/new", later).content.decode()
    assert "Entered anew: Given name." in page
    assert "Visit 1: Thu Nov 12, 2:00 pm before, Thu Nov 12, 3:00 pm now." in page
    draft(clinic)
    page = pages.post("/patients/new", form).content.decode()
    assert "go in other words, or whether they go has changed." in page
    # A few minutes later it is still what was shown; days later it is not.
    form = previewed(pages, **SHORT)
    set_now(NOON + timedelta(days=5))
    page = pages.post("/patients/new", form).content.decode()
    assert "goes at another time." in page or "go at another time." in page
    assert not Patient.objects.exists()
    set_now(NOON + timedelta(minutes=5))
    assert pages.post("/patients/new", form | {"seal": "made up"}).status_code == 200
    assert pages.post("/patients/new", form).status_code == 302


def test_going_back_leads_to_the_patient_and_enrolls_nobody_else(pages: Client) -> None:
    form = previewed(pages, **SHORT)
    where = pages.post("/patients/new", form).headers["Location"]
    for again in ({"action": "preview"}, {"given_name": "Somebody", "action": "enroll"}, {"action": "row"}):
        answer = pages.post("/patients/new", form | again)
        assert answer.headers["Location"] == where
    assert "This form was saved before" in pages.get(where).content.decode()
    assert pages.get("/patients/new", {"form": form["key"]}).headers["Location"] == where
    assert pages.get("/patients/new", {"form": "other"}).status_code == 200
    assert Patient.objects.count() == 1


# --- the same person


def test_somebody_of_the_same_name_is_looked_at_first(pages: Client, clinic: Clinic) -> None:
    noor = new(clinic, "NOOR", "+16045550133")
    sister = new(clinic, "Lina", "+16045550177")
    form = previewed(pages, **SHORT)
    page = send(pages, "preview", **SHORT)
    assert "Is it the same person?" in page
    for patient in (noor, sister):
        assert f"/patients/{patient.pk}/enroll" in page
    refused = pages.post("/patients/new", form)
    assert "say that it is another one" in refused.content.decode()
    assert Patient.objects.count() == 2
    assert pages.post("/patients/new", form | {"another_person": "on"}).status_code == 302
    assert Patient.objects.count() == 3
    # Who shares a number alone is shown and needs no tick.
    page = send(pages, "preview", **SHORT, given_name="Zaki")
    assert "have the same number or e-mail address" in page
    assert 'name="another_person"' not in page
    looks = AuditEntry.objects.filter(action="looked_at", detail__page="enroll")
    assert looks.filter(detail__patients__contains=[str(noor.pk)]).exists()


# --- somebody who is here

NOBODY: dict[str, Any] = {"given_name": "", "language": "ar", "sequences": ["welcome"]}


def test_a_patient_who_is_here_gets_a_new_course(pages: Client, patient: Patient) -> None:
    url = f"/patients/{patient.pk}/enroll"
    begin = pages.get(url).content.decode()
    assert 'value="+16045550111"' in begin
    assert "a course that is not completed" in begin
    assert re.search(r'value="ar"[^>]* checked', begin)
    assert ticked(begin) == set(cast.EVERY_SEQUENCE) - {"welcome"}
    kept = {
        **filled(given_name=None, family_name=None, phone="604 555 0111", email="patient@patients.example"),
        "language": "fr-CA",
        "consent_evidence": "",
        "sequences": ["pretreatment"],
        "first_kind": "session",
    }
    page = pages.post(url, kept | {"action": "preview"}).content.decode()
    assert 'class="bubble" lang="fr-CA"' in page
    patient.refresh_from_db()
    assert (patient.language, Course.objects.count()) == ("ar", 1)
    # An agreement does not end by a tick taken away, and for another number it must be said anew.
    untouched = {**kept, "consent_sms": "", "action": "preview"}
    assert "say so on the patient" in pages.post(url, untouched).content.decode()
    other = kept | {"phone": "604 555 0155", "action": "preview"}
    assert "Say how the patient agreed" in pages.post(url, other).content.decode()
    other["consent_evidence"] = "said so on the phone"
    page = pages.post(url, other).content.decode()
    # What the patient changed meanwhile is not undone unseen.
    Patient.objects.filter(pk=patient.pk).update(language="en-CA")
    stale = other | {"known": hidden(begin, "known"), "action": "enroll"}
    page = pages.post(
        url, stale | {"key": hidden(page, "key"), "seal": hidden(page, "seal")}
    ).content.decode()
    assert "On record by now: Language (English)." in page
    with pytest.raises(NotAllowed):
        enroll_again(patient.pk, Application(**NOBODY), by="test", known={"language": "ar"})
    assert Course.objects.count() == 1
    lines = Consent.objects.count()
    form = other | {"known": hidden(page, "known")}
    form |= {"action": "enroll", "key": hidden(page, "key"), "seal": hidden(page, "seal")}
    first, second = (pages.post(url, form).headers["Location"] for _ in range(2))
    assert first == second == f"/patients/{patient.pk}"
    patient.refresh_from_db()
    assert (patient.language, patient.full_name, Course.objects.count()) == ("fr-CA", "Test Patient", 2)
    assert patient.contact_points.get(channel=Channel.SMS).address == "+16045550155"
    assert Consent.objects.count() == lines + 3
    course = Course.objects.exclude(pk=cast.first_visit(patient).course_id).get()
    assert [one.sequence for one in Enrollment.objects.filter(course=course)] == ["pretreatment"]
    assert Visit.objects.filter(course=course).count() == 2
    patient.status = Patient.Status.LEFT
    patient.save()
    assert pages.get(url).headers["Location"] == f"/patients/{patient.pk}"


# --- find


def test_the_page_finds_patients_and_says_whom_it_showed(
    pages: Client, clinic: Clinic, stranger: Staff, caplog: pytest.LogCaptureFixture
) -> None:
    ann = new(clinic, "Annika", "+16045550133")
    assert "Annika" not in pages.get("/patients/find?q=annika").content.decode()
    page = pages.post("/patients/find", {"q": "anni"}).content.decode()
    assert '<b dir="auto">Annika Example</b>' in page
    assert "•• 0133" in page
    assert "+1604" not in page
    assert "no visit booked" in page
    looks = AuditEntry.objects.filter(action="looked_at", detail__page="find", detail__patients=[str(ann.pk)])
    assert looks.count() == 1
    assert "No patient has this name" in pages.post("/patients/find", {"q": "zz"}).content.decode()
    for number in range(20):
        newcomers.register(clinic, newcomers.Newcomer(given_name=f"Annika{number}", language="ar"), by="test")
    counts = []
    for typed in ("annika exam", "annika1"):
        pages.post("/patients/find", {"q": typed})
        with CaptureQueriesContext(connection) as said:
            live = pages.post("/patients/find", {"q": typed}, headers={"X-Requested-With": "fetch"})
        counts.append(len(said))
        assert live.content.decode().lstrip().startswith("<p>")
    assert counts[0] == counts[1] <= 15
    other = Client()
    other.force_login(stranger)
    assert "Annika" not in other.post("/patients/find", {"q": "anni"}).content.decode()
    assert "annika" not in caplog.text.casefold()


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("Noor", "given_name", "Noor"),
        ("Anna Maria Example", "family_name", "Example"),
        ("604 555 0134", "phone", "604 555 0134"),
        ("n@x.example", "email", "n@x.example"),
    ],
)
def test_what_was_searched_for_is_not_typed_again(pages: Client, typed: str, field: str, value: str) -> None:
    page = pages.post("/patients/new", {"action": "begin", "q": typed}).content.decode()
    assert re.search(rf'name="{field}" value="{re.escape(value)}"', page)
    assert Patient.objects.count() == 0
    assert clock.now() == NOON
