"""The audit chain: whole as written, and shut to everybody."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from campaigns.models import AuditEntry, Clinic
from campaigns.services.record import broken_link
from tests.factories import make_patient


def test_the_chain_is_whole(clinic: Clinic) -> None:
    make_patient(clinic)
    assert AuditEntry.objects.count() > 2
    assert broken_link() is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_nobody_rewrites_it(clinic: Clinic, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert broken_link() is None


def test_a_change_behind_the_guard_is_found(clinic: Clinic) -> None:
    changed = AuditEntry.objects.earliest("seq")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
        cursor.execute("UPDATE audit_entry SET actor = 'x' WHERE seq = %s", [changed.seq])
    assert broken_link() == changed.seq
