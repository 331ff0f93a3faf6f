"""To which clinic an entry of the audit belongs: that of what its `object` names.

An object is a word and an id ("patient ...", "visit ..."), or so many patients, who then stand in the detail.
What is about the whole installation belongs to no clinic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

OF_ALL = "installation"
"""The object of what concerns every clinic."""

_BY_UUID = {
    "patient": "SELECT id::text, clinic_id FROM patient WHERE id = ANY(%s::uuid[])",
    "visit": "SELECT v.id::text, p.clinic_id FROM visit v JOIN course c ON c.id = v.course_id "
    "JOIN patient p ON p.id = c.patient_id WHERE v.id = ANY(%s::uuid[])",
    "course": "SELECT c.id::text, p.clinic_id FROM course c JOIN patient p ON p.id = c.patient_id "
    "WHERE c.id = ANY(%s::uuid[])",
    "enrollment": "SELECT e.id::text, p.clinic_id FROM enrollment e JOIN course c ON c.id = e.course_id "
    "JOIN patient p ON p.id = c.patient_id WHERE e.id = ANY(%s::uuid[])",
    "clinic": "SELECT id::text, id FROM clinic WHERE id = ANY(%s::uuid[])",
    "api_key": "SELECT id::text, clinic_id FROM api_key WHERE id = ANY(%s::uuid[])",
    "import": "SELECT id::text, clinic_id FROM import_file WHERE id = ANY(%s::uuid[])",
    "webhook_endpoint": "SELECT id::text, clinic_id FROM webhook_endpoint WHERE id = ANY(%s::uuid[])",
}
_BY_NUMBER = {
    "alert": "SELECT id::text, clinic_id FROM alert WHERE id = ANY(%s::bigint[])",
    "reply": "SELECT id::text, clinic_id FROM reply WHERE id = ANY(%s::bigint[])",
    "message": "SELECT id::text, clinic_id FROM message WHERE id = ANY(%s::bigint[])",
    "staff": "SELECT id::text, clinic_id FROM staff WHERE id = ANY(%s::bigint[])",
}
_ACTOR = "SELECT email, clinic_id FROM staff WHERE email = ANY(%s)"
_NEWEST = "(SELECT digest FROM audit_entry ORDER BY seq DESC LIMIT 1)"

Named = tuple[str, str]
"""A kind of object and its id."""


@dataclass(frozen=True, slots=True)
class Found:
    """The digest that the next entry stands on, and whose entry it is."""

    newest: str | None
    clinic: UUID | None


def named(subject: str, detail: Mapping[str, object]) -> Named | None:
    """What an object names; None where it is nothing that belongs to a clinic by itself."""
    kind, _space, key = subject.partition(" ")
    patients = detail.get("patients")
    if kind.isdecimal() and isinstance(patients, list) and patients:
        kind, key = "patient", str(patients[0])
    if kind in _BY_NUMBER and key.isdecimal() and len(key) < 19:
        return kind, key
    return (kind, str(UUID(key))) if kind in _BY_UUID and _is_uuid(key) else None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def newest_and_clinic(subject: str, actor: str, detail: Mapping[str, object]) -> Found:
    """The newest digest, and the clinic of an entry about to be written. One query."""
    about = named(subject, detail)
    lookup, value = (_lookup(about[0]), about[1]) if about else (_ACTOR, actor)
    known = [] if subject == OF_ALL else [[value]]
    clinic = f"(SELECT clinic_id FROM ({lookup}) AS known (id, clinic_id))" if known else "NULL::uuid"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_NEWEST}, {clinic}", known)
        row = cursor.fetchone()
    return Found(*row) if row else Found(None, None)


def _lookup(kind: str) -> str:
    return _BY_UUID.get(kind) or _BY_NUMBER[kind]


def clinics_of(objects: Iterable[Named]) -> dict[Named, UUID]:
    """The clinics of many objects; what is not there any more is left out. One query."""
    by: dict[str, set[str]] = {}
    for kind, key in objects:
        by.setdefault(kind, set()).add(key)
    if not by:
        return {}
    parts = [f"SELECT '{kind}', known.* FROM ({_lookup(kind)}) AS known" for kind in by]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [sorted(keys) for keys in by.values()])
        return {(kind, key): clinic for kind, key, clinic in cursor.fetchall() if clinic}
