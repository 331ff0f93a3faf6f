"""Every refusal as a problem document (RFC 9457). None repeats what was sent: it may be a patient's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from django.http import HttpResponse

MEDIA_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "No valid key",
    403: "The key may not do this",
    404: "There is nothing here",
    405: "Not with this method",
    409: "Not allowed now",
    413: "Too large",
    422: "Refused",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Not available just now",
}


def problem(
    status: int,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer for one refusal. `errors` names each field that is wrong and what is wrong with it."""
    said: dict[str, object] = {"type": "about:blank", "title": TITLES[status], "status": status}
    if detail:
        said["detail"] = detail
    if errors:
        said["errors"] = list(errors)
    return HttpResponse(json.dumps(said), status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


def unauthorised() -> HttpResponse:
    """401, the same whatever is wrong with the key."""
    words = "Send a key that is in force: `Authorization: Bearer cmp_...`."
    return problem(401, words, headers={"WWW-Authenticate": "Bearer"})
