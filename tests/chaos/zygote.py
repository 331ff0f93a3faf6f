"""A process that has imported everything and forks the real programs: `python -m tests.chaos.zygote`.

Importing Django, Celery and the rest costs seconds of CPU; a fork costs milliseconds. What runs in a child is
the program itself: Celery's own `worker` and `beat`, gunicorn, `campaigns send-due`, with their own command
lines.

It reads one JSON line for each child to start (`name`, `command`, `log`) and writes one for each that has
started or ended. It ends, and all its children with it, when its input closes: also where its parent is
killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import runpy
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

LOOK_EVERY_SECONDS = 0.05
SHORT_SECONDS = 2.0
"""How long a channel waits for its provider here: the lease must outlast it, and a run has no time for
ten."""
BEATS = {"send_due": 1.0, "take_up_waiting": 1.0, "reconcile": 1.0, "climb": 5.0}
"""Seconds between two hints here, where they differ from worker.py."""
_PR_SET_PDEATHSIG = 1
# Not campaigns.wsgi: it begins threads and opens connections, and a fork has neither.
_LOADED = (
    "worker",
    "campaigns.tasks",
    "django.core.wsgi",
    "campaigns.urls",
    "campaigns.management.commands.send_due",
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.concurrency.solo",
    "celery.concurrency.prefork",
    "celery.worker.components",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "campaigns.delivery.email",
    "campaigns.delivery.sent_mail",
    "campaigns.delivery.sms_twilio",
)


def load() -> None:
    """Import all that a child will need, with this run's shorter times, and break what this run is to
    catch."""
    import django

    django.setup()
    for name in _LOADED:
        import_module(name)
    import_module("campaigns.queries.lexicons").load()
    shorten()
    mutant = os.environ.get("CHAOS_MUTANT", "")
    if mutant:
        from tests.chaos.mutants import MUTANTS

        MUTANTS[mutant].breaks()


def shorten() -> None:
    """Shorter waits for providers and more hints. Nothing else differs from what operators run."""
    import worker
    from campaigns.delivery import email, sent_mail, sms_twilio

    patient: list[tuple[Callable[..., Any], str]] = [
        (sms_twilio.TwilioConfig.__init__, "read_timeout"),
        (email.smtp_config, "timeout"),
        (sent_mail.SentConfig.__init__, "timeout"),
    ]
    for function, name in patient:
        defaults = function.__kwdefaults__ or {}
        assert name in defaults, f"{function.__qualname__} has no {name} any more"
        defaults[name] = SHORT_SECONDS
    for entry in worker.app.conf.beat_schedule.values():
        entry["schedule"] = BEATS.get(entry["task"], entry["schedule"])


def run(command: list[str]) -> None:
    """Be this program: `celery ...`, `gunicorn ...` or `campaigns ...`."""
    program, *words = command
    sys.argv = [program, *words]
    module = {"celery": "celery", "gunicorn": "gunicorn", "campaigns": "campaigns"}[program]
    if program == "campaigns":
        sys.exit(import_module("campaigns.__main__").main(words))
    runpy.run_module(module, run_name="__main__", alter_sys=False)


def _become(command: list[str], log: Path) -> NoReturn:
    """In the child: a session, a log and chances of its own; never back into the parent's loop."""
    code = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for here, there in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(here, there)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        random.seed()
        run(command)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say(**words: object) -> None:
    os.write(1, (json.dumps(words) + "\n").encode())


def _start(line: bytes) -> int:
    asked = json.loads(line)
    pid = os.fork()
    if pid == 0:
        _become(asked["command"], Path(asked["log"]))
    _say(started=asked["name"], pid=pid)
    return pid


def _end(pid: int) -> None:
    """Kill a child and what it has started itself: pool children outlive their parent."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _reap() -> set[int]:
    """The children that have ended since the last time, each told."""
    ended = set[int]()
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.add(pid)
        _say(ended=pid, code=os.waitstatus_to_exitcode(status))


def _serve(running: set[int]) -> None:
    """Fork whatever is asked for until the input closes."""
    waiting = b""
    while True:
        readable, _, _ = select.select([0], [], [], LOOK_EVERY_SECONDS)
        running -= _reap()
        if readable:
            more = os.read(0, 65_536)
            if not more:
                return
            *lines, waiting = (waiting + more).split(b"\n")
            running |= {_start(line) for line in lines}


def main() -> int:
    """Load, serve, and leave nobody."""
    load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it closes the input
    running = set[int]()
    try:
        _say(ready=os.getpid())
        _serve(running)
    except BrokenPipeError:  # the parent was killed
        return 1
    finally:
        for pid in running:
            _end(pid)
    return 0


if __name__ == "__main__":
    sys.exit(main())
