"""The channels of this process, built once from the settings."""

from __future__ import annotations

from functools import cache
from typing import Protocol, cast

from django.conf import settings

from campaigns.delivery.channels import InvalidSetting, Sender
from campaigns.delivery.simulator import SimulatorSender
from campaigns.domain.recipients import Channel


class ChannelSettings(Protocol):
    """The settings that choose and configure the channels."""

    SMS_CHANNEL: str
    EMAIL_CHANNEL: str
    TWILIO_ACCOUNT_SID: str
    TWILIO_AUTH_TOKEN: str
    TWILIO_MESSAGING_SERVICE_SID: str
    TWILIO_FROM: str
    TWILIO_API_BASE_URL: str
    EMAIL_URL: str
    EMAIL_FROM: str
    EMAIL_SENT_URL: str
    ALERT_EMAIL_URL: str
    SENDER_THREADS: int


@cache
def senders() -> dict[Channel, Sender]:
    """The channels that Django's settings name; the same objects, and so the same connections, every time."""
    return build(cast(ChannelSettings, settings))


@cache
def alert_senders() -> dict[Channel, Sender]:
    """The channels to staff: texts as to patients, e-mail over a connection of its own."""
    return {Channel.SMS: senders()[Channel.SMS], Channel.EMAIL: alert_email(cast(ChannelSettings, settings))}


ALERT_TIME_OUT = 5.0
"""Seconds to reach the relay for a word to staff, and again to hand it over: there is another channel."""


def alert_email(config: ChannelSettings) -> Sender:
    """E-mail to staff: by ALERT_EMAIL_URL; without it as to patients. Raises InvalidSetting."""
    url = config.ALERT_EMAIL_URL or (config.EMAIL_URL if config.EMAIL_CHANNEL == "smtp" else "")
    if not url:
        return SimulatorSender()
    from campaigns.delivery.email import EmailSender, smtp_config

    return EmailSender(smtp_config(url, config.EMAIL_FROM, timeout=ALERT_TIME_OUT))


def build(config: ChannelSettings) -> dict[Channel, Sender]:
    """New channels. Raises InvalidSetting, in one line, where one is chosen but not fully configured."""
    return {Channel.SMS: _sms(config), Channel.EMAIL: _email(config)}


# A channel's module is imported only when it is chosen: twilio alone costs a quarter of a second.


def _sms(config: ChannelSettings) -> Sender:
    if config.SMS_CHANNEL == "simulator":
        return SimulatorSender()
    if config.SMS_CHANNEL != "twilio":
        raise InvalidSetting(f"SMS_CHANNEL must be twilio or simulator, not {config.SMS_CHANNEL!r}.")
    from campaigns.delivery.sms_twilio import TwilioConfig, TwilioSender, auth_tokens

    _require(config, "SMS_CHANNEL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_BASE_URL")
    tokens = auth_tokens(config.TWILIO_AUTH_TOKEN)
    if not tokens:
        raise InvalidSetting("TWILIO_AUTH_TOKEN holds no token.")
    return TwilioSender(
        TwilioConfig(
            account_sid=config.TWILIO_ACCOUNT_SID,
            auth_token=tokens[0],
            messaging_service_sid=config.TWILIO_MESSAGING_SERVICE_SID,
            from_number=config.TWILIO_FROM,
            api_base_url=config.TWILIO_API_BASE_URL,
            pool_size=config.SENDER_THREADS,
        )
    )


def _email(config: ChannelSettings) -> Sender:
    if config.EMAIL_CHANNEL == "simulator":
        return SimulatorSender()
    if config.EMAIL_CHANNEL != "smtp":
        raise InvalidSetting(f"EMAIL_CHANNEL must be smtp or simulator, not {config.EMAIL_CHANNEL!r}.")
    from campaigns.delivery.email import EmailSender, smtp_config
    from campaigns.delivery.sent_mail import SentFolder, sent_config

    _require(config, "EMAIL_CHANNEL", "EMAIL_URL", "EMAIL_FROM")
    sent = SentFolder(sent_config(config.EMAIL_SENT_URL)) if config.EMAIL_SENT_URL else None
    return EmailSender(
        smtp_config(config.EMAIL_URL, config.EMAIL_FROM, pool_size=config.SENDER_THREADS), sent
    )


def _require(config: ChannelSettings, chosen: str, *names: str) -> None:
    missing = [name for name in names if not getattr(config, name)]
    if missing:
        raise InvalidSetting(
            f"{chosen} is {getattr(config, chosen)}, but these are not set: {', '.join(missing)}."
        )
