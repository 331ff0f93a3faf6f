"""`campaigns web`, `campaigns worker`, `campaigns beat`: one process each, for several machines."""

from __future__ import annotations

import argparse
import os
import sys

from campaigns.local import processes


def main(words: list[str]) -> int:
    """Run one program in the foreground until it is told to stop; its exit code."""
    options = _options(words)
    refusal = _unfit(options)
    if refusal:
        print(refusal, file=sys.stderr)
        return 1
    program = _program(options)
    os.chdir(processes.ROOT)
    os.execv(str(program.command[0]), [str(part) for part in program.command])  # noqa: S606  our own command


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    web = kinds.add_parser("web", help="the site")
    web.add_argument("--host", default="127.0.0.1")
    web.add_argument("--port", type=int, default=8000)
    web.add_argument("--workers", type=int, default=2)
    worker = kinds.add_parser("worker", help="a Celery worker")
    worker.add_argument("--name", default="worker")
    worker.add_argument("--concurrency", type=int, default=2)
    worker.add_argument(
        "--queues", default="", help="alerts: the alert ladder alone; every queue unless given"
    )
    kinds.add_parser("beat", help="the clock that says there may be work")
    return parser.parse_args(words)


def _unfit(options: argparse.Namespace) -> str:
    """Why this installation must not serve or send, a line for each fault; empty when it may."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured

    from campaigns.domain.errors import CampaignsError

    try:
        django.setup()
        from campaigns.services.examine import refuse_unfit

        refuse_unfit(needs_broker=options.kind != "web")
    except (CampaignsError, ImproperlyConfigured) as error:
        return str(error)
    return ""


def _program(options: argparse.Namespace) -> processes.Program:
    from django.conf import settings

    if options.kind == "web":
        return processes.web(options.port, host=options.host, workers=options.workers)
    if options.kind == "worker":
        return processes.worker(name=options.name, concurrency=options.concurrency, queues=options.queues)
    settings.STATE.mkdir(parents=True, exist_ok=True)
    return processes.beat(settings.STATE)
