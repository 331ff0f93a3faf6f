"""What the first page knows of a clinic's texts, and what somebody has seen of what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from campaigns.models import Clinic, Staff, TodaySeen
from campaigns.services.compose import approvals_as_read
from campaigns.services.on_call import clinic_time
from campaigns.services.prefer import offered
from campaigns.services.standings import Standing, standings

WAITING = frozenset({Standing.DRAFT, Standing.LAPSED, Standing.REVIEWED})
"""Where a text stands that somebody has to read or approve."""

Waiting = Mapping[str, Mapping[tuple[str, str], Standing]]
"""Language -> (template, channel) -> where the text stands."""


def waiting_texts(clinic: Clinic) -> Waiting:
    """The texts of a clinic that wait to be read or approved. `clinic` is a row that this request has read:
    its version of the wording is what counts, and as long as that is the same nothing is read again."""
    return _waiting_texts(clinic.pk, clinic.wording_version, tuple(one.tag for one in offered(clinic)))


@lru_cache(maxsize=64)
def _waiting_texts(clinic_id: UUID, version: UUID, tags: tuple[str, ...]) -> Waiting:
    """The version never comes twice: what is kept here is never out of date."""
    clinic = Clinic.objects.get(pk=clinic_id)
    found: dict[str, dict[tuple[str, str], Standing]] = {}
    for one in standings(clinic, tags, approvals_as_read(clinic).own):
        if one.standing in WAITING and not one.is_variant:
            template, channel, tag = one.text
            found.setdefault(tag, {})[template, channel] = one.standing
    return found


def next_working_day(clinic: Clinic, now: datetime) -> date:
    """The first day after today on which somebody is at the clinic; tomorrow where none is in two weeks."""
    calendar = clinic_time(clinic)
    today = now.astimezone(calendar.zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(1, 15))
    works = (day for day in days if calendar.hours.get(day.weekday()) and day not in calendar.holidays)
    return next(works, today + timedelta(days=1))


def saw_changes(staff: Staff, until: datetime, now: datetime) -> None:
    """Keep that `staff` has seen what changed up to `until` (UTC): what the page showed, not what has come
    since. Never back, and never ahead of `now`."""
    known = TodaySeen.objects.filter(pk=staff.pk).first()
    at = min(until, now)
    if known is None or known.at < at:
        TodaySeen.objects.update_or_create(pk=staff.pk, defaults={"at": at})
