"""The inbound benchmark, as small as it can be: every text is answered, stored and settled."""

from __future__ import annotations

import json

from tests.bench.test_pipeline import bench


def test_every_text_is_stored_and_has_its_outcome() -> None:
    done = bench("inbound", "--rate", "20", "--seconds", "1", "--only", "campaigns", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [(run["contender"], run["sent"], run["refused"], run["lost"]) for run in shown["runs"]] == [
        ("campaigns", 20, 0, 0)
    ]
    assert shown["complaints"] == []
