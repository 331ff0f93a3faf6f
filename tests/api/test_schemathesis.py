"""Everything that the description promises is asked for, rightly and wrongly, by schemathesis."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from campaigns.domain.scopes import SCOPES
from campaigns.services import api_keys
from tests.api.caller import enrolled
from tests.api.test_reading import ids
from tests.factories import NOON, make_clinic, make_staff, set_now

pytestmark = pytest.mark.load

SETTINGS = Path(__file__).with_name("schemathesis.toml")
PROGRAM = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"


def run(folder: Path, url: str, secret: str, config: Path, *options: str) -> int:
    """One run, which must find nothing and may write into `folder`; how many requests it made up."""
    command = [sys.executable, "-c", PROGRAM, "--config-file", str(config), "run"]
    command += [f"{url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {secret}"]
    command += ["--no-color", "--generation-database", "none", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=folder)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    found = re.search(r"(\d+) generated", done.stdout)
    return int(found[1]) if found else 0


def with_ids(folder: Path, known: dict[str, Any]) -> Path:
    """The same settings, and in every path the id of something that is there."""
    there = "".join(f'"path.{name}" = {json.dumps(value, default=str)}\n' for name, value in known.items())
    config = folder / "schemathesis.toml"
    config.write_text(f"[parameters]\n{there}\n{SETTINGS.read_text(encoding='utf-8')}")
    return config


def test_it_is_as_it_is_described(site: str, tmp_path: Path) -> None:
    set_now(NOON)
    clinic = make_clinic()
    make_staff(clinic)
    visit = enrolled(clinic)
    with transaction.atomic():
        known = ids(visit)
    _, secret = api_keys.create(clinic, "schemathesis", SCOPES, by="test", per_minute=10_000_000)
    covered = run(tmp_path, site, secret, with_ids(tmp_path, known), "--phases", "coverage")
    fuzzed = run(
        tmp_path, site, secret, SETTINGS, "--phases", "fuzzing", "--max-examples", "5", "--max-time", "8"
    )
    assert covered > 1_000
    assert fuzzed > 0
