"""Text with named holes: prepared once a template and language, filled for each message."""

from __future__ import annotations

import re
from collections.abc import Mapping

OPEN, CLOSE = "\ue000", "\ue001"  # private use: in no catalog, and never read back from a filled text
HOLE = re.compile(f"{OPEN}(\\w+){CLOSE}")


def hole(name: str) -> str:
    """The mark that stands for a fact while a template is prepared."""
    return f"{OPEN}{name}{CLOSE}"


class Holed:
    """A text whose holes are known; filling it is one join."""

    __slots__ = ("_holes", "_parts")

    def __init__(self, text: str) -> None:
        self._parts = HOLE.split(text)
        self._holes = [(index, self._parts[index]) for index in range(1, len(self._parts), 2)]

    def fill(self, facts: Mapping[str, str]) -> str:
        """The text with each hole filled; what is put in is never looked at again."""
        parts = self._parts.copy()
        for index, name in self._holes:
            parts[index] = facts[name]
        return "".join(parts)

    @property
    def whole(self) -> bool:
        """Whether there is nothing to fill."""
        return not self._holes
