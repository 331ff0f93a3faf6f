"""Everything around the processes of a demo: servers, loopback providers, environment, children.

Nothing here can reach anybody: both channels end at servers on this machine's loopback.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaigns.local import embedded, processes
from campaigns.local.loopback_imap import LoopbackImap
from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.loopback_twilio import LoopbackTwilio
from campaigns.local.processes import Processes
from campaigns.local.secrets import ensure

TWILIO_TOKEN = "demo-only"  # noqa: S105  opens nothing but the loopback server
SMS_NUMBER = "+16045550199"


@dataclass(slots=True)
class Stage:
    """A running demo. `base_url` is where the site is."""

    state: Path
    base_url: str
    twilio: LoopbackTwilio
    smtp: LoopbackSmtp
    processes: Processes
    servers: embedded.Servers | None


def free_port() -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def servers(state: Path, *, throw_away: bool = False) -> Iterator[embedded.Servers | None]:
    """The operator's servers where DATABASE_URL and REDIS_URL say so, else embedded ones in `state`.

    What is thrown away at the end need not survive a power cut, and is quicker so.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield None
        return
    with embedded.start(state, fast=throw_away) as running:
        os.environ.update(DATABASE_URL=running.database_url, REDIS_URL=running.redis_url)
        yield running


def channels(twilio: LoopbackTwilio, smtp: LoopbackSmtp, imap: LoopbackImap) -> dict[str, str]:
    """The settings of both channels where they end on this machine."""
    return {
        "SMS_CHANNEL": "twilio",
        "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "TWILIO_AUTH_TOKEN": twilio.auth_token,
        "TWILIO_FROM": SMS_NUMBER,
        "TWILIO_API_BASE_URL": twilio.base_url,
        "EMAIL_CHANNEL": "smtp",
        "EMAIL_URL": smtp.url,
        "EMAIL_FROM": "clinic@demo-clinic.example",
        "EMAIL_SENT_URL": imap.url,
    }


def environment(
    state: Path, base_url: str, twilio: LoopbackTwilio, smtp: LoopbackSmtp, imap: LoopbackImap
) -> dict[str, str]:
    """The settings of a demo: its own secrets, and channels that end on this machine."""
    return {
        **ensure(state),
        "CAMPAIGNS_DEMO": "1",
        "CAMPAIGNS_STATE": str(state),
        "PUBLIC_BASE_URL": base_url,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        **channels(twilio, smtp, imap),
        "LEASE_SECONDS": os.environ.get("LEASE_SECONDS", "15"),
        "QUIET_SECONDS": os.environ.get("QUIET_SECONDS", "5"),
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        "DJANGO_SETTINGS_MODULE": "campaigns.settings",
    }


@contextmanager
def set_up(state: Path, port: int, *, throw_away: bool) -> Iterator[Stage]:
    """Start it all in order; on leaving, stop it all and leave no process."""
    with ExitStack() as stack:
        running = stack.enter_context(servers(state, throw_away=throw_away))
        base_url = f"http://127.0.0.1:{port}"
        twilio = LoopbackTwilio(
            auth_token=TWILIO_TOKEN,
            inbound_url=f"{base_url}/webhooks/twilio/inbound",
            log_path=state / "sms.log",
        )
        smtp = LoopbackSmtp(log_path=state / "mail.log")
        imap = LoopbackImap(smtp)
        for server in (twilio, smtp, imap):
            stack.callback(server.stop)
            server.start()
        os.environ.update(environment(state, base_url, twilio, smtp, imap))
        # The site needs seconds to start and no tables: it does so while they are made.
        site = Processes(state=state, programs=[processes.web(port, workers=1, threads=8)])
        stack.enter_context(site)
        children = Processes(state=state, programs=[processes.worker(), processes.beat(state)])
        stack.callback(children.stop)
        stack.callback(site.ask_to_stop)
        yield Stage(state, base_url, twilio, smtp, children, running)
