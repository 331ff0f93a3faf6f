"""The life of a message: whatever happens in whatever order, at most once, forward only, and to an end.

All that can happen to one message and two or three tries is searched whole; longer stories of two messages
are drawn, 20,000 here. As many as one likes, from a shell at the root of the checkout:

    python3 -c "from tests.domain.test_lifecycle import stories; stories(1_000_000)()"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from campaigns.domain.lifecycle import (
    BELIEVED_UNSENT,
    REACHED_PROVIDER,
    Ending,
    State,
    after_event,
    after_news,
    after_search,
)
from tests.domain.lifecycle_healing import Healing, Stories, reachable
from tests.domain.lifecycle_model import SETTINGS, Broken, Machine, Setting, World
from tests.domain.lifecycle_mutants import MUTANTS
from tests.domain.lifecycle_rules import Rules

pytestmark = pytest.mark.load

RUNS = 20_000
LENGTH = 1 + 60
"""Bytes of a story: one for its setting, one a step."""
AT_ONCE = 4
"""Stories that are drawn together: drawing takes longer than telling."""
TRIES = 5
"""How many tries a drawn story may have."""

SIZES = {
    ("text", 2): 22_816,
    ("mail, once", 3): 2_429,
    ("mail, rather twice", 2): 8_274,
    ("text, rough", 1): 4_210,
    ("mail, once, rough", 2): 2_028,
    ("mail, rather twice, rough", 2): 14_574,
}
"""How many states there are, with that many tries. Another number means that a rule is another. The rough
text with two tries has 128,926, a quarter of a minute by itself: the mutants and the stories go there."""


def setting_of(name: str) -> Setting:
    """The setting of that name."""
    return next(one for one in SETTINGS if one.name == name)


@pytest.mark.parametrize(("name", "tries"), SIZES, ids=str)
def test_whatever_happens_keeps_the_promises_and_comes_to_an_end(name: str, tries: int) -> None:
    setting = setting_of(name)
    machine = Machine(replace(setting, most_tries=tries))
    states = reachable(machine)
    assert len(states) == SIZES[name, tries]
    healing = Healing(machine)
    ends = {healing.end(world).state for world in states}
    assert ends >= {State.SKIPPED, State.REJECTED, State.ACCEPTED, State.UNDELIVERED}
    never = set() if setting.can_list else {State.UNKNOWN, State.DELIVERED}
    assert {world.state for world in states} == {*State} - never
    assert any(world.doubled for world in states) is (
        setting.twice or (setting.can_list and not setting.honest and tries > 1)
    )


@cache
def machine_of(setting: Setting) -> tuple[Stories, Healing]:
    """One machine a setting, so that what one story has worked out serves the next."""
    machine = Machine(replace(setting, most_tries=TRIES))
    return Stories(machine), Healing(machine)


def stories(runs: int) -> Callable[[], None]:
    """A property over that many drawn stories of two messages."""

    @settings(max_examples=runs // AT_ONCE, deadline=None, database=None)
    @given(st.binary(min_size=AT_ONCE * LENGTH, max_size=AT_ONCE * LENGTH))
    def holds(choices: bytes) -> None:
        for start in range(0, len(choices), LENGTH):
            told, healing = machine_of(SETTINGS[choices[start] % len(SETTINGS)])
            for world in told.tell(choices[start + 1 : start + LENGTH]):
                healing.end(world)

    return holds


def test_no_story_of_two_messages_breaks_a_promise() -> None:
    stories(RUNS)()


class Life(RuleBasedStateMachine):
    """The same steps as rules: what a failure prints is a story to read."""

    @initialize(setting=st.sampled_from(SETTINGS))
    def begin(self, setting: Setting) -> None:
        """A message of a kind."""
        self.machine = Machine(replace(setting, most_tries=TRIES))
        self.world = World()

    def _one_of(self, data: st.DataObject, *words: str) -> None:
        steps = {
            name: after
            for name, after in self.machine.steps(self.world)
            if any(word in name for word in words)
        }
        if steps:
            self.world = steps[data.draw(st.sampled_from(sorted(steps)))]

    @rule(data=st.data())
    def something_is_sent(self, data: st.DataObject) -> None:
        """A try begins, or its worker goes on."""
        self._one_of(data, "try", "worker", "provider")

    @rule(data=st.data())
    def somebody_dies_or_time_passes(self, data: st.DataObject) -> None:
        """What nobody wants."""
        self._one_of(data, "dies", "time", "lease", "late", "days")

    @rule(data=st.data())
    def something_is_heard(self, data: st.DataObject) -> None:
        """News, or a search for them."""
        self._one_of(data, "news", "search")

    @rule(data=st.data())
    def somebody_decides(self, data: st.DataObject) -> None:
        """The patient, staff, or a gate."""
        self._one_of(data, "opts", "back", "visit", "needed", "planned", "gate")

    @invariant()
    def it_would_come_to_an_end(self) -> None:
        """From wherever it stands."""
        if hasattr(self, "world"):
            Healing(self.machine).end(self.world)


def test_no_rule_breaks_a_promise() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=60, stateful_step_count=30, deadline=None, database=None)
    )


# --- the machine can fail


def first_breach(rules: Rules, setting: Setting, promise: str) -> str:
    """The nearest breach of a promise; nothing where there is none."""
    machine = Machine(setting, rules, watch=promise)
    try:
        healing = Healing(machine)
        for world in reachable(machine):
            healing.end(world)
    except Broken as breach:
        return str(breach)
    return ""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_rule_is_seen(mutant: str) -> None:
    rules, name, promise = MUTANTS[mutant]
    setting = replace(setting_of(name), most_tries=2)
    assert first_breach(rules, setting, promise).startswith(promise)
    assert first_breach(Rules(), replace(setting, most_tries=1), promise) == ""


# --- the decisions one by one


@pytest.mark.parametrize("current", State)
@pytest.mark.parametrize("reported", sorted(REACHED_PROVIDER))
def test_news_moves_forward_only(current: State, reported: State) -> None:
    after = after_event(current, reported)
    open_ = current in BELIEVED_UNSENT | {State.ATTEMPTING, State.UNCERTAIN}
    ends = {State.ACCEPTED: 1, State.UNKNOWN: 2, State.DELIVERED: 3, State.UNDELIVERED: 3}
    forward = ends.get(current, 3) < ends[reported]
    assert after is (reported if open_ or forward else current)


@pytest.mark.parametrize(
    ("found", "quiet", "expired", "twice", "state"),
    [
        (Ending.ACCEPTED, False, True, False, State.ACCEPTED),
        (Ending.NOT_SENT, False, False, False, None),
        (Ending.NOT_SENT, True, False, False, State.WAITING),
        (Ending.NOT_SENT, True, True, False, State.UNRESOLVED),
        (Ending.UNCERTAIN, True, True, True, None),
        (None, True, False, False, State.UNRESOLVED),
        (None, True, False, True, State.WAITING),
        (None, False, False, True, None),
        (None, True, True, True, State.UNRESOLVED),
    ],
)
def test_a_search_leads_somewhere(
    found: Ending | None, quiet: bool, expired: bool, twice: bool, state: State | None
) -> None:
    after = after_search(found, quiet=quiet, expired=expired, twice=twice)
    assert (after.state if after else None) is state
    assert after is None or after.doubled is (found is None and state is State.WAITING)


@pytest.mark.parametrize(
    ("current", "newest", "another", "state", "doubled"),
    [
        (State.ATTEMPTING, True, False, State.DELIVERED, False),
        (State.ATTEMPTING, False, False, State.ATTEMPTING, True),
        (State.WAITING, False, False, State.DELIVERED, False),
        (State.CANCELLED, True, False, State.DELIVERED, False),
        (State.ACCEPTED, True, True, State.DELIVERED, True),
        (State.REJECTED, False, False, State.REJECTED, True),
    ],
)
def test_news_of_an_earlier_try_marks_what_may_have_gone_twice(
    current: State, newest: bool, another: bool, state: State, doubled: bool
) -> None:
    after = after_news(current, State.DELIVERED, newest=newest, another=another)
    assert (after.state, after.doubled) == (state, doubled)


def test_a_word_that_we_do_not_know_proves_that_it_was_taken() -> None:
    assert after_news(State.UNCERTAIN, None, newest=True, another=False).state is State.ACCEPTED
    assert after_news(State.DELIVERED, None, newest=True, another=False).state is State.DELIVERED
