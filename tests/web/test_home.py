"""The first page: what needs a person, what goes out today, what changed, and how much it asks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import (
    Alert,
    AuditEntry,
    ChannelState,
    Clinic,
    Installation,
    Message,
    Patient,
    Staff,
    TodaySeen,
    Visit,
)
from campaigns.queries import clock
from campaigns.services import escalate, visits
from campaigns.services.examine import examine
from campaigns.services.send import drain
from tests.factories import NOON, make_patient, make_staff, set_now
from tests.web import cast

HOUR = timedelta(hours=1)


def text(client: Client, address: str = "/") -> str:
    """What the page says, with its tags, in one line."""
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def part(page: str, heading: str) -> str:
    """What stands under a heading of the third level, by its id, or in a part of the page."""
    _, found, rest = page.partition(f'id="{heading}"')
    assert found, heading
    return re.split(r"<h[23] |</section>", rest, maxsplit=1)[0]


def test_empty_is_a_good_state_and_says_so(pages: Client) -> None:
    page = text(pages)
    for said in (
        "All clear: nothing needs you just now.",
        "No open alerts.",
        "Nobody to call",
        "Nobody who comes today or on the next working day is known to be unready.",
        "Nothing to look at.",
        "no text waits for a clinician",
        "Nothing is planned.",
        "Nothing new.",
    ):
        assert said in page, said
    assert "I have seen this" not in page


def test_it_lists_the_most_urgent_alert_first_and_leads_to_it(pages: Client, patient: Patient) -> None:
    for urgency in ("routine", "emergency", "urgent"):
        opened = Alert.objects.create(
            clinic=patient.clinic,
            patient=patient,
            urgency=urgency,
            rule="free_text",
            opened_at=patient.created_at,
        )
    page = text(pages)
    alerts = part(page, "alerts")
    places = [alerts.index(words) for words in (">Emergency<", ">Urgent<", ">When you can<")]
    assert places == sorted(places)
    assert '<b class="total">3</b>' in alerts
    assert '<b class="count">3</b>' in page
    assert f'href="/alerts#alert-{opened.pk}"' in alerts
    assert "All clear" not in page


def test_everything_that_needs_a_person_is_one_click_from_where_it_is_done(
    pages: Client, clinic: Clinic
) -> None:
    """Somebody could not be told what to avoid, does not answer on Friday, and comes on Monday; and a text
    waits for a clinician."""
    patient = make_patient(clinic, phone="+16045550142", email="").patient
    asked = patient.messages.get(asks="ready")
    nsaids = patient.messages.get(step="nsaids", channel="sms")
    Message.objects.filter(pk=nsaids.pk).update(
        state="undelivered", reason="unreachable", settled_at=asked.send_at
    )
    set_now(asked.send_at)
    drain()
    set_now(asked.send_at + HOUR)
    clinic.wordings.filter(language="ar", template="welcome/hello").update(state="reviewed")
    page = text(pages)
    calls, ready = part(page, "calls"), part(page, "not-ready")
    assert f'href="/call-list#patient-{patient.pk}"' in calls
    assert ">Not reached<" in calls
    assert f'href="/patients/{patient.pk}"' in ready
    assert ">Has not answered<" in ready
    assert "/messages/unsent?state=undelivered&amp;reason=unreachable" in part(page, "unsent")
    assert "/wording/ar?state=reviewed" in part(page, "wording")
    assert "2 texts to approve" in part(page, "wording")
    cast.answer(asked, "yes")
    assert "Nobody who comes today or on" in text(pages)
    visits.settle(cast.first_visit(patient).pk, VisitState.CANCELLED, by="test")
    assert "Nobody to call" in text(pages)


def test_a_language_in_which_messages_soon_go_is_named_with_how_many(pages: Client, clinic: Clinic) -> None:
    patient = make_patient(clinic, language="ko", email="").patient
    assert "No message of the next days waits" in text(pages)
    set_now(patient.messages.earliest("send_at").send_at - timedelta(days=1))
    wording = part(text(pages), "wording")
    assert "/wording/ko?state=draft" in wording
    assert "message of the next three days waits or goes in English" in wording


def test_it_says_why_messages_did_not_go_and_folds_what_was_meant(pages: Client, patient: Patient) -> None:
    late, moved = Message.objects.filter(patient=patient, state="planned")[:2]
    for message, reason in ((late, "expired"), (moved, "visit_moved")):
        message.state, message.reason, message.settled_at = "skipped", reason, NOON
        message.save(update_fields=["state", "reason", "settled_at"])
    page = text(pages)
    assert page.index("It was too late to be of use.") < page.index("<details>")
    assert page.index("The visit was moved") > page.index("<details>")


def test_what_goes_out_today_stands_by_the_hour_and_all_of_it_a_click_away(
    pages: Client, clinic: Clinic, stranger: Staff
) -> None:
    first, second = (make_patient(clinic, phone=f"+1604555011{n}").patient for n in range(2))
    texts = [one.messages.filter(channel="sms").earliest("send_at") for one in (first, second)]
    mail = second.messages.filter(channel="email").earliest("send_at")
    for message, at in zip([*texts, mail], (NOON - HOUR, NOON + 3 * HOUR, NOON + 3 * HOUR), strict=True):
        Message.objects.filter(pk=message.pk).update(due_at=at)
    going = part(text(pages), "going")
    assert re.findall(r">(?:<time[^>]*>)?(Now|\d+:\d\d [ap]m)<", going) == ["Now", "4:00 pm"]
    assert "1 text, 1 e-mail" in going
    address = re.findall(r'href="(/today/going-out\?hour=[^"]+)"', going)[1].replace("&amp;", "&")
    assert text(pages, address).count("#timeline") == 2
    assert text(pages, "/today/going-out").count("#timeline") == 3
    assert text(pages, f"{address}&channel=email").count("#timeline") == 1
    assert "Nothing of this kind" in text(pages, "/today/going-out?language=ko")
    for nonsense in ("hour=x&after=1,2&channel=fax", "hour=2026-11-02T20:00", "after=2026-11-02T20:00Z,x"):
        assert text(pages, f"/today/going-out?{nonsense}").count("#timeline") == 3, nonsense
    outside = Client()
    outside.force_login(stranger)
    assert "#timeline" not in text(outside, "/today/going-out")


def test_a_long_list_goes_on_where_the_page_before_ended(
    pages: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.queries.today.A_PAGE", 2)
    monkeypatch.setattr("campaigns.web.going_out.A_PAGE", 2)
    make_patient(clinic)
    Message.objects.update(due_at=NOON + HOUR)
    seen, address = [], "/today/going-out"
    while address:
        page = text(pages, address)
        seen.append(page.count("#timeline"))
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = "/today/going-out" + following[1].replace("&amp;", "&") if following else ""
    assert sum(seen) == Message.objects.count()
    assert set(seen[:-1]) == {2}


def test_what_others_did_and_patients_said_is_told_until_it_is_seen(
    pages: Client, coordinator: Staff, patient: Patient, clinic: Clinic
) -> None:
    """Each person has a mark of their own; what they did themselves is no news."""
    colleague = make_staff(clinic, "kim@clinic.example")
    assert "1 patient enrolled" in text(pages)
    shown = re.search(r'name="until" value="([^"]+)"', text(pages))
    assert shown
    pages.post("/today/seen", {"until": shown[1]})
    assert "Nothing new." in text(pages)
    set_now(NOON + HOUR)
    visit, other, third = Visit.objects.filter(course__patient=patient).order_by("number")
    visits.move(visit.pk, visit.on_date + timedelta(days=1), visit.at_time, by=colleague.email)
    visits.settle(other.pk, VisitState.CANCELLED, by=coordinator.email)
    visits.settle(third.pk, VisitState.NO_SHOW, by="booking program")
    cast.answer(cast.question(patient), "4")
    cast.withdraw(patient, Channel.SMS, "reminders")
    alert = Alert.objects.create(
        clinic=clinic, patient=patient, urgency="urgent", rule="free_text", opened_at=NOON
    )
    escalate.close(alert.pk, colleague, outcome="reached", note="", seen=None)
    page = part(text(pages), "changed")
    for said in ("1 visit moved", "1 visit missed", "1 answer", "wants fewer messages", "1 alert closed"):
        assert said in page, said
    assert "1 visit cancelled" not in page
    # What came after the page was shown stays news, whatever a form says; nonsense changes nothing.
    pages.post("/today/seen", {"until": shown[1]})
    for until in ("nonsense", "2026-11-02T20:00:00", ""):
        pages.post("/today/seen", {"until": until})
    assert "1 visit moved" in text(pages)
    pages.post("/today/seen", {"until": "2036-01-01T00:00:00+00:00"})
    assert TodaySeen.objects.get(pk=coordinator.pk).at == NOON + HOUR
    assert "Nothing new." in text(pages)
    theirs = Client()
    theirs.force_login(colleague)
    assert "1 visit cancelled" in text(theirs)
    assert "1 visit moved" not in text(theirs)


def test_a_stranger_is_told_of_nothing_here(stranger: Staff, patient: Patient) -> None:
    cast.answer(cast.question(patient), "4")
    outside = Client()
    outside.force_login(stranger)
    assert "Test Patient" not in text(outside)
    assert "Nothing new." in text(outside)


def test_it_names_the_patients_by_whose_own_clock_nothing_can_go(pages: Client, patient: Patient) -> None:
    assert "time zone" not in text(pages)
    Patient.objects.filter(pk=patient.pk).update(time_zone="Pacific/Auckland")
    assert "time zone" not in text(pages)
    Patient.objects.filter(pk=patient.pk).update(time_zone="Mars/Olympus")
    told, _, _ = text(pages).partition('<section class="card')
    assert "The time zone of these patients does not exist" in told
    assert f"/patients/{patient.pk}" in told
    [found] = [one for one in examine() if "time zone" in one.what]
    assert found.level == "warning"
    assert "1 of its patients with a time zone that does not exist (Mars/Olympus)" in found.what
    assert "Test Patient" not in str(found)


def test_it_says_on_each_page_that_the_demo_reaches_nobody(pages: Client, clinic: Clinic) -> None:
    assert "no message leaves this machine" not in text(pages)
    Clinic.objects.filter(pk=clinic.pk).update(is_demo=True)
    for address in ("/", "/alerts", "/patients/new"):
        assert "no message leaves this machine" in text(pages, address)


def test_it_pauses_and_resumes_all_sending(pages: Client) -> None:
    pages.post("/sending/pause")
    assert Installation.objects.get(pk=1).paused
    assert "Sending is paused" in text(pages)
    assert "nothing of this goes out before" in text(pages, "/today/going-out")
    pages.post("/sending/resume")
    assert not Installation.objects.get(pk=1).paused


@pytest.mark.parametrize(
    ("channel", "why", "said"),
    [
        ("sms", "provider_config", "refuses our account"),
        ("email", "provider_down", "does not answer or asks us to wait"),
    ],
)
def test_it_says_that_a_channel_takes_nothing_and_since_when(
    pages: Client, clinic: Clinic, channel: str, why: str, said: str
) -> None:
    assert "are not going out" not in text(pages)
    shut = {"failures": 5, "since": NOON, "shut_until": NOON, "why": why}
    ChannelState.objects.create(clinic=clinic, channel=channel, **shut)
    page = text(pages)
    assert ("Texts" if channel == "sms" else "E-mails") + " are not going out." in page
    assert said in page
    assert "1:00 pm" in page


def test_whoever_is_named_on_it_is_on_record_as_seen(pages: Client, patient: Patient) -> None:
    text(pages)
    [look] = AuditEntry.objects.filter(action="looked_at", detail__page="home")
    assert look.detail["patients"] == [str(patient.pk)]
    assert clock.now() == NOON
