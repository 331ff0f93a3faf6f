"""`campaigns demo`: the main job on servers of its own, eight weeks in seconds, then on the real clock."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from campaigns.domain.errors import CampaignsError
from campaigns.local import stage as staging
from campaigns.local.stage import Stage

if TYPE_CHECKING:
    from campaigns.local.story import Story
    from campaigns.models import Clinic, Staff

WEEKS = 8
PORT = 8000
CONSOLE = Console(stderr=True)


def main(words: list[str]) -> int:
    """Run the demo; 0 when every promise of the rehearsal was kept."""
    options = _options(words)
    port = options.port or _a_port()
    given = nullcontext(Path(options.state).resolve()) if options.state else None
    folder: AbstractContextManager[Path] = given or _temporary()
    try:
        with folder as state:
            return _perform(state, port, options)
    except CampaignsError as error:
        print(error, file=sys.stderr)
        return 1


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the summary")
    parser.add_argument("--port", type=int, help=f"where the site is served ({PORT} if it is free)")
    parser.add_argument("--state", help="keep the demo's data here; without it they go when the demo ends")
    return parser.parse_args(words[1:])


def _a_port() -> int:
    """The usual port, or another one when somebody has it: two demos can run side by side."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return staging.free_port()
    return PORT


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="campaigns-demo-") as folder:
        yield Path(folder)


def _perform(state: Path, port: int, options: argparse.Namespace) -> int:
    began = time.monotonic()
    with ExitStack() as stack:
        with _said("Starting PostgreSQL, Valkey, a phone network, a mail server and the site"):
            stage = stack.enter_context(staging.set_up(state, port, throw_away=not options.state))
        return _play(stage, began, once=options.once)


@contextmanager
def _said(words: str) -> Iterator[None]:
    """One line for one stretch of work, with how long it took."""
    began = time.monotonic()
    yield
    CONSOLE.print(
        f"[green]ok[/]  {words}  [dim]{time.monotonic() - began:.1f} s[/]", highlight=False, soft_wrap=True
    )


def _play(stage: Stage, began: float, *, once: bool) -> int:
    clinic, staff = _prepare(stage)
    story, kept = _rehearse(stage, clinic, staff[0], began)
    if once:
        return 0 if kept else 1
    story.worry()
    return _serve(stage, staff, kept)


def live(stage: Stage, began: float) -> Story:
    """The eight weeks on a stage that is set up, for whoever wants to look at the site afterwards."""
    clinic, staff = _prepare(stage)
    return _rehearse(stage, clinic, staff[0], began)[0]


def _prepare(stage: Stage) -> tuple[Clinic, list[Staff]]:
    from campaigns.local.setting import clinic_of_the_demo, prepare_database, wait_for_site

    with _said("Creating the tables"):
        prepare_database()
    with _said("Starting the worker and the beat, and making a demo clinic"):
        stage.processes.start()
        clinic, staff = clinic_of_the_demo()
        wait_for_site(stage.base_url)
    return clinic, staff


def _rehearse(stage: Stage, clinic: Clinic, staff: Staff, began: float) -> tuple[Story, bool]:
    """What was lived through, and whether every promise was kept."""
    from campaigns.local import summary
    from campaigns.local.rehearsal import Rehearsal, set_clock
    from campaigns.local.story import Story
    from campaigns.tasks import send_due

    zone = ZoneInfo(clinic.time_zone)
    end = datetime.now(zone).replace(microsecond=0)
    start = datetime.combine(end.date() - timedelta(weeks=WEEKS), datetime.min.time(), zone)
    with _progress(start, end) as advance:
        rehearsal = Rehearsal(
            hint=lambda: send_due.apply_async(expires=10),
            settled=lambda: stage.twilio.drain(10),
            progress=advance,
        )
        story = Story(stage, clinic, staff, rehearsal, start.date())
        story.prepare()
        jumps = rehearsal.run(start, end)
    stage.twilio.poster.hang_up()
    story.read_the_rest()
    report = summary.measure(stage, story, jumps, seconds=time.monotonic() - began)
    set_clock(None)
    _count()
    summary.show(report, Console())
    return story, report.kept


def _count() -> None:
    """What the worker counts now and then, for reports and sequences: eight weeks went by meanwhile."""
    from campaigns.services import clinic_changes, count_up

    for _month in count_up.rebuild():
        pass
    clinic_changes.count_steps()


@contextmanager
def _progress(start: datetime, end: datetime) -> Iterator[Callable[[datetime], None]]:
    bar = Progress(
        TextColumn("      Living through {task.fields[day]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=CONSOLE,
        transient=True,
    )
    with bar, _said(f"Rehearsing {WEEKS} weeks of courses through the real worker and channels"):
        task = bar.add_task("", total=(end - start).total_seconds(), day=start.date().isoformat())

        def advance(now: datetime) -> None:
            day = now.astimezone(end.tzinfo).date().isoformat()
            bar.update(task, completed=(now - start).total_seconds(), day=day)

        yield advance


def _serve(stage: Stage, staff: Sequence[Staff], kept: bool) -> int:
    from campaigns.local.setting import sign_in_url

    console = Console()
    console.print(f"\nThe site:  [bold]{stage.base_url}[/]")
    console.print("Sign in once with a link:")
    for person in staff:
        console.print(
            f"  {person.get_role_display()}: [bold]{sign_in_url(stage.base_url, person)}[/]", soft_wrap=True
        )
    console.print("A demo patient has just texted something worrying: look at Alerts.")
    console.print(
        "Messages go on being sent on the real clock, to this machine only. Ctrl-C stops everything."
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        while not stop.wait(5):
            for name in stage.servers.revive() if stage.servers else ():
                console.print(f"{name} had died and is running again.")
    except KeyboardInterrupt:
        console.print("\nStopping.")
    return 0 if kept else 1
