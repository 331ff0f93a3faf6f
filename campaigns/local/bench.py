"""`campaigns bench NAME`: a benchmark beside its peers, on servers of its own. It lives in bench/."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

from campaigns.domain.errors import CampaignsError


def main(words: list[str]) -> int:
    """Run it; 0 when every check of its own work held."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        found: int = _command(words[1:])
    except CampaignsError as error:
        print(error, file=sys.stderr)
        return 1
    return found


def _command(words: list[str]) -> int:
    try:
        command = import_module("bench.command")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "bench":
            raise
        raise CampaignsError(
            "Benchmarks run from a checkout of the source: there is no bench/ here."
        ) from None
    found: int = command.run(words)
    return found
