"""Every unsafe setting is named with its mend; servers that are down are one line, never a traceback."""

from __future__ import annotations

import base64
import json
import random
import zoneinfo
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import Clinic, Installation, OnCall, Staff, Tick, Wording
from campaigns.queries import ticks
from campaigns.services import examine, review
from campaigns.services.duties import Duty
from campaigns.services.examine import Level, NotFit, is_fit, refuse_unfit, settings_findings

chance = random.Random(1)  # the same in each process that shares the tests
ERROR, WARNING = Level.ERROR, Level.WARNING
SAFE: dict[str, Any] = {
    "SECRET_KEY": chance.randbytes(50).hex(),
    "FIELD_KEYS": "k1:" + base64.b64encode(chance.randbytes(32)).decode(),
    "DEMO": False,
    "SECURE": True,
    "PUBLIC_BASE_URL": "https://messages.westside-pain.ca",
    "ALLOWED_HOSTS": ["messages.westside-pain.ca"],
    "TRUSTED_PROXIES": ["10.0.0.5"],
    "DATABASE_URL": "postgresql://campaigns:secret@db:5432/campaigns",
    "REDIS_URL": "redis://:secret@broker:6379/0",
    "SMS_CHANNEL": "twilio",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "0" * 32,
    "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0" * 32,
    "TWILIO_FROM": "",
    "TWILIO_API_BASE_URL": "https://api.twilio.com",
    "EMAIL_CHANNEL": "smtp",
    "EMAIL_URL": "smtp://user:secret@mail.westside-pain.ca:587?tls=starttls",
    "EMAIL_FROM": "clinic@westside-pain.ca",
    "REPLY_DOMAIN": "reply.westside-pain.ca",
    "MAIL_AUTHSERV_ID": "mx.westside-pain.ca",
    "MAIL_WEBHOOK_SECRET": "",
    "INBOUND_IMAP_URL": "",
    "HEARTBEAT_URL": "https://heartbeat.westside-pain.ca/0000",
    "WATCH_EMAIL": ["owner@westside-pain.ca"],
    "WEBHOOK_NETWORKS": [],
    "SENDER_THREADS": 16,
    "LEASE_SECONDS": 60,
    "QUIET_SECONDS": 180,
}
SIMULATED = {"SMS_CHANNEL": "simulator", "EMAIL_CHANNEL": "simulator"} | dict.fromkeys(
    ("TWILIO_ACCOUNT_SID", "EMAIL_URL", "HEARTBEAT_URL", "WATCH_EMAIL"), ""
)
LOOPBACK = {
    "TWILIO_API_BASE_URL": "http://127.0.0.1:9000",
    "EMAIL_URL": "smtp://localhost:9001?tls=none",
    "HEARTBEAT_URL": "http://127.0.0.1:9002/",
}
DEMO = {
    "DEMO": True,
    "SECURE": False,
    "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": ["127.0.0.1"],
}


def found(**changes: Any) -> list[tuple[Level, str]]:
    """Level and id of every finding about these settings."""
    with override_settings(**SAFE | changes):
        findings = settings_findings()
    assert all(finding.mend for finding in findings if finding.level is not Level.OK)
    return [(one.level, one.what.rpartition("(campaigns.")[2].rstrip(")")) for one in findings if one.mend]


def test_safe_settings_are_called_safe() -> None:
    assert found() == []
    with override_settings(**SAFE):
        assert [str(finding) for finding in settings_findings()] == ["The settings are safe"]
        refuse_unfit(needs_broker=True)


@pytest.mark.parametrize(
    ("changes", "level", "check"),
    [
        ({"SECRET_KEY": ""}, ERROR, "E001"),
        ({"SECRET_KEY": "short"}, ERROR, "E001"),
        ({"SECRET_KEY": "ab" * 40}, ERROR, "E001"),
        (
            {"SECRET_KEY": "please-change-me-" + chance.randbytes(50).hex()},
            ERROR,
            "E001",
        ),
        ({"FIELD_KEYS": ""}, ERROR, "E002"),
        ({"FIELD_KEYS": "k1:tooshort"}, ERROR, "E002"),
        ({"FIELD_KEYS": base64.b64encode(chance.randbytes(32)).decode()}, ERROR, "E002"),
        ({"FIELD_KEYS": "k1:" + base64.b64encode(bytes(32)).decode()}, ERROR, "E002"),
        ({"DATABASE_URL": ""}, ERROR, "E007"),
        ({"REDIS_URL": ""}, WARNING, "W007"),
        ({"ALLOWED_HOSTS": ["*"]}, ERROR, "E004"),
        ({"ALLOWED_HOSTS": ["other.westside-pain.ca"]}, ERROR, "E005"),
        ({"TRUSTED_PROXIES": ["proxy"]}, ERROR, "E006"),
        ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, ERROR, "E006"),
        ({"TRUSTED_PROXIES": ["::/0"]}, ERROR, "E006"),
        ({"TRUSTED_PROXIES": []}, WARNING, "W006"),
        ({"TWILIO_AUTH_TOKEN": ""}, ERROR, "E008"),
        ({"TWILIO_MESSAGING_SERVICE_SID": ""}, ERROR, "E008"),
        ({"SMS_CHANNEL": "pigeon"}, ERROR, "E008"),
        ({"EMAIL_URL": ""}, ERROR, "E008"),
        ({"EMAIL_URL": "mail.westside-pain.ca"}, ERROR, "E008"),
        ({"EMAIL_FROM": "nobody"}, ERROR, "E008"),
        ({"EMAIL_FROM": "clinic@clinic.example"}, ERROR, "E011"),
        ({"EMAIL_URL": "smtp://mail.westside-pain.ca:25?tls=none"}, WARNING, "W011"),
        ({"REPLY_DOMAIN": ""}, WARNING, "W020"),
        ({"REPLY_DOMAIN": "clinic@westside-pain.ca"}, ERROR, "E020"),
        ({"MAIL_AUTHSERV_ID": ""}, WARNING, "W020"),
        ({"MAIL_WEBHOOK_SECRET": "short"}, ERROR, "E020"),
        ({"INBOUND_IMAP_URL": "mail.westside-pain.ca"}, ERROR, "E020"),
        ({"INBOUND_IMAP_URL": "imap://user:secret@mail.westside-pain.ca/INBOX?tls=none"}, WARNING, "W020"),
        ({"HEARTBEAT_URL": "http://heartbeat.westside-pain.ca/0000"}, ERROR, "E021"),
        ({"HEARTBEAT_URL": "ftp://127.0.0.1/"}, ERROR, "E021"),
        ({"HEARTBEAT_URL": "https://["}, ERROR, "E021"),
        ({"WATCH_EMAIL": ["nobody"]}, ERROR, "E021"),
        ({"WEBHOOK_NETWORKS": ["10.20.0.1/24"]}, ERROR, "E022"),
        ({"HEARTBEAT_URL": "", "WATCH_EMAIL": []}, WARNING, "W021"),
        ({"EMAIL_CHANNEL": "simulator", "EMAIL_URL": ""}, WARNING, "W021"),
        ({"SENDER_THREADS": 0}, ERROR, "E012"),
        ({"LEASE_SECONDS": 10}, ERROR, "E012"),
        ({"QUIET_SECONDS": 59}, ERROR, "E013"),
        ({"SENDER_THREADS": 1}, ERROR, "E013"),
    ],
    ids=str,
)
def test_an_unsafe_setting_is_named(changes: dict[str, Any], level: Level, check: str) -> None:
    assert (level, check) in found(**changes)


@pytest.mark.parametrize(
    "address",
    [
        "http://messages.westside-pain.ca",
        "https://localhost",
        "https://127.0.0.1:8000",
        "https://clinic.example",
        "https://www.example.com",
        "https://server",
        "ftp://messages.westside-pain.ca",
        "messages.westside-pain.ca",
        "https://messages.westside-pain.ca/campaigns",
        "http://[",
    ],
)
def test_a_public_address_that_patients_cannot_use_is_an_error(address: str) -> None:
    assert (ERROR, "E003") in found(PUBLIC_BASE_URL=address)


def test_a_trial_on_one_machine_is_warned_but_not_stopped() -> None:
    findings = sorted(found(**SIMULATED, **DEMO | {"DEMO": False}, TRUSTED_PROXIES=[]))
    assert findings == [(WARNING, "W003"), (WARNING, "W009"), (WARNING, "W009")]


def test_a_configured_channel_that_is_not_chosen_is_pointed_out() -> None:
    assert found(SMS_CHANNEL="simulator").count((WARNING, "W008")) == 1
    assert found(EMAIL_CHANNEL="simulator").count((WARNING, "W008")) == 1


def test_both_channels_are_reported_when_both_are_half_configured() -> None:
    assert found(TWILIO_AUTH_TOKEN="", EMAIL_URL="").count((ERROR, "E008")) == 2


def test_the_demo_may_use_its_own_loopback_servers() -> None:
    assert (
        found(**DEMO, **LOOPBACK, EMAIL_FROM="clinic@clinic.example", LEASE_SECONDS=15, QUIET_SECONDS=5) == []
    )
    assert found(**DEMO, **SIMULATED) == []


@pytest.mark.parametrize("name", sorted(LOOPBACK))
def test_the_demo_can_reach_nobody(name: str) -> None:
    assert found(**DEMO, **LOOPBACK | {name: SAFE[name]}) == [(ERROR, "E010")]


def test_stale_zone_data_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "campaigns.queries.clock.ZoneInfo", lambda _: zoneinfo.ZoneInfo("America/Los_Angeles")
    )
    assert found() == [(ERROR, "E014")]


def test_zone_data_of_the_system_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ("/usr/share/zoneinfo",))
    assert found() == [(ERROR, "E014")]


def test_unsafe_settings_keep_a_process_from_starting_with_a_line_each() -> None:
    with (
        override_settings(**SAFE | {"SECRET_KEY": "short", "ALLOWED_HOSTS": ["*"]}),
        pytest.raises(NotFit) as why,
    ):
        refuse_unfit()
    lines = sorted(str(why.value).splitlines())
    assert [line.partition(" (")[0] for line in lines] == [
        "ALLOWED_HOSTS allows every host",
        "SECRET_KEY is weak",
    ]
    assert all(" - " in line for line in lines)


def test_worker_and_beat_need_a_broker_and_the_site_does_not() -> None:
    with override_settings(**SAFE | {"REDIS_URL": ""}):
        refuse_unfit()
        with pytest.raises(NotFit, match="REDIS_URL is not set"):
            refuse_unfit(needs_broker=True)


# --- doctor


@pytest.fixture
def safe(settings: Settings) -> Settings:
    """Safe settings, with the servers of this test run."""
    for name, value in SAFE.items():
        if name not in {"DATABASE_URL", "REDIS_URL"}:
            setattr(settings, name, value)
    return settings


@pytest.fixture
def clinic(db: None) -> Clinic:
    """A clinic with its English approved, in an installation whose worker ticked just now."""
    made = Clinic.objects.create(
        name="Westside",
        display_name="Westside",
        address="1200 Example Street",
        phone="+16045550134",
        languages=["en-CA"],
        created_at=timezone.now(),
    )
    review.approve_language(made, "en-CA", by="dr@clinic.example", now=timezone.now())
    Installation.objects.get_or_create(pk=1)
    for duty in Duty:
        ticks.mark(duty)
    nurse = Staff.objects.create(clinic=made, email="nurse@clinic.example", created_at=timezone.now())
    OnCall.objects.create(clinic=made, staff=nurse, email=nurse.email, phone="+16045550140")
    return made


def doctor(capsys: pytest.CaptureFixture[str], *, fit: bool) -> list[str]:
    """The lines that doctor prints, and whether its exit code says the same."""
    if fit:
        call_command("doctor")
    else:
        with pytest.raises(SystemExit) as ended:
            call_command("doctor")
        assert ended.value.code == 1
    return capsys.readouterr().out.splitlines()


def test_doctor_finds_a_sound_installation_fit(
    safe: Settings, clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    *lines, verdict = doctor(capsys, fit=True)
    assert verdict == "Fit to send."
    # Tests run as the role that owns the tables; tests/services/test_grants.py has one of its own.
    left = [line for line in lines if not line.startswith("ok ")]
    assert [line.split("  ")[-1].split(",")[0] for line in left] == [
        "The processes' database role owns the audit table"
    ]


def test_doctor_answers_in_json(safe: Settings, clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    safe.SECRET_KEY = ""
    with pytest.raises(SystemExit):
        call_command("doctor", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["fit"] is False
    assert report["findings"][0]["level"] == "error"
    assert report["findings"][0]["mend"].startswith("Set SECRET_KEY")


@pytest.mark.parametrize(
    ("prepare", "level", "words"),
    [
        (
            lambda: Installation.objects.update(paused=True, paused_reason="restored"),
            WARNING,
            "paused (restored)",
        ),
        (
            lambda: Installation.objects.update(paused=True, lost_since=timezone.now()),
            ERROR,
            "All sending is paused",
        ),
        (lambda: Tick.objects.all().delete(), WARNING, "Nothing has looked"),
        (
            lambda: Tick.objects.filter(duty="sending").update(at=timezone.now() - timedelta(minutes=3)),
            ERROR,
            "Nobody is looking for due messages any more",
        ),
        (
            lambda: Installation.objects.update(rehearsal_now=timezone.now()),
            ERROR,
            "A rehearsal's clock is set",
        ),
        (
            lambda: (Staff.objects.all().delete(), Clinic.objects.all().delete()),
            ERROR,
            "There is no clinic yet",
        ),
        (lambda: OnCall.objects.all().delete(), WARNING, "nobody is on the alert list"),
        (lambda: OnCall.objects.update(phone=""), WARNING, "alerts go out by e-mail only"),
        (
            lambda: OnCall.objects.update(when="between", starts="00:00", ends="00:00"),
            WARNING,
            "nobody on the alert list is on duty now",
        ),
        (
            lambda: Tick.objects.filter(duty="climbing").update(at=timezone.now() - timedelta(minutes=3)),
            ERROR,
            "Nobody is climbing the alert ladder any more",
        ),
        (lambda: Wording.objects.all().delete(), ERROR, "Westside: 0 of"),
        (
            lambda: Wording.objects.filter(template="welcome/hello").delete(),
            WARNING,
            "texts in en-CA are approved",
        ),
        (lambda: Clinic.objects.update(languages=["fr-CA"]), WARNING, "Westside: 0 of"),
        (lambda: Clinic.objects.update(languages=["xx"]), ERROR, "Westside: There is no catalog for xx"),
    ],
    ids=[
        "paused",
        "restored",
        "never ticked",
        "stale tick",
        "rehearsing",
        "no clinic",
        "nobody on call",
        "one way to staff",
        "nobody on duty",
        "ladder stands still",
        "no English",
        "one text missing",
        "drafts",
        "unknown language",
    ],
)
def test_doctor_sees_what_stops_messages(
    safe: Settings, clinic: Clinic, prepare: Callable[[], object], level: Level, words: str
) -> None:
    prepare()
    findings = [finding for finding in examine.examine() if words in finding.what]
    assert [finding.level for finding in findings] == [level]
    assert findings[0].mend
    assert is_fit(examine.examine()) is (level is not ERROR)


def test_doctor_sees_tables_that_are_not_up_to_date(safe: Settings, clinic: Clinic) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'campaigns'")
    assert "The database's tables are not up to date" in [finding.what for finding in examine.examine()]


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("DATABASE_URL", "postgresql://a:hidden@127.0.0.1:9/n", "The database does not answer"),
        ("DATABASE_URL", "postgresql://a:hidden@127.0.0.1:port/n", "The database does not answer"),
        ("REDIS_URL", "redis://:hidden@127.0.0.1:9/0", "Redis does not answer"),
        ("REDIS_URL", "carrier-pigeon://hidden", "Redis does not answer"),
    ],
)
def test_a_server_that_is_down_is_one_line(
    safe: Settings,
    clinic: Clinic,
    capsys: pytest.CaptureFixture[str],
    name: str,
    address: str,
    words: str,
) -> None:
    setattr(safe, name, address)
    lines = doctor(capsys, fit=False)
    errors = [line for line in lines if line.startswith("error")]
    assert len(errors) == 1
    assert words in errors[0]
    assert f"Check {name}" in errors[0]
    assert "hidden" not in "\n".join(lines)


def test_an_untested_server_and_clocks_that_differ_are_named(
    safe: Settings, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "SERVERS", range(90, 92))
    slow = timezone.now() - timedelta(seconds=6)
    monkeypatch.setattr(timezone, "now", lambda: slow)
    told = [str(finding) for finding in examine.examine()]
    assert any(line.endswith("which is not tested - Use PostgreSQL 90 to 91.") for line in told)
    assert any("differ by more than 5 s" in line for line in told)


def test_redis_that_may_evict_is_warned_of(safe: Settings, clinic: Clinic) -> None:
    import redis

    with redis.Redis.from_url(safe.REDIS_URL) as client:
        before = client.config_get("maxmemory-policy")["maxmemory-policy"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            told = [finding.what for finding in examine.examine()]
        finally:
            client.config_set("maxmemory-policy", before)
    assert "Redis may throw work away when it is full (maxmemory-policy allkeys-lru)" in told
