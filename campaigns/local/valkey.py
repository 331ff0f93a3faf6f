"""One Valkey server of our own: the broker between web, beat and worker."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from campaigns.local.binaries import ServersFailed
from campaigns.local.children import Child, end_orphan, spawn, tail, wait_until
from campaigns.local.folders import Site

FAREWELL = signal.SIGTERM
PATIENCE = 10.0
_READY_SECONDS = 60.0


def log_path(site: Site) -> Path:
    """Where the server writes."""
    return site.logs / "valkey.log"


def url(site: Site, port: int) -> str:
    """A redis-py address; `port` 0 means the socket."""
    password = site.passwords["valkey"]
    return f"redis://:{password}@127.0.0.1:{port}/0" if port else f"unix://:{password}@{_socket(site)}?db=0"


def _socket(site: Site) -> Path:
    return site.sockets / "valkey.sock"


def _quoted(text: str | Path) -> str:
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _configuration(site: Site, port: int) -> str:
    """In a file, because a command line is for everyone to read."""
    settings = [
        f"port {port}",
        "bind 127.0.0.1",
        f"unixsocket {_quoted(_socket(site))}",
        "unixsocketperm 700",
        f"dir {_quoted(site.home / 'valkey')}",
        f"requirepass {_quoted(site.passwords['valkey'])}",
        f"appendonly {'no' if site.fast else 'yes'}",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        # The command line stays as started: it is how a server left behind is recognised.
        "set-proc-title no",
    ]
    return "\n".join(settings) + "\n"


def end_leftover(site: Site) -> None:
    """Stop a server whose supervisor was killed."""
    traces = site.home / "valkey.pid"
    if traces.exists() and traces.read_text().isdigit():
        end_orphan(int(traces.read_text()), str(site.home), FAREWELL)
    _socket(site).unlink(missing_ok=True)


def start(site: Site, port: int) -> Child:
    """Start the server without waiting for it."""
    data, settings = site.home / "valkey", site.home / "valkey.conf"
    data.mkdir(mode=0o700, exist_ok=True)
    settings.unlink(missing_ok=True)
    with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(_configuration(site, port))
    site.give(data)
    site.give(settings)
    command = [site.binaries.valkey, settings]
    env = {"PATH": os.defpath, "LC_ALL": "C"}
    child = spawn(command, log=log_path(site), farewell=FAREWELL, account=site.account, env=env)
    (site.home / "valkey.pid").write_text(str(child.pid))
    return child


def when_ready(site: Site, child: Child) -> None:
    """Wait until the server answers a PING."""
    if not wait_until(lambda: child.poll() is not None or _answers(site), _READY_SECONDS):
        raise ServersFailed(f"Valkey is not ready after {_READY_SECONDS:.0f} s (log: {log_path(site)})")
    if child.poll() is not None:
        lines = tail(log_path(site)).strip().splitlines() or ["no reason given"]
        raise ServersFailed(f"Valkey did not start: {lines[-1].strip()} (log: {log_path(site)})")


def _answers(site: Site) -> bool:
    """Plain protocol: importing the client takes longer than the server needs to start."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(_socket(site)))
            connection.sendall(f"AUTH {site.passwords['valkey']}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in _everything(connection)
        except OSError:
            return False


def _everything(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(4096):
        received += part
    return received
