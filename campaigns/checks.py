"""Start-up checks: every unsafe or half-made setting, each with an id, what is wrong, and how to mend it.

They are registered under the tag `campaigns` as deployment checks, so that commands without secrets run
anywhere (`segments`, `triage`, `schema`) and `pause` always works. services/examine.py runs them: `doctor`
prints them; `web`, `worker` and `beat` refuse to start on an error.
"""

from __future__ import annotations

import base64
import ipaddress
import math
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from campaigns.delivery import heartbeat
from campaigns.delivery.channels import InvalidSetting
from campaigns.delivery.email_mime import is_address
from campaigns.delivery.mailbox import inbox_config
from campaigns.delivery.registry import ChannelSettings, alert_email, build
from campaigns.delivery.webhook_http import networks
from campaigns.models.encryption import encrypt
from campaigns.queries import clock

TAG = "campaigns"
LONGEST_TRY = 15
"""Seconds that one try may take: a channel's time-outs (3 s to connect, 10 s to send) and a margin."""

_PLACEHOLDERS = ("change", "placeholder", "example", "django-insecure", "your-", "secret-key")
_NOBODYS_DOMAINS = ("example", "example.com", "example.net", "example.org", "invalid", "test", "localhost")

Findings = Iterator[CheckMessage]


def _checks(function: Callable[[], Findings]) -> Callable[[], Findings]:
    """Registers a generator of findings, and leaves it callable as it is."""

    def run(app_configs: object = None, **_: object) -> list[CheckMessage]:
        return list(function())

    register(run, TAG, deploy=True)
    return function


def _error(number: int, what: str, mend: str) -> CheckMessage:
    return Error(what, hint=mend, id=f"campaigns.E{number:03}")


def _warning(number: int, what: str, mend: str) -> CheckMessage:
    return Warning(what, hint=mend, id=f"campaigns.W{number:03}")


def _parts(url: str) -> SplitResult:
    """The parts of an address; empty ones for what cannot be read."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _on_this_machine(url: str) -> bool:
    """Whether the address names a loopback host, and so reaches nobody else."""
    host = _parts(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _nobodys(host: str) -> bool:
    """Whether the host is reserved for examples (RFC 2606) or has no dot: no patient can reach it."""
    host = host.rstrip(".").lower()
    return "." not in host or any(host == name or host.endswith(f".{name}") for name in _NOBODYS_DOMAINS)


def _sends() -> bool:
    """Whether a channel is chosen that may reach patients."""
    return settings.SMS_CHANNEL != "simulator" or settings.EMAIL_CHANNEL != "simulator"


# --- secrets


@_checks
def secret_key() -> Findings:
    """Sessions and links are only as good as this key."""
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # Django's word for an empty one
        key = ""
    mend = "Set SECRET_KEY to 50 random characters, or SECRET_KEY_FILE to a file with them."
    if not key:
        yield _error(1, "SECRET_KEY is not set", mend)
    elif any(word in key.lower() for word in _PLACEHOLDERS):
        yield _error(1, "SECRET_KEY is a placeholder", mend)
    elif len(key) < 40 or len(set(key)) < 10:
        yield _error(1, "SECRET_KEY is weak", mend)


@_checks
def field_keys() -> Findings:
    """Without them no address can be stored or read."""
    mend = "Set FIELD_KEYS to k1: and the base64 of 32 random bytes, newest key first, and keep a copy of it."
    try:
        encrypt("probe")
    except ImproperlyConfigured as error:
        yield _error(2, str(error), mend)
        return
    encoded = [part.strip().partition(":")[2] for part in settings.FIELD_KEYS.split(",") if part.strip()]
    if any(len(set(base64.b64decode(key))) < 10 for key in encoded):
        yield _error(2, "FIELD_KEYS holds a key that is not random", mend)


# --- addresses that others see


@_checks
def public_address() -> Findings:
    """Links in messages and the signatures of webhooks both rest on it."""
    parts = _parts(settings.PUBLIC_BASE_URL)
    mend = "Set PUBLIC_BASE_URL to the https:// address that patients and Twilio reach."
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.path or parts.query:
        yield _error(3, f"PUBLIC_BASE_URL is not the address of a site: {settings.PUBLIC_BASE_URL!r}", mend)
    elif settings.DEMO:
        return
    elif parts.scheme != "https" or _on_this_machine(settings.PUBLIC_BASE_URL) or _nobodys(host):
        finding = _error if _sends() else _warning
        yield finding(3, f"PUBLIC_BASE_URL is {settings.PUBLIC_BASE_URL}, which no patient can use", mend)


@_checks
def hosts() -> Findings:
    """A forged Host header must not end up in a link."""
    if "*" in settings.ALLOWED_HOSTS:
        yield _error(4, "ALLOWED_HOSTS allows every host", "Name the hosts, or unset ALLOWED_HOSTS.")
    host = _parts(settings.PUBLIC_BASE_URL).hostname or ""
    if host and not validate_host(host, settings.ALLOWED_HOSTS):
        mend = f"Add {host} to ALLOWED_HOSTS, or unset ALLOWED_HOSTS."
        yield _error(5, "ALLOWED_HOSTS leaves out the host of PUBLIC_BASE_URL", mend)


@_checks
def proxies() -> Findings:
    """A proxy's word about the client is taken only from the proxies named here."""
    for word in settings.TRUSTED_PROXIES:
        try:
            network = ipaddress.ip_network(word)
        except ValueError:
            mend = "List addresses or networks, such as 10.0.0.5 or 10.0.0.0/24."
            yield _error(6, f"TRUSTED_PROXIES: {word!r} is not an address", mend)
            continue
        if network.prefixlen == 0:
            mend = "Name the proxy's own address."
            yield _error(6, f"TRUSTED_PROXIES: {word} trusts the whole internet", mend)
    if settings.SECURE and not settings.TRUSTED_PROXIES:
        mend = "Set TRUSTED_PROXIES to the address of the proxy that ends TLS."
        yield _warning(6, "PUBLIC_BASE_URL is https but no proxy is trusted: requests look like http", mend)


# --- servers


@_checks
def servers() -> Findings:
    """The record and the broker."""
    if not settings.DATABASE_URL:
        mend = "Set it to postgresql://user:password@host:5432/name, or run `campaigns up`."
        yield _error(7, "DATABASE_URL is not set", mend)
    if not settings.REDIS_URL:
        mend = "Set it to redis://:password@host:6379/0. Without it only `campaigns send-due --watch` sends."
        yield _warning(7, "REDIS_URL is not set: worker and beat cannot meet", mend)


# --- channels


@_checks
def channels() -> Findings:
    """A channel that is chosen is wholly configured, and one that is configured is chosen."""
    mend = "See the settings table in docs/reference.md."
    for other in ("EMAIL_CHANNEL", "SMS_CHANNEL"):
        names = ChannelSettings.__annotations__
        chosen = SimpleNamespace(**{name: getattr(settings, name) for name in names} | {other: "simulator"})
        try:
            build(cast(ChannelSettings, chosen))
        except InvalidSetting as error:
            yield _error(8, str(error).rstrip("."), mend)
    try:
        alert_email(cast(ChannelSettings, settings))
    except InvalidSetting as error:
        if settings.ALERT_EMAIL_URL:
            what = str(error).replace("EMAIL_URL", "ALERT_EMAIL_URL").rstrip(".")
            yield _error(15, what, "Set ALERT_EMAIL_URL like EMAIL_URL, or unset it.")
    for channel, sign in (("SMS_CHANNEL", "TWILIO_ACCOUNT_SID"), ("EMAIL_CHANNEL", "EMAIL_URL")):
        if getattr(settings, channel) == "simulator" and getattr(settings, sign):
            mend = f"Set {channel} to {'twilio' if channel == 'SMS_CHANNEL' else 'smtp'}, or unset {sign}."
            yield _warning(8, f"{sign} is set but {channel} is simulator, which reaches nobody", mend)


@_checks
def simulators() -> Findings:
    """Outside the demo a simulator is likely a forgotten setting."""
    if settings.DEMO:
        return
    for name, real in (("SMS_CHANNEL", "twilio"), ("EMAIL_CHANNEL", "smtp")):
        if getattr(settings, name) == "simulator":
            yield _warning(9, f"{name} is simulator: nobody is reached by it", f"Set {name}={real} to send.")


@_checks
def demo_reaches_nobody() -> Findings:
    """The demo invents patients; their addresses must never meet a real provider."""
    if not settings.DEMO:
        return
    mend = "Unset CAMPAIGNS_DEMO for a real installation, or use the demo's own loopback servers."
    if settings.SMS_CHANNEL == "twilio" and not _on_this_machine(settings.TWILIO_API_BASE_URL):
        yield _error(10, "The demo would send real texts: TWILIO_API_BASE_URL is not this machine", mend)
    if settings.EMAIL_CHANNEL == "smtp" and not _on_this_machine(settings.EMAIL_URL):
        yield _error(10, "The demo would send real e-mail: EMAIL_URL is not this machine", mend)
    if settings.ALERT_EMAIL_URL and not _on_this_machine(settings.ALERT_EMAIL_URL):
        yield _error(10, "The demo would send real alerts: ALERT_EMAIL_URL is not this machine", mend)
    if settings.HEARTBEAT_URL and not _on_this_machine(settings.HEARTBEAT_URL):
        yield _error(10, "The demo would reach an outside service: HEARTBEAT_URL is not this machine", mend)
    if settings.EMAIL_SENT_URL and not _on_this_machine(settings.EMAIL_SENT_URL):
        yield _error(10, "The demo would read a real mailbox: EMAIL_SENT_URL is not this machine", mend)


@_checks
def mail_sender() -> Findings:
    """Mail from a made-up domain is refused everywhere."""
    if settings.DEMO or settings.EMAIL_CHANNEL == "simulator":
        return
    if _nobodys(settings.EMAIL_FROM.rpartition("@")[2].rstrip(">")):
        mend = "Set EMAIL_FROM to an address of your own domain (SPF, DKIM and DMARC set up for it)."
        yield _error(11, f"EMAIL_FROM is {settings.EMAIL_FROM}, which is nobody's address", mend)
    if "tls=none" in _parts(settings.EMAIL_URL).query and not _on_this_machine(settings.EMAIL_URL):
        yield _warning(
            11, "EMAIL_URL says tls=none: mail leaves this machine unencrypted", "Use tls=starttls."
        )
    if "tls=none" in _parts(settings.EMAIL_SENT_URL).query and not _on_this_machine(settings.EMAIL_SENT_URL):
        yield _warning(
            11, "EMAIL_SENT_URL says tls=none: its password crosses the network unencrypted", "Use imaps://."
        )


# --- mail that comes in


@_checks
def inbound_mail() -> Findings:
    """An answer by e-mail must reach us, and be believed for the right reasons."""
    domain = settings.REPLY_DOMAIN
    if domain and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain):
        yield _error(
            20, f"REPLY_DOMAIN is not a domain: {domain!r}", "Set it to such as reply.your-clinic.ca."
        )
    if settings.MAIL_WEBHOOK_SECRET and len(settings.MAIL_WEBHOOK_SECRET) < 24:
        yield _error(20, "MAIL_WEBHOOK_SECRET is weak", "Set it to 32 random characters or more.")
    if settings.INBOUND_IMAP_URL:
        yield from _mailbox()
    if settings.DEMO:
        return
    if settings.EMAIL_CHANNEL != "simulator" and not domain:
        mend = "Set REPLY_DOMAIN, and have its mail handed to `campaigns mail-in`: docs/mail.md."
        yield _warning(20, "REPLY_DOMAIN is not set: answers to our e-mail are read by nobody here", mend)
    if domain and not settings.MAIL_AUTHSERV_ID:
        mend = "Set it to the name with which your mail server signs Authentication-Results."
        yield _warning(20, "MAIL_AUTHSERV_ID is not set: only a reply token proves who wrote", mend)


def _mailbox() -> Findings:
    try:
        config = inbox_config(settings.INBOUND_IMAP_URL)
    except InvalidSetting as error:
        yield _error(20, str(error).rstrip("."), "See the settings table in docs/reference.md.")
        return
    here = _on_this_machine(settings.INBOUND_IMAP_URL)
    if settings.DEMO and not here:
        yield _error(
            20, "The demo would read a real mailbox: INBOUND_IMAP_URL is not this machine", "Unset it."
        )
    elif not (config.encrypted or here):
        what = "INBOUND_IMAP_URL says tls=none: its password crosses the network unencrypted"
        yield _warning(20, what, "Use imaps://.")


# --- watching


@_checks
def watching() -> Findings:
    """Whoever is told of silence must be reachable, and by another way than what fell silent."""
    if settings.HEARTBEAT_URL and (fault := heartbeat.fault(settings.HEARTBEAT_URL)):
        yield _error(21, fault, "Set it to the https:// address that the outside service gave you.")
    if wrong := [address for address in settings.WATCH_EMAIL if not is_address(address)]:
        yield _error(21, f"WATCH_EMAIL is no address: {', '.join(wrong)}", "List addresses with commas.")
    if settings.DEMO:
        return
    if settings.WATCH_EMAIL and not settings.ALERT_EMAIL_URL and settings.EMAIL_CHANNEL == "simulator":
        yield _warning(21, "WATCH_EMAIL is set and no relay is: nobody is told", "Set ALERT_EMAIL_URL.")
    if _sends() and not (settings.HEARTBEAT_URL or settings.WATCH_EMAIL):
        mend = "Set WATCH_EMAIL and run `campaigns watch`, or set HEARTBEAT_URL, or both."
        yield _warning(21, "Nobody is told when messages stand still", mend)


@_checks
def webhooks() -> Findings:
    """A network that cannot be read would allow nothing, or stop every word."""
    try:
        networks(settings.WEBHOOK_NETWORKS)
    except ValueError as error:
        yield _error(22, f"WEBHOOK_NETWORKS cannot be read: {error}", "Write networks like 10.20.0.0/24.")


# --- time


@_checks
def time_outs() -> Findings:
    """Who gives up on a try must wait longer than the try itself can take."""
    from campaigns.services.send import batch_size  # only here: it brings every library of the send path

    if settings.SENDER_THREADS < 1:
        yield _error(12, "SENDER_THREADS is less than 1: nothing is sent", "Set SENDER_THREADS to 16.")
        return
    if settings.DEMO:
        return  # the demo's own loopback servers answer at once
    if settings.LEASE_SECONDS < 2 * LONGEST_TRY:
        mend = f"Set LEASE_SECONDS to {2 * LONGEST_TRY} or more."
        yield _error(12, f"LEASE_SECONDS is {settings.LEASE_SECONDS}: a slow try looks dead", mend)
    claim = math.ceil(batch_size() / settings.SENDER_THREADS) * LONGEST_TRY
    least = max(claim, settings.LEASE_SECONDS)
    if least > settings.QUIET_SECONDS:
        mend = f"Set QUIET_SECONDS to {least} or more, or raise SENDER_THREADS."
        yield _error(13, f"QUIET_SECONDS is {settings.QUIET_SECONDS}: texts could be sent twice", mend)


@_checks
def zone_data() -> Findings:
    """With stale zone data every visit in British Columbia would be announced at a wrong hour."""
    if fault := clock.zone_fault():
        mend = "Install the locked requirements again (tzdata), and do not reset zoneinfo's path."
        yield _error(14, fault, mend)
