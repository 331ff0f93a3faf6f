"""The reply lexicon, read once from the files of `campaigns/lexicons/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from campaigns.domain.lexicon import Lexicon, build

FOLDER = Path(__file__).parents[1] / "lexicons"


@cache
def load() -> Lexicon:
    """The lexicon of this installation; it does not change while the process runs."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != "keywords")
    return build(_read(FOLDER / "keywords.yaml"), [_read(path) for path in files])


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: {error}") from error
    return document
