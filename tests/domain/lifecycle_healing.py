"""Where a message ends once everything works again, and ways to walk through the machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from campaigns.domain.lifecycle import REACHED_PROVIDER, State
from tests.domain.lifecycle_model import FINAL, Broken, Machine, Stage, World


class Healing:
    """Where messages end in a world that is well again."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._ends: dict[World, World] = {}

    def end(self, world: World) -> World:
        """Where the message ends. Raises `Broken` where it never does, or may have gone twice unmarked."""
        path: list[World] = []
        while world not in self._ends:
            path.append(world)
            world = self._machine.well(world)
            if world == path[-1]:
                self._ends[world] = self._judged(world)
            if len(path) > LONGEST_HEALING:
                raise Broken(f"I1: it never ends ({world.state})")
        end = self._ends[world]
        self._ends.update(dict.fromkeys(path, end))
        return end

    def _judged(self, world: World) -> World:
        if world.state not in ENDS or any(one.stage is not Stage.GONE for one in world.tries):
            raise Broken(f"I1: it never ends ({world.state})")
        if self._machine.setting.can_list and sum(one.taken for one in world.tries) > 1 and not world.doubled:
            raise Broken("I2: taken twice, and not marked")
        return world


LONGEST_HEALING = 40
"""Steps."""
ENDS = FINAL | REACHED_PROVIDER | {State.SKIPPED, State.CANCELLED}


def reachable(machine: Machine) -> set[World]:
    """Every state that can come about. Raises `Broken` at the nearest broken promise."""
    start = World()
    seen, waiting = {start}, deque([start])
    while waiting:
        for _, after in machine.steps(waiting.popleft()):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return seen


RARE = frozenset({"it is too late", "the visit moves", "it is not needed"})
"""Steps with little left to come after them."""
OF_BOTH = frozenset({"opts out", "comes back"})
"""What is true of every message of the patient."""


class Node:
    """A state and where it leads, worked out when it is first left."""

    __slots__ = ("often", "steps", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps: list[tuple[str, Node]] | None = None
        self.often: list[tuple[str, Node]] = []


class Stories:
    """Two messages of one patient, one step for each choice. Where nothing can happen any more, the next
    message begins."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._nodes: dict[World, Node] = {}

    def tell(self, choices: Iterable[int]) -> tuple[World, World]:
        """Where the two stand after these choices (0 to 255 each)."""
        one = other = self._node(World())
        for choice in choices:
            name, one = self._step(one, choice >> 1)
            if name in OF_BOTH:
                other = dict(self._steps(other)).get(name, other)
            if choice & 1:
                one, other = other, one
        return one.world, other.world

    def _step(self, node: Node, number: int) -> tuple[str, Node]:
        """One step of one message, chosen by a number from 0 to 127."""
        steps = self._steps(node)
        if not node.often:
            return "the next one", self._node(World(opted_out=node.world.opted_out))
        chosen = node.often if number < LEAST_RARE else steps
        return chosen[number % len(chosen)]

    def _steps(self, node: Node) -> list[tuple[str, Node]]:
        if node.steps is None:
            node.steps = [(name, self._node(after)) for name, after in self._machine.steps(node.world)]
            node.often = [step for step in node.steps if step[0] not in RARE]
        return node.steps

    def _node(self, world: World) -> Node:
        return self._nodes.get(world) or self._nodes.setdefault(world, Node(world))


LEAST_RARE = 124
"""From this number on a rare step may be chosen."""
