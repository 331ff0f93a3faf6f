"""When a channel is shut, for how long, and what opens it; and how fast a number is given texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.circuit import LONGEST, OPEN, TROUBLES, Circuit, Trouble, after_tries
from campaigns.domain.lifecycle import Reason
from campaigns.domain.pace import AHEAD, Pace

NOW = datetime(2026, 11, 2, 20, tzinfo=UTC)
DOWN = Trouble(reason=Reason.PROVIDER_DOWN)
CONFIG = Trouble(reason=Reason.PROVIDER_CONFIG)


def wait(circuit: Circuit) -> float | None:
    """Seconds until the channel is tried again."""
    return None if circuit.shut_until is None else (circuit.shut_until - NOW).total_seconds()


@pytest.mark.parametrize(
    ("troubles", "seconds"),
    [
        ([DOWN] * (TROUBLES - 1), None),
        ([DOWN] * TROUBLES, 15),
        ([CONFIG], 60),
        ([DOWN, CONFIG, DOWN], 60),
        ([Trouble(reason=Reason.PROVIDER_DOWN, retry_after=7)], 7),
        ([Trouble(reason=Reason.PROVIDER_DOWN, retry_after=900)], 900),
        ([Trouble(reason=Reason.PROVIDER_DOWN, retry_after=86_400)], 3_600),
        ([Trouble(reason=Reason.PROVIDER_DOWN, retry_after=0)], 0),
        ([], None),
    ],
)
def test_it_is_shut_when_it_should_be(troubles: list[Trouble], seconds: float | None) -> None:
    assert wait(after_tries(OPEN, answered=False, troubles=troubles, now=NOW)) == seconds


def test_troubles_add_up_over_rounds_and_one_answer_forgets_them() -> None:
    circuit = OPEN
    for _ in range(TROUBLES - 1):
        circuit = after_tries(circuit, answered=False, troubles=[DOWN], now=NOW)
        assert circuit.shut_until is None
    assert after_tries(circuit, answered=True, troubles=[DOWN], now=NOW) == OPEN
    assert wait(after_tries(circuit, answered=False, troubles=[DOWN], now=NOW)) == 15


@pytest.mark.parametrize(
    ("trouble", "waits"), [(DOWN, [15, 30, 60, 120, 240, 300, 300]), (CONFIG, [60, 120])]
)
def test_each_probe_that_fails_doubles_the_wait_up_to_five_minutes(
    trouble: Trouble, waits: list[int]
) -> None:
    circuit = after_tries(OPEN, answered=False, troubles=[trouble] * TROUBLES, now=NOW)
    seen = [wait(circuit)]
    for _ in waits[1:]:
        circuit = after_tries(circuit, answered=False, troubles=[trouble], now=NOW)
        seen.append(wait(circuit))
    assert seen == waits
    assert circuit.since == NOW


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([DOWN, CONFIG]), st.integers(0, 3), st.integers(0, 900)),
        max_size=30,
    )
)
def test_no_wait_is_longer_than_five_minutes_unless_the_provider_wants_it(
    rounds: list[tuple[bool, Trouble, int, int]],
) -> None:
    circuit, now = OPEN, NOW
    for answered, trouble, count, pause in rounds:
        now += timedelta(seconds=pause)
        circuit = after_tries(circuit, answered=answered, troubles=[trouble] * count, now=now)
        assert (circuit == OPEN) or not answered
        if circuit.shut_until is not None:
            assert circuit.shut_until <= now + LONGEST
            assert circuit.failures > 0
            assert circuit.why is not None


@given(st.floats(0.1, 100), st.lists(st.integers(1, 6), min_size=1, max_size=60))
def test_a_number_never_gets_more_than_it_carries(rate: float, texts: list[int]) -> None:
    pace, now, given_at = Pace(rate, NOW), NOW, []
    for segments in texts:
        while (again := pace.take(segments, now, urgent=False)) is not None:
            assert again > now
            now = again
        given_at.append((now, segments))
    for first, (start, _) in enumerate(given_at):
        carried = sum(segments for at, segments in given_at[first:] if at == start)
        assert carried <= rate * AHEAD.total_seconds() + 6 + rate * 1e-3
    total = sum(texts)
    assert (given_at[-1][0] - NOW).total_seconds() >= (
        total - texts[-1]
    ) / rate - AHEAD.total_seconds() - 6 / rate
