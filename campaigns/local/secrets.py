"""The keys of an installation on one machine: made once, kept in one file that only its owner reads."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path

from campaigns.domain.errors import CampaignsError


class SecretsUnreadable(CampaignsError):
    """The file with the keys cannot be read."""


def ensure(state: Path) -> dict[str, str]:
    """SECRET_KEY and FIELD_KEYS of this state folder, made on the first call.

    FIELD_KEYS is `k1:<base64 of 32 bytes>`. Losing the file makes every encrypted address unreadable, so a
    damaged file is reported and never replaced.
    """
    return kept(
        state / "secrets.json",
        {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        },
    )


def kept(path: Path, fresh: dict[str, str]) -> dict[str, str]:
    """What the file holds; `fresh` is written when there is none. Of two writers at once the first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _write_once(path, fresh)
    path.chmod(0o600)
    return _read(path, set(fresh))


def _write_once(path: Path, values: dict[str, str]) -> None:
    """A hard link appears whole or not at all, and never over a file that is there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as output:
        json.dump(values, output, indent=1)
        output.flush()
        os.fsync(output.fileno())
    try:
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        Path(name).unlink()


def _read(path: Path, expected: set[str]) -> dict[str, str]:
    try:
        values = json.loads(path.read_text())
    except ValueError:
        values = None
    if not isinstance(values, dict) or not expected <= values.keys():
        raise SecretsUnreadable(
            f"{path} is damaged. Bring it back from a backup: the keys in it cannot be remade."
        )
    return {str(name): str(value) for name, value in values.items()}
