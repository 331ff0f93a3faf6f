"""What the judge reads is the other end's own log."""

from __future__ import annotations

import json
from pathlib import Path

from bench import judge
from bench.judge import Evidence


def test_an_entry_doubled_in_the_log_file_is_found(tmp_path: Path) -> None:
    log = tmp_path / "sms.log"
    log.write_text("".join(json.dumps({"try": name}) + "\n" for name in ("a", "b", "b")))
    arrived = [entry["try"] for entry in judge.log_entries(log)]
    seen = Evidence(expected=3, counted=3, arrived=arrived, states={"accepted": 3}, recorded=["a", "b", "c"])
    assert judge.complaints(seen) == [
        "1 arrived more than once, such as b",
        "1 on record never arrived, such as c",
    ]
