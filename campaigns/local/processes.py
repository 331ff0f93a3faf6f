"""Web, worker and beat as children of one command: logged, started again when they die, stopped together."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from campaigns.local import children

ROOT = Path(__file__).resolve().parents[2]
_LOOK_EVERY_SECONDS = 0.2
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# After running this long a process counts as healthy: the next death starts from the shortest pause again.
_HEALTHY_SECONDS = 60.0
# Workers finish the message in hand: a provider's time-out and a little.
_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One child: its name in words and logs, and its command."""

    name: str
    command: Sequence[str | Path]


def web(port: int, *, host: str = "127.0.0.1", workers: int = 2, threads: int = 4) -> Program:
    """The site, loaded once for all its processes (`campaigns.forked`). No control socket, which gunicorn
    would open in the home folder.

    No access log either: the paths of patients' links are keys.
    """
    command = ["-m", "gunicorn", "campaigns.wsgi:application", "--bind", f"{host}:{port}"]
    command += ["--workers", str(workers), "--worker-class", "gthread", "--threads", str(threads)]
    command += ["--config", "python:campaigns.forked", "--no-control-socket"]
    return Program(name="web", command=_python(command))


def worker(*, name: str = "worker", concurrency: int = 1, queues: str = "") -> Program:
    """One Celery worker. Several need different names. It takes from all queues unless `queues` says so.

    With one thing at a time it needs no child for it.
    """
    pool = ["-P", "solo"] if concurrency == 1 else ["-c", concurrency]
    command = ["-m", "celery", "-A", "worker", "worker", *pool, "-n", f"{name}@%h"]
    command += ["-Q", queues] if queues else []
    return Program(name=name, command=_python([*command, "--without-gossip", "--without-mingle"]))


def alerts() -> Program:
    """A worker for the alert ladder alone: what hangs on the way to patients does not keep staff waiting."""
    return worker(name="alerts", queues="alerts")


def beat(state: Path) -> Program:
    """The clock that says there may be work. Its schedule file stays in the state folder."""
    command = ["-m", "celery", "-A", "worker", "beat", "-s", state.resolve() / "beat-schedule", "--pidfile="]
    return Program(name="beat", command=_python(command))


def mail_in(port: int, *, host: str = "127.0.0.1") -> Program:
    """The server that the clinic's mail server hands answers to."""
    return Program(
        name="mail-in", command=_python(["-m", "campaigns", "mail-in", "--listen", f"{host}:{port}"])
    )


def watch() -> Program:
    """Tells somebody by e-mail when the others have fallen silent. Shares nothing with them."""
    return Program(name="watch", command=_python(["-m", "campaigns", "watch"]))


def _python(arguments: Sequence[object]) -> list[str]:
    return [sys.executable, *(str(argument) for argument in arguments)]


@dataclass
class _Running:
    """One program, its present child, and how often it died lately."""

    program: Program
    log: Path
    child: children.Child
    since: float
    log_size: int
    deaths: int = 0
    start_again_at: float | None = None


@dataclass
class Processes:
    """A named set of children. Enter it to start them; leave it to stop them.

    Output goes to `state/logs/NAME.log`. A child that dies is started again, after a pause that grows, and
    one line says so; `restart=False` only says so. On Linux all end with the process that entered, however it
    ends.
    """

    state: Path
    programs: Sequence[Program]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    restart: bool = True
    announce: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    _running: dict[str, _Running] = field(default_factory=dict, init=False, repr=False)
    _stopping: bool = field(default=False, init=False, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _watch_over: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _watcher: threading.Thread | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start every program, and a thread that watches them."""
        for program in self.programs:
            log = self.state / "logs" / f"{program.name}.log"
            self._running[program.name] = self._launch(program, log)
        self._watcher = threading.Thread(target=self._watch, name="processes", daemon=True)
        self._watcher.start()

    def pids(self) -> dict[str, int]:
        """Name -> process id, of those that run now."""
        return {name: one.child.pid for name, one in self._running.items() if one.child.poll() is None}

    def log(self, name: str) -> Path:
        """Where this child writes."""
        return self._running[name].log

    def ask_to_stop(self) -> None:
        """SIGTERM to all at once; none is started again. For whoever has others to stop meanwhile."""
        with self._turn:
            self._stopping = True
        for one in self._standing():
            one.child.send_signal(signal.SIGTERM)

    def _standing(self) -> list[_Running]:
        return [one for one in self._running.values() if one.start_again_at is None]

    def stop(self) -> None:
        """SIGTERM to all at once, SIGKILL to whoever is still there at the end; leaves no process."""
        if not self._stopping:
            self.ask_to_stop()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for one in self._standing():
            children.finish(one.child, max(deadline - time.monotonic(), 0))
        self._end_watch()

    def _end_watch(self) -> None:
        """Last of all: on Linux the children that the watcher started end with it."""
        self._watch_over.set()
        if self._watcher:
            self._watcher.join()

    def _launch(self, program: Program, log: Path) -> _Running:
        # Read before the start, so that what this child says can be told from what its forerunner said.
        size = log.stat().st_size if log.exists() else 0
        child = children.spawn(program.command, log=log, env={**os.environ, **self.env}, cwd=ROOT)
        return _Running(program=program, log=log, child=child, since=self.clock(), log_size=size)

    def _watch(self) -> None:
        while not self._watch_over.wait(_LOOK_EVERY_SECONDS):
            with self._turn:
                for name in () if self._stopping else self._running:
                    self._look_at(name)

    def _look_at(self, name: str) -> None:
        one = self._running[name]
        if one.start_again_at is not None:
            if self.restart and self.clock() >= one.start_again_at:
                self._start_again(one)
        elif one.child.poll() is not None:
            self._mourn(one)

    def _start_again(self, one: _Running) -> None:
        try:
            again = self._launch(one.program, one.log)
        except OSError as error:
            one.start_again_at = self.clock() + _LONGEST_PAUSE_SECONDS
            self.announce(f"The {one.program.name} process cannot be started: {error}")
            return
        again.deaths = one.deaths
        self._running[one.program.name] = again

    def _mourn(self, one: _Running) -> None:
        """Clear up after a death, say so, and set the time of the next start."""
        children.sweep(one.child)
        lived = self.clock() - one.since
        one.deaths = 1 if lived > _HEALTHY_SECONDS else one.deaths + 1
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (one.deaths - 1), _LONGEST_PAUSE_SECONDS)
        one.start_again_at = self.clock() + pause
        then = f"starting it again in {pause:g} s" if self.restart else "it is not started again"
        ended = _ending(one.child.returncode)
        self.announce(f"The {one.program.name} process {ended}; {then}.{_last_words(one)}")


def _ending(code: int) -> str:
    return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"stopped (exit {code})"


def _last_words(one: _Running) -> str:
    """Only for one that keeps dying: a single death is explained by its signal, or by chance."""
    if one.deaths < 3:
        return ""
    lines = children.tail(one.log, one.log_size).strip().splitlines()
    return f" Last line of {one.log}: {lines[-1].strip()}" if lines else f" It wrote nothing to {one.log}."
