"""One message, its tries, a provider and everything that can go wrong, as a machine of few states.

The machine moves by the product's own decisions (lifecycle_rules) and judges every step by what we promise.
Time is not counted: a try is fresh, past its lease, or past the quiet time; a message is useful or too late.
So all that can happen is a graph that can be searched whole.

"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from campaigns.domain.lifecycle import BELIEVED_UNSENT, REACHED_PROVIDER, Ending, State, may_move
from tests.domain.lifecycle_rules import Age, Rules, forbidden


class Stage(IntEnum):
    """Where the worker of a try stands. `GONE`: it died, or has written down how the try ended."""

    GONE = 0
    BEGUN = 1
    HELD = 2
    ANSWERED = 3


class Try(NamedTuple):
    """One try. `taken`: the provider has it. `known`: that has reached us.

    `clean`: the message was still true and wanted when that was asked last. `slept`: its worker has not moved
    since, and another try has begun. `late`: it left after its lease. `failed`: it did not arrive, and the
    message is tried again.
    """

    stage: Stage = Stage.BEGUN
    answer: Ending | None = None
    clean: bool = False
    slept: bool = False
    taken: bool = False
    known: bool = False
    late: bool = False
    failed: bool = False


class Search(NamedTuple):
    """What a reconciler has found and not yet written down."""

    epoch: int
    quiet: bool
    found: Ending | None


class World(NamedTuple):
    """Everything about one message. The last of `tries` is the newest; the number of tries is the epoch."""

    state: State = State.PLANNED
    age: Age = Age.FRESH
    tries: tuple[Try, ...] = ()
    doubled: bool = False
    opted_out: bool = False
    moved: bool = False
    expired: bool = False
    search: Search | None = None


class Broken(AssertionError):
    """A promise that a step has broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the provider lets us know, and whether the world keeps to what we count on (`honest`): no byte
    leaves after its lease, and a list is whole once the quiet time is over."""

    name: str
    can_list: bool
    twice: bool
    honest: bool
    most_tries: int = 3


SETTINGS = (
    Setting(name="text", can_list=True, twice=False, honest=True),
    Setting(name="mail, once", can_list=False, twice=False, honest=True),
    Setting(name="mail, rather twice", can_list=False, twice=True, honest=True),
    Setting(name="text, rough", can_list=True, twice=False, honest=False),
    Setting(name="mail, once, rough", can_list=False, twice=False, honest=False),
    Setting(name="mail, rather twice, rough", can_list=False, twice=True, honest=False),
)


Step = tuple[str, World]
WORDS: dict[str, State | None] = {
    "sent": State.ACCEPTED,
    "delivered": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "a word that we do not know": None,
}
ANSWERS = {
    "accepts": (Ending.ACCEPTED, True),
    "accepts and answers 500": (Ending.UNCERTAIN, True),
    "answers 500": (Ending.UNCERTAIN, False),
    "refuses": (Ending.REJECTED, False),
    "asks to come again": (Ending.NOT_SENT, False),
}


class Machine:
    """The graph of one setting under some rules. `steps` raises `Broken` where a step breaks a promise that
    begins with `watch`."""

    def __init__(self, setting: Setting, rules: Rules | None = None, watch: str = "I") -> None:
        self.setting = setting
        self.rules = rules or Rules()
        self._watch = watch
        self._known: dict[World, list[Step]] = {}

    def steps(self, world: World) -> list[Step]:
        """Everything that can happen next; each state is worked out once."""
        found = self._known.get(world)
        if found is None:
            found = self._known[world] = []
            for name, after in self._all(world):
                if after != world:
                    self._judge(name, world, after)
                    found.append((name, _lean(after)))
        return found

    def _all(self, world: World) -> Iterator[Step]:
        yield from self._time(world)
        yield from self._people(world)
        yield from self._claim(world)
        for epoch, one in enumerate(world.tries, start=1):
            yield from self._worker(world, epoch, one)
            yield from self._news(world, epoch, one)
        yield from self._reconciler(world)

    # --- time and people

    def _time(self, world: World) -> Iterator[Step]:
        if world.tries and world.age is not Age.QUIET:
            yield "time passes", world._replace(age=Age(world.age + 1))
        yield "it is too late", world._replace(expired=True)
        if world.expired and self.rules.may_claim(world.state):
            yield "what is too late is marked", world._replace(state=State.SKIPPED)
        if world.state is State.ACCEPTED and self.setting.can_list:
            yield "no news for days", world._replace(state=State.UNKNOWN)

    def _people(self, world: World) -> Iterator[Step]:
        unsent = self.rules.may_claim(world.state)
        yield "opts out", world._replace(opted_out=True)
        yield "comes back", world._replace(opted_out=False)
        cancelled = State.CANCELLED if unsent else world.state
        yield "the visit moves", world._replace(moved=True, state=cancelled)
        yield "it is not needed", world._replace(state=cancelled)
        if self.rules.may_plan(world.state) and not (world.moved or world.expired):
            yield "it is planned again", world._replace(state=State.PLANNED)

    # --- sending

    def _claim(self, world: World) -> Iterator[Step]:
        if not self.rules.may_claim(world.state) or world.expired:
            return
        if self.rules.gate(world.opted_out, world.moved, world.expired):
            yield "a gate stops it", world._replace(state=State.SKIPPED)
        elif len(world.tries) < self.setting.most_tries:
            tries = (*map(_asleep, world.tries), Try())
            yield "a try begins", world._replace(state=State.ATTEMPTING, age=Age.FRESH, tries=tries)

    def _worker(self, world: World, epoch: int, one: Try) -> Iterator[Step]:
        if one.stage is not Stage.GONE:
            yield f"worker {epoch} dies", _with(world, epoch, _ended(one))
        match one.stage:
            case Stage.BEGUN:
                yield self._hold(world, epoch, one)
            case Stage.HELD:
                yield from self._byte(world, epoch, one)
            case Stage.ANSWERED if one.answer:
                yield f"worker {epoch} records", self._record(world, epoch, one, one.answer)

    def _hold(self, world: World, epoch: int, one: Try) -> Step:
        """The lease begins anew, and what makes a message false or unwanted is asked: hot.sql `hold`."""
        newest = epoch == len(world.tries)
        if not self.rules.may_hold(world.state, newest):
            return f"worker {epoch} lets it be", _with(world, epoch, _ended(one))
        held = world._replace(age=Age.FRESH if newest else world.age)
        why = self.rules.still(world.opted_out, world.moved, world.expired)
        if why:
            stopped = one._replace(stage=Stage.ANSWERED, answer=Ending.NOT_SENT)
            return f"worker {epoch} is stopped", _with(held, epoch, stopped)
        clean = forbidden(world.opted_out, world.moved, world.expired) is None
        return f"worker {epoch} asks", _with(held, epoch, one._replace(stage=Stage.HELD, clean=clean))

    def _byte(self, world: World, epoch: int, one: Try) -> Iterator[Step]:
        """The worker may have slept since it asked; in an honest world, not past its lease."""
        newest = epoch == len(world.tries)
        late = one.slept or (newest and world.age is not Age.FRESH)
        if late and self.setting.honest:
            return
        for what, (answer, taken) in ANSWERS.items():
            after = one._replace(
                stage=Stage.ANSWERED, answer=answer, taken=taken, late=late and taken, slept=False
            )
            yield f"the provider {what} (try {epoch})", _with(world, epoch, after)

    def _record(self, world: World, epoch: int, one: Try, answer: Ending) -> World:
        accepted = answer is Ending.ACCEPTED and not one.failed
        after = _with(world, epoch, _ended(one)._replace(known=one.known or accepted))
        newest = epoch == len(world.tries)
        if self.rules.may_record(world.state, newest):
            ended = self.rules.try_ended(answer, epoch, world.expired)
            if (ended.state is State.REJECTED) and ended.reason is None:
                raise Broken("I5: it ends without a reason")
            return after._replace(state=ended.state)
        if accepted and self.rules.hears_late_records:  # hot.sql `record_late`
            return self._heard(world, after, epoch, State.ACCEPTED)
        return after

    # --- news and searches

    def _news(self, world: World, epoch: int, one: Try) -> Iterator[Step]:
        """Callbacks come in any order, late, and again. Mail knows only that something came back."""
        if one.failed:
            yield f"old news of try {epoch}: sent", self._heard(world, world, epoch, State.ACCEPTED)
        if not one.taken or (not self.setting.can_list and epoch != len(world.tries)):
            return
        newest, another = epoch == len(world.tries), _another(world, epoch)
        if self.setting.can_list and newest and not another and world.state in MAY_BE_TRIED_LATER:
            lost = one._replace(taken=False, known=False, failed=True)
            yield f"try {epoch} did not arrive", _with(world, epoch, lost)._replace(state=State.WAITING)
        for word, reported in WORDS.items():
            if self.setting.can_list or reported is State.UNDELIVERED:
                arrived = reported is not State.UNDELIVERED
                after = _with(world, epoch, one._replace(known=arrived, taken=arrived))
                yield f"news of try {epoch}: {word}", self._heard(world, after, epoch, reported)

    def _heard(self, world: World, after: World, epoch: int, reported: State | None) -> World:
        another = _another(world, epoch)
        newest = epoch == len(world.tries)
        failed = world.tries[epoch - 1].failed
        news = self.rules.after_news(world.state, reported, newest=newest, another=another, failed=failed)
        return after._replace(state=news.state, doubled=world.doubled or news.doubled)

    def _reconciler(self, world: World) -> Iterator[Step]:
        if self.rules.may_lapse(world.state, world.age):
            yield "the lease is over", world._replace(state=self.rules.lapsed_to)
        if world.state is State.UNCERTAIN and world.search is None:
            quiet = world.age is Age.QUIET
            for found in self._found(world, quiet):
                search = Search(len(world.tries), quiet, found)
                yield f"a search finds {found}", world._replace(search=search)
        if world.search is not None:
            yield "the search is written down", self._settle(world, world.search)

    def _found(self, world: World, quiet: bool) -> Iterator[Ending | None]:
        if not self.setting.can_list:
            yield None
            return
        taken = world.tries[-1].taken
        # The same words to the same number: a text that left late is taken for the one that is sought.
        mistaken = any(one.late and not one.known for one in world.tries[:-1])
        yield Ending.UNCERTAIN
        if taken or mistaken:
            yield Ending.ACCEPTED
        if not taken or not quiet or not self.setting.honest:
            yield Ending.NOT_SENT

    def _settle(self, world: World, search: Search) -> World:
        done = world._replace(search=None)
        newest = search.epoch == len(world.tries)
        if not self.rules.may_settle(world.state, newest):
            return done
        after = self.rules.after_search(
            search.found, quiet=search.quiet, expired=world.expired, twice=self.setting.twice
        )
        if after is None:
            return done
        if after.state is State.UNRESOLVED and after.reason is None:
            raise Broken("I5: it ends without a reason")
        known = world.tries[-1].known or after.state is State.ACCEPTED
        moved = _with(done, search.epoch, world.tries[-1]._replace(known=known))
        return moved._replace(state=after.state, doubled=world.doubled or after.doubled)

    # --- a world in which everything works

    def well(self, world: World) -> World:
        """The next step where workers end what they do, the provider takes what it gets and says so, lists
        are whole, and what is due is sent; the same world where nothing is left to do."""
        for epoch, one in enumerate(world.tries, start=1):
            if one.stage is not Stage.GONE:
                return self._works(world, epoch, one)
            if one.taken and not one.known and self.setting.can_list:
                after = _with(world, epoch, one._replace(known=True))
                return self._heard(world, after, epoch, State.ACCEPTED)
        if world.search is not None:
            return self._settle(world, world.search)
        if world.state in {State.ATTEMPTING, State.UNCERTAIN}:
            return self._looked_into(world._replace(age=Age.QUIET))
        if not self.rules.may_claim(world.state):
            return world
        if world.expired or self.rules.gate(world.opted_out, world.moved, world.expired):
            return world._replace(state=State.SKIPPED)
        return world._replace(state=State.ATTEMPTING, age=Age.FRESH, tries=(*world.tries, Try()))

    def _works(self, world: World, epoch: int, one: Try) -> World:
        if one.stage is Stage.BEGUN:
            return self._hold(world, epoch, one)[1]
        if one.stage is Stage.ANSWERED and one.answer:
            return self._record(world, epoch, one, one.answer)
        newest = epoch == len(world.tries)
        if one.slept or (newest and world.age is not Age.FRESH):
            return _with(world, epoch, _ended(one))
        taken = one._replace(stage=Stage.ANSWERED, answer=Ending.ACCEPTED, taken=True)
        return _with(world, epoch, taken)

    def _looked_into(self, world: World) -> World:
        if world.state is State.ATTEMPTING:
            return world._replace(state=self.rules.lapsed_to) if self.rules.may_lapse(*world[:2]) else world
        found = Ending.ACCEPTED if world.tries[-1].taken else Ending.NOT_SENT
        search = Search(len(world.tries), True, found if self.setting.can_list else None)
        return self._settle(world, search)

    # --- what we promise

    def _judge(self, name: str, before: World, after: World) -> None:
        for promise in self._broken(before, after):
            if promise.startswith(self._watch):
                raise Broken(f"{promise} ({name}: {before.state} -> {after.state})")

    def _broken(self, before: World, after: World) -> Iterator[str]:
        if after.tries is not before.tries:
            yield from self._broken_by_tries(before, after)
        if after.doubled < before.doubled:
            yield "I2: the mark came off"
        if after.doubled and self.setting.honest and not self.setting.twice:
            yield "I2: marked without a need"
        if after.state is not before.state:
            later = after.state is State.WAITING and after.tries[-1].failed
            if not (_forward(before.state, after.state) or later):
                yield "I6: it went back"
            if not _in_table(before.state, after.state):
                yield "I6: not a move of the table"

    def _broken_by_tries(self, before: World, after: World) -> Iterator[str]:
        taken = sum(one.taken for one in after.tries)
        if taken > 1 and not after.doubled:
            if self.setting.honest:
                yield "I2: taken twice, and not marked"
            if sum(one.taken and one.known for one in after.tries) > 1:
                yield "I2: known to be taken twice, and not marked"
        if taken > sum(one.taken for one in before.tries) and not _left_clean(before, after):
            yield "I4, I11: it left though it was false or unwanted"


MAY_BE_TRIED_LATER = frozenset({State.ATTEMPTING, State.UNCERTAIN, State.ACCEPTED, State.WAITING})
"""Where a text is tried once more when its handset was not reached: services/track."""


def _left_clean(before: World, after: World) -> bool:
    pairs = zip(before.tries, after.tries, strict=True)
    return all(new.clean for old, new in pairs if new.taken and not old.taken)


FINAL = frozenset({State.DELIVERED, State.UNDELIVERED, State.REJECTED, State.UNRESOLVED})


def _forward(old: State, new: State) -> bool:
    """Forward only, said apart from the product's own table."""
    if old in FINAL:
        return False
    if old is State.UNKNOWN:
        return new in {State.DELIVERED, State.UNDELIVERED}
    if old is State.ACCEPTED:
        return new in {State.DELIVERED, State.UNDELIVERED, State.UNKNOWN}
    if old is State.UNCERTAIN:
        return new not in {State.ATTEMPTING, State.PLANNED, State.SKIPPED, State.CANCELLED}
    return True


def _in_table(old: State, new: State) -> bool:
    proven = new in REACHED_PROVIDER and old in BELIEVED_UNSENT | {State.ATTEMPTING, State.UNCERTAIN}
    return proven or may_move(old, new)


def _with(world: World, epoch: int, one: Try) -> World:
    tries = list(world.tries)
    tries[epoch - 1] = one
    return world._replace(tries=tuple(tries))


def _ended(one: Try) -> Try:
    """A worker that is gone: what it held is forgotten, what the provider has is not."""
    return Try(stage=Stage.GONE, taken=one.taken, known=one.known, late=one.late, failed=one.failed)


def _another(world: World, epoch: int) -> bool:
    """Whether we know that the provider took another try."""
    return any(one.known for other, one in enumerate(world.tries, start=1) if other != epoch)


def _asleep(one: Try) -> Try:
    return one._replace(slept=True) if one.stage is Stage.HELD else one


def _lean(world: World) -> World:
    """The same world without what can make no difference any more, so that the graph stays small."""
    if any(map(_has_nothing_to_say, world.tries[:-1])):
        earlier = tuple(_ended(one) if _has_nothing_to_say(one) else one for one in world.tries[:-1])
        world = world._replace(tries=earlier + world.tries[-1:])
    if world.state in FINAL | REACHED_PROVIDER:
        return world._replace(opted_out=False, moved=False, expired=False)
    return world


def _has_nothing_to_say(one: Try) -> bool:
    """An earlier try whose worker knows of no acceptance: whatever it writes is not taken."""
    return one.stage is Stage.ANSWERED and one.answer is not Ending.ACCEPTED
