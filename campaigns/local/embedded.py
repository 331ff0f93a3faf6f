"""A small supervisor for PostgreSQL and Valkey, for machines where neither is installed.

Nothing here reads settings and settings never start anything: whoever starts the servers hands their
addresses on as DATABASE_URL and REDIS_URL. See docs/embedded.md.
"""

from __future__ import annotations

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import SubprocessError
from types import TracebackType
from typing import Self

import psycopg

from campaigns.local import children, postgres, valkey
from campaigns.local.binaries import ServersFailed
from campaigns.local.folders import Site, make_state, prepare, remove_sockets

__all__ = ["AlreadyRunning", "Servers", "ServersFailed", "start"]

_ENDING_SECONDS = 0.5
_LOCK_SECONDS = 3.0


class AlreadyRunning(ServersFailed):
    """Another process runs the servers of this state folder."""


@dataclass
class Servers:
    """Both servers, running until `stop`, or until the process that started them ends, however it ends."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    site: Site
    ports: tuple[int, int]
    postgres: children.Child
    valkey: children.Child
    lock: int
    owner: int = field(default_factory=os.getpid)

    @property
    def pids(self) -> tuple[int, int]:
        """Of PostgreSQL and of Valkey."""
        return self.postgres.pid, self.valkey.pid

    def revive(self) -> list[str]:
        """Start again what has died, and name it. Call it now and then while the servers matter."""
        revived = []
        if self.postgres.poll() is not None:
            postgres.end_leftover(self.site)
            child = postgres.start(self.site, self.ports[0])
            self.postgres = postgres.when_ready(self.site, self.ports[0], child)
            revived.append("PostgreSQL")
        if self.valkey.poll() is not None:
            self.valkey = valkey.start(self.site, self.ports[1])
            valkey.when_ready(self.site, self.valkey)
            revived.append("Valkey")
        return revived

    def stop(self) -> None:
        """Stop both and leave no process behind; the data stays. A second call does nothing."""
        if self.lock < 0 or os.getpid() != self.owner:
            return
        children.stop(self.valkey, valkey.FAREWELL, valkey.PATIENCE)
        children.stop(self.postgres, postgres.FAREWELL, postgres.PATIENCE)
        remove_sockets(self.site)
        atexit.unregister(self.stop)
        os.close(self.lock)
        self.lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()


def start(state: Path, *, name: str = "main", tcp: bool = False, fast: bool = False) -> Servers:
    """Start both servers on the data in `state`, making it the first time.

    `tcp` also listens on free ports of 127.0.0.1 and gives addresses with those. `fast` gives up durability
    and is for tests only. Call it from the main thread: on Linux the servers end with the thread that started
    them.

    Raises AlreadyRunning when another process has them, ServersFailed when they cannot start.
    """
    try:
        lock = _lock(make_state(state) / f"servers-{name}.lock")
        with _released_on_error(lock):
            return _start(prepare(state.resolve(), name, tcp=tcp, fast=fast), lock)
    except (OSError, SubprocessError, psycopg.Error) as error:
        raise ServersFailed(f"The embedded servers cannot start: {error}") from error


def _lock(path: Path) -> int:
    """Hold the state folder for as long as we live. The children do not inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # A process killed this instant still has the lock; one that has just won a race has not signed it yet.
    if not children.wait_until(lambda: _locked(descriptor), _ENDING_SECONDS):
        children.wait_until(lambda: _locked(descriptor) or _runs(_holder(path)), _LOCK_SECONDS)
    if not _locked(descriptor):
        os.close(descriptor)
        raise AlreadyRunning(f"The servers of {path.parent} are already running (pid {_holder(path)}).")
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _locked(descriptor: int) -> bool:
    """Whether the lock is ours, now or already."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    return path.read_text() or "unknown"


def _runs(holder: str) -> bool:
    return holder.isdigit() and bool(children.command_line(int(holder)))


@contextmanager
def _released_on_error(lock: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(lock)
        raise


def _start(site: Site, lock: int) -> Servers:
    postgres.end_leftover(site)
    valkey.end_leftover(site)
    postgres.create(site)
    ports = (postgres.free_port(), postgres.free_port()) if site.tcp else (0, 0)
    with _stopped_on_error(site) as started:
        started.append(postgres.start(site, ports[0]))
        started.append(valkey.start(site, ports[1]))
        valkey.when_ready(site, started[1])
        started[0] = postgres.when_ready(site, ports[0], started[0])
    servers = Servers(
        database_url=postgres.url(site, ports[0]),
        redis_url=valkey.url(site, ports[1]),
        site=site,
        ports=ports,
        postgres=started[0],
        valkey=started[1],
        lock=lock,
    )
    atexit.register(servers.stop)
    return servers


@contextmanager
def _stopped_on_error(site: Site) -> Iterator[list[children.Child]]:
    started: list[children.Child] = []
    try:
        yield started
    except BaseException:
        for child in started:
            children.stop(child, postgres.FAREWELL, postgres.PATIENCE)
        remove_sockets(site)
        raise
