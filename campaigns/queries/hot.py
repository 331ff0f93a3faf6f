"""Run the statements of hot.sql: on the driver's own cursor, which takes a third of the time of Django's.

Parameters travel apart from the statement, lists as one literal: quoting texts into a statement, or dumping a
list value by value, takes longer than storing them. Callers hold the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

import psycopg
from django.db import connection
from psycopg.abc import Loader
from psycopg.pq import Format

Row = tuple[Any, ...]

_INSTANT = psycopg.postgres.types["timestamptz"].oid
_READ_INSTANT = cast(type[Loader], psycopg.adapters.get_loader(_INSTANT, Format.TEXT))

PLANNED_ANEW = frozenset({"expire", "claim", "choose_probes", "lapsed", "in_doubt", "restart_leases"})
"""Statements that look for rows: how is best depends on how many wait, so PostgreSQL thinks anew each time.
Every other goes from ids that it is given, always in the same way, and is planned once a connection."""


@cache
def statements() -> dict[str, str]:
    """The statements by name."""
    text = Path(__file__).with_name("hot.sql").read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    return {name.strip(): body for name, _, body in (part.partition("\n") for part in parts)}


def run(name: str, **parameters: Any) -> list[Row]:
    """The rows that a statement gives. A list as a parameter goes through `array`."""
    cursor = _execute(name, parameters)
    return cursor.fetchall() if cursor.description else []


def count(name: str, **parameters: Any) -> int:
    """How many rows a statement touched."""
    return _execute(name, parameters).rowcount


def array(values: Iterable[object]) -> str:
    """Values as the text of a PostgreSQL array: numbers, texts, UUIDs; instants by `str`. None is NULL."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _execute(name: str, parameters: dict[str, Any]) -> psycopg.Cursor[Row]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        # Django's own reading of instants is written in Python.
        cursor.adapters.register_loader("timestamptz", _READ_INSTANT)
        prepare = False if name in PLANNED_ANEW else None  # None: as the connection is set
        return cursor.execute(statements()[name], parameters, prepare=prepare)
