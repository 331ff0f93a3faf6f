"""Whatever is wrong, the command line says it in one plain line and shows no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from campaigns.delivery.rendering import render
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.errors import InvalidSequence, TemplateMissing
from campaigns.domain.recipients import Channel
from campaigns.domain.sequences import parse
from campaigns.local.processes import ROOT
from campaigns.queries import sequence_files

NEEDED = ("PATH", "HOME", "SECRET_KEY", "FIELD_KEYS", "CAMPAIGNS_STATE")
NOBODY = "postgresql://nobody@localhost/none?host=/nowhere"


def run(words: Sequence[str], **env: str) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own, with only the settings it needs."""
    needed = {name: os.environ[name] for name in NEEDED if name in os.environ}
    command = [sys.executable, "-m", "campaigns", *words]
    return subprocess.run(
        command, cwd=ROOT, env=needed | env, capture_output=True, text=True, timeout=60, check=False
    )


REFUSED = [
    ("unknown sequence", ["preview", "nonsense", "--language", "en-CA"], "no sequence nonsense"),
    ("unknown step", ["preview", "welcome.nothing", "--language", "en-CA"], "no step nothing"),
    ("unknown language", ["preview", "welcome", "--language", "xx"], "no texts in"),
    ("malformed --at", ["preview", "previsit", "--language", "en-CA", "--at", "tomorrow"], "--at takes"),
    ("database down", ["send-due"], "The database does not answer"),
]


@pytest.mark.parametrize(("words", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_says_what_is_wrong_in_one_line(words: list[str], said: str) -> None:
    result = run(words, DATABASE_URL=NOBODY)
    assert result.returncode == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.parametrize("words", [["preview"], ["send-due", "--limit", "x"]])
def test_bad_usage_ends_with_2(words: list[str]) -> None:
    result = run(words, DATABASE_URL=NOBODY)
    assert result.returncode == 2
    assert "error:" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_step_without_a_template_is_named() -> None:
    with pytest.raises(TemplateMissing, match="welcome/nothing"):
        render("welcome/nothing", Channel.SMS, "en-CA", SAMPLE)


def test_a_malformed_sequence_is_named_with_its_line() -> None:
    with pytest.raises(InvalidSequence, match=r"(?m)^broken\.yaml:3: \S"):
        parse("key: broken\ntitle: Broken\nsteps: 7\n", "broken.yaml", sequence_files.vocabulary())
