"""The decisions by which the machine of lifecycle_model moves: those of the product.

Where a decision lies in SQL this is a copy of its condition, and the only one;
tests/services/test_lifecycle_sql.py holds each against its statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cache

from campaigns.domain.lifecycle import (
    BELIEVED_UNSENT,
    UNSENT,
    After,
    Ending,
    Reason,
    State,
    after_news,
    after_search,
)
from campaigns.domain.retry import Next, after_try

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)


class Age(IntEnum):
    """How long ago the newest try said that it was about to send."""

    FRESH = 0
    LAPSED = 1
    QUIET = 2


def may_claim(state: State) -> bool:
    """hot.sql `claim` and `settle`."""
    return state in UNSENT


def may_hold(state: State, newest: bool) -> bool:
    """hot.sql `hold`."""
    return newest and state is State.ATTEMPTING


def may_record(state: State, newest: bool) -> bool:
    """hot.sql `record_messages`."""
    return newest and state is State.ATTEMPTING


def may_lapse(state: State, age: Age) -> bool:
    """hot.sql `lapsed`."""
    return state is State.ATTEMPTING and age is not Age.FRESH


def may_settle(state: State, newest: bool) -> bool:
    """The write of services/reconcile."""
    return newest and state is State.UNCERTAIN


def may_plan(state: State) -> bool:
    """services/plan: what may be planned again."""
    return state in BELIEVED_UNSENT


def forbidden(opted_out: bool, moved: bool, expired: bool) -> Reason | None:
    """hot.sql `still_allowed`, and the gates at the claim (domain/consent)."""
    if opted_out:
        return Reason.OPTED_OUT
    if expired:
        return Reason.EXPIRED
    return Reason.VISIT_MOVED if moved else None


@cache
def try_ended(ending: Ending, tries: int, expired: bool) -> Next:
    """`after_try` while a message is useful for another day, or no more."""
    left = timedelta(0) if expired else timedelta(days=1)
    return after_try(ending, None, tries=tries, now=NOW, expires_at=NOW + left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The product's decisions. A mutant has another one in one place."""

    may_claim: Callable[[State], bool] = may_claim
    may_hold: Callable[[State, bool], bool] = may_hold
    may_record: Callable[[State, bool], bool] = may_record
    may_lapse: Callable[[State, Age], bool] = may_lapse
    may_settle: Callable[[State, bool], bool] = may_settle
    may_plan: Callable[[State], bool] = may_plan
    gate: Callable[[bool, bool, bool], Reason | None] = forbidden
    still: Callable[[bool, bool, bool], Reason | None] = forbidden
    lapsed_to: State = State.UNCERTAIN
    try_ended: Callable[[Ending, int, bool], Next] = try_ended
    after_search: Callable[..., After | None] = after_search
    after_news: Callable[..., After] = after_news
    hears_late_records: bool = True
