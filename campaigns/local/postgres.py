"""One PostgreSQL server of our own: made, started, found ready."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from campaigns.local.binaries import ServersFailed
from campaigns.local.children import Child, alive, command_line, end_orphan, spawn, stop, tail
from campaigns.local.folders import Site

FAREWELL = signal.SIGINT  # a fast shutdown: sessions are ended, nothing is lost
PATIENCE = 15.0
# After a crash the server first replays its log: long, on a slow disk.
_READY_SECONDS = 120.0
_RETRY_SECONDS = 10.0
# Both pass by themselves: processes of a killed server still ending; a port taken since we looked.
_PASSING = ("pre-existing shared memory block", "Address already in use")
_NO_SUCH_PID = 2**30
_PLAIN_ENV = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_SETTINGS = {
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # A failing statement may carry a patient's data; the log gets neither the statement nor its values.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_FAST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def log_path(site: Site) -> Path:
    """Where the server writes."""
    return site.logs / "postgres.log"


def url(site: Site, port: int) -> str:
    """What Django connects to; `port` 0 means the socket."""
    login = f"postgresql://campaigns:{site.passwords['campaigns']}"
    return f"{login}@127.0.0.1:{port}/campaigns" if port else f"{login}@/campaigns?host={site.sockets}"


def create(site: Site) -> None:
    """The data folder, whole or not at all: made under another name, then renamed."""
    data, new, password = site.home / "postgres", site.home / "postgres.new", site.home / "initdb.password"
    if data.exists():
        return
    shutil.rmtree(new, ignore_errors=True)
    password.unlink(missing_ok=True)
    with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(site.passwords["postgres"])
    site.give(password)
    try:
        _initdb(site, new, password)
    finally:
        password.unlink()
    new.rename(data)


def _initdb(site: Site, data: Path, password: Path) -> None:
    command = [str(site.binaries.initdb), "--pgdata", str(data), "--username=postgres", "--encoding=UTF8"]
    # The server's own C.UTF-8 sorts alike on every machine; the system's locales do not exist on all of them.
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums"]
    command += ["--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions"]
    account = site.account
    done = subprocess.run(
        command + (["--no-sync"] if site.fast else []),
        capture_output=True,
        text=True,
        check=False,
        env=_PLAIN_ENV,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode != 0:
        raise ServersFailed(f"The database could not be made: {_complaint(done.stderr)}")


def _complaint(text: str) -> str:
    """The line that says what is wrong, out of a server's log."""
    wrong = re.findall(r"(?:FATAL|PANIC|ERROR|error):.*", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join((wrong or lines or ["no reason given"])[-1].split())


def end_leftover(site: Site) -> None:
    """Stop a server whose supervisor was killed, and make its traces harmless."""
    traces = site.home / "postgres" / "postmaster.pid"
    try:
        lines = traces.read_text().splitlines(keepends=True)
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        lines, pid = [], 0
    if pid:
        end_orphan(pid, str(site.home), FAREWELL)
    if pid and alive(pid) and traces.exists() and str(site.home) not in command_line(pid):
        # Another program has the number now and the server would take it for itself. The other lines stay:
        # they let the server see whether a process of the old one still works on the data.
        traces.write_text("".join([f"{_NO_SUCH_PID}\n", *lines[1:]]))
    for old in site.sockets.glob(".s.PGSQL.*"):
        old.unlink()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(site: Site, port: int) -> Child:
    """Start the server without waiting for it."""
    settings = {
        **_SETTINGS,
        **(_FAST_SETTINGS if site.fast else {}),
        "unix_socket_directories": str(site.sockets),
        "listen_addresses": "127.0.0.1" if port else "",
        **({"port": str(port)} if port else {}),
    }
    command = [str(site.binaries.postgres), "-D", str(site.home / "postgres")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return spawn(command, log=log_path(site), farewell=FAREWELL, account=site.account, env=_PLAIN_ENV)


def when_ready(site: Site, port: int, child: Child) -> Child:
    """Wait until the database answers. Returns the child, or the one started in its place."""
    started = time.monotonic()
    since = 0
    while time.monotonic() < started + _READY_SECONDS:
        if child.poll() is not None:
            said = tail(log_path(site), since)
            if time.monotonic() > started + _RETRY_SECONDS or not any(words in said for words in _PASSING):
                raise ServersFailed(f"PostgreSQL did not start: {_complaint(said)} (log: {log_path(site)})")
            since = log_path(site).stat().st_size
            time.sleep(0.2)
            child = start(site, port)
        elif _answers(site, port):
            return child
        time.sleep(0.02)
    stop(child, FAREWELL, PATIENCE)
    raise ServersFailed(f"PostgreSQL is not ready after {_READY_SECONDS:.0f} s (log: {log_path(site)})")


def _answers(site: Site, port: int) -> bool:
    """Connect as the owner of the server, and make our role and database where they are missing."""
    try:
        with psycopg.connect(
            host=str(site.sockets),
            port=port or None,
            user="postgres",
            password=site.passwords["postgres"],
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        ) as connection:
            _make_database(connection, site.passwords["campaigns"])
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise ServersFailed(
                f"The password in {site.home}/passwords.json is not the database's."
            ) from error
        return False
    return True


def _make_database(connection: psycopg.Connection[tuple[object, ...]], password: str) -> None:
    """The application's role owns its database, may make others (tests do), and is no superuser."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'campaigns'").fetchone():
        return
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'campaigns'").fetchone():
        role = "CREATE ROLE campaigns LOGIN CREATEDB CREATEROLE PASSWORD {}"
        connection.execute(sql.SQL(role).format(sql.Literal(password)))
    connection.execute("CREATE DATABASE campaigns OWNER campaigns")
