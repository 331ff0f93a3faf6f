"""The judge of runs: each promise has a history that keeps it and one that breaks it, and no other verdict
falls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos.history import (
    NEVER,
    Attempt,
    Change,
    History,
    Message,
    Post,
    Request,
    Shown,
    judge,
)

REAL = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
SAID = datetime(2026, 9, 24, 18, 0, tzinfo=UTC)
HOURS = timedelta(hours=8)


def after(seconds: float) -> datetime:
    """So long after the run began, in real time."""
    return REAL + timedelta(seconds=seconds)


def said(seconds: float) -> datetime:
    """What the installation's clock says then: ten times as fast."""
    return SAID + timedelta(seconds=10 * seconds)


def shown(seconds: float, *, at: datetime | None = None, unsure: bool = False) -> Shown:
    """The clock is set at this moment; it takes ten milliseconds."""
    before = after(seconds)
    known = before + timedelta(milliseconds=10)
    return Shown(before=before, after=NEVER if unsure else known, said=at or said(seconds))


MESSAGE = Message(
    id=1,
    channel="sms",
    purpose="step",
    sequence="pretreatment",
    patient="p",
    visit="v",
    visit_version=1,
    send_at=said(1),
    expires_at=said(1) + HOURS,
    state="delivered",
    reason="",
    duplicate_possible=False,
)
TRY = Attempt(id="a", message=1, outcome="accepted", provider_id="SM1")
REQUEST = Request(message=1, attempt="a", came=after(2), at=after(2.1), on_record=True)
RUN = History(
    messages=[MESSAGE],
    attempts=[TRY],
    requests=[REQUEST],
    reasons=frozenset({"expired", "opted_out"}),
    news={"a": ["sent", "delivered"]},
    clock=[shown(second) for second in range(60)],
    healed=said(30),
    allowance=timedelta(seconds=0.5),
)


def run(**changes: Any) -> History:
    """The run in which all went well, but for this."""
    return replace(RUN, **changes)


def of(**changes: Any) -> History:
    """The same, with another end of its only message."""
    return run(messages=[replace(MESSAGE, **changes)], news={})


def swapped(**changes: Any) -> History:
    """A text that was over before a second one in the same words left to the same phone: each was found on
    the provider's list, and taken for the other. The second has these changes."""
    over = replace(MESSAGE, state="accepted", expires_at=said(3))
    other = replace(MESSAGE, id=2, state="accepted", **changes)
    tries = [
        replace(TRY, provider_id="SM2"),
        Attempt(id="b", message=2, outcome="accepted", provider_id="SM1"),
    ]
    late = Request(message=1, attempt="b", came=after(9), at=after(9), on_record=True)
    early = replace(REQUEST, message=2)
    return run(messages=[over, other], attempts=tries, requests=[early, late], news={})


def asked(**changes: Any) -> History:
    """The same, with another request."""
    return run(requests=[replace(REQUEST, **changes)])


def twice(**changes: Any) -> History:
    """The same, taken twice."""
    again = replace(REQUEST, came=after(9), at=after(9))
    return replace(of(**changes), requests=[REQUEST, again])


def moved(seconds: float, **changes: Any) -> History:
    """The visit has its second date since then."""
    return replace(of(**changes), visits=[Change(about="v", version=2, at=after(seconds))])


def called_off(seconds: float, **changes: Any) -> History:
    """The visit is called off since then."""
    return replace(of(**changes), visits=[Change(about="v", version=0, at=after(seconds), ended=True)])


def stopped(seconds: float, channel: str = "sms", **changes: Any) -> History:
    """The patient has opted out since then."""
    return replace(of(**changes), stops=[Change(about=f"p {channel}", version=0, at=after(seconds))])


def unsent(**changes: Any) -> History:
    """Nothing was ever requested."""
    return replace(of(**changes), requests=[], attempts=[])


def posted(answered: bool, *kept: str) -> History:
    """A patient wrote once."""
    return run(posts=[Post(provider_id="SM9", answered=answered)], replies=kept)


BACK = [shown(second) for second in range(3)] + [shown(3, at=said(1))]
"""A clock that is put back by two seconds of real time."""

KEPT: dict[str, History] = {
    "all went well": RUN,
    "accepted without news": of(state="accepted"),
    "two in the same words, one taken for the other": swapped(),
    "not due yet": unsent(state="planned", send_at=said(31)),
    "skipped with its reason": unsent(state="skipped", reason="expired"),
    "twice and marked": twice(duplicate_possible=True),
    "asked twice, taken once": run(requests=[replace(REQUEST, at=None), REQUEST]),
    "the database was away": asked(on_record=None),
    "sent in the last moment": of(state="accepted", expires_at=said(1.6)),
    "a clock that was put back": replace(of(state="accepted", expires_at=said(2)), clock=BACK),
    "a clock that may not have gone on": replace(
        of(state="accepted", expires_at=said(1)), clock=[shown(0), shown(1, unsure=True)]
    ),
    "moved while it was under way": moved(1.8, state="accepted"),
    "moved, and put right": moved(1, state="accepted", purpose="correction"),
    "moved, and of no date": moved(1, state="accepted", visit_version=0),
    "called off while it was under way": called_off(1.8, state="accepted"),
    "called off, and about the one before": called_off(1, state="accepted", sequence="aftercare"),
    "opted out while it was under way": stopped(1.8, state="accepted"),
    "opted out of the other channel": stopped(1, "email", state="accepted"),
    "the answer to a stop": stopped(1, state="accepted", purpose="opt_out_confirmation"),
    "the first final word": run(news={"a": ["delivered", "undelivered"]}),
    "a text that was never answered": posted(False),
    "a text that is stored": posted(True, "SM9"),
}

BROKEN: dict[str, tuple[str, History]] = {
    "still under way": ("I1", replace(of(state="uncertain"), requests=[replace(REQUEST, at=None)])),
    "never tried": ("I1", unsent(state="planned")),
    "said to be taken and not": ("I1", run(requests=[replace(REQUEST, at=None)])),
    "twice": ("I2", twice(state="accepted")),
    "too late, and taken for another": ("I4", swapped(expires_at=said(4))),
    "no try on record": ("I3", asked(on_record=False)),
    "nobody's": ("I3", run(requests=[REQUEST, replace(REQUEST, message=0, attempt="b")])),
    "too late": ("I4", of(state="accepted", expires_at=said(1))),
    "a date that is gone": ("I4", moved(1, state="accepted")),
    "a visit that is off": ("I4", called_off(1, state="accepted")),
    "opted out": ("I11", stopped(1, state="accepted")),
    "an answer after an opt-out": ("I11", stopped(1, state="accepted", purpose="auto_reply")),
    "no reason": ("I5", unsent(state="skipped")),
    "a reason that is not on the list": ("I5", unsent(state="rejected", reason="because")),
    "not sent, and yet taken": ("I5", of(state="skipped", reason="expired")),
    "delivered, and put back": ("I6", replace(of(state="unknown"), news={"a": ["sent", "delivered"]})),
    "known to its provider, and not to us": (
        "I6",
        replace(of(state="unresolved", reason="expired"), news={"a": ["sent"]}),
    ),
    "a text that is lost": ("I20", posted(True)),
    "a text that is stored twice": ("I20", posted(True, "SM9", "SM9")),
}


@pytest.mark.parametrize("history", KEPT.values(), ids=KEPT)
def test_it_finds_no_fault_where_there_is_none(history: History) -> None:
    assert judge(history) == []


@pytest.mark.parametrize(("promise", "history"), BROKEN.values(), ids=BROKEN)
def test_it_names_the_promise_that_broke(promise: str, history: History) -> None:
    assert [breach.promise for breach in judge(history)] == [promise]


@pytest.mark.parametrize("seconds", [0.0, 0.4, 0.6, 3.0])
@pytest.mark.parametrize("make", [moved, called_off, stopped])
def test_what_is_under_way_may_end_and_nothing_begins(seconds: float, make: Callable[..., History]) -> None:
    broke = bool(judge(make(2 - seconds, state="accepted")))
    assert broke == (seconds > 0.5)
