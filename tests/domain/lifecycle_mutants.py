"""Rules that are broken in one place, each with the promise that must say so."""

from __future__ import annotations

from campaigns.domain.lifecycle import After, Ending, Reason, State, after_news, after_search
from tests.domain.lifecycle_rules import Rules, may_plan


def _no_epoch(state: State, newest: bool) -> bool:
    return state is State.ATTEMPTING


def _any_way(
    state: State, reported: State | None, *, newest: bool, another: bool, failed: bool = False
) -> After:
    """A callback that moves a message to whatever it says."""
    return After(state=reported or state, doubled=another or not newest)


def _impatient(found: Ending | None, *, quiet: bool, expired: bool, twice: bool) -> After | None:
    return after_search(found, quiet=True, expired=expired, twice=twice)


def _patient(found: Ending | None, *, quiet: bool, expired: bool, twice: bool) -> After | None:
    return after_search(found, quiet=quiet, expired=False, twice=True) if found is Ending.ACCEPTED else None


def _again_though_taken(state: State) -> bool:
    return may_plan(state) or state is State.ACCEPTED


def _blind(opted_out: bool, moved: bool, expired: bool) -> Reason | None:
    return None


def _only_what_waits(
    state: State, reported: State | None, *, newest: bool, another: bool, failed: bool = False
) -> After:
    """What was planned again, skipped or cancelled since a try that was believed unsent stays as it is."""
    waits = state is State.WAITING
    known = {State.SKIPPED, State.CANCELLED, State.PLANNED}
    if reported is None or state in known or not (newest or waits):
        return After(state=state, doubled=not newest and not waits)
    return after_news(state, reported, newest=newest, another=False)


MUTANTS: dict[str, tuple[Rules, str, str]] = {
    "no epoch check": (Rules(may_hold=_no_epoch, may_record=_no_epoch), "text", "I2"),
    "a lapsed try is planned again": (Rules(lapsed_to=State.PLANNED), "text", "I2"),
    "a callback moves backwards": (Rules(after_news=_any_way), "text", "I6"),
    "the reconciler does not wait for quiet": (Rules(after_search=_impatient), "text", "I2"),
    "an accepted message is planned again": (Rules(may_plan=_again_though_taken), "text", "I2"),
    "nothing is asked before the byte": (Rules(still=_blind), "text", "I4, I11"),
    "the record of a worker that slept is lost": (Rules(hears_late_records=False), "text, rough", "I2"),
    "only what waits may have gone after all": (Rules(after_news=_only_what_waits), "text, rough", "I2"),
    "the reconciler never gives up": (Rules(after_search=_patient), "text", "I1"),
}
"""What is broken, the setting that shows it, and the promise that says so."""
