"""What somebody was shown before they decide, signed: what is done then is that and nothing else."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest

from campaigns.web import access

AN_HOUR = 3_600


class TooLate(Exception):
    """The page was open for more than an hour, or what it sent is not what we signed."""


def seal(request: HttpRequest, salt: str, language: str, shown: Any) -> str:
    """What this person was shown about a language, for a hidden field."""
    document = {"staff": access.staff(request).pk, "language": language, "shown": shown}
    return signing.dumps(document, salt=salt, compress=True)


def unseal(request: HttpRequest, salt: str, language: str) -> Any:
    """What the form's `sealed` holds. Raises TooLate, and Http404 for another person's or language's."""
    try:
        document = signing.loads(request.POST["sealed"], salt=salt, max_age=AN_HOUR)
    except signing.BadSignature:
        raise TooLate from None
    if (document["staff"], document["language"]) != (access.staff(request).pk, language):
        raise Http404
    return document["shown"]
