"""The sequences and the clinic's settings: seen by all, changed by administrators after a dry run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import AuditEntry, Clinic, ClinicChange, Message, Patient, Staff, StepSetting
from campaigns.services import clinic_changes
from campaigns.services.set_up import create_staff
from tests.factories import make_patient
from tests.web import cast

STEP = "/sequences/previsit/prepare"


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


def page(browser: Client, where: str) -> str:
    answer = browser.get(where)
    assert answer.status_code == 200, where
    return unescape(answer.content.decode())


def fields(text: str) -> Iterator[tuple[str, str]]:
    """What a browser would send of the last form of a page as it stands."""
    form = re.findall(r'<form method="post" novalidate>.*?</form>', text, re.DOTALL)[-1]
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            yield name.group(1), value.group(1) if value else ""
    for name, body in re.findall(r'<textarea name="([^"]+)"[^>]*>\s*(.*?)</textarea>', form, re.DOTALL):
        yield name, body
    for name, body in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        yield name, chosen.group(1) if chosen else ""


def typed(browser: Client, where: str, **changes: str) -> dict[str, list[str]]:
    """The form of a page with some fields typed over."""
    found: dict[str, list[str]] = {}
    for name, value in fields(page(browser, where)):
        found.setdefault(name, []).append(value)
    return found | {name: [value] for name, value in changes.items()}


def proposed(browser: Client, where: str, **changes: str) -> str:
    """The address of the dry run that a form leads to."""
    answer = browser.post(where, typed(browser, where, **changes))
    assert answer.status_code == 302, unescape(answer.content.decode())
    return str(answer.headers["Location"])


def test_the_pages_show_when_each_step_goes_what_it_says_and_who_is_where(
    pages: Client, patient: Patient
) -> None:
    assert "Not counted yet" in page(pages, "/sequences")
    clinic_changes.count_steps()
    everything = page(pages, "/sequences")
    assert everything.count("<svg") == 6
    assert "1 open course follows it." in everything
    text = page(pages, "/sequences/previsit?language=fr-CA")
    assert "7 days before the visit" in text
    assert "votre première visite" in text.lower() or "première" in text.lower()
    rows = re.findall(r'<tr>\s*<th scope="row">(\d).*?</tr>', text, re.DOTALL)
    assert rows == ["1", "2", "3"]
    about = text[text.index('<th scope="row">1') : text.index('<th scope="row">2')]
    assert re.findall(r"<td data-label=\"[^\"]+\">(\d+)</td>", about) == ["1", "1", "0"]
    welcome = page(pages, "/sequences/welcome")
    assert re.findall(r"<td data-label=\"[^\"]+\">(\d+)</td>", welcome) == ["0", "0", "1"]
    assert "Change when it goes" not in text
    assert pages.get("/sequences/nonsense").status_code == 404


def test_a_step_is_switched_off_after_a_dry_run_and_on_again(office: Client, patient: Patient) -> None:
    waiting = Message.objects.filter(step="prepare", state="planned")
    before = list(waiting.order_by("pk").values_list("pk", "send_at"))
    where = proposed(office, STEP, off="said_elsewhere", note="by the leaflet")
    shown = page(office, where)
    assert "Messages of 1 patient change, of 1 that were looked at." in shown
    assert "2 planned messages are cancelled." in shown
    assert "We tell patients in another way" in shown
    assert (StepSetting.objects.count(), waiting.count()) == (0, 2)
    done = unescape(office.post(f"{where}/apply", follow=True).content.decode())
    assert "It counts at once" in done
    assert "0 patients planned again so far." in done
    row = StepSetting.objects.get()
    assert (row.off_reason, row.off_note, row.by) == (
        "said_elsewhere",
        "by the leaflet",
        "ada@clinic.example",
    )
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.detail["off"]) == ("step_changed", ["", "said_elsewhere"])
    plan_all()
    assert waiting.count() == 0
    assert "Every planned message follows it." in page(office, where)
    assert "switched this message off" in page(office, f"/patients/{patient.pk}")
    assert "by the leaflet" in page(office, "/sequences/previsit")
    again = proposed(office, STEP, off="", note="")
    assert "2 messages come back and go after all." in page(office, again)
    office.post(f"{again}/apply")
    plan_all()
    assert list(waiting.order_by("pk").values_list("pk", "send_at")) == before


def plan_all() -> None:
    """What the beat does every few seconds, until nothing is left to do."""
    while clinic_changes.follow_changes():
        pass


def test_a_form_that_was_open_too_long_is_refused_with_what_changed(office: Client, patient: Patient) -> None:
    old = typed(office, STEP, off="other", note="why not")
    old_clinic = typed(office, "/clinic", sms_per_day="3")
    first = proposed(office, STEP, opens="11:00", closes="16:00")
    second = proposed(office, STEP, opens="12:00", closes="16:00")
    office.post(f"{first}/apply")
    assert "changed this meanwhile: Not before" in unescape(
        office.post(f"{second}/apply", follow=True).content.decode()
    )
    assert "changed this meanwhile: Not before, Not after." in unescape(
        office.post(STEP, old, follow=True).content.decode()
    )
    assert StepSetting.objects.get().off_reason == ""
    office.post(f"{proposed(office, '/clinic', fee_text='$210.00')}/apply")
    told = unescape(office.post("/clinic", old_clinic, follow=True).content.decode())
    assert "changed this meanwhile: Fee, as texts say it." in told
    forged = {**typed(office, STEP, off="other", note="x"), "was": ["e30:forged"]}
    assert "changed this meanwhile" in unescape(office.post(STEP, forged, follow=True).content.decode())
    assert Clinic.objects.get(pk=patient.clinic_id).sms_per_day == 2


REFUSED = [
    (STEP, {"days": "0", "still_true": "on"}, "must stay on its side"),
    (STEP, {"days": "4"}, "Read the words"),
    (STEP, {"opens": "16:00", "closes": "10:00"}, "from when to when"),
    (STEP, {"opens": "10:00", "closes": ""}, "from when to when"),
    (STEP, {"off": "other"}, "Say why."),
    (STEP, {}, "Nothing changes"),
    ("/clinic", {}, "Nothing changes"),
    ("/clinic", {"days.nsaid_days_before": "31"}, "less than or equal to 30"),
    ("/clinic", {"quiet_from": "23:00"}, "always quiet"),
    ("/clinic", {"send_from": "19:00"}, "larger or later"),
    ("/clinic", {"phone": "604-555"}, "not a phone number"),
    ("/clinic", {"holidays": "2026-13-01"}, "one on a line"),
    ("/clinic", {"languages": "en-CA"}, "Patients read a language"),
    ("/clinic", {"sms_per_week": "1"}, "fewer than a day"),
]


def test_what_cannot_be_is_refused_in_words_beside_its_field(office: Client, patient: Patient) -> None:
    for where, changes, words in REFUSED:
        answer = office.post(where, typed(office, where, **changes))
        assert answer.status_code == 200, changes
        assert words in unescape(answer.content.decode()), changes
    assert not ClinicChange.objects.exists()
    safety = page(office, "/sequences/aftercare/next_day")
    assert "For patients’ safety it cannot be switched off." in safety
    assert 'name="off"' not in safety


def test_settings_of_the_clinic_change_after_a_dry_run(office: Client, patient: Patient) -> None:
    nsaids = Message.objects.filter(step="nsaids", state="planned", visit__number=3)
    was = nsaids.values_list("send_at", flat=True)[0]
    where = proposed(office, "/clinic", **{"days.nsaid_days_before": "10", "fee_text": "$210.00"})
    shown = page(office, where)
    assert "4 messages get a new time." in shown
    assert "$210.00" in shown
    office.post(f"{where}/apply")
    office.post(f"{where}/apply")
    clinic = Clinic.objects.get(pk=patient.clinic_id)
    assert (clinic.settings["nsaid_days_before"], clinic.fee_text) == (10, "$210.00")
    made = AuditEntry.objects.filter(action="clinic_changed").values_list("detail", flat=True)
    assert list(made) == [{"days.nsaid_days_before": [7, 10], "fee_text": ["$200.00", "$210.00"]}]
    plan_all()
    assert (was - nsaids.values_list("send_at", flat=True)[0]).days in {3, 4}
    words = page(office, proposed(office, "/clinic", phone="604 555 0177"))
    assert "No message goes at another time. Those that have not gone will say it" in words


def test_only_an_administrator_changes_anything(
    pages: Client, office: Client, stranger: Staff, patient: Patient, coordinator: Staff
) -> None:
    where = proposed(office, STEP, off="not_our_care")
    form = typed(office, "/clinic", fee_text="$1.00")
    for role in [role for role in Staff.Role.values if role != Staff.Role.ADMINISTRATOR]:
        Staff.objects.filter(pk=coordinator.pk).update(role=role)
        assert [pages.get(seen).status_code for seen in ("/sequences", "/clinic", where)] == [200] * 3
        assert pages.get(STEP).status_code == 403
        assert pages.post("/clinic", form).status_code == 403
        assert "Only an administrator may do this." in unescape(
            pages.post(f"{where}/apply", follow=True).content.decode()
        )
        assert "Make this change" not in page(pages, where)
    Staff.objects.filter(pk=stranger.pk).update(role=Staff.Role.ADMINISTRATOR)
    pages.force_login(stranger)
    assert (pages.get(where).status_code, pages.post(f"{where}/apply").status_code) == (404, 404)
    assert not StepSetting.objects.exists()


def test_the_pages_ask_as_much_for_twenty_patients_as_for_two(
    office: Client, clinic: Clinic, patient: Patient
) -> None:
    change = proposed(office, STEP, off="not_our_care")
    office.post(f"{change}/apply")
    asked = ["/sequences", "/sequences/aftercare", STEP, "/clinic", change]

    def queries() -> list[int]:
        found = []
        for where in asked:
            with CaptureQueriesContext(connection) as seen:
                page(office, where)
            found.append(len(seen))
        return found

    few = queries()
    for number in range(4):
        make_patient(clinic, phone=f"+1604555012{number}", sequences=cast.EVERY_SEQUENCE)
    assert queries() == few
    assert max(few) < 15
