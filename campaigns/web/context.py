"""What every staff page shows: who is signed in, for which clinic, and what is out of the ordinary."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language_bidi

from campaigns.models import Staff
from campaigns.services import duties, second_factor
from campaigns.services.duties import Duty
from campaigns.web import access, filters, navigation

SITE_LANGUAGES = [(f"{tag[:2]}{tag[2:].upper()}", name) for tag, name in settings.LANGUAGES]
"""The languages of the staff site, each with its own name. Tags as HTML wants them; Django reads both."""


def site(request: HttpRequest) -> dict[str, Any]:
    """Added to the context of every page. Lazy, so that an error page asks the database nothing."""
    return {
        "staff": SimpleLazyObject(lambda: _staff(request)),
        "clinic": SimpleLazyObject(lambda: access.staff(request).clinic),
        "installation": SimpleLazyObject(access.installation),
        "ladder_age": lambda: duties.seconds_since(Duty.CLIMBING),
        "second_factor_is_off": SimpleLazyObject(lambda: second_factor.is_off(access.staff(request))),
        "further_pages": lambda: navigation.further(access.staff(request)),
        "open_alerts": SimpleLazyObject(lambda: access.open_alerts(request).count()),
        "page_language": filters.page_language(),
        "site_languages": SITE_LANGUAGES,
        "page_direction": "rtl" if get_language_bidi() else "ltr",
    }


def _staff(request: HttpRequest) -> Staff | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, Staff) else None
