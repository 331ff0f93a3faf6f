"""What somebody saw before they pressed Enroll, signed: that is saved, or they are told what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.web.enroll_page import Page
from campaigns.web.enroll_words import FIELDS, entered_anew
from campaigns.web.filters import clock, day

SALT = "campaigns.web.enrolling"
AT_ONCE = timedelta(minutes=2)
"""What goes within this goes at once: it does so a minute later too."""

Seen = dict[str, Any]


def seen(page: Page, now: datetime) -> Seen:
    """All that a preview showed at `now`, as JSON can hold it. Times are wall time at the clinic. Raises
    ValueError where nothing was shown yet."""
    if page.wanted is None:
        raise ValueError("nothing was previewed")
    wanted, zone = page.wanted, ZoneInfo(page.clinic.time_zone)
    entered = {name: getattr(wanted, name) for name in FIELDS}
    visits = sorted((v.on_date.isoformat(), f"{v.at_time:%H:%M}", v.kind.value) for v in wanted.visits)
    plan: dict[str, list[str]] = {}
    for message in page.preview or ():
        name = f"{message.sequence}/{message.step} {message.channel} {message.visit_number or ''}"
        soon = not message.expected and message.send_at <= now + AT_ONCE
        at = "now" if soon else f"{message.send_at.astimezone(zone):%Y-%m-%d %H:%M}"
        plan[name] = [at, message.reason, message.language]
    return {
        "key": page.key,
        "entered": {**entered, "sequences": list(wanted.sequences)},
        "visits": [list(visit) for visit in visits],
        "plan": plan,
        "alike": sorted(str(one.patient.pk) for one in page.alike),
    }


def sign(what: Seen) -> str:
    """For a hidden field."""
    return signing.dumps(what, salt=SALT, compress=True)


def before(sealed: str, key: str) -> Seen | None:
    """What was seen before; None where that is not known, or was seen on another form."""
    try:
        found: Seen = signing.loads(sealed, salt=SALT)
    except signing.BadSignature:
        return None
    return found if found["key"] == key else None


def changes(old: Seen, new: Seen) -> list[str]:
    """What differs between two previews, a sentence each; nothing where nothing does."""
    return [
        *_entered(old, new),
        *_visits(old["visits"], new["visits"]),
        *_plan(old["plan"], new["plan"]),
        *_alike(old, new),
    ]


def _entered(old: Seen, new: Seen) -> Iterator[str]:
    names = [name for name in FIELDS if old["entered"][name] != new["entered"][name]]
    if names:
        yield entered_anew(names)


def _visits(old: Sequence[list[str]], new: Sequence[list[str]]) -> Iterator[str]:
    if len(old) != len(new):
        yield _("Visits: %(before)d before, %(now)d now.") % {"before": len(old), "now": len(new)}
        return
    for number, (was, now) in enumerate(zip(old, new, strict=True), start=1):
        if was != now:
            what: dict[str, object] = {"number": number, "before": _said(was), "now": _said(now)}
            yield _("Visit %(number)d: %(before)s before, %(now)s now.") % what


def _said(visit: list[str]) -> str:
    return f"{day(date.fromisoformat(visit[0]))}, {clock(time.fromisoformat(visit[1]))}"


def _plan(old: dict[str, list[str]], new: dict[str, list[str]]) -> Iterator[str]:
    both = old.keys() & new.keys()
    if more := len(new.keys() - old.keys()):
        yield ngettext("%(n)d message is new.", "%(n)d messages are new.", more) % {"n": more}
    if fewer := len(old.keys() - new.keys()):
        yield ngettext("%(n)d message is gone.", "%(n)d messages are gone.", fewer) % {"n": fewer}
    if moved := sum(old[name][0] != new[name][0] for name in both):
        yield ngettext("%(n)d message goes at another time.", "%(n)d messages go at another time.", moved) % {
            "n": moved
        }
    if other := sum(old[name][1:] != new[name][1:] for name in both):
        yield ngettext(
            "%(n)d message goes in other words, or whether it goes has changed.",
            "%(n)d messages go in other words, or whether they go has changed.",
            other,
        ) % {"n": other}


def _alike(old: Seen, new: Seen) -> Iterator[str]:
    if set(new["alike"]) - set(old["alike"]):
        yield _("Somebody who may be the same person is here by now.")
