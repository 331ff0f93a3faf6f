"""The inbox: one list, the most urgent first; the item beside it; who else has it open; answers by hand."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import (
    Alert,
    AuditEntry,
    Clinic,
    Conversation,
    HandWritten,
    Message,
    Patient,
    Presence,
    Reply,
    Staff,
)
from campaigns.queries import inbox
from campaigns.services import escalate
from campaigns.services.send import send_batch
from tests.factories import NOON, make_patient, make_staff, set_now
from tests.web import cast

ARABIC = "هل يمكنني أن آكل قبل 8-1-1؟"


def wrote(
    patient: Patient | None,
    body: str,
    *,
    clinic: Clinic | None = None,
    urgency: str = "routine",
    late: int = 0,
) -> Alert:
    """Words that came in `late` minutes after noon, with the alert that they opened."""
    reply = Reply.objects.create(
        provider_id=f"SM{Reply.objects.count()}",
        clinic=clinic or (patient.clinic if patient else None),
        patient=patient,
        channel="sms",
        address_index="",
        body=body,
        sender="" if patient else "+16045550177",
        language=patient.language if patient else "",
        received_at=NOON + timedelta(minutes=late),
        parser_version="1",
        outcome="alert",
    )
    return escalate.open_alert(
        clinic=reply.clinic,
        reply=reply,
        patient=patient,
        urgency=urgency,
        rule="not understood",
        matched=["8-1-1"],
        now=reply.received_at,
    )


def text_of(browser: Client, where: str) -> str:
    """A page without its tags, on one line."""
    answer = browser.get(where)
    assert answer.status_code == 200, where
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def sent_form(browser: Client, patient: Patient, **chosen: str) -> dict[str, str | list[str]]:
    """The form with which a text is sent, as the page that shows it has it."""
    typed = {"by": "sms", "text": "will_call"} | chosen
    page = browser.post(f"/patients/{patient.pk}/write", typed).content.decode()
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    form: dict[str, str | list[str]] = {
        name: html.unescape(value) for name, value in found if name not in {"csrfmiddlewaretoken", "alerts"}
    }
    assert form.get("mark"), "the page shows no text to send"
    return form | {"alerts": [value for name, value in found if name == "alerts"], "confirm": "yes"}


def said(browser: Client, patient: Patient, form: dict[str, str | list[str]]) -> str:
    """Send the form; what the page says then."""
    answer = browser.post(f"/patients/{patient.pk}/write", form, follow=True)
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def ana(clinic: Clinic) -> tuple[Staff, Client]:
    """A colleague with a browser of her own."""
    staff = make_staff(clinic, "ana@clinic.example")
    Staff.objects.filter(pk=staff.pk).update(name="Ana")
    browser = Client()
    browser.force_login(staff)
    return staff, browser


def test_the_list_is_most_urgent_first_by_filter_and_by_page(
    pages: Client,
    clinic: Clinic,
    coordinator: Staff,
    ana: tuple[Staff, Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [
        make_patient(clinic, phone=f"+160455501{number}", email="", language=tag).patient
        for number, tag in ((21, "en-CA"), (22, "ar"), (23, "en-CA"), (24, "fr-CA"))
    ]
    for number, one in enumerate(people):
        one.given_name, one.family_name = "Number", "ABCD"[number]
        one.save()
    done = wrote(people[3], "thank you")
    wrote(people[0], "may I eat", late=1)
    urgent = wrote(people[1], ARABIC, urgency="urgent", late=2)
    wrote(people[2], "chest", urgency="emergency", late=3)
    wrote(None, "who is this", clinic=clinic, late=4)
    escalate.close(done.pk, coordinator, "not_urgent")

    everything = text_of(pages, "/inbox?show=all")
    order = ["Number C", "Number B", "Number A", "Unknown number", "Number D"]
    places = [everything.index(name) for name in order]
    assert places == sorted(places)
    assert everything.index("Emergencies") < everything.index("Dealt with in the last 7 days")
    shown = text_of(pages, "/inbox")
    assert "Number D" not in shown
    assert "Nobody has it" in shown
    assert "Number D" in text_of(pages, "/inbox?show=closed")
    assert "Number A" not in text_of(pages, "/inbox?show=closed")
    spoken = text_of(pages, "/inbox?language=ar")
    assert "Number B" in spoken
    assert "Number A" not in spoken

    # Mine is what is assigned to me, and what I have in hand; the rest is nobody's.
    assert "Nothing is assigned to you" in text_of(pages, "/inbox?show=mine")
    pages.post(f"/inbox/patients/{people[0].pk}/assign", {"to": str(coordinator.pk), "shown": ""})
    escalate.acknowledge(urgent.pk, coordinator)
    mine, others = text_of(pages, "/inbox?show=mine"), text_of(pages, "/inbox?show=unassigned")
    assert ("Number A" in mine, "Number B" in mine, "Number C" in mine) == (True, True, False)
    assert ("Number A" in others, "Number B" in others, "Number C" in others) == (False, False, True)
    assert "In hand: Coordinator" in mine
    assert "For Coordinator" in mine

    # The pages together are the list, each line once.
    monkeypatch.setattr(inbox, "A_PAGE", 2)
    where, seen = "/inbox?show=all", []
    while where:
        page = pages.get(where).content.decode()
        seen += re.findall(r'data-item="(\w[\w-]*)"', page)
        after = re.search(r'href="([^"]+)" rel="next"', page)
        where = html.unescape(after[1]) if after else ""
    assert len(seen) == len(set(seen)) == 5
    for odd in ("1.2", "x.y.z", "9." + "9" * 40 + ".a", "-1.0.", "1.2.\x00"):
        assert pages.get("/inbox", {"after": odd}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_rows(pages: Client, clinic: Clinic) -> None:
    first = make_patient(clinic, phone="+16045550131", email="").patient
    wrote(first, "one")

    def asked(where: str) -> int:
        pages.get(where)
        with CaptureQueriesContext(connection) as found:
            assert pages.get(where).status_code == 200
        return len(found)

    few = [asked("/inbox"), asked(f"/inbox/patients/{first.pk}"), asked(f"/patients/{first.pk}/write")]
    for number in range(20):
        other = make_patient(
            clinic, phone=f"+160455501{40 + number}", email="", sequences=("welcome",)
        ).patient
        wrote(other, f"words {number}")
        wrote(first, f"more {number}", late=number)
    many = [asked("/inbox"), asked(f"/inbox/patients/{first.pk}"), asked(f"/patients/{first.pk}/write")]
    assert many == few
    assert few[0] <= 12
    assert max(few) <= 24


def test_an_item_shows_the_words_as_they_run_what_was_understood_and_what_is_known(
    pages: Client, patient: Patient
) -> None:
    alert = wrote(patient, ARABIC)
    cast.answer(cast.question(patient), "4")
    page = pages.get(f"/inbox/patients/{patient.pk}").content.decode()
    assert f'<p lang="ar" dir="auto">{ARABIC}</p>' in page
    assert re.search(r'<p lang="ar" dir="rtl">[^<]', page), "what we wrote runs the way of its language"
    text = text_of(pages, f"/inbox/patients/{patient.pk}")
    assert "Understood as: Pain, 0 to 10: 4" in text
    assert "Not understood 8-1-1" in text
    assert "Next visit Thu Nov 12, 2:00 pm" in text
    assert text_of(pages, f"/inbox/alerts/{alert.pk}") == text.replace("Show it", "Show it")
    corrected = pages.post(
        f"/answers/{patient.answers.get().pk}/correct", {"value": "none", "from": "inbox"}, follow=True
    )
    assert corrected.redirect_chain[-1][0] == f"/inbox/patients/{patient.pk}"
    # Acting on an alert from here leads back here; from the page on the wall, back to that.
    taken = pages.post(f"/alerts/{alert.pk}/acknowledge", {"from": "inbox"})
    assert taken.headers["Location"] == f"/inbox/patients/{patient.pk}"
    closed = pages.post(f"/alerts/{alert.pk}/close", {"outcome": "reached", "seen": "0"})
    assert closed.headers["Location"] == "/alerts"


def test_words_that_are_nobodys_yet_have_an_item_of_their_own(pages: Client, clinic: Clinic) -> None:
    alert = wrote(None, "who are you <b>", clinic=clinic)
    page = text_of(pages, f"/inbox/alerts/{alert.pk}")
    assert "Unknown number" in page
    assert "who are you <b>" in page
    assert "604-555-0177" in page
    back = pages.post(f"/alerts/{alert.pk}/close", {"outcome": "false_alarm", "from": "inbox"})
    assert back.headers["Location"] == f"/inbox/alerts/{alert.pk}"
    assert "False alarm, Coordinator" in text_of(pages, f"/inbox/alerts/{alert.pk}")


def test_two_people_on_one_item_see_each_other_and_what_the_other_did(
    pages: Client, ana: tuple[Staff, Client], patient: Patient
) -> None:
    wrote(patient, ARABIC)
    ours = f"/inbox/patients/{patient.pk}"
    assert "looking at this" not in text_of(pages, ours)
    ana[1].get(ours)
    assert "Ana is looking at this." in text_of(pages, ours)
    assert "Open with Ana" in text_of(pages, "/inbox")
    form = sent_form(pages, patient)
    assert "It goes out now." in said(ana[1], patient, sent_form(ana[1], patient, text="thanks"))
    news = pages.post(f"{ours}/here").json()
    assert (news["looking"], news["answered"]) == ("Ana is looking at this.", "Ana answered 0 s ago.")
    assert news["version"] != form["version"]
    # Who sends over it is told, nothing goes, and the text is still there to be sent.
    refused = said(pages, patient, form)
    assert "Ana has written to this patient meanwhile: read it before you send." in refused
    assert "Send it now" in refused
    assert HandWritten.objects.get().by == ana[0]
    # After a minute without a word from her browser she is not there any more.
    Presence.objects.update(seen_at=Presence.objects.get(staff=ana[0]).seen_at - timedelta(seconds=61))
    assert pages.post(f"{ours}/here").json()["looking"] == ""


def test_a_form_that_is_out_of_date_is_refused_with_what_changed(
    pages: Client, ana: tuple[Staff, Client], patient: Patient, coordinator: Staff
) -> None:
    wrote(patient, ARABIC)
    form = sent_form(pages, patient)
    wrote(patient, "again", late=1)
    assert "The patient has written again: read it before you send." in said(pages, patient, form)
    stale = sent_form(pages, patient, text="visit")
    visit = cast.first_visit(patient)
    visit.at_time = visit.at_time.replace(hour=9)
    visit.save()
    assert "The text would say something else by now" in said(pages, patient, stale)
    assert "9:00" in said(pages, patient, stale)
    taking = sent_form(pages, patient) | {"then": "take"}
    escalate.close(Alert.objects.filter(part_of=None, closed_at=None)[0].pk, coordinator, "not_urgent")
    assert "The alerts of this patient have changed meanwhile" in said(pages, patient, taking)
    assert not HandWritten.objects.exists()
    where = f"/inbox/patients/{patient.pk}/assign"
    ana[1].post(where, {"to": str(ana[0].pk), "shown": ""})
    answer = pages.post(where, {"to": str(coordinator.pk), "shown": ""}, follow=True)
    assert "Ana has it by now." in answer.content.decode()
    assert Conversation.objects.get().assigned_to == ana[0]
    auditor = make_staff(patient.clinic, "auditor@clinic.example")
    Staff.objects.filter(pk=auditor.pk).update(role=Staff.Role.AUDITOR)
    pages.post(where, {"to": str(auditor.pk), "shown": str(ana[0].pk)})
    assert Conversation.objects.get().assigned_to == ana[0]
    pages.post(where, {"to": "", "shown": str(ana[0].pk)})
    assert Conversation.objects.get().assigned_to is None


def test_an_answer_goes_once_is_seen_everywhere_and_does_with_the_alert_what_was_asked(
    pages: Client, patient: Patient, coordinator: Staff
) -> None:
    alert = wrote(patient, ARABIC)
    shown = pages.post(f"/patients/{patient.pk}/write", {"by": "sms", "text": "will_call"}).content.decode()
    assert '<blockquote lang="ar" dir="rtl">' in shown
    assert "We have your message." in shown
    assert "2 segments, UCS-2, 0.017" in shown
    form = sent_form(pages, patient) | {"then": "take"}
    for _ in range(2):
        assert "It goes out now." in said(pages, patient, form)
    message = Message.objects.get(purpose="manual")
    assert (message.state, message.template, message.channel) == ("planned", "replies/will_call", "sms")
    assert message.expires_at == NOON + timedelta(hours=24)
    alert.refresh_from_db()
    assert alert.acknowledged_by == coordinator
    assert alert.closed_at is None
    assert Conversation.objects.get().handled_by == coordinator
    send_batch()
    message.refresh_from_db()
    assert message.state == "accepted"
    assert message.language == "ar"
    text = text_of(pages, f"/inbox/patients/{patient.pk}")
    assert "وصلتنا رسالتكم" in text
    assert "Coordinator · Sent" in text
    assert "Answered by Coordinator" in text
    ledger = text_of(pages, f"/patients/{patient.pk}")
    assert "Texts sent by hand: We have your message, we will phone" in ledger
    entry = AuditEntry.objects.get(action="written_by_hand")
    assert entry.detail == {"patient": str(patient.pk), "text": "will_call", "channel": "sms"}
    # A second answer may close what is not urgent, but only then.
    set_now(NOON + timedelta(hours=2))
    Alert.objects.update(urgency="urgent")
    assert "Close it: read" not in text_of(pages, f"/patients/{patient.pk}/write")
    refused = said(pages, patient, sent_form(pages, patient, text="thanks") | {"then": "close"})
    assert "An answer in writing closes no alert that is urgent." in refused
    Alert.objects.update(urgency="routine")
    said(pages, patient, sent_form(pages, patient, text="thanks") | {"then": "close"})
    alert.refresh_from_db()
    assert (alert.outcome, alert.closed_by) == ("not_urgent", coordinator)


def test_own_words_are_checked_shown_with_a_warning_and_kept_out_of_the_audit(
    pages: Client, patient: Patient
) -> None:
    where = f"/patients/{patient.pk}/write"
    own = {"by": "sms", "text": "own", "written_in": "en-CA", "words": "Bring  the\nform, please"}
    shown = pages.post(where, own).content.decode()
    assert "Westside Clinic: Bring the form, please" in shown
    assert "This goes as you wrote it" in shown
    refused = pages.post(where, own | {"words": "See www.clinic.example, Test. Reply STOP"}).content.decode()
    for wrong in (
        "Leave links out",
        "Leave out words that end all texts",
        "Leave the patient&#39;s name out",
    ):
        assert wrong in refused, wrong
    assert "Choose a text." in pages.post(where, {"by": "sms"}).content.decode()
    said(pages, patient, sent_form(pages, patient, **own))
    send_batch()
    message = Message.objects.get(purpose="manual")
    assert (message.body, message.language) == ("Westside Clinic: Bring the form, please", "en-CA")
    page = pages.get(f"/inbox/patients/{patient.pk}").content.decode()
    assert '<p lang="en-CA" dir="ltr">Westside Clinic: Bring the form, please</p>' in page
    assert "form" not in str(AuditEntry.objects.get(action="written_by_hand").detail)


def test_an_answer_that_did_not_arrive_comes_back_to_the_list(pages: Client, patient: Patient) -> None:
    said(pages, patient, sent_form(pages, patient))
    Message.objects.filter(purpose="manual").update(state="undelivered", reason="unreachable", sent_at=NOON)
    assert "Your answer did not arrive" in text_of(pages, "/inbox")
    # Writing it was the last that was done; since then nobody has dealt with it.
    version = re.search(
        r'name="version" value="([^"]+)"', pages.get(f"/inbox/patients/{patient.pk}").content.decode()
    )
    assert version
    where = f"/inbox/patients/{patient.pk}/settle"
    assert (
        "Something was written meanwhile"
        in pages.post(where, {"version": "0-0"}, follow=True).content.decode()
    )
    pages.post(where, {"version": version[1]})
    assert "Your answer did not arrive" not in text_of(pages, "/inbox")
    assert "Dealt with in the last 7 days" in text_of(pages, "/inbox?show=closed")


@pytest.mark.parametrize("role", ["translator", "auditor"])
def test_who_may_not_write_is_offered_nothing(
    pages: Client, patient: Patient, coordinator: Staff, role: str
) -> None:
    Staff.objects.filter(pk=coordinator.pk).update(role=role)
    assert "data-write" not in pages.get(f"/inbox/patients/{patient.pk}").content.decode().replace(
        "[data-write]", ""
    )
    form = {"by": "sms", "text": "will_call", "confirm": "yes"}
    for answer in (
        pages.get(f"/patients/{patient.pk}/write"),
        pages.post(f"/patients/{patient.pk}/write", form),
    ):
        assert answer.status_code == 403
    assert not HandWritten.objects.exists()
