"""The body of a request past the limits that are right for pages and wrong for what must not be lost."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

_PIECE = 256 * 1024
LONGEST = 64 * 1024 * 1024
"""Bytes that are read at all; whoever sends more is not a provider of ours."""


@dataclass(frozen=True, slots=True)
class Body:
    """The first bytes of a body, and how many came in all."""

    kept: bytes
    size: int


def read_body(request: HttpRequest, most: int) -> Body:
    """Read to the end, so that the sender hears our answer, and keep the first `most` bytes."""
    kept, size = [], 0
    while size < LONGEST:
        piece = request.read(_PIECE)
        if not piece:
            break
        if size < most:
            kept.append(piece[: most - size])
        size += len(piece)
    return Body(b"".join(kept), size)
