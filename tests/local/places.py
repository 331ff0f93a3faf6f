"""State folders that the servers' account can reach, and other processes that run servers in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from campaigns.local import children

ROOT = Path(__file__).resolve().parents[2]

# Imports everything first: an ordinary account may not be able to read the Python it was started with.
SUPERVISOR = """
import base64, json, os, pwd, sys, time, uuid
from pathlib import Path
import psycopg
from campaigns.local import binaries, embedded, folders
state, account, programs = Path(sys.argv[1]), sys.argv[2], [Path(name) for name in sys.argv[3:]]
if account:
    folders.locate = lambda: binaries.Binaries(initdb=programs[0], postgres=programs[1], valkey=programs[2])
    nobody = pwd.getpwnam(account)
    os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
try:
    servers = embedded.start(state)
except embedded.ServersFailed as error:
    sys.exit(str(error))
print(json.dumps([servers.database_url, servers.redis_url, *servers.pids]), flush=True)
sys.stdin.read()
servers.stop()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Servers that another process runs."""

    process: subprocess.Popen[str]
    database_url: str
    redis_url: str
    pids: tuple[int, int]


def launch(state: Path, *account_and_programs: str) -> subprocess.Popen[str]:
    """A process that starts the servers, says where, and stops them when its input closes."""
    command = [sys.executable, "-c", SUPERVISOR, str(state), *(account_and_programs or ("",))]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def first_line(process: subprocess.Popen[str]) -> str:
    """What it says when its servers are ready; empty when it gave up."""
    assert process.stdout
    return process.stdout.readline()


def close(process: subprocess.Popen[str]) -> str:
    """Ask the process to stop; returns its complaints."""
    return process.communicate(timeout=30)[1].strip()


@contextmanager
def elsewhere(state: Path, *account_and_programs: str) -> Iterator[Elsewhere]:
    """Servers in another process, stopped at the end unless somebody killed it."""
    process = launch(state, *account_and_programs)
    try:
        line = first_line(process)
        assert line, close(process)
        database_url, redis_url, *pids = json.loads(line)
        yield Elsewhere(
            process=process, database_url=database_url, redis_url=redis_url, pids=(pids[0], pids[1])
        )
    finally:
        close(process)


def reachable_folder() -> Path:
    """A temporary folder whose parents everybody may walk through."""
    folder = Path(mkdtemp(prefix="campaigns-test-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


def processes_of(folder: Path) -> list[int]:
    """Every process with this folder in its command line, other than the caller."""
    ids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in ids if pid != os.getpid() and str(folder) in children.command_line(pid)]
