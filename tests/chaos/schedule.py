"""What befalls whom, turn by turn: decided by a seed before anything runs, so that a run can be told again.

A blow is one SIGKILL, or one SIGSTOP with its SIGCONT after the lease. Everything else that goes wrong in a
turn (faults of providers, changes by staff, an emptied broker, a clock that jumps) is not counted.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from campaigns.local.loopback_server import HoldPoint
from campaigns.local.loopback_smtp import Fault as MailFault
from campaigns.local.loopback_twilio import Fault

KILL, STOP = "kill", "stop"
WORKERS = ("solo", "pool", "pool child", "watch")
OTHERS = ("web", "web child", "beat-1", "beat-2", "valkey", "postgres", "backend")
TARGETS = (*WORKERS, *OTHERS)
POINTS = (HoldPoint.BEFORE_RECORD, HoldPoint.BEFORE_RESPONSE)
SMS_FAULTS = (
    *(Fault.DROP, Fault.ERROR_500, Fault.ACCEPT_THEN_500, Fault.ACCEPT_THEN_DROP, Fault.TOO_MANY),
    *(Fault.TIMEOUT, Fault.HALF, Fault.UNAVAILABLE, Fault.HTML_200),
)
MAIL_FAULTS = (
    *(MailFault.DROP_AFTER_DOT, MailFault.DROP_BEFORE_DOT, MailFault.GREYLIST, MailFault.BUSY_AT_CONNECT),
    *(MailFault.DROP_AT_RCPT, MailFault.MAILBOX_BUSY),
)
DESK = ("move", "cancel", "stop")
WORLD = ("flush", "terminate", "list down", "forward", "back", "day", "scan")
PATIENCE = 15.0
"""Seconds, where each must be met."""
_ACTS = ("move", "cancel", "stop", "stop")
_OFTEN = [4, 3, 4, 2, 2, 1, 4]
# How often each is struck, out of the sum of all.
_WEIGHTS = {"solo": 20, "pool": 14, "pool child": 16, "watch": 20, "web": 5, "web child": 5}
_WEIGHTS |= {"beat-1": 3, "beat-2": 3, "valkey": 5, "postgres": 2, "backend": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One process dies, or sleeps through its lease."""

    target: str
    how: str = KILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What happens at about the same time. `channel` says whose provider holds a request at `hold` while the
    blows fall, for `seconds` at most, and `patience` how long to wait for one, and for somebody to strike.
    `mute` texts lose their callbacks."""

    blows: Sequence[Blow] = ()
    hold: HoldPoint | None = None
    channel: str = "sms"
    seconds: float = 1.0
    faults: Sequence[Fault] = ()
    mail_fault: MailFault | None = None
    mute: int = 0
    desk: Sequence[str] = ()
    world: Sequence[str] = ()
    pause: float = 0.2
    patience: float = 2.5

    def words(self) -> str:
        """One line for people."""
        parts = [f"{blow.how} {blow.target}" for blow in self.blows]
        parts += [f"hold {self.channel} {self.hold} {self.seconds:.1f} s"] if self.hold else []
        parts += [f"sms {fault}" for fault in self.faults]
        parts += [f"mail {self.mail_fault}"] if self.mail_fault else []
        parts += [f"{self.mute} callbacks lost"] if self.mute else []
        return ", ".join([*parts, *(f"desk: {act}" for act in self.desk), *self.world])


def turns(seed: int) -> Iterator[Turn]:
    """Turns without end."""
    chance = random.Random(seed)
    while True:
        yield _turn(chance)


def first(kills: int, plan: Iterable[Turn]) -> Iterator[Turn]:
    """As many turns as it takes for so many blows, if each finds somebody."""
    left = kills
    for turn in plan:
        if left <= 0:
            return
        left -= len(turn.blows)
        yield turn


def _turn(chance: random.Random) -> Turn:
    hold = chance.choice([None, *POINTS, *POINTS])
    blows = [_blow(chance) for _ in range(chance.choice([1, 1, 2, 2, 3, 4]))]
    return Turn(
        blows=list({blow.target: blow for blow in blows}.values()),
        hold=hold,
        channel=chance.choice(["sms", "sms", "email"]),
        seconds=chance.uniform(0.5, 1.5),
        faults=[chance.choice(SMS_FAULTS) for _ in range(chance.choice([0, 0, 0, 1, 2]))],
        mail_fault=chance.choice(MAIL_FAULTS) if chance.random() < 0.15 else None,
        mute=chance.choice([0, 0, 0, 2]),
        desk=[chance.choice(_ACTS) for _ in range(chance.choice([0, 1, 2]))],
        world=[chance.choices(WORLD, weights=_OFTEN)[0]] if chance.random() < 0.2 else [],
        pause=chance.uniform(0.05, 0.5),
    )


def _blow(chance: random.Random) -> Blow:
    target = chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
    sleeps = 0.18 if target in WORKERS else 0.05
    return Blow(target=target, how=STOP if chance.random() < sleeps else KILL)


def short() -> list[Turn]:
    """Each target, each hold point of both providers and each fault once, whatever the seed."""
    kill = [Blow(target=target) for target in TARGETS]
    workers = [Blow(target=name) for name in WORKERS if name != "pool child"]
    all_asleep = [Blow(target=name, how=STOP) for name in WORKERS]
    plan = [
        *(
            Turn(blows=workers, hold=point, channel=channel, desk=DESK[:2], pause=0.4)
            for channel in ("sms", "email")
            for point in POINTS
        ),
        Turn(blows=all_asleep, hold=HoldPoint.BEFORE_RESPONSE, desk=["stop", "move"], mute=2),
        *(
            Turn(blows=[blow], faults=[fault], desk=[DESK[number % 3]], pause=0.5)
            for number, (blow, fault) in enumerate(zip(kill, [*SMS_FAULTS, *SMS_FAULTS], strict=False))
        ),
        *(Turn(mail_fault=fault, pause=0.3) for fault in MAIL_FAULTS[:3]),
        *(Turn(world=[event], pause=0.3) for event in WORLD),
    ]
    return [replace(turn, patience=PATIENCE) for turn in plan]


def count(plan: Sequence[Turn]) -> int:
    """The blows of a plan."""
    return sum(len(turn.blows) for turn in plan)
