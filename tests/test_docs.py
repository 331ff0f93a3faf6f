"""docs/reference.md names every setting, command, route and export field, and nothing that does not exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import URLPattern, get_resolver

from campaigns.__main__ import LAUNCHERS
from campaigns.domain.lifecycle import Reason, State
from campaigns.models import Attempt, Reply
from campaigns.queries.exports import EXPORTS
from campaigns.services.escalate import open_alert
from tests import factories
from tests.house.rules import calls
from tests.house.sources import ROOT, Source, product, source, tracked

DJANGOS_OWN = {"migrate"}
"""Commands of Django's that are ours to document: operators need them."""
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "XDG_RUNTIME_DIR"}
"""Read, but the business of other projects."""


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level, up to the next one."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


def first_cells(text: str) -> list[str]:
    """The first word in code of the first cell of every table row."""
    return [match.group(1) for line in text.splitlines() if (match := re.match(r"\|\s*`([^`\s]+)", line))]


def reference(title: str) -> str:
    """One section of the reference."""
    return section((ROOT / "docs/reference.md").read_text(encoding="utf-8"), title)


def settings_read(found: list[Source]) -> set[str]:
    """Names of the environment that the code reads: env("X"), env_int("X", 1), os.environ.get("X")."""
    return {name for one in found for call in calls(one) for name in _read_by(call)} - NOT_OURS


def _read_by(call: ast.Call) -> Iterator[str]:
    function = ast.unparse(call.func)
    if function in {"env", "env_bool", "env_int", "env_list", "os.environ.get", "os.getenv"} and call.args:
        first = call.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    documented = first_cells(reference("Settings"))
    assert sorted(documented) == sorted(settings_read(product()))


def test_every_default_is_documented_as_it_is() -> None:
    documented = dict(
        re.findall(r"^\|\s*`([A-Z_]+)`\s*\|\s*`?([^`|]*?)`?\s*\|", reference("Settings"), re.MULTILINE)
    )
    in_code = {
        str(ast.literal_eval(call.args[0])): str(ast.literal_eval(call.args[1]))
        for one in product()
        if one.path == "campaigns/settings.py"
        for call in calls(one)
        if list(_read_by(call)) and len(call.args) == 2
    }
    assert in_code
    assert {name: documented[name] for name in in_code} == in_code


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    ours = {name.replace("_", "-") for name, app in get_commands().items() if app == "campaigns"}
    assert set(first_cells(reference("Commands"))) == ours | set(LAUNCHERS) | DJANGOS_OWN


def test_every_route_is_documented_and_every_documented_route_exists() -> None:
    routes = {
        "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))
        for route in get_resolver().url_patterns
        if isinstance(route, URLPattern)
    }
    assert set(first_cells(reference("Routes"))) == routes


def documented_fields() -> dict[str, set[str]]:
    """Kind -> fields, from lines such as: - **messages**: `id`, `patient`."""
    lines = re.findall(r"^- \*\*(\w+)\*\*: (.+)$", reference("Export fields"), re.MULTILINE)
    return {kind: set(re.findall(r"`(\w+)`", fields)) for kind, fields in lines}


@pytest.fixture
def rows(db: None) -> dict[str, dict[str, Any]]:
    """One exported row of each kind."""
    factories.set_now(factories.NOON)
    enrolled = factories.make_patient(factories.make_clinic())
    message = enrolled.patient.messages.order_by("id")[0]
    Attempt.objects.create(message=message, channel=message.channel, epoch=1, started_at=factories.NOON)
    reply = Reply.objects.create(
        provider_id="SM1",
        patient=enrolled.patient,
        channel="sms",
        body="3",
        received_at=factories.NOON,
        parser_version="1",
        outcome=Reply.Outcome.ANSWER,
    )
    open_alert(
        clinic=None,
        reply=reply,
        patient=enrolled.patient,
        urgency="routine",
        rule="unclear",
        matched=[],
        now=factories.NOON,
    )
    return {kind: next(export(False)) for kind, export in EXPORTS.items()}


def test_every_export_field_is_documented_and_the_other_way_round(rows: dict[str, dict[str, Any]]) -> None:
    assert documented_fields() == {kind: set(row) for kind, row in rows.items()}


def test_every_state_and_reason_is_explained() -> None:
    text = reference("States and reasons")
    assert set(first_cells(text)) == {state.value for state in State} | {reason.value for reason in Reason}


def test_every_dependency_is_justified() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[\[<>=~ ]", line)[0] for line in wanted}
    decisions = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
    assert set(first_cells(section(decisions, "Dependencies"))) == names


DOCS = [name for name in tracked() if name.endswith(".md")]


@pytest.mark.parametrize("name", DOCS)
def test_every_link_between_documents_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", text)
    assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []


# --- the readers of these tests see what they should


def test_a_table_is_read_by_its_first_cells() -> None:
    text = "| name | meaning |\n| --- | --- |\n| `A_B` | `C` |\n| `plan PATIENT` | x |\n| d | `E` |\n"
    assert first_cells(text) == ["A_B", "plan"]


def test_a_setting_is_seen_however_it_is_read() -> None:
    text = "A = env('A')\nB = env_int('B', 1)\nC = os.environ.get('C', '')\nD = env(name)\n"
    assert settings_read([source("campaigns/settings.py", text)]) == {"A", "B", "C"}
