"""Commands whose work lies beside the package, in bench/ and tests/, which come with the source."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from campaigns.domain.errors import CampaignsError


def load(name: str, who: str) -> ModuleType:
    """The module of a checkout. Raises CampaignsError, which says who needs it, where there is none."""
    folder = name.partition(".")[0]
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != folder:
            raise
        raise CampaignsError(f"{who} from a checkout of the source: there is no {folder}/ here.") from None


def run(command: Callable[[], int]) -> int:
    """Run it, so that SIGTERM cleans up and a refusal is one line; its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return command()
    except CampaignsError as error:
        print(error, file=sys.stderr)
        return 1
