"""All benchmarks, run once as small as they can be, for every test that looks at what they hand back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.local.places import ROOT

LEFT_OUT = ("pipeline-sms", "pipeline-latency", "scale-out", "footprint")
"""Left out here, since they start the most processes: the first three send as pipeline-email does; what is
made of their figures, and of those of the last, is tested apart. `bench all --tiny` runs them too."""
CONTENDERS = ("--only", "campaigns", "--only", "naive", "--only", "limit")


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    """`campaigns bench`, on an environment of its own."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    command = [sys.executable, "-W", "ignore", "-m", "campaigns", "bench", *words]
    return subprocess.run(
        command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False, timeout=400
    )


@pytest.fixture(scope="session")
def whole() -> dict[str, Any]:
    """What `bench all` prints. A benchmark whose own checks did not hold would make it fail."""
    left_out = [word for name in LEFT_OUT for word in ("--without", name)]
    done = bench("all", "--tiny", "--json", *CONTENDERS, *left_out)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, found["failed"]) == (0, {}), done.stderr
    return found
