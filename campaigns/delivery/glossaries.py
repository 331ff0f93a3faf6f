"""The glossaries of `campaigns/glossaries/`, each read and checked once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from campaigns.domain.errors import UnknownLanguage
from campaigns.domain.glossary import Glossary, InvalidGlossary, parse
from campaigns.domain.languages import SOURCE

FOLDER = Path(__file__).parents[1] / "glossaries"


@cache
def glossary(language: str) -> Glossary:
    """What is known about a language. UnknownLanguage without a file, InvalidGlossary with a bad one."""
    path = FOLDER / f"{language}.yaml"
    if not path.is_file():
        raise UnknownLanguage(f"There is no glossary for {language}: add campaigns/glossaries/{path.name}.")
    found = parse(path.read_text(encoding="utf-8"), f"campaigns/glossaries/{path.name}")
    if found.language != language:
        raise InvalidGlossary(f"campaigns/glossaries/{path.name}:1: the language is {found.language}.")
    if language != SOURCE and (lacking := glossary(SOURCE).terms.keys() - found.terms.keys()):
        missing = ", ".join(sorted(lacking))
        raise InvalidGlossary(f"campaigns/glossaries/{path.name}:1: `terms` lacks {missing}. Add them.")
    return found


@cache
def kept_words() -> re.Pattern[str]:
    """The words of an English text that no language translates."""
    words = "|".join(map(re.escape, glossary(SOURCE).kept))
    return re.compile(rf"\b(?:{words})\b(?!')")
