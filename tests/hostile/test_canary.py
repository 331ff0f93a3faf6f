"""What patients typed is where it belongs and nowhere else: a day in the real processes, logging at DEBUG."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from campaigns.local.processes import ROOT
from tests.hostile.canary import QUESTION
from tests.hostile.search import MARKERS, fields_in, found_in

pytestmark = pytest.mark.load

PLANTED = {
    "file driver.log": {"reply"},
    "process cmdline": {"given name"},
    "process environ": {"told"},
    "valkey key": {"mailbox"},
    "valkey value": {"form note"},
    "valkey command": {"phone", "mailbox", "form note"},
    "request line": {"family name"},
    "column patient.status_reason": {"call note"},
    "column patient.family_name": {"family name"},
}
"""What `canary.leaks` puts where."""


def test_a_word_is_found_however_an_address_writes_it() -> None:
    assert fields_in("GET /?To=%2B16045550163&x=ZQREPLYZQ") == {"phone", "reply"}
    assert found_in([("a", "zqreplyzq"), ("a", "nothing"), ("b", "nothing")]) == {"a": ["reply"]}


@pytest.mark.slow
def test_what_patients_typed_is_in_no_log_broker_address_process_or_open_column(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "logs").mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    with (state / "logs" / "driver.log").open("w") as log:
        command = [sys.executable, "-m", "tests.hostile.canary", str(state)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 0, (state / "logs" / "driver.log").read_text()[-3_000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    covered = seen["covered"]
    # Twilio is asked by the number what became of a text. That stands in no log of ours, at DEBUG even.
    assert seen["found"] == {QUESTION: ["phone"]}
    assert seen["unsealed"] == []
    # The search had something to search: each word came in, and each process spoke.
    assert set(covered["kept"]) == set(MARKERS)
    assert min(covered["files"][f"file {name}.log"] for name in ("web", "worker", "beat", "postgres")) > 200
    assert covered["commands"] > 50
    assert covered["urls"] > 15
    # The search can find: a word that is put into each place is seen there.
    assert {place: PLANTED[place] - set(seen["planted"].get(place, ())) for place in PLANTED} == {
        place: set() for place in PLANTED
    }
    assert seen["planted_unsealed"] == ["patient.family_name"]
