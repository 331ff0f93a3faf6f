"""What docs/api.md shows is what happens: its examples run against a real server, one after the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db.migrations.loader import MigrationLoader

from campaigns.domain.scopes import SCOPES
from campaigns.models import Course, Patient, Visit, WebhookEndpoint
from campaigns.services import api_keys, outbox
from tests.api.receiver import receiving
from tests.factories import NOON, make_clinic, set_now
from tests.house.sources import ROOT

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(
    r"^```(sh|python|json)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
)


def shape(value: Any) -> Any:
    """A document without its values: names, and kinds of values."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    """One example; what it printed."""
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(folder: Path, env: dict[str, str]) -> list[tuple[Any, str]]:
    """Run the page; each JSON that it shows with what was printed before it."""
    shown: list[tuple[Any, str]] = []
    variables, said, script = "", "", ""
    for language, text in BLOCKS:
        if language == "json":
            shown.append((json.loads(text), said))
        elif language == "sh":
            # Variables of one example are there in the next, as in a terminal.
            said = run(["bash", "-euc", f"{variables}\n{text}"], folder, env)
            variables += "\n".join(re.findall(r"^[A-Z]+=\$\(.*\)$", text, re.MULTILINE)) + "\n"
        else:
            script += text
    run([sys.executable, "-W", "error", "-c", script], folder, env)
    return shown


def test_every_example_of_the_guide_works_as_it_says(site: str, tmp_path: Path, settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    set_now(NOON)
    _, secret = api_keys.create(make_clinic(), "guide", SCOPES, by="test")
    days = {name: str((NOON + timedelta(days=n)).date()) for name, n in (("DAY", 14), ("LATER", 16))}
    with receiving() as receiver:
        env = {"PATH": os.environ["PATH"], "CAMPAIGNS": site, "KEY": secret, "HOOK": receiver.url, **days}
        shown = play(tmp_path, env)
        assert outbox.tell() > 1
    assert (Patient.objects.count(), Course.objects.count()) == (1, 1)
    assert (str(Visit.objects.get().on_date), Visit.objects.get().version) == (days["LATER"], 2)

    (created, said), (refused, slip), (word, _) = shown
    assert shape(json.loads(said)) == shape(created)
    assert shape(json.loads(slip)) == shape(refused)
    [ping] = [one for one in receiver.words if one["type"] == "test.ping"]
    assert shape(ping) == shape(word)

    names: dict[str, Any] = {}
    exec(BLOCKS[-1][1], names)  # noqa: S102  the guide's own code
    given = WebhookEndpoint.objects.get().secret
    for head, body in zip(receiver.heads, receiver.bodies, strict=True):
        assert names["is_ours"](given, head, body)
        assert not names["is_ours"](given, {**head, "webhook-timestamp": "1700000000"}, body)


def test_the_guide_names_every_scope_and_every_kind_of_word() -> None:
    assert set(re.findall(r"`(\w+:(?:read|write))`", PAGE)) == set(SCOPES)
    migration = MigrationLoader(None).disk_migrations["campaigns", "0019_api"]
    triggers = str([getattr(one, "sql", "") for one in migration.operations])
    told = set(re.findall(r"'((?:answer|alert)\.\w+)'", triggers))
    told |= {
        f"message.{state}"
        for state in re.findall(r"'(\w+)'", triggers.split("NEW.state IN (")[1].split(")")[0])
    }
    assert set(re.findall(r"`((?:message|answer|alert)\.\w+)`", PAGE)) == told
