"""`campaigns up`: everything a small clinic needs on one machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from campaigns.local import processes
from campaigns.local.embedded import ServersFailed
from campaigns.local.joining import shared_settings, state_folder
from campaigns.local.secrets import ensure
from campaigns.local.stage import servers


def main(words: list[str]) -> int:
    """Run until told to stop; 1 when something essential cannot start."""
    parser = argparse.ArgumentParser(prog="campaigns up", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--mail-port", type=int, default=2525, help="for mail, where REPLY_DOMAIN is set")
    options = parser.parse_args(words[1:])
    state = state_folder()
    try:
        with servers(state) as running:
            return _run(state, options, running)
    except ServersFailed as error:
        print(error, file=sys.stderr)
        return 1


def _run(state: Path, options: argparse.Namespace, running: object) -> int:
    port = options.port
    for name, value in {**ensure(state), "CAMPAIGNS_STATE": str(state)}.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PUBLIC_BASE_URL", f"http://127.0.0.1:{port}")
    if subprocess.run(
        [sys.executable, "-m", "campaigns", "migrate", "--verbosity", "0"], check=False
    ).returncode:
        return 1
    programs = [processes.web(port), processes.worker(concurrency=2), processes.beat(state)]
    programs.append(processes.alerts())
    if _is_set("WATCH_EMAIL"):
        programs.append(processes.watch())
    if _is_set("REPLY_DOMAIN"):
        programs.append(processes.mail_in(options.mail_port))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with processes.Processes(state=state, programs=programs), shared_settings(state):
        print(f"Running at http://127.0.0.1:{port}; data and logs are in {state}. Ctrl-C stops everything.")
        while not stop.wait(2):
            for name in getattr(running, "revive", list)():
                print(f"{name} had died and is running again.")
    return 0


def _is_set(name: str) -> bool:
    return any(os.environ.get(spelling) for spelling in (name, f"{name}_FILE"))
