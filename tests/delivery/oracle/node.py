"""Asks a script under Node. The one place where tests are left out: a machine without Node has no oracle."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent


def ask(script: str, told: object) -> Any:
    """What a script of this folder answers, both ways as JSON; skips the test where Node is not installed.

    A script answers null where a package of package.json is missing; then the test is skipped too.
    """
    node = shutil.which("node")
    if node is None:
        _leave_out(script, "Node is not installed")
    command = [node, str(HERE / script)]
    done = subprocess.run(
        command, input=json.dumps(told).encode(), stdout=subprocess.PIPE, timeout=120, check=True
    )
    answer = json.loads(done.stdout)
    if answer is None:
        _leave_out(script, "its package is missing: `npm ci --prefix tests/delivery/oracle`")
    return answer


def _leave_out(script: str, why: str) -> NoReturn:
    pytest.skip(f"{why}. Our texts are not held against {script}.")
