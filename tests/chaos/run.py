"""One run: the stack under load, struck turn by turn; then all is healed, settled, gathered and judged."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from campaigns.local.progress import Advance
from tests.chaos import broker, ground, stack
from tests.chaos.blows import Striker
from tests.chaos.desk import Desk
from tests.chaos.gather import gather
from tests.chaos.ground import Planted, Planter
from tests.chaos.history import Breach, History, judge
from tests.chaos.schedule import PATIENCE, Blow, Turn, count, short, turns
from tests.chaos.sinks import Order, wait_met
from tests.chaos.stack import Stack

SETTLE = timedelta(minutes=15)
"""I1: by the installation's clock, after everything is well again."""
SETTLE_SPEED = 25.0
HEAL_SECONDS = 60.0
FULL = 40
"""Due messages beyond which no more are made until some have gone."""
PATIENTS_A_TURN = 7
_RECENT = 20
_BUSY = """
SELECT count(*) FROM message WHERE state IN ('attempting', 'uncertain')
   OR (state IN ('planned', 'waiting') AND send_at <= %s)
"""
_DUE = "SELECT count(*) FROM message WHERE state IN ('planned', 'waiting') AND due_at <= %s"
_JUMPS = {"forward": timedelta(hours=1), "back": timedelta(hours=-1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done: turns until so many `kills`, or all turns of a plan that has an end."""

    plan: Iterable[Turn]
    kills: int
    seed: int
    mutant: str = ""
    is_endless: bool = True


def work(seed: int, kills: int, mutant: str = "") -> Work:
    """A run by chance."""
    return Work(plan=turns(seed), kills=kills, seed=seed, mutant=mutant)


def short_work(seed: int) -> Work:
    """Each process, hold point and fault once."""
    plan = short()
    return Work(plan=plan, kills=count(plan), seed=seed, is_endless=False)


@dataclass(kw_only=True)
class Report:
    """What a run was and what it showed."""

    seed: int
    mutant: str
    turns: int
    kills: int
    by_target: dict[str, int]
    by_point: dict[str, int]
    faults: dict[str, int]
    messages: dict[str, int]
    requests: int
    taken: int
    marked: int
    moves: int
    stops: int
    posts: int
    jumps: int
    flushes: int
    unseen: int
    held_back: int = 0
    settled_minutes: float
    seconds: float
    breaches: list[Breach]
    folder: str = ""
    machine: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """Drives one stack through a plan."""

    on: Stack
    seed: int
    striker: Striker
    desk: Desk
    planter: Planter
    db: psycopg.Connection[Any]
    recent: deque[Planted] = field(default_factory=lambda: deque(maxlen=_RECENT))
    stoppable: list[Planted] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    marks: list[str] = field(default_factory=list)
    turns: int = 0

    @property
    def struck(self) -> int:
        """Blows that met somebody."""
        return self.striker.struck.total()

    def turn(self, turn: Turn) -> None:
        """One turn, as far as the servers that are alive allow it."""
        self.turns += 1
        self._plant()
        order = self._give(turn)
        if order is not None and wait_met(order, turn.patience):
            self.points[f"{turn.channel} {turn.hold}"] += 1
        acts = [self.desk.act(what, list(self.recent), self.stoppable) for what in turn.desk]
        self._wait(0.05 if any(acts) else 0)
        for blow in turn.blows:
            self._strike(blow, turn.patience)
        for event in turn.world:
            self._world(event)
        self._wait(turn.pause)
        self.on.smtp.mend()
        self.on.twilio.list_fails = "list down" in turn.world
        self.striker.tend()

    def _strike(self, blow: Blow, patience: float) -> None:
        """Now; where it must be met, as soon as there is somebody."""
        deadline = time.monotonic() + (patience if patience >= PATIENCE else 0)
        while not self.striker.strike(blow) and time.monotonic() < deadline:
            self.striker.tend()
            time.sleep(0.05)

    def _give(self, turn: Turn) -> Order | None:
        """Tell the providers what to do to whom comes next."""
        for fault in turn.faults:
            self.faults[f"sms {fault}"] += 1
            self.on.twilio.orders.give(Order(fault=fault))
        for _ in range(turn.mute):
            self.on.twilio.orders.give(Order(mute=True))
        if turn.mail_fault:
            self.faults[f"mail {turn.mail_fault}"] += 1
            self.on.smtp.fail(turn.mail_fault)
        if turn.hold is None:
            return None
        provider = self.on.twilio if turn.channel == "sms" else self.on.smtp
        return provider.orders.give(Order(hold=turn.hold, seconds=turn.seconds))

    def _world(self, event: str) -> None:
        self.faults[event] += 1
        if event in _JUMPS:
            self.on.clock.jump(_JUMPS[event])
        elif event == "flush":
            broker.empty(self.on.servers.redis_url)
        elif event == "scan":
            self.marks += broker.found(self.on.servers.redis_url)
        elif event == "terminate":
            self._ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
            )

    def _wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def _plant(self) -> None:
        """Keep some work due. A database that is away gets it later."""
        due = self._ask(_DUE, self.on.clock.now)
        if due is None or due[0][0] > FULL:
            return
        try:
            planted = self.planter.plant(self.db, self.on.clock.now, PATIENTS_A_TURN)
        except psycopg.Error:
            return
        self.recent.extend(planted)
        self.stoppable = [*self.stoppable, *(one for one in planted if one.own_phone)][-12:]

    def _ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]] | None:
        """Rows, or None where the database is away."""
        try:
            if self.db.closed:
                self.db = connect(self.on.database)
            return self.db.execute(query, parameters).fetchall()
        except psycopg.Error:
            self.db.close()
            return None

    def count_held_back(self) -> int:
        """Tries that did not begin because what was asked before had grown old: who slept, above all."""
        from campaigns.delivery.channels import TOO_LATE

        rows = self._ask("SELECT count(*) FROM attempt WHERE detail = %s", TOO_LATE)
        return int(rows[0][0]) if rows else 0

    def heal(self) -> datetime:
        """Everything is well again; by the installation's clock, since when."""
        self.on.twilio.orders.clear()
        self.on.smtp.orders.clear()
        self.on.smtp.mend()
        self.on.twilio.list_fails = False
        self.striker.wake_all()
        deadline = time.monotonic() + HEAL_SECONDS
        while not self._is_well():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the programs do not come up again: {self.on.programs.pids}")
            self.striker.tend()
            time.sleep(0.1)
        self.desk.close()
        self.on.clock.to_latest()
        if self.on.clock.now.hour >= 22:
            self.on.clock.jump(
                timedelta(hours=2)
            )  # to the next morning: the night must not come while it settles
        return self.on.clock.now

    def _is_well(self) -> bool:
        programs = self.on.programs
        if set(programs.commands) - set(programs.pids) or self._ask("SELECT 1") is None:
            return False
        with suppress(urllib3.exceptions.HTTPError):
            address = f"{self.on.base_url}/healthz"
            return urllib3.request("GET", address, timeout=1, retries=False).status == 200
        return False

    def settle(self, healed: datetime) -> float:
        """Wait until nothing that was due is under way; the minutes of the installation's clock it took."""
        self.on.clock.speed = SETTLE_SPEED
        while self.on.clock.now < healed + SETTLE:
            self.striker.tend()
            busy = self._ask(_BUSY, healed)
            if busy is not None and busy[0][0] == 0:
                break
            time.sleep(0.1)
        self.on.clock.stop()
        took = self.on.clock.now - healed
        self.on.twilio.drain(20)
        return took.total_seconds() / 60


def connect(address: str) -> psycopg.Connection[Any]:
    """A connection of the runner's own, that does not wait for ever."""
    options = "-c statement_timeout=5000"
    return psycopg.connect(address, autocommit=True, connect_timeout=3, options=options)


def run(state: Path, work: Work, advance: Advance) -> Report:
    """Drive a new stack through the plan, and judge what came of it."""
    began = time.monotonic()
    advance("starting", 0, work.kills)
    with stack.running(state, work.mutant) as on, _prepared(on, work.seed) as runner:
        _kill(runner, work, advance)
        advance("settling", work.kills, work.kills)
        healed = runner.heal()
        minutes = runner.settle(healed)
        advance("judging", work.kills, work.kills)
        history = gather(on, runner.desk.posts, healed)
        breaches = [*judge(history), *_of_the_house(on, runner)]
        held_back = runner.count_held_back()
    report = _report(runner, history, breaches, work.mutant, minutes, time.monotonic() - began)
    report.held_back = held_back
    return report


def _kill(runner: Runner, work: Work, advance: Advance) -> None:
    """Turn after turn; each is written down before it happens."""
    with (runner.on.state / "schedule.txt").open("w", encoding="utf-8") as told:
        for turn in work.plan:
            if work.is_endless and runner.struck >= work.kills:
                return
            advance("killing", runner.struck, work.kills)
            told.write(f"{turn.words()}\n")
            told.flush()
            runner.turn(turn)


@contextmanager
def _prepared(on: Stack, seed: int) -> Iterator[Runner]:
    """With clinics, programs that run and a clock that goes; nobody acts any more at the end."""
    ground.make_clinics(on.clock.now)
    db = connect(on.database)
    kinds = ground.prototypes(db, on.clock.now)
    on.clock.start()
    stack.start_programs(on)
    chance = random.Random(seed)
    desk = Desk(on.twilio, random.Random(seed + 1))
    planter = Planter(kinds, random.Random(seed + 2))
    try:
        yield Runner(on, seed, Striker(on, chance), desk, planter, db)
    finally:
        desk.abandon()


def _of_the_house(on: Stack, runner: Runner) -> list[Breach]:
    """What the judge of histories does not see: the audit chain, and the broker."""
    said = on.programs.run("audit", ["campaigns", "audit", "verify"], seconds=120)
    found = [] if "is whole" in said else [Breach(promise="I22", key="audit", words=said.strip()[-200:])]
    return found + [Breach(promise="I23", key="broker", words=words) for words in runner.marks]


def _report(
    runner: Runner,
    history: History,
    breaches: list[Breach],
    mutant: str,
    minutes: float,
    seconds: float,
) -> Report:
    struck = runner.striker.struck
    return Report(
        seed=runner.seed,
        mutant=mutant,
        turns=runner.turns,
        kills=runner.struck,
        by_target={f"{how} {target}": times for (target, how), times in sorted(struck.items())},
        by_point=dict(sorted(runner.points.items())),
        faults=dict(sorted(runner.faults.items())),
        messages=dict(sorted(Counter(message.state for message in history.messages).items())),
        requests=len(history.requests),
        taken=sum(request.at is not None for request in history.requests),
        marked=sum(message.duplicate_possible for message in history.messages),
        moves=len(history.visits),
        stops=len(history.stops),
        posts=len(history.posts),
        jumps=runner.on.clock.jumps,
        flushes=runner.faults["flush"],
        unseen=sum(request.on_record is None for request in history.requests),
        settled_minutes=round(minutes, 1),
        seconds=round(seconds, 1),
        breaches=breaches,
    )
