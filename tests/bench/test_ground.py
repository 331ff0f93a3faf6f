"""Where benchmarks may run: never on an installation's own data."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import ground
from bench.ground import BenchFailed


def test_it_never_runs_on_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "servers").mkdir()
    with pytest.raises(BenchFailed, match="not a benchmark's folder"), ground.running(tmp_path):
        raise AssertionError("it ran")
    assert [path.name for path in tmp_path.iterdir()] == ["servers"]
