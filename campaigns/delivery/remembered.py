"""What a machine remembers of a database, outside of it: one small file in the state folder.

A file a life of the database, named after it, so that several databases may share the folder. It is replaced
whole, so that whoever reads it finds the old one or the new one.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Remembered:
    """Under which name this folder is a witness, and how far it has counted."""

    place: UUID
    count: int


def read(folder: Path, incarnation: UUID) -> Remembered | None:
    """What the folder remembers of this life of the database; None for nothing, or nothing readable."""
    try:
        held = json.loads(_path(folder, incarnation).read_text(encoding="utf-8"))
        return Remembered(UUID(held["place"]), int(held["count"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(folder: Path, incarnation: UUID, remembered: Remembered) -> None:
    """Remember. Raises OSError where the folder cannot be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".remembered-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            json.dump({"place": str(remembered.place), "count": remembered.count}, output)
            output.flush()
            os.fsync(output.fileno())
        Path(name).replace(_path(folder, incarnation))
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _path(folder: Path, incarnation: UUID) -> Path:
    return folder / f"remembered-{incarnation.hex}.json"
