"""`campaigns seed`: made-up patients at size, and only where nobody can be written to."""

from __future__ import annotations

from argparse import Namespace

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from campaigns.domain.errors import CampaignsError
from campaigns.local import seed
from campaigns.models import Answer, AuditEntry, Message, Patient, WebhookEndpoint
from campaigns.queries import calls, clock, today
from campaigns.services.record import broken_link
from tests.factories import NOON, make_clinic, make_patient, make_staff, set_now


def options(**asked: int) -> Namespace:
    return Namespace(**{"patients": 12, "messages": 0, "alerts": 1, **asked})


@pytest.fixture(autouse=True)
def _simulator(settings: Settings) -> None:
    settings.SMS_CHANNEL = settings.EMAIL_CHANNEL = "simulator"
    settings.DEMO = False


def test_it_fills_a_clinic_with_whole_stories(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "_tidy", lambda: None)  # VACUUM has no place in the transaction of a test
    set_now(NOON)
    clinic = make_clinic()
    told: list[tuple[str, int, int]] = []
    seed.refuse()
    people = seed._fill(options(messages=12 * 15), lambda *step: told.append(step))
    assert (people.patients, people.visits, people.messages) == (12, 3, 252)
    assert Message.objects.count() == 252
    assert Patient.objects.filter(clinic=clinic).count() == 12
    assert all(patient.full_name for patient in Patient.objects.all())
    assert told[0] == ("seeding patients", 12, 12)
    # As the services would have left them: what is answered says so, and the first page reads it all.
    marked = Message.objects.filter(answered=True).values_list("pk")
    assert set(Answer.objects.values_list("message")) == set(marked)
    assert calls.call_list(clinic, clock.now()).total >= 0
    assert today.read(clinic, make_staff(clinic), clock.now(), NOON.date())["alerts"]
    assert AuditEntry.objects.get(action="seeded").detail == {"patients": 12, "messages": 252}
    assert broken_link() is None
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_it_refuses_where_people_are_or_could_be_written_to(db: None, settings: Settings) -> None:
    with pytest.raises(CampaignsError, match="Make it first: create-clinic"):
        seed.refuse()
    set_now(NOON)
    clinic = make_clinic()
    settings.SMS_CHANNEL = "twilio"
    with pytest.raises(CampaignsError, match="reach people"):
        seed.refuse()
    settings.SMS_CHANNEL = "simulator"
    endpoint = WebhookEndpoint.objects.create(
        clinic=clinic, url="https://hooks.example/", secret="x", events=["message"], created_at=NOON
    )
    with pytest.raises(CampaignsError, match="Remove its webhook"):
        seed.refuse()
    endpoint.delete()
    seed.refuse()
    make_clinic(name="Far Clinic")
    with pytest.raises(CampaignsError, match="one clinic"):
        seed.refuse()
    make_patient(clinic)
    with pytest.raises(CampaignsError, match="patients here already"):
        seed.refuse()


def test_it_takes_no_size_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--patients", "0"], ["--messages", "-1"], ["--patients", "x"]):
        with pytest.raises(SystemExit):
            seed._options(["seed", *wrong])
    assert "There is nothing to fill with." in capsys.readouterr().err
