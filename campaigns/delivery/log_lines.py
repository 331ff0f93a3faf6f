"""What a log line may hold: never a value that a patient or a stranger wrote, and never without end.

An error is told by its kind and the places it came through. What it says of itself often quotes the value
that it could not use, and a value may be a patient's; only our own errors say nothing that may not be read.
"""

from __future__ import annotations

import traceback
from collections.abc import MutableMapping
from pathlib import PurePath
from types import TracebackType
from typing import Any

from campaigns.domain.errors import CampaignsError

LONGEST_VALUE = 2_000
"""Characters of one value in a line."""
MOST_FRAMES = 12
_DJANGO = "django."

Line = MutableMapping[str, Any]
Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def without_values(logger: object, method: str, line: Line) -> Line:
    """A processor of structlog: the line as it may be written."""
    for made in ("message", "asctime"):  # another handler's formatter leaves these on the record
        line.pop(made, None)
    _name_route(line)
    error = line.pop("exc_info", None)
    if isinstance(error, tuple) and error[1] is not None:
        line["exception"] = told(error[1])
    for name, value in line.items():
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            line[name] = value[:LONGEST_VALUE] + "…"
    return line


def _name_route(line: Line) -> None:
    """Django writes the path of a request, and a patient's path is a key: the route's name is enough."""
    request = line.pop("request", None)
    if not str(line.get("logger", "")).startswith(_DJANGO):
        return
    line["event"] = str(line.get("event", "")).partition(":")[0]
    route = getattr(getattr(request, "resolver_match", None), "view_name", None)
    if route:
        line["route"] = str(route)


def told(error: BaseException) -> str:
    """An error and those that led to it: kinds, places and PostgreSQL's codes, newest last."""
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(parts) < 5:
        seen.add(id(error))
        parts.append(f"{_kind(error)} at {_places(error.__traceback__)}")
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return " <- ".join(parts)


def _kind(error: BaseException) -> str:
    code = getattr(error, "sqlstate", None)
    words = f" {code}" if isinstance(code, str) else ""
    return type(error).__name__ + (f": {error}" if isinstance(error, CampaignsError) else words)


def _places(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-MOST_FRAMES:]
    named = [f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames]
    return " > ".join(named) or "no place"
