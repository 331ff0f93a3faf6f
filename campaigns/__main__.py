"""`campaigns COMMAND`, the same as `python -m campaigns COMMAND`.

Exit 0: done. 1: refused or failed, with one plain line on standard error. 2: bad usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module

# Commands that start processes of their own, and so run before any settings are read.
LAUNCHERS = {
    "demo": "campaigns.local.demo",
    "up": "campaigns.local.up",
    "web": "campaigns.local.serve",
    "worker": "campaigns.local.serve",
    "beat": "campaigns.local.serve",
    "bench": "campaigns.local.bench",
    "rehearse": "campaigns.local.rehearse",
    "test": "campaigns.local.suite",
}

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
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from campaigns.domain.errors import CampaignsError

    try:
        import worker  # noqa: F401  commands that leave a hint for the worker need its app

        execute_from_command_line(["campaigns", *words])
    except (CampaignsError, ImproperlyConfigured) as error:
        return _say(NO_DATABASE if "ENGINE" in str(error) else str(error))
    except OperationalError as error:
        return _say(f"The database does not answer: {str(error).splitlines()[0]}. Check DATABASE_URL.")
    return 0


def _say(line: str) -> int:
    print(line, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
