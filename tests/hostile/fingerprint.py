"""The whole database as one value a table, made by PostgreSQL: proves that something changed nothing."""

from __future__ import annotations

from django.db import connection

SESSIONS = frozenset({"django_session", "presence"})
"""Tables that a look may change: who is signed in is kept there, and who has what before them just now."""

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema() ORDER BY c.relname
"""


def tables() -> list[str]:
    """The name of every table there is."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [str(name) for (name,) in cursor.fetchall()]


def fingerprint(but: frozenset[str] = SESSIONS) -> dict[str, tuple[int, str]]:
    """Table -> how many rows, and a sum over what each of them holds. That somebody looked is on record, and
    changes nothing else."""
    one = (
        "SELECT '{0}' AS name, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM \"{0}\" t"
    )
    looks = " WHERE action <> 'looked_at'"
    asked = " UNION ALL ".join(
        one.format(name) + (looks if name == "audit_entry" else "") for name in tables() if name not in but
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return {str(name): (int(count), str(total)) for name, count, total in cursor.fetchall()}


def changed(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> list[str]:
    """The tables that are not what they were."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
