"""Keep the counts of the reports: this month every few minutes, the last one once an hour, older ones once
a day.

Each month is counted anew from the rows, so that a late delivery report, an answer put right or a visit that
is moved needs no word to us, and counting twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db import transaction

from campaigns.domain.ladder import ClinicTime
from campaigns.domain.months import month_of, next_month, previous_month, up_to
from campaigns.domain.timing import MIDNIGHT, ONE_DAY, to_instant
from campaigns.models import Clinic, ReportMonth
from campaigns.queries import clock, report_counts
from campaigns.services.on_call import clinic_time

LAST_AFTER = timedelta(hours=1)
OLDER_AFTER = timedelta(days=1)
"""How old the counts of the last month and of those before it may get."""


def count_up() -> int:
    """Count what may have changed; how many months that were."""
    now = clock.now()
    done = 0
    for clinic in Clinic.objects.order_by("pk"):
        for month in _due(clinic, now):
            count_month(clinic, month)
            done += 1
    return done


def rebuild() -> Iterator[tuple[Clinic, date]]:
    """Count every month of every clinic anew, one after the other; each as it is done."""
    now = clock.now()
    for clinic in Clinic.objects.order_by("pk"):
        for month in _all_months(clinic, now):
            count_month(clinic, month)
            yield clinic, month


@transaction.atomic
def count_month(clinic: Clinic, month: date) -> None:
    """Count one month of one clinic anew. `month` is its first day, at the clinic."""
    report_counts.replace(_bounds(clinic, month), clock.now())


def _due(clinic: Clinic, now: datetime) -> list[date]:
    """This month; the last one where it is not counted for an hour; of the older ones the one that nobody has
    counted for longest, where that is a day: a process that does one thing at a time must not be held up for
    long. A clock that was put back counts as long ago.
    """
    counted = dict(ReportMonth.objects.filter(clinic=clinic).values_list("month", "counted_at"))

    def is_stale(month: date, after: timedelta) -> bool:
        return month not in counted or not now - after < counted[month] <= now

    *older, last, this = _all_months(clinic, now)
    stale = [month for month in older if is_stale(month, OLDER_AFTER)]
    long_ago = datetime.min.replace(tzinfo=now.tzinfo)
    oldest = sorted(stale, key=lambda month: counted.get(month, long_ago))[:1]
    return [this, *([last] if is_stale(last, LAST_AFTER) else []), *oldest]


def _all_months(clinic: Clinic, now: datetime) -> list[date]:
    """From the month of the first message, or the one before this, to the present one."""
    zone = clinic_time(clinic).zone
    this = month_of(now.astimezone(zone).date())
    first = report_counts.first_message(clinic.pk)
    begins = month_of(first.astimezone(zone).date()) if first else this
    return up_to(min(begins, previous_month(this)), this)


def _bounds(clinic: Clinic, month: date) -> report_counts.Month:
    hours = clinic_time(clinic)
    after = next_month(month)
    spans = list(_spans(hours, month, after))
    return report_counts.Month(
        clinic=clinic.pk,
        first=month,
        last=after,
        since=to_instant(month, MIDNIGHT, hours.zone),
        until=to_instant(after, MIDNIGHT, hours.zone),
        opens=[opens for opens, _ in spans],
        closes=[closes for _, closes in spans],
    )


def _spans(hours: ClinicTime, day: date, until: date) -> Iterator[tuple[datetime, datetime]]:
    """When somebody is at the clinic, by the hours and closed days that it has now."""
    while day < until:
        if day.weekday() in hours.hours and day not in hours.holidays:
            opens, closes = hours.hours[day.weekday()]
            yield to_instant(day, opens, hours.zone), to_instant(day, closes, hours.zone)
        day += ONE_DAY
