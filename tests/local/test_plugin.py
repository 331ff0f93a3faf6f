"""The plugin that gives the tests their servers, and the guard that keeps them off the network."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from campaigns.local import children
from tests.conftest import is_local
from tests.local.places import ROOT

SHOW = """
import os
def test_show():
    print("DATABASE", os.environ["DATABASE_URL"], "SID", os.environ.get("TWILIO_ACCOUNT_SID"))
    print("STATE", os.environ["CAMPAIGNS_STATE"], "PUBLIC", os.environ["PUBLIC_BASE_URL"])
"""


def run_pytest(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_show.py").write_text(SHOW)
    ours = re.compile("DATABASE_URL|REDIS_URL|CAMPAIGNS_TEST_SERVERS|PYTEST_.*")
    plain = {name: value for name, value in os.environ.items() if not ours.fullmatch(name)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "/dev/null",
        "--rootdir",
        str(folder),
        "-p",
        "no:cacheprovider",
    ]
    command += ["-p", "tests.embedded", "-p", "no:django", "-q", "-s", *arguments, str(folder)]
    return subprocess.run(
        command, env={**plain, **environ}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def word_after(word: str, output: str) -> str:
    words = output.split()
    return words[words.index(word) + 1]


def test_the_callers_own_servers_always_win(tmp_path: Path) -> None:
    theirs = "postgresql://db.example/theirs"
    run = run_pytest(tmp_path, DATABASE_URL=theirs, REDIS_URL="redis://cache.example")
    assert word_after("DATABASE", run.stdout) == theirs


NOTE = """
import os
from pathlib import Path
NAMES = ("DATABASE_URL", "CAMPAIGNS_STATE", "PUBLIC_BASE_URL", "TWILIO_ACCOUNT_SID")
def test_note():
    note = Path(__file__).with_name(os.environ["PYTEST_XDIST_WORKER"] + ".txt")
    note.write_text(" ".join(str(os.environ.get(name)) for name in NAMES))
"""


@pytest.mark.load
def test_each_process_brings_servers_of_its_own_and_takes_them_away(tmp_path: Path) -> None:
    (tmp_path / "test_note.py").write_text(NOTE)
    run = run_pytest(tmp_path, "-n", "2", "--dist", "each", TWILIO_ACCOUNT_SID="ACreal")
    assert run.returncode == 0, run.stdout + run.stderr
    databases, places, public, account = zip(
        *(path.read_text().split() for path in tmp_path.glob("*.txt")), strict=True
    )
    assert len(set(databases)) == 2
    assert all("@/campaigns?host=" in database for database in databases)
    assert not any(Path(place).exists() for place in places)
    assert (set(public), set(account)) == ({"https://clinic.example"}, {"None"})


def test_it_works_when_only_collecting(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "--collect-only")
    assert (run.returncode, "1 test collected" in run.stdout) == (0, True)


def test_servers_that_cannot_start_are_one_clear_line(tmp_path: Path) -> None:
    broken = "from campaigns.local import folders\ndef no(): raise folders.ServersFailed('No program.')\n"
    (tmp_path / "broken.py").write_text(broken + "folders.locate = no\n")
    run = run_pytest(tmp_path, "-p", "broken", PYTHONPATH=str(tmp_path))
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert run.stderr.strip() == "ERROR: The test servers cannot start. No program."


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (("127.0.0.1", 80), True),
        (("localhost", 80), True),
        (("::1", 80, 0, 0), True),
        ("/tmp/a.sock", True),  # noqa: S108
        (("192.0.2.1", 80), False),
        (("clinic.example", 443), False),
        (("fe80::1%eth0", 443, 0, 0), False),
    ],
)
def test_only_this_machine_is_local(address: object, local: bool) -> None:
    assert is_local(address) is local


def test_a_connection_to_the_network_fails_the_test() -> None:
    with socket.socket() as outside, pytest.raises(pytest.fail.Exception, match="reached for the network"):
        outside.connect(("192.0.2.1", 80))


def test_a_process_that_is_gone_has_no_command_line() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert children.command_line(done.pid) == ""
