"""Where on the calendar a step falls: when it should go, when it may, and until when its words are true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from campaigns.domain.facts import ClinicFacts
from campaigns.domain.owed import Owed
from campaigns.domain.steps import Anchor, Days, Gap, Life, SendDays, Span, Step
from campaigns.domain.timing import (
    END_OF_DAY,
    MIDNIGHT,
    ONE_DAY,
    Hours,
    add_days,
    parts_of_day,
    to_instant,
    waking,
)


@dataclass(frozen=True, slots=True)
class Times:
    """UTC. `due` is the bare computation; `at` is the same moved into hours and days on which it may go, None
    where there is none before `expires`. A late template may live until `late_expires`."""

    due: datetime
    at: datetime | None
    expires: datetime
    late_expires: datetime


class Calendar:
    """The clinic's days and the recipient's hours, with the hours of each step worked out once."""

    def __init__(self, clinic: ClinicFacts, zone: ZoneInfo) -> None:
        self.clinic = clinic
        self.zone = zone
        self.quiet = (clinic.quiet_from, clinic.quiet_to)
        self._hours: dict[int, Hours] = {}

    def hours(self, step: Step) -> Hours:
        """When a step may go."""
        found = self._hours.get(id(step))
        if found is None:
            weekdays = self.clinic.send_days if step.days is SendDays.CLINIC else None
            parts = parts_of_day(*self._bounds(step), *self.quiet)
            found = self._hours[id(step)] = Hours(self.zone, parts, weekdays, self.clinic.holidays)
        return found

    def waking_hours(self) -> Hours:
        """Any day, any hour that is not quiet."""
        return Hours(self.zone, waking(*self.quiet), None, frozenset())

    def _bounds(self, step: Step) -> tuple[time, time]:
        """Its own bounds stand alone; its window is cut to the clinic's, which wins where they are apart."""
        if step.not_before is not None or step.not_after is not None:
            return step.not_before or MIDNIGHT, step.not_after or END_OF_DAY
        opens, closes = self.clinic.window
        if step.window is None or step.window.opens > closes or step.window.closes < opens:
            return opens, closes
        return max(opens, step.window.opens), min(closes, step.window.closes)

    def times(self, owed: Owed) -> Times:
        """The times of an owed step. Raises `InvalidSequence` when the clinic lacks a setting it names."""
        step, offset = owed.step, owed.step.offset
        due = owed.anchor + offset.delta if isinstance(offset, Span) else self._day(owed, offset)
        expires = self._end(step.expires, owed, due)
        late_expires = self._end(step.late.expires, owed, due) if step.late.expires else expires
        at = self._place_span(owed, due, expires) if isinstance(offset, Span) else self._place_day(step, due)
        return Times(due, at if at is not None and at < expires else None, expires, late_expires)

    def _day(self, owed: Owed, offset: Days | Gap) -> datetime:
        """The step's own hour, on the day counted at the clinic."""
        if isinstance(offset, Days):
            days = offset.resolve(self.clinic.settings)
        else:
            days = offset.fallback_days if owed.gap_days is None else int(owed.gap_days * offset.fraction)
        if owed.step.anchor is Anchor.VISIT_START and owed.visit is not None:
            day = owed.visit.on_date
        else:
            day = owed.anchor.astimezone(self.clinic.zone).date()
        return to_instant(day + days * ONE_DAY, self._bounds(owed.step)[0], self.zone)

    def _place_day(self, step: Step, due: datetime) -> datetime | None:
        hours = self.hours(step)
        day = hours.near(due.astimezone(self.zone).date(), step.shift)
        return hours.first_on(day) if day else None

    def _place_span(self, owed: Owed, due: datetime, expires: datetime) -> datetime | None:
        """Pulled to an earlier hour only by the step's own bound, and then never to before its anchor."""
        hours = self.hours(owed.step)
        if owed.step.not_after is not None:
            at = hours.same_day(due)
            if at is not None and (at >= owed.anchor or owed.step.offset.before):
                return at
        return hours.next_open(due, expires)

    def _end(self, life: Life, owed: Owed, due: datetime) -> datetime:
        ends = []
        if life.after is not None:
            ends.append(self._shifted(due, life.after, 1, self.zone))
        if life.before_anchor is not None:
            ends.append(self._shifted(owed.anchor, life.before_anchor, -1, self.clinic.zone))
        if owed.step.anchor is Anchor.VISIT_START:
            # A message before a visit is never true after it, whatever the file says.
            ends.append(owed.anchor)
        return min(ends)

    def _shifted(self, at: datetime, by: Days | Span, sign: int, zone: ZoneInfo) -> datetime:
        if isinstance(by, Span):
            return at + sign * by.delta
        return add_days(at, sign * by.resolve(self.clinic.settings), zone)
