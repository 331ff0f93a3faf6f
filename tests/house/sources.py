"""The project's files as the rules see them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Without git (an unpacked archive, somebody else's checkout) whatever is hidden or made here is not ours.
MADE_HERE = frozenset({"__pycache__", "state", "node_modules", "secrets"})
HIDDEN_BUT_OURS = frozenset({".ci", ".gitignore", ".dockerignore"})
GENERATED = "campaigns/migrations/"


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path from the project's root, its text, its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def source(path: str, text: str) -> Source:
    """A source from its text, for the rules' own tests."""
    return Source(path, text, ast.parse(text))


@cache
def tracked() -> tuple[str, ...]:
    """Every file that belongs to the project: known to git, or new and not ignored."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return tuple(sorted(_walk()))
    names = listed.stdout.decode().split("\0")
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


def _walk() -> Iterator[str]:
    for path in ROOT.rglob("*"):
        name = path.relative_to(ROOT)
        hidden = any(part.startswith(".") and part not in HIDDEN_BUT_OURS for part in name.parts)
        if path.is_file() and not hidden and not MADE_HERE & set(name.parts) and path.suffix != ".mo":
            yield name.as_posix()


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file that a person wrote."""
    names = [name for name in tracked() if name.endswith(".py") and not name.startswith(GENERATED)]
    return tuple(source(name, (ROOT / name).read_text(encoding="utf-8")) for name in names)


def product() -> list[Source]:
    """The program itself, without tests and benchmarks."""
    return [one for one in sources() if not one.path.startswith(("tests/", "bench/"))]


def package() -> list[Source]:
    """The `campaigns` package."""
    return [one for one in sources() if one.path.startswith("campaigns/")]


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Path and content of every text file that belongs to the project."""
    found = []
    for name in tracked():
        try:
            found.append((name, (ROOT / name).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)
