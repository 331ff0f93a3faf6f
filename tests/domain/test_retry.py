"""When a failed try is repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.lifecycle import Ending, Reason, State
from campaigns.domain.retry import Next, RetryDecision, after_try, decide

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
NEXT_DAY = NOW + timedelta(days=1)


def wait(decision: RetryDecision) -> float:
    """Seconds until the next try."""
    assert decision.at is not None
    return (decision.at - NOW).total_seconds()


@pytest.mark.parametrize(("tries", "least"), [(1, 15), (2, 30), (3, 60), (6, 480), (7, 720), (30, 720)])
def test_waits_double_and_stay_below_a_quarter_of_an_hour(tries: int, least: int) -> None:
    assert least <= wait(decide(tries=tries, now=NOW, expires_at=NEXT_DAY, seed=5)) <= least * 1.25


def test_the_wish_of_the_provider_is_never_undercut() -> None:
    assert wait(decide(tries=1, now=NOW, expires_at=NEXT_DAY, retry_after=120)) >= 120
    assert wait(decide(tries=7, now=NOW, expires_at=NEXT_DAY, retry_after=1)) >= 720


def test_messages_that_failed_together_return_apart() -> None:
    waits = {decide(tries=1, now=NOW, expires_at=NEXT_DAY, seed=seed).at for seed in range(50)}
    assert len(waits) > 40


def test_the_same_input_gives_the_same_answer() -> None:
    first = decide(tries=3, now=NOW, expires_at=NEXT_DAY, seed=42)
    assert first == decide(tries=3, now=NOW, expires_at=NEXT_DAY, seed=42)


def test_it_gives_up_when_the_next_try_would_be_too_late() -> None:
    soon = NOW + timedelta(seconds=10)
    assert decide(tries=1, now=NOW, expires_at=soon) == RetryDecision(reason=Reason.EXPIRED)
    assert decide(tries=1, now=NOW, expires_at=NEXT_DAY, retry_after=1e6).reason is Reason.EXPIRED


def test_it_gives_up_after_a_hundred_tries() -> None:
    late = NOW + timedelta(days=60)
    assert decide(tries=99, now=NOW, expires_at=late).at is not None
    assert decide(tries=100, now=NOW, expires_at=late).reason is Reason.RETRIES_USED_UP


def test_a_dead_handset_gets_one_later_try() -> None:
    first = decide(tries=1, now=NOW, expires_at=NEXT_DAY, failure=Reason.UNREACHABLE)
    assert 3600 <= wait(first) <= 4500
    second = decide(tries=2, now=NOW, expires_at=NEXT_DAY, failure=Reason.UNREACHABLE)
    assert second == RetryDecision(reason=Reason.UNREACHABLE)


def test_a_fault_of_ours_is_waited_out() -> None:
    late = decide(tries=10_000, now=NOW, expires_at=NEXT_DAY, failure=Reason.PROVIDER_CONFIG)
    assert 300 <= wait(late) <= 375


@given(
    tries=st.integers(1, 10_000),
    left=st.timedeltas(timedelta(days=-2), timedelta(days=90)),
    failure=st.sampled_from([None, *Reason]),
    retry_after=st.none() | st.floats(0, 1e9),
    seed=st.integers(),
)
def test_it_tries_between_now_and_the_end_or_gives_a_reason(
    tries: int, left: timedelta, failure: Reason | None, retry_after: float | None, seed: int
) -> None:
    decision = decide(
        tries=tries, now=NOW, expires_at=NOW + left, failure=failure, retry_after=retry_after, seed=seed
    )
    if decision.at is None:
        assert decision.reason in {Reason.EXPIRED, Reason.RETRIES_USED_UP, Reason.UNREACHABLE}
    else:
        assert decision.reason is None
        assert NOW < decision.at <= NOW + left


@pytest.mark.parametrize("tries", [0, -1])
def test_a_retry_comes_after_a_try(tries: int) -> None:
    with pytest.raises(ValueError, match="at least one try"):
        decide(tries=tries, now=NOW, expires_at=NEXT_DAY)


def test_naive_times_are_refused() -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        decide(tries=1, now=naive, expires_at=NEXT_DAY)
    with pytest.raises(ValueError, match="aware"):
        decide(tries=1, now=NOW, expires_at=naive)


@pytest.mark.parametrize(
    ("ending", "reason", "left", "after"),
    [
        (Ending.ACCEPTED, None, 1, Next(state=State.ACCEPTED)),
        (Ending.UNCERTAIN, None, 1, Next(state=State.UNCERTAIN)),
        (Ending.REJECTED, None, 1, Next(state=State.REJECTED, reason=Reason.PROVIDER_REFUSED)),
        (Ending.REJECTED, Reason.LANDLINE, 1, Next(state=State.REJECTED, reason=Reason.LANDLINE)),
        (Ending.NOT_SENT, None, 0, Next(state=State.REJECTED, reason=Reason.EXPIRED)),
    ],
)
def test_a_try_leads_to_a_state(ending: Ending, reason: Reason | None, left: int, after: Next) -> None:
    assert after_try(ending, reason, tries=1, now=NOW, expires_at=NOW + timedelta(days=left)) == after


@pytest.mark.parametrize("reason", [None, Reason.PROVIDER_CONFIG])
def test_only_what_is_proven_unsent_waits_for_another_try(reason: Reason | None) -> None:
    after = after_try(Ending.NOT_SENT, reason, tries=1, now=NOW, expires_at=NEXT_DAY, seed=5)
    decision = decide(tries=1, now=NOW, expires_at=NEXT_DAY, failure=after.reason, seed=5)
    assert after == Next(state=State.WAITING, reason=reason or Reason.PROVIDER_DOWN, at=decision.at)
