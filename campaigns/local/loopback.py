"""Both loopback servers as a process of their own: `python -m campaigns.local.loopback`.

Prints one JSON line with the addresses, then serves until it is told to end. `GET /_stats` on the HTTP port
says how much has come. Benchmarks use it so that the other end is not the process that is measured.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from campaigns.local.loopback_smtp import LoopbackSmtp
from campaigns.local.loopback_twilio import LoopbackTwilio


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    options = _options(arguments)
    # Blocked before any thread starts, so that the signal waits for sigwait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    twilio = LoopbackTwilio(
        port=options.twilio_port,
        account_sid=options.account_sid,
        auth_token=options.auth_token,
        inbound_url=options.inbound_url,
        log_path=options.sms_log,
        keep=not options.forget,
    )
    smtp = LoopbackSmtp(port=options.smtp_port, log_path=options.email_log, keep=not options.forget)
    twilio.latency = options.latency
    twilio.callbacks = not options.no_callbacks
    twilio.stats = lambda: _stats(twilio, smtp)
    with twilio, smtp:
        print(json.dumps({"twilio": twilio.base_url, "smtp": smtp.url}), flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


def _stats(twilio: LoopbackTwilio, smtp: LoopbackSmtp) -> dict[str, int]:
    return {
        "sms": twilio.count,
        "sms_requests": twilio.requests,
        "sms_connections": twilio.connections,
        "callback_failures": twilio.poster.failures,
        "email": smtp.count,
        "email_unique": smtp.unique(),
        "email_connections": smtp.connections,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns.local.loopback", description=__doc__)
    parser.add_argument("--twilio-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--account-sid", default="AC00000000000000000000000000000000")
    parser.add_argument("--auth-token", default="loopback")
    parser.add_argument("--inbound-url", default="", help="where patients' texts are posted")
    parser.add_argument("--sms-log", type=Path, help="a file for one JSON line a text")
    parser.add_argument("--email-log", type=Path, help="a file for one JSON line an e-mail")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer to a text")
    parser.add_argument("--no-callbacks", action="store_true", help="never call the status address")
    parser.add_argument("--forget", action="store_true", help="count only: keep no message")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
