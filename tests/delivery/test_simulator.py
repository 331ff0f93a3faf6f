"""The channel that reaches nobody, and the choice of channels from the settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.delivery.channels import Ending, InvalidSetting, Outgoing, Sought
from campaigns.delivery.email import EmailSender
from campaigns.delivery.registry import build
from campaigns.delivery.simulator import SimulatorSender
from campaigns.delivery.sms_twilio import TwilioSender
from campaigns.domain.recipients import Channel

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def outgoing() -> Outgoing:
    return Outgoing(
        attempt_id=uuid4(), to="+16045550134", text="hello", now=NOW, expires_at=NOW + timedelta(hours=1)
    )


def test_it_says_yes_with_an_id_made_from_the_attempt() -> None:
    message = outgoing()
    outcome = SimulatorSender().send(message)
    assert outcome.ending is Ending.ACCEPTED
    assert outcome.provider_id == f"SIM{message.attempt_id.hex}"


def test_it_finds_every_attempt_under_the_same_id() -> None:
    message, simulator = outgoing(), SimulatorSender()
    sent = simulator.send(message)
    assert simulator.find(Sought(attempt_id=message.attempt_id, to="", text="", since=NOW)) == sent


def test_it_keeps_nothing_unless_asked() -> None:
    forgets, keeps = SimulatorSender(), SimulatorSender(keep=2)
    for _ in range(3):
        forgets.send(outgoing())
        keeps.send(outgoing())
    assert (len(forgets.sent), len(keeps.sent)) == (0, 2)


def test_it_counts_right_with_many_threads() -> None:
    simulator = SimulatorSender()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: simulator.send(outgoing()), range(1000)))
    assert simulator.count == 1000


@dataclass
class Config:
    """The settings that the registry reads."""

    SMS_CHANNEL: str = "simulator"
    EMAIL_CHANNEL: str = "simulator"
    TWILIO_ACCOUNT_SID: str = ""
    TWILIO_AUTH_TOKEN: str = ""
    TWILIO_MESSAGING_SERVICE_SID: str = ""
    TWILIO_FROM: str = ""
    TWILIO_API_BASE_URL: str = "https://api.twilio.com"
    EMAIL_URL: str = ""
    EMAIL_FROM: str = "Clinic <clinic@clinic.example>"
    EMAIL_SENT_URL: str = ""
    ALERT_EMAIL_URL: str = ""
    SENDER_THREADS: int = 16


TWILIO = Config(
    SMS_CHANNEL="twilio", TWILIO_ACCOUNT_SID="AC0", TWILIO_AUTH_TOKEN="secret", TWILIO_FROM="+16045550100"
)
SMTP = Config(EMAIL_CHANNEL="smtp", EMAIL_URL="smtp://127.0.0.1:2525?tls=none")


def test_without_settings_both_channels_reach_nobody() -> None:
    senders = build(Config())
    assert set(senders) == set(Channel)
    assert all(isinstance(sender, SimulatorSender) for sender in senders.values())


def test_each_channel_is_chosen_by_its_setting() -> None:
    assert isinstance(build(TWILIO)[Channel.SMS], TwilioSender)
    assert isinstance(build(SMTP)[Channel.EMAIL], EmailSender)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (replace(TWILIO, TWILIO_AUTH_TOKEN=""), r"SMS_CHANNEL is twilio.*not set: TWILIO_AUTH_TOKEN\."),
        (Config(SMS_CHANNEL="twilio"), r"TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN"),
        (replace(TWILIO, TWILIO_FROM=""), r"TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM"),
        (Config(SMS_CHANNEL="pigeon"), r"SMS_CHANNEL must be twilio or simulator, not 'pigeon'"),
        (Config(EMAIL_CHANNEL="pigeon"), r"EMAIL_CHANNEL must be smtp or simulator, not 'pigeon'"),
        (replace(SMTP, EMAIL_URL=""), r"EMAIL_CHANNEL is smtp.*not set: EMAIL_URL\."),
        (replace(SMTP, EMAIL_FROM="clinic"), r"EMAIL_FROM must be one plain e-mail address"),
    ],
)
def test_half_a_configuration_is_refused_in_one_line(config: Config, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words) as refusal:
        build(config)
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)
