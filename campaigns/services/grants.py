"""The database role that the processes run as: it may read and write rows, and neither change a table nor
rewrite what only grows. The role that owns the tables is then needed for `campaigns migrate` alone."""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import sql

from campaigns.domain.errors import NotAllowed
from campaigns.models import APPEND_ONLY

READ_ONLY = ("django_migrations",)
"""Tables that only `migrate` writes."""

_EVERYTHING = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "REVOKE CREATE ON SCHEMA public FROM {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
)
_TABLE = {
    "grows": "REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {role}",
    "is read": "REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {role}",
}


@transaction.atomic
def grant(role: str) -> None:
    """Give a role of the server what the processes need and no more. Run it again after each `migrate`.

    Raises NotAllowed where there is no such role, or where it could do more all the same: a superuser, or a
    member of the role that owns the tables.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
        found = cursor.fetchone()
        if found is None:
            raise NotAllowed("The server has no such role: make it first, with a password and LOGIN.")
        if found[0] or _owns(role):
            raise NotAllowed("This role could rewrite the audit chain whatever is granted: take another one.")
        name = sql.Identifier(role)
        statements = [sql.SQL(one).format(role=name) for one in _EVERYTHING]
        for how, tables in (("grows", APPEND_ONLY), ("is read", READ_ONLY)):
            statements += [_on(how, table, name) for table in tables]
        for statement in statements:
            cursor.execute(statement.as_string(connection.connection))


def _on(how: str, table: str, role: sql.Identifier) -> sql.Composed:
    return sql.SQL(_TABLE[how]).format(table=sql.Identifier(table), role=role)


def _owns(role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(pg_has_role(%s, relowner, 'MEMBER')) FROM pg_class WHERE relname = ANY(%s)",
            [role, list(APPEND_ONLY)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def may_rewrite() -> bool:
    """Whether the role of this process could rewrite the audit chain: take its guard off, or get past it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        row = cursor.fetchone()
    return bool(row and _owns(row[0]))
