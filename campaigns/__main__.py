"""`campaigns COMMAND`, the same as `python -m campaigns COMMAND`.

Exit 0: done. 1: refused or failed, with one plain line on standard error. 2: bad usage.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TextIO, cast

# Commands that start processes of their own, and so run before any settings are read.
LAUNCHERS = {
    "demo": "campaigns.local.demo",
    "up": "campaigns.local.up",
    "web": "campaigns.local.serve",
    "worker": "campaigns.local.serve",
    "beat": "campaigns.local.serve",
    "bench": "campaigns.local.bench",
    "chaos": "campaigns.local.chaos",
    "fuzz": "campaigns.local.fuzz",
    "rehearse": "campaigns.local.rehearse",
    "seed": "campaigns.local.seed",
    "test": "campaigns.local.suite",
    "tour": "campaigns.local.tour",
}

LONGEST_CONNECT = 3
"""Seconds that a command waits for the database to answer."""

NO_DATABASE = "There is no database: set DATABASE_URL, or leave `campaigns up` running in another terminal."


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words[0] if words else "help"
    try:
        if command in LAUNCHERS:
            launcher: Callable[[list[str]], int] = import_module(LAUNCHERS[command]).main
            return launcher(words)
        return _manage([command.replace("-", "_"), *words[1:]])
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


def _manage(words: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")
    from campaigns.local.joining import join

    join()
    from django.core.exceptions import ImproperlyConfigured
    from django.db import InterfaceError, OperationalError

    from campaigns.domain.errors import CampaignsError

    try:
        import worker  # noqa: F401  commands that leave a hint for the worker need its app

        _give_up_soon()
        _execute(words)
    except (CampaignsError, ImproperlyConfigured) as error:
        return _say(NO_DATABASE if "ENGINE" in str(error) else str(error))
    except (OperationalError, InterfaceError) as error:
        return _say(f"The database does not answer: {str(error).splitlines()[0]}. Check DATABASE_URL.")
    return 0


def _give_up_soon() -> None:
    """Connect once and briefly, so that a command says at once that the database is away.

    A pool, which only servers need, would go on trying.
    """
    from django.conf import settings

    options = cast(dict[str, Any], settings.DATABASES["default"].get("OPTIONS", {}))
    options.pop("pool", None)
    options["connect_timeout"] = min(LONGEST_CONNECT, int(options.get("connect_timeout", LONGEST_CONNECT)))


class _Plain(io.TextIOBase):
    """Standard error, without the name of a Python class that Django puts before an error."""

    def write(self, text: str, /) -> int:
        return sys.stderr.write(text.removeprefix("CommandError: "))


def _execute(words: list[str]) -> None:
    """Run one of Django's commands, with its errors in plain words."""
    from django.core.management import ManagementUtility
    from django.core.management.base import BaseCommand, OutputWrapper

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            command = super().fetch_command(subcommand)
            command.stderr = OutputWrapper(cast(TextIO, _Plain()))
            return command

    Utility(["campaigns", *words]).execute()


def _say(line: str) -> int:
    print(line, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
