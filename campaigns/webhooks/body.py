"""The body of a request past the limits that are right for pages and wrong for what must not be lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, QueryDict

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


def form_fields(body: bytes, charset: str) -> QueryDict:
    """The fields of a form, as Django reads them, in memory of the size of the form.

    Python's own way makes an object of each escaped letter: a hundred times the form, for whoever sends one.
    Raises LookupError for a charset that nobody knows, TooManyFieldsSent.
    """
    if body.count(b"&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise TooManyFieldsSent
    "".encode(charset)
    fields = QueryDict(mutable=True)
    for pair in filter(None, body.split(b"&")):
        name, _, value = pair.partition(b"=")
        fields.appendlist(*(_unescaped(part).decode(charset, "replace") for part in (name, value)))
    fields._mutable = False
    return fields


def _unescaped(text: bytes) -> bytes:
    """Percent-encoding undone, some letters at a time."""
    return b"".join(map(unquote_to_bytes, _slices(text.replace(b"+", b" "))))


def _slices(text: bytes, most: int = 32 * 1024) -> Iterator[bytes]:
    """Parts of a text; none ends within an escape of three letters."""
    start = 0
    while start < len(text):
        end = start + most
        cut = text.rfind(b"%", end - 2, end)
        end = cut if cut > start else end
        yield text[start:end]
        start = end
