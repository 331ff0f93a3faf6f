"""Child processes that do not outlive us, and processes that an earlier, killed run left behind."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_LOG_CAP_BYTES = 10_000_000

Child = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a child runs as."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """PostgreSQL refuses to run as root: root's servers run as nobody, everybody else's as themselves."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(uid=65534, gid=65534)
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _die_with(parent: int, farewell: int) -> None:
    """Runs in the child between fork and exec: nothing but two system calls may happen here."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, farewell)
    if os.getppid() != parent:
        os._exit(1)


def open_log(path: Path) -> int:
    """A descriptor to append to. A log that has grown large is set aside once, at a start."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_CAP_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    farewell: int = signal.SIGTERM,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start a child that receives `farewell` when the thread that called us ends, even by SIGKILL (Linux).

    It gets a session of its own, so that Ctrl-C reaches us alone and we stop the children in order.
    """
    output = open_log(log)
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=partial(_die_with, os.getpid(), farewell),
            env=env,
            cwd=cwd or "/",
        )
    finally:
        os.close(output)


def stop(child: Child, farewell: int, patience: float) -> None:
    """Ask, wait, and kill in the end."""
    if child.poll() is None:
        child.send_signal(farewell)
    finish(child, patience)


def finish(child: Child, patience: float) -> None:
    """Wait for a child that was asked to end, kill it in the end, and sweep what it had started itself."""
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    sweep(child)


def sweep(child: Child) -> None:
    """Kill what is left of a finished child's process group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def tail(log: Path, since: int = 0) -> str:
    """What was written to the log after `since` bytes."""
    try:
        with log.open("rb") as lines:
            lines.seek(max(since, log.stat().st_size - 20_000))
            return lines.read().decode(errors="replace")
    except OSError:
        return ""


def command_line(pid: int) -> str:
    """The command of a running process; empty when there is none, or only its remains."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    found = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def alive(pid: int) -> bool:
    """Whether the number is in use by anybody."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_until(true: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def end_orphan(pid: int, marker: str, farewell: int, patience: float = 15) -> None:
    """Stop a process that a killed run left behind; `marker` in its command line proves that it is ours."""

    def gone() -> bool:
        return marker not in command_line(pid)

    if gone():
        return
    os.kill(pid, farewell)
    if not wait_until(gone, patience):
        os.kill(pid, signal.SIGKILL)
        wait_until(gone, patience)
