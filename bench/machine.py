"""What a figure depends on besides the program: the machine, the versions, the commit; and CPU seconds and
memory."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from campaigns.local.processes import ROOT

PACKAGES = ("celery", "django", "jinja2", "psycopg", "redis", "twilio")
_PROC = Path("/proc")


def facts() -> dict[str, str]:
    """Machine, versions and commit, for the head of every table."""
    return {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", (_PROC / "cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of the checkout, with a mark where files have changed since."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return "none"
    return f"{commit} and changes" if _git("status", "--porcelain") else commit


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, its living descendants, and their children that have ended. 0 without /proc."""
    if not _PROC.joinpath("self/stat").exists():
        return 0.0
    parents: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for one, parent, used in _processes():
        parents.setdefault(parent, []).append(one)
        ticks[one] = used
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        total += ticks.get(one, 0)
        todo += parents.get(one, [])
    return total / os.sysconf("SC_CLK_TCK")


def ticks() -> tuple[int, int]:
    """Of all cores since the machine started: in use by anybody, and in all. Noughts without /proc."""
    try:
        fields = [int(field) for field in (_PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    except OSError:
        return 0, 0
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def busy(before: tuple[int, int]) -> float:
    """The share of all cores in use since `before`, whoever used it."""
    used, total = (now - then for now, then in zip(ticks(), before, strict=True))
    return used / total if total else 0.0


def memory(pid: int) -> float:
    """Resident bytes of a process and its living descendants; what they share counts once (PSS), where the
    system tells. 0 without /proc."""
    if not _PROC.joinpath("self/stat").exists():
        return 0.0
    parents: dict[int, list[int]] = {}
    for one, parent, _ in _processes():
        parents.setdefault(parent, []).append(one)
    total, todo = 0.0, [pid]
    while todo:
        one = todo.pop()
        total += _resident(one)
        todo += parents.get(one, [])
    return total


def _resident(pid: int) -> float:
    for name, field in (("smaps_rollup", "Pss"), ("status", "VmRSS")):
        try:
            text = (_PROC / str(pid) / name).read_text()
        except OSError:
            continue
        found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
        if found:
            return float(found[1]) * 1024
    return 0.0


def _processes() -> Iterator[tuple[int, int, int]]:
    """Process id, parent, and ticks of CPU used by it and by its children that have ended."""
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(folder.name), int(fields[1]), sum(int(field) for field in fields[11:15])
