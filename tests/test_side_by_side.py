"""Old and new run side by side during an upgrade: tables only grow, and a newer table disturbs no program.

The code of an earlier release is not here to be run, but what it says to the database is: one example of each
statement that it issued (tests/recording.py), which the tables of today must take. From 0012 on each
migration leaves everything that older code reads and writes, so that its INSERTs succeed as well. And our own
code, which is some day the older one, sends and answers on tables that have columns and tables it has never
heard of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import DatabaseError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

from campaigns.models import Message, Reply, Tick
from campaigns.queries import queue
from campaigns.services import reconcile, send
from campaigns.services.climb import climb
from campaigns.services.take_in import Inbound, receive_sms
from tests import factories
from tests.house.rules import matches
from tests.house.sources import ROOT, texts

BEFORE = ("campaigns", "0011_reply_files")
"""From the next one on, what is here holds."""
NARROWING: dict[tuple[str, str], str] = {
    ("0017_sealed_words", "Raw SQL operation"): "a guard on a table that the same migration makes",
    (
        "0019_api",
        "Raw SQL operation",
    ): "triggers that write into a table of their own and only where an endpoint is named; no column changes",
    ("0020_today", "Raw SQL operation"): "a trigger that keeps a new column, which older code does not read",
    **{
        (
            "0020_today",
            f"Concurrently remove index {name} from message",
        ): "nobody names an index; another took over"
        for name in ("message_due", "message_asked", "message_unsaid")
    },
}
"""(migration, operation as Django describes it) -> why no older code that may still run minds it."""
NO_SQL = {"choices", "help_text", "verbose_name", "default", "validators", "blank", "editable"}
"""What Django knows of a field and the database does not."""


def narrowing(name: str, migration: Any, state: ProjectState) -> Iterator[tuple[str, str]]:
    """The operations of a migration that older code may stumble over. Moves `state` forward."""
    made = {one.name_lower for one in migration.operations if isinstance(one, migrations.CreateModel)}
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards("campaigns", state)
        if not _only_adds(operation, made, before):
            yield name, operation.describe()


def _only_adds(operation: Operation, made: set[str], before: ProjectState) -> bool:
    match operation:
        case migrations.CreateModel() | AddIndexConcurrently():
            return True
        case migrations.AddIndex() | migrations.AddConstraint():
            return operation.model_name.lower() in made  # on rows that older code writes it may fail or lock
        case migrations.AddField():
            return operation.model_name_lower in made or _may_be_left_out(operation.field)
        case migrations.AlterField():
            old = before.models["campaigns", operation.model_name_lower].fields[operation.name]
            return _is_wider(old, operation.field)
    return False


def _may_be_left_out(field: models.Field[Any, Any]) -> bool:
    """Whether an INSERT that does not name it succeeds. A default of Django's is not the database's."""
    return field.null or field.db_default is not NOT_PROVIDED or field.many_to_many is True


def _is_wider(old: models.Field[Any, Any], new: models.Field[Any, Any]) -> bool:
    _, kind, _, was = old.deconstruct()
    _, new_kind, _, now = new.deconstruct()
    changed = {key for key in {*was, *now} if was.get(key) != now.get(key)} - NO_SQL
    if "max_length" in changed and now.get("max_length", 0) > was.get("max_length", 0):
        changed.remove("max_length")
    if "null" in changed and now.get("null"):
        changed.remove("null")
    if "db_index" in changed and not now["db_index"]:
        changed.remove("db_index")  # nobody names an index
    return kind == new_kind and not changed


def test_every_migration_from_now_on_only_adds() -> None:
    loader = MigrationLoader(None)
    [newest] = loader.graph.leaf_nodes("campaigns")
    plan = [key for key in loader.graph.forwards_plan(newest) if key[0] == "campaigns"]
    state = loader.project_state(BEFORE)
    later = plan[plan.index(BEFORE) + 1 :]
    assert later
    found = {one for key in later for one in narrowing(key[1], loader.graph.nodes[key], state)}
    assert found == set(NARROWING)


ADDS: list[Callable[[], Operation]] = [
    lambda: migrations.AddField("reply", "x", models.IntegerField(null=True)),
    lambda: migrations.AddField("reply", "x", models.IntegerField(default=0, db_default=0)),
    lambda: migrations.AlterField("installation", "paused_reason", models.CharField(max_length=300)),
    lambda: AddIndexConcurrently("reply", models.Index(fields=["outcome"], name="x")),
]
NARROWS: list[Callable[[], Operation]] = [
    lambda: migrations.AddField("reply", "x", models.IntegerField(default=0)),
    lambda: migrations.RemoveField("reply", "files"),
    lambda: migrations.RenameField("reply", "files", "pictures"),
    lambda: migrations.DeleteModel("Reply"),
    lambda: migrations.AlterField("installation", "paused_reason", models.CharField(max_length=100)),
    lambda: migrations.AlterField("installation", "rehearsal_now", models.DateTimeField()),
    lambda: migrations.AddIndex("reply", models.Index(fields=["outcome"], name="x")),
    lambda: migrations.AddConstraint(
        "reply", models.CheckConstraint(condition=models.Q(files__lt=9), name="x")
    ),
    lambda: migrations.RunSQL("UPDATE reply SET files = 0"),
]


@pytest.mark.parametrize(
    ("operation", "adds"),
    [*((one, True) for one in ADDS), *((one, False) for one in NARROWS)],
)
def test_what_narrows_is_seen(operation: Callable[[], Operation], adds: bool) -> None:
    migration = type("Migration", (), {"operations": [operation()]})
    state = MigrationLoader(None).project_state(BEFORE)
    assert bool(list(narrowing("x", migration, state))) is not adds


UNNAMED = r"(?i)INSERT\s+INTO\s+[\w.\"{}]+\s+(?!\()\w+|\bCOPY\s+\w+\s+(FROM|TO)\b|RETURNING\s+\*"


def test_every_statement_names_the_columns_that_it_writes() -> None:
    found = [(path, text) for path, text in texts() if re.match(r"campaigns/(?!migrations)", path)]
    assert matches([one for one in found if one[0].endswith((".py", ".sql"))], UNNAMED) == []
    assert matches([("x", "INSERT INTO message SELECT 1"), ("x", "INSERT INTO a VALUES (1)")], UNNAMED)
    assert not matches([("x", "INSERT INTO message (id) SELECT 1")], UNNAMED)


EARLIER = sorted((ROOT / "tests/fixtures/earlier").glob("*.sql"))
"""What earlier code says to the database, by the last migration that it knew."""


def refused(statements: list[str]) -> list[str]:
    """The statements that the tables of today do not take, each with why. Nothing is executed."""
    found = []
    for statement in statements:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}")
        except DatabaseError as error:
            found.append(f"{str(error).splitlines()[0]}: {statement[:300]}")
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("file", EARLIER, ids=lambda file: file.stem)
def test_the_tables_take_every_statement_of_the_code_before(file: Path) -> None:
    statements = file.read_text(encoding="utf-8").splitlines()
    verbs = Counter(statement.partition(" ")[0] for statement in statements)
    assert min(verbs[verb] for verb in ("SELECT", "INSERT", "UPDATE", "DELETE")) > 5
    assert refused(statements) == []
    # A column that earlier code knows has another name: it is seen, whatever it does with it.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE patient RENAME COLUMN interpreter_language TO tongue")
    missed = [one.partition(": ")[2].partition(" ")[0] for one in refused(statements)]
    assert set(missed) == {"SELECT", "INSERT", "UPDATE"}


@pytest.fixture
def newer_tables(db: None) -> None:
    """What a later release may have made: columns in every table, and a table that hangs on ours."""
    names = [model._meta.db_table for model in apps.get_app_config("campaigns").get_models()]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'ALTER TABLE "{name}" ADD COLUMN newer integer NOT NULL DEFAULT 7')
            cursor.execute(f'ALTER TABLE "{name}" ADD COLUMN newest text')
        cursor.execute("CREATE TABLE newer (message bigint REFERENCES message ON DELETE CASCADE, seen bool)")


def test_a_program_works_on_the_tables_of_a_later_release(newer_tables: None) -> None:
    factories.set_now(factories.NOON)
    clinic = factories.make_clinic(name="Another Clinic")
    enrolled = factories.make_patient(clinic, sequences=["welcome"])
    assert send.send_batch().tried == 2
    [attempt] = enrolled.patient.messages.get(channel="sms").attempts.all()
    heard = queue.hear(attempt.pk, "SM1", "delivered", "", factories.NOON)
    assert heard
    assert heard.is_new
    outcome = receive_sms(
        Inbound(provider_id="SM2", sender="+16045550101", recipient="+16045550100", body="STOP")
    )
    assert outcome == Reply.Outcome.OPT_OUT
    assert send.send_batch().tried == 1  # the confirmation
    reconcile.reconcile()
    climb()
    assert set(Message.objects.values_list("state", flat=True)) == {"accepted"}
    assert Tick.objects.count() == 3
