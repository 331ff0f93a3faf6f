"""Zone data are those of the locked `tzdata`, whatever else a machine has: older ones are an hour off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from campaigns.local.processes import ROOT
from campaigns.queries import clock

WINTER = "datetime.datetime(2026, 12, 1, 9, tzinfo=zoneinfo.ZoneInfo('America/Vancouver')).utcoffset()"
HOURS = f"{WINTER}.total_seconds() / 3600"
TELL = f"""
import datetime, zoneinfo
before = {HOURS}
import campaigns
from campaigns.queries import clock
print(before, {HOURS}, clock.zone_fault())
"""
"""The winter hours of Vancouver by the data of the machine, and by ours."""


def stale(folder: Path) -> Path:
    """A copy of the `tzdata` package in which British Columbia still goes back in winter."""
    spec = find_spec("tzdata")
    assert spec
    assert spec.origin
    copy = folder / "tzdata"
    shutil.copytree(Path(spec.origin).parent, copy)
    america = copy / "zoneinfo/America"
    shutil.copy(america / "Los_Angeles", america / "Vancouver")
    return copy


def run(words: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with these settings beside ours."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_data_that_the_environment_names_do_not_count(tmp_path: Path) -> None:
    told = run(["-c", TELL], PYTHONTZPATH=str(stale(tmp_path) / "zoneinfo"))
    assert told.stdout.split() == ["-8.0", "-7.0"], told.stderr


def test_nothing_starts_with_a_package_that_is_stale(tmp_path: Path) -> None:
    stale(tmp_path)
    refused = run(["-m", "campaigns", "beat"], PYTHONPATH=str(tmp_path), PYTHONTZPATH="")
    assert refused.returncode == 1
    said = "Zone data are stale: winter visits in Vancouver would be an hour off"
    assert [line for line in refused.stderr.splitlines() if said in line]
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("zone", clock.WINTER)
def test_each_place_that_stopped_changing_its_clocks_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    wrong: Mapping[str, tuple[str, int]] = {zone: (clock.WINTER[zone][0], clock.WINTER[zone][1] - 1)}
    assert clock.zone_fault() == ""
    monkeypatch.setattr(clock, "WINTER", {**clock.WINTER, **wrong})
    assert clock.zone_fault() == (
        f"Zone data are stale: winter visits in {clock.WINTER[zone][0]} would be an hour off"
    )
