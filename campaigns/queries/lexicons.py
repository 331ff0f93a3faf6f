"""The reply lexicon, read once from the files of `campaigns/lexicons/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from campaigns.domain.lexicon import Lexicon, build
from campaigns.domain.lexicon_files import InvalidLexicon, read_keywords, read_language

FOLDER = Path(__file__).parents[1] / "lexicons"


@cache
def load() -> Lexicon:
    """The lexicon of this installation, the same while the process runs. Raises `InvalidLexicon`."""
    keywords = FOLDER / "keywords.yaml"
    files = sorted(path for path in FOLDER.glob("*.yaml") if path != keywords)
    return build(read_keywords(keywords.read_text(encoding="utf-8"), keywords.name), map(_language, files))


def _language(path: Path) -> dict[str, Any]:
    document = read_language(path.read_text(encoding="utf-8"), path.name)
    if document["language"] != path.stem:
        raise InvalidLexicon(
            f"{path.name}:1: the language is {document['language']}. Name the file after it."
        )
    return document
