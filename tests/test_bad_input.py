"""Whatever is wrong, the command line says it in one plain line and shows no traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from campaigns.__main__ import LONGEST_CONNECT
from campaigns.delivery.rendering import render
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.errors import InvalidSequence, TemplateMissing
from campaigns.domain.recipients import Channel
from campaigns.domain.sequences import parse
from campaigns.local import children, embedded
from campaigns.local.processes import ROOT
from campaigns.queries import sequence_files
from tests.domain.planning import sequence, step_text

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
    ("no such patient", ["plan", "nobody"], "There is no patient nobody."),
    ("neither text nor file", ["triage"], "Give a text or --file"),
    *((f"database down: {name}", [name], "The database does not answer") for name in ("send-due", "pause")),
    ("database down: plan", ["plan", "0" * 32], "The database does not answer"),
    ("database down: export", ["export", "messages"], "The database does not answer"),
]


@pytest.mark.parametrize(("words", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_says_what_is_wrong_in_one_line(words: list[str], said: str) -> None:
    result = run(words, DATABASE_URL=NOBODY)
    assert result.returncode == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "Error:" not in result.stderr


def test_a_database_that_says_nothing_is_given_up_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = monotonic()
        result = run(["pause"], DATABASE_URL=f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/c")
        took = monotonic() - began
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1), result.stderr
    assert "The database does not answer" in result.stderr
    assert took < LONGEST_CONNECT + 15  # Python has to start first, on a busy machine


def test_sending_is_refused_with_unsafe_settings_and_pausing_is_not() -> None:
    refused = run(["send-due", "--watch"], DATABASE_URL=NOBODY, SECRET_KEY="short", ALLOWED_HOSTS="*")
    assert refused.returncode == 1
    assert {line.partition(" (")[0] for line in refused.stderr.splitlines()} == {
        "SECRET_KEY is weak",
        "ALLOWED_HOSTS allows every host",
    }
    paused = run(["pause"], DATABASE_URL=NOBODY, SECRET_KEY="short", ALLOWED_HOSTS="*")
    assert "The database does not answer" in paused.stderr


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[embedded.Servers]:
    """A Valkey over TCP that a test may kill, and a PostgreSQL."""
    with embedded.start(tmp_path / "state", tcp=True, fast=True) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Lonely:
    """A process without Redis: from its start, or once it has `begun`; and what it says then."""

    name: str
    begun: str
    said: str

    @property
    def log(self) -> str:
        return f"{self.name} {'loses it' if self.begun else 'starts without'}"


LONELY = (
    Lonely("worker", "", "Cannot connect to"),
    Lonely("beat", "", "Connection error"),
    Lonely("worker", " ready.", "Connection to broker lost"),
    Lonely("beat", "Sending due task", "Message Error"),
)


@pytest.mark.slow
def test_a_process_without_redis_says_so_in_one_line_a_try(valkey: embedded.Servers, tmp_path: Path) -> None:
    with ExitStack() as stack:
        running = {one: stack.enter_context(_alone(one, valkey.redis_url, tmp_path)) for one in LONELY}

        def says(one: Lonely, words: str) -> None:
            log = tmp_path / one.log
            assert children.wait_until(lambda: words in log.read_text(), 60, pause=0.2), log.read_text()

        for one in LONELY:
            says(one, one.begun)
        os.kill(valkey.pids[1], signal.SIGKILL)
        for one in LONELY:
            says(one, one.said)
        given_up = [one.log for one in LONELY if running[one].poll() is not None]
    assert given_up == [], "they wait for Redis instead of giving up"
    for one in LONELY:
        text = (tmp_path / one.log).read_text()
        lines = [json.loads(line)["event"] for line in text.splitlines() if one.said in line]
        assert all(len(line) < 300 for line in lines), lines
        assert "Traceback" not in text
        assert valkey.redis_url.partition("@")[0].rpartition(":")[2] not in text


@contextmanager
def _alone(one: Lonely, redis_url: str, place: Path) -> Iterator[children.Child]:
    state = place / f"state of {one.log}"
    state.mkdir()
    needed = {name: os.environ[name] for name in NEEDED if name in os.environ}
    redis = redis_url if one.begun else redis_url.replace(f":{urlsplit(redis_url).port}", ":9")
    addresses = {"DATABASE_URL": NOBODY, "REDIS_URL": redis, "CAMPAIGNS_STATE": str(state)}
    command = [sys.executable, "-m", "campaigns", one.name]
    child = children.spawn(command, log=place / one.log, env=needed | addresses, cwd=ROOT)
    try:
        yield child
    finally:
        children.stop(child, signal.SIGKILL, 20)  # asked kindly, it would finish its ten seconds of waiting


@pytest.mark.parametrize("words", [["preview"], ["send-due", "--limit", "x"]])
def test_bad_usage_ends_with_2(words: list[str]) -> None:
    result = run(words, DATABASE_URL=NOBODY)
    assert result.returncode == 2
    assert "error:" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_step_without_a_template_is_named() -> None:
    with pytest.raises(TemplateMissing, match="welcome/nothing"):
        render("welcome/nothing", Channel.SMS, "en-CA", SAMPLE)


def test_a_channel_that_a_step_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_files, "load", lambda name: sequence(step_text()))
    with pytest.raises(TemplateMissing, match="trial does not go by email, only by sms"):
        call_command("preview", "trial", language="en-CA", channel="email")


def test_a_malformed_sequence_is_named_with_its_line() -> None:
    with pytest.raises(InvalidSequence, match=r"(?m)^broken\.yaml:3: \S"):
        parse("key: broken\ntitle: Broken\nsteps: 7\n", "broken.yaml", sequence_files.vocabulary())
