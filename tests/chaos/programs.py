"""The programs of a run as children of one zygote: started, killed, stopped and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from campaigns.local.processes import ROOT

START_SECONDS = 60.0


class Unstartable(Exception):
    """The zygote does not come up."""


def children_of(pid: int) -> list[int]:
    """The direct children of a process; none where it is gone."""
    with suppress(OSError, ValueError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def signal_to(pid: int, number: int) -> bool:
    """Whether there was somebody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Programs:
    """Name -> command. Enter it to start the zygote; leave it to end everything.

    `tend()` starts again what has ended. On Linux every child ends with the zygote, and that with us.
    """

    state: Path
    env: Mapping[str, str]
    commands: dict[str, list[str]] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    _zygote: subprocess.Popen[bytes] | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _asked: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        (self.state / "logs").mkdir(parents=True, exist_ok=True)
        with (self.state / "logs/zygote.log").open("ab") as log:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.zygote"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=dict(self.env),
                start_new_session=True,
            )
        threading.Thread(target=self._listen, args=(self._zygote,), daemon=True).start()
        return self

    def wait_ready(self) -> None:
        """Return when it has imported everything. Raises Unstartable."""
        if not self._ready.wait(START_SECONDS):
            raise Unstartable((self.state / "logs/zygote.log").read_text()[-2000:])

    def start(self, name: str, command: list[str]) -> None:
        """Start a program, now and whenever `tend` finds it gone."""
        self.commands[name] = command
        self._ask(name)

    def run(self, name: str, command: list[str], seconds: float = 60) -> str:
        """Start a program that ends by itself, wait for it, and return what it wrote."""
        before = self._size(name)
        ended = self.deaths[name]
        self.start(name, command)
        del self.commands[name]
        deadline = time.monotonic() + seconds
        while self.deaths[name] == ended:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{' '.join(command)} does not end")
            time.sleep(0.01)
        return self.log(name).read_bytes()[before:].decode()

    def log(self, name: str) -> Path:
        """Where a child writes."""
        return self.state / "logs" / f"{name}.log"

    def tend(self) -> None:
        """Start again what has ended, its orphans swept away."""
        for name in self.commands:
            if name not in self.pids and name not in self._asked:
                self._ask(name)

    def kill(self, name: str) -> bool:
        """SIGKILL, of the main process alone; its children are swept when its end is noticed."""
        return name in self.pids and signal_to(self.pids[name], signal.SIGKILL)

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """All at once: nothing in a run needs a farewell."""
        self.commands.clear()
        for pid in list(self.pids.values()):
            _sweep(pid)
        if self._zygote is None:
            return
        if self._zygote.stdin:
            self._zygote.stdin.close()
        try:
            self._zygote.wait(10)
        except subprocess.TimeoutExpired:
            self._zygote.kill()
            self._zygote.wait()
        if self._zygote.stdout:
            self._zygote.stdout.close()

    def _ask(self, name: str) -> None:
        assert self._zygote
        assert self._zygote.stdin
        self._asked.add(name)
        line = {"name": name, "command": self.commands[name], "log": str(self.log(name))}
        self._zygote.stdin.write((json.dumps(line) + "\n").encode())
        self._zygote.stdin.flush()

    def _size(self, name: str) -> int:
        return self.log(name).stat().st_size if self.log(name).exists() else 0

    def _listen(self, zygote: subprocess.Popen[bytes]) -> None:
        """Follow what the zygote says, on a thread of its own."""
        assert zygote.stdout
        with suppress(ValueError, OSError):
            for line in zygote.stdout:
                said = json.loads(line)
                if "ready" in said:
                    self._ready.set()
                elif "started" in said:
                    self.pids[said["started"]] = said["pid"]
                    self._asked.discard(said["started"])
                else:
                    self._mourn(said["ended"])

    def _mourn(self, pid: int) -> None:
        _sweep(pid)
        for name in [name for name, one in self.pids.items() if one == pid]:
            del self.pids[name]
            self.deaths[name] += 1


def _sweep(pid: int) -> None:
    """Kill what is left of a session: pool children outlive their parent for a while."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
