"""Runs in folders that go away, the five broken senders, and the reports of them all."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from rich.console import Console
from rich.table import Table

from bench import machine
from campaigns.domain.errors import CampaignsError
from campaigns.local.processes import ROOT
from campaigns.local.progress import Advance
from tests.chaos.history import Breach
from tests.chaos.mutants import MUTANTS
from tests.chaos.run import Report, Work, run

MUTANT_SEED, MUTANT_KILLS = 7, 40
_SHOWN = 20


def single(work: Work, advance: Advance) -> Report:
    """One run in a folder of its own, which stays where something broke that should not."""
    if work.mutant and work.mutant not in MUTANTS:
        raise CampaignsError(f"There is no broken sender {work.mutant}. There are: {', '.join(MUTANTS)}.")
    folder = Path(mkdtemp(prefix="campaigns-chaos-"))
    keep = True
    try:
        report = run(folder, work, advance)
        report.machine = machine.facts()
        keep = bool(report.breaches) and not work.mutant
        report.folder = str(folder) if keep else ""
        return report
    except KeyboardInterrupt:
        keep = False
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def mutants(advance: Advance) -> list[Report]:
    """The product, then each broken sender, under the same kills; a process each, as Django has one
    database."""
    reports = []
    for done, name in enumerate(["", *MUTANTS]):
        advance(name or "the product", done, len(MUTANTS) + 1)
        reports.append(_elsewhere(name))
    return reports


def _elsewhere(mutant: str) -> Report:
    command = [sys.executable, "-W", "ignore", "-m", "campaigns", "chaos", "--json", "--mutant", mutant]
    command += ["--kills", str(MUTANT_KILLS), "--seed", str(MUTANT_SEED)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if not done.stdout:
        raise CampaignsError(f"The run of {mutant or 'the product'} ended without a report.")
    return from_json(done.stdout.decode())


def from_json(text: str) -> Report:
    """What `as_json` made of one report."""
    shown = json.loads(text)
    return Report(**shown | {"breaches": [Breach(**breach) for breach in shown["breaches"]]})


def is_good(reports: Sequence[Report]) -> bool:
    """No promise of the product broke, and every broken sender was caught by a promise that it breaks."""
    return all(is_caught(one) if one.mutant else not one.breaches for one in reports)


def is_caught(report: Report) -> bool:
    """Whether a broken sender was seen for what is broken in it."""
    return bool({breach.promise for breach in report.breaches} & MUTANTS[report.mutant].caught_by)


def as_json(reports: Sequence[Report]) -> str:
    """One report alone, or a list of several."""
    shown = [dataclasses.asdict(report) for report in reports]
    return json.dumps(shown[0] if len(shown) == 1 else shown, indent=1, ensure_ascii=False)


def show(reports: Sequence[Report], console: Console) -> None:
    """For people."""
    if len(reports) > 1:
        _show_mutants(reports, console)
    else:
        _show_run(reports[0], console)


def _show_run(report: Report, console: Console) -> None:
    table = Table("", "", show_header=False)
    rows: dict[str, object] = {
        "kills": report.kills,
        "by process": _listed(report.by_target),
        "while a provider held": _listed(report.by_point),
        "faults": _listed(report.faults),
        "messages": _listed(report.messages),
        "requests": f"{report.requests}, {report.taken} taken, {report.unseen} while the database was away",
        "changes": f"{report.moves} visits, {report.stops} opt-outs, {report.posts} texts of patients",
        "clock": f"{report.jumps} jumps",
        "marked as possibly twice": report.marked,
        "held back": f"{report.held_back} tries that had waited too long since the last question",
        "settled": f"{report.settled_minutes} minutes of the installation's clock",
        "seconds": f"{report.seconds:.0f}",
        "seed": report.seed,
        "commit": report.machine.get("commit", ""),
        "machine": f"{report.machine.get('cores')} cores, {report.machine.get('processor')}",
        "breaches": _verdicts(report.breaches) or "none",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    console.print(table)
    for breach in report.breaches[:_SHOWN]:
        console.print(f"{breach.promise} {breach.key}: {breach.words}", highlight=False)
    if report.folder:
        console.print(f"Everything about it lies in {report.folder}", highlight=False)


def _show_mutants(reports: Sequence[Report], console: Console) -> None:
    table = Table("sender", "what is broken", "kills", "messages", "breaches", "caught")
    for report in reports:
        words = MUTANTS[report.mutant].words if report.mutant else "nothing"
        verdict = ("yes" if is_caught(report) else "NO") if report.mutant else "-"
        number = str(sum(report.messages.values()))
        table.add_row(
            report.mutant or "the product",
            words,
            str(report.kills),
            number,
            _verdicts(report.breaches) or "none",
            verdict,
        )
    console.print(table)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counts.items())


def _verdicts(breaches: Sequence[Breach]) -> str:
    counted = Counter(breach.promise for breach in breaches)
    return ", ".join(f"{promise} {times}" for promise, times in sorted(counted.items()))
