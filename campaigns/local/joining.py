"""Let other commands find the servers of a running `campaigns up`: its settings, in a file of its state.

The file holds passwords, so it is for its owner only, and it is gone when `up` ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "PUBLIC_BASE_URL", "CAMPAIGNS_STATE")


def state_folder() -> Path:
    """Where `up` keeps its data."""
    return Path(os.environ.get("CAMPAIGNS_STATE") or Path.home() / ".local/state/campaigns")


@contextmanager
def shared_settings(state: Path) -> Iterator[None]:
    """Leave this process's settings for others while it runs."""
    file = state / "running.json"
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as output:
        json.dump({name: os.environ[name] for name in NAMES}, output)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def join() -> None:
    """Take over the settings of a running `up`, unless the operator named a database."""
    if any(name.startswith(NAMES[0]) for name in os.environ):
        return
    try:
        settings = json.loads((state_folder() / "running.json").read_text())
    except (OSError, ValueError):
        return
    for name in NAMES:
        os.environ.setdefault(name, settings[name])
