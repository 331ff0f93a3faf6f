"""Everything that goes out until tonight, by hour, channel and language."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.models import Message
from campaigns.queries import clock
from campaigns.queries.today import A_PAGE, Wanted, day_of, going_out
from campaigns.services.prefer import offered
from campaigns.web import access


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """One page of it, soonest first; every filter is a link."""
    clinic, now = access.staff(request).clinic, clock.now()
    wanted = _wanted(request)
    found = going_out(clinic, now, wanted)
    shown = found[:A_PAGE]
    access.seen(request, "going-out", [message.patient_id for message in shown])
    context = {
        "shown": shown,
        "older": _address(wanted, after=shown[-1]) if len(found) > A_PAGE else "",
        "first": _address(wanted) if wanted.after else "",
        "wanted": wanted,
        "hours": [(edge, _address(wanted, hour=edge)) for edge in day_of(clinic, now).edges],
        "channels": [(one, _address(wanted, channel=one)) for one in ("", *map(str, Channel))],
        "languages": [
            (tag, _address(wanted, language=tag)) for tag in ("", *(one.tag for one in offered(clinic)))
        ],
        "all_day": _address(Wanted(channel=wanted.channel, language=wanted.language)),
        "now": now,
    }
    return render(request, "web/going_out.html", context)


def _wanted(request: HttpRequest) -> Wanted:
    """What is asked for; what makes no sense is left out."""
    asked = request.GET
    channel, language = asked.get("channel", ""), asked.get("language", "")
    return Wanted(
        hour=_instant(asked.get("hour", "")),
        channel=channel if channel in list(Channel) else "",
        language=language if language in SUPPORTED else "",
        after=_after(asked.get("after", "")),
    )


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _after(text: str) -> tuple[datetime, int] | None:
    """Where the page before ended: an instant, a comma, the number of a message."""
    at, _, pk = text.partition(",")
    instant = _instant(at)
    return (instant, int(pk)) if instant and pk.isascii() and pk.isdecimal() and len(pk) < 19 else None


def _address(
    wanted: Wanted,
    *,
    hour: datetime | None = None,
    channel: str | None = None,
    language: str | None = None,
    after: Message | None = None,
) -> str:
    """The same list with one thing changed, from its beginning unless `after` says where it goes on."""
    at = hour or wanted.hour
    about = {
        "hour": at.isoformat() if at else "",
        "channel": wanted.channel if channel is None else channel,
        "language": wanted.language if language is None else language,
        "after": f"{after.due_at.isoformat()},{after.pk}" if after else "",
    }
    return "?" + urlencode({name: value for name, value in about.items() if value})
