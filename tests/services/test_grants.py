"""The processes run as a role of the database that cannot rewrite what only grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from psycopg.conninfo import make_conninfo

from campaigns.domain.errors import NotAllowed
from campaigns.models import APPEND_ONLY, AuditEntry, Clinic, Consent, Reply
from campaigns.queries import clock
from campaigns.services import examine, grants, take_in
from campaigns.services.forget import forget
from campaigns.services.record import broken_link
from campaigns.services.send import drain
from tests.factories import make_patient, make_staff
from tests.services.fakes import FakeSender

ROLE = "campaigns_test_app"


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def as_app(clinic: Clinic) -> Iterator[None]:
    """From here on this connection is the processes' own role and not the owner of the tables."""
    _run(f"CREATE ROLE {ROLE} LOGIN")
    _run(f"GRANT {ROLE} TO CURRENT_USER")
    call_command("grant_role", ROLE)
    with _role():
        yield


@contextmanager
def _role() -> Iterator[None]:
    _run(f"SET ROLE {ROLE}")
    try:
        yield
    finally:
        _run("RESET ROLE")


REFUSED = [
    *(f"{verb} {table}" for table in APPEND_ONLY for verb in ("DELETE FROM", "TRUNCATE", "DROP TABLE")),
    "UPDATE audit_entry SET actor = 'x'",
    "UPDATE consent SET by = 'x'",
    "ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only",
    "DROP TRIGGER audit_entry_append_only ON audit_entry",
    "ALTER TABLE consent ADD COLUMN x int",
    "CREATE TABLE mine (x int)",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
    "DELETE FROM django_migrations",
]


def _is_refused(statement: str) -> bool:
    try:
        with transaction.atomic():
            _run(statement)
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def test_it_may_do_its_work_and_nothing_to_the_audit(
    as_app: None, clinic: Clinic, provider: FakeSender, client: Client
) -> None:
    patient = make_patient(clinic, sequences=["welcome", "pretreatment"]).patient
    drain()
    assert len(provider.sent) > 0
    text = take_in.Inbound(
        provider_id="SM1", sender="+16045550101", recipient=clinic.sms_number, body="my knee is warm"
    )
    take_in.receive_sms(text)
    assert Reply.objects.get(provider_id="SM1").patient == patient
    client.force_login(make_staff(clinic))
    assert client.get(f"/patients/{patient.pk}").status_code == 200
    assert client.post("/sending/pause").status_code == 302
    assert AuditEntry.objects.latest("seq").action == "paused"
    assert [statement for statement in REFUSED if not _is_refused(statement)] == []
    assert broken_link() is None
    patient.alerts.update(closed_at=clock.now())
    forget(patient.pk, by="robin")
    assert Consent.objects.filter(patient=patient).exists()
    assert not grants.may_rewrite()
    assert [one.level for one in examine._guard()] == [examine.Level.OK]


def test_it_grants_to_nobody_who_could_do_more(clinic: Clinic) -> None:
    with pytest.raises(NotAllowed, match="no such role"):
        grants.grant("nobody-of-that-name")
    with pytest.raises(NotAllowed, match="whatever is granted"):
        grants.grant(connection.settings_dict["USER"])
    assert grants.may_rewrite()
    assert [one.level for one in examine._guard()] == [examine.Level.WARNING]


def test_it_signs_in_by_itself_and_cannot_become_the_owner(open_clinic: Clinic) -> None:
    owner = connection.settings_dict
    _run(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'a-password-of-the-tests'")
    try:
        call_command("grant_role", ROLE)
        address = {"host": owner["HOST"], "port": owner["PORT"], "dbname": owner["NAME"], "user": ROLE}
        address["password"] = "a-password-of-the-tests"
        with psycopg.connect(make_conninfo(**{k: v for k, v in address.items() if v})) as own:
            own.autocommit = True
            assert own.execute("SELECT count(*) FROM audit_entry").fetchone() != (0,)
            own.execute("UPDATE clinic SET name = 'Another'")
            for statement in (*REFUSED, f"SET ROLE {owner['USER']}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    own.execute(statement)
    finally:
        _run(f"GRANT {ROLE} TO CURRENT_USER")
        _run(f"DROP OWNED BY {ROLE}")
        _run(f"DROP ROLE {ROLE}")
    assert Clinic.objects.get().name == "Another"
    assert broken_link() is None
