"""Reading a YAML file that people write: every fault with its line, all of them at once.

Nothing here reads a disk: text comes in. A reader notes a fault and goes on with a harmless value, so that
one reading finds everything that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import TypeVar

import yaml

from campaigns.domain.errors import InvalidSequence

Chosen = TypeVar("Chosen", bound=StrEnum)

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,5})\Z")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?\Z")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


@dataclass(slots=True)
class Faults:
    """What is wrong with one file."""

    source: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, node: yaml.Node, text: str) -> None:
        """Note a fault at the line of a node."""
        self.found.append((node.start_mark.line + 1, text))

    def raise_if_any(self) -> None:
        """Raise `InvalidSequence` with a line `file:line: what and how to mend` for each fault."""
        if self.found:
            lines = [f"{self.source}:{line}: {text}" for line, text in sorted(set(self.found))]
            raise InvalidSequence("\n".join(lines))


def quoted(names: Collection[str]) -> str:
    """Names for a sentence."""
    return ", ".join(sorted(names))


class Table:
    """A mapping of a file. `where` names it in faults."""

    def __init__(self, node: yaml.Node, where: str, faults: Faults) -> None:
        self.node = node
        self.where = where
        self.faults = faults
        self.nodes: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            self.fault(f"{where} must be a table of `name: value` lines.")
            return
        for key, value in node.value:
            name = str(key.value)
            if name in self.nodes:
                faults.add(key, f"{where} names `{name}` twice. Keep one.")
            self.nodes[name] = value

    def fault(self, text: str, name: str = "") -> None:
        """Note a fault, at the line of an entry where one is named and there."""
        self.faults.add(self.nodes.get(name, self.node), text)

    def only(self, known: Collection[str]) -> None:
        """Refuse every entry that is not known."""
        for name in self.nodes.keys() - set(known):
            self.fault(f"{self.where} knows no `{name}`. It may have: {quoted(known)}.", name)

    def has(self, name: str) -> bool:
        """Whether the entry is there."""
        return name in self.nodes

    def require(self, *names: str) -> None:
        """Refuse the table without these entries."""
        for name in names:
            if name not in self.nodes:
                self.fault(f"{self.where} has no `{name}`. Add it.")

    def text(self, name: str) -> str:
        """A text, empty when it is left out."""
        node = self.nodes.get(name)
        if node is None:
            return ""
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str") and node.value.strip():
            return str(node.value)
        self.fault(f"`{name}` of {self.where} must be a text. Put it in quotes.", name)
        return ""

    def key(self, name: str) -> str:
        """A name made of small letters, digits and underscores."""
        text = self.text(name)
        if text and not KEY.match(text):
            self.fault(
                f"`{name}` of {self.where} is {text!r}: use small letters, digits and underscores,"
                " a letter first, 40 at most.",
                name,
            )
            return ""
        return text

    def integer(self, name: str, least: int, most: int, default: int = 0) -> int:
        """A whole number within bounds."""
        node = self.nodes.get(name)
        if node is None:
            return default
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":int") and _INTEGER.match(node.value):
            number = int(node.value)
            if least <= number <= most:
                return number
        self.fault(f"`{name}` of {self.where} must be a whole number from {least} to {most}.", name)
        return default

    def fraction(self, name: str) -> float:
        """A number above 0 and below 1."""
        node = self.nodes[name]
        if isinstance(node, yaml.ScalarNode) and _NUMBER.match(node.value) and 0 < float(node.value) < 1:
            return float(node.value)
        self.fault(f"`{name}` of {self.where} must be a number between 0 and 1, such as 0.5.", name)
        return 0.5

    def flag(self, name: str) -> bool:
        """true or false; false when it is left out."""
        node = self.nodes.get(name)
        if node is None:
            return False
        if isinstance(node, yaml.ScalarNode) and node.value in {"true", "false"}:
            return bool(node.value == "true")
        self.fault(f"`{name}` of {self.where} must be true or false.", name)
        return False

    def clock(self, name: str) -> time | None:
        """A time of day such as "09:30"; None when it is left out."""
        node = self.nodes.get(name)
        if node is None:
            return None
        text_like = isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str")
        if text_like and _CLOCK.match(node.value):
            return time.fromisoformat(node.value)
        self.fault(f'`{name}` of {self.where} must be a time of day in quotes, such as "09:30".', name)
        return None

    def choice(self, name: str, kind: type[Chosen], default: Chosen) -> Chosen:
        """One of the words of `kind`."""
        node = self.nodes.get(name)
        if node is None:
            return default
        for member in kind:
            if isinstance(node, yaml.ScalarNode) and node.value == member.value:
                return member
        self.fault(f"`{name}` of {self.where} must be one of {quoted([m.value for m in kind])}.", name)
        return default

    def table(self, name: str) -> Table | None:
        """A table within; None when it is left out."""
        node = self.nodes.get(name)
        return None if node is None else Table(node, f"`{name}` of {self.where}", self.faults)

    def items(self, name: str) -> list[yaml.Node]:
        """The entries of a list, which must not be empty."""
        node = self.nodes.get(name)
        if isinstance(node, yaml.SequenceNode) and node.value:
            return list(node.value)
        if node is not None:
            self.fault(f"`{name}` of {self.where} must be a list with at least one entry.", name)
        return []

    def names(self, name: str) -> Iterator[tuple[str, yaml.Node]]:
        """The entries of a list of names."""
        for node in self.items(name):
            if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str"):
                yield str(node.value), node
            else:
                self.faults.add(node, f"`{name}` of {self.where} must be a list of names.")


def read(text: str, source: str, where: str) -> tuple[Table, Faults]:
    """The table that a file is. Raises `InvalidSequence` when it is not YAML, or empty."""
    faults = Faults(source)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidSequence(f"{source}:{line}: this is not YAML: {problem}. Mend the line.") from None
    if node is None:
        raise InvalidSequence(f"{source}:1: the file is empty.")
    return Table(node, where, faults), faults
