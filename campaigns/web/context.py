"""What every staff page shows: who is signed in, for which clinic, and what is out of the ordinary."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, get_language_bidi

from campaigns.models import Staff
from campaigns.web import access


def site(request: HttpRequest) -> dict[str, Any]:
    """Added to the context of every page. Lazy, so that an error page asks the database nothing."""
    return {
        "staff": SimpleLazyObject(lambda: _staff(request)),
        "clinic": SimpleLazyObject(lambda: access.staff(request).clinic),
        "installation": SimpleLazyObject(access.installation),
        "open_alerts": SimpleLazyObject(lambda: access.alerts(request).filter(closed_at=None).count()),
        "page_language": get_language() or "en-ca",
        "page_direction": "rtl" if get_language_bidi() else "ltr",
    }


def _staff(request: HttpRequest) -> Staff | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, Staff) else None
