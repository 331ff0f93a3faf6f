"""The audit of one clinic, newest first, a page at a time. A fixed number of queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from campaigns.models import AuditEntry, Patient
from campaigns.queries import whose

A_PAGE = 50
LOOSE = 200
"""Entries without a clinic that one page looks at: their clinics are found by what they name."""
_OF_NOBODY = ("alert", "reply")
"""What may belong to no clinic, and is then before every one (web/access)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which entries of a clinic: by whom, of which actions, in [since, until), about which patient. What is
    None or empty asks for all; no action at all asks for nothing."""

    clinic: UUID
    actor: str = ""
    actions: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    patient: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the `seq` of the one that the next page begins after; None at the end."""

    entries: list[AuditEntry]
    older: int | None


def page(asked: Asked, after: int | None = None, size: int = A_PAGE) -> Page:
    """The entries that come after the one of this `seq`, at most `size`; from the newest on without it.

    A page may hold fewer and still have a next one: entries of other clinics from before lay between.
    """
    rows = _rows(asked, after)
    mine = rows.filter(clinic=asked.clinic)[: size + 1]
    found = list(mine.union(rows.filter(clinic=None)[:LOOSE], all=True).order_by("-at", "-seq"))
    loose = [one for one in found if one.clinic is None]
    strange = {one.seq for one in loose} - {one.seq for one in _owned(loose, asked.clinic)}
    kept = [one for one in found if one.seq not in strange]
    # Below the last loose entry looked at there may be others: what is older waits for the next page.
    floor = (loose[-1].at, loose[-1].seq) if len(loose) == LOOSE else None
    shown = [one for one in kept if floor is None or (one.at, one.seq) >= floor][:size]
    if len(shown) == size and len(kept) > size:
        return Page(shown, shown[-1].seq)
    return Page(shown, loose[-1].seq if floor else None)


def every(asked: Asked) -> Iterator[AuditEntry]:
    """All of them, newest first, read a thousand at a time."""
    found = page(asked, size=1000)
    yield from found.entries
    while found.older is not None:
        found = page(asked, found.older, size=1000)
        yield from found.entries


def _rows(asked: Asked, after: int | None) -> QuerySet[AuditEntry]:
    wanted = Q()
    if asked.actor:
        wanted &= Q(actor=asked.actor)
    if asked.actions is not None:
        wanted &= Q(action__in=asked.actions)
    if asked.since:
        wanted &= Q(at__gte=asked.since)
    if asked.until:
        wanted &= Q(at__lt=asked.until)
    if asked.patient:
        wanted &= _about(asked.patient)
    return AuditEntry.objects.filter(wanted & _older(after)).order_by("-at", "-seq")


def _older(after: int | None) -> Q:
    if after is None:
        return Q()
    at = AuditEntry.objects.filter(seq=after).values("at")[:1]
    return Q(at__lte=at) & (Q(at__lt=at) | Q(seq__lt=after))


# Found first: asked for together with the order, PostgreSQL would look through everything.
_OF_PATIENT = """
WITH named (name) AS MATERIALIZED (
    SELECT 'patient ' || %(patient)s
    UNION ALL SELECT 'course ' || id FROM course WHERE patient_id = %(patient)s
    UNION ALL SELECT 'visit ' || v.id FROM visit v JOIN course c ON c.id = v.course_id
        WHERE c.patient_id = %(patient)s
    UNION ALL SELECT 'enrollment ' || e.id FROM enrollment e JOIN course c ON c.id = e.course_id
        WHERE c.patient_id = %(patient)s
    UNION ALL SELECT 'alert ' || id FROM alert WHERE patient_id = %(patient)s
    UNION ALL SELECT 'reply ' || id FROM reply WHERE patient_id = %(patient)s
)
SELECT a.seq FROM named JOIN audit_entry a ON a.object = named.name
UNION
SELECT seq FROM audit_entry
WHERE action = 'looked_at' AND object NOT LIKE 'patient %%' AND detail @> %(among)s::jsonb
"""


def _about(patient: UUID) -> Q:
    among = json.dumps({"patients": [str(patient)]})
    with connection.cursor() as cursor:
        cursor.execute(_OF_PATIENT, {"patient": patient, "among": among})
        return Q(seq__in=[row[0] for row in cursor.fetchall()])


_ACTIONS = """
WITH RECURSIVE one AS (
    (SELECT action FROM audit_entry WHERE {whose} ORDER BY action LIMIT 1)
    UNION ALL
    SELECT (
        SELECT a.action FROM audit_entry a WHERE {whose} AND a.action > one.action ORDER BY a.action LIMIT 1
    )
    FROM one WHERE one.action IS NOT NULL
)
SELECT action FROM one WHERE action IS NOT NULL
"""


def actions(clinic: UUID) -> set[str]:
    """Every action that entries of a clinic, or of none, have. One query, that jumps from one to the next."""
    parts = [_ACTIONS.replace("{whose}", whom) for whom in ("clinic = %s", "clinic IS NULL")]
    with connection.cursor() as cursor:
        cursor.execute("({}) UNION ({})".format(*parts), [clinic] * 2)
        return {row[0] for row in cursor.fetchall()}


def _owned(loose: Iterable[AuditEntry], clinic: UUID) -> list[AuditEntry]:
    """Those of the entries without a clinic that are this one's, or everybody's."""
    about = {one.seq: whose.named(one.object, one.detail) for one in loose}
    clinics = whose.clinics_of(named for named in about.values() if named)
    return [one for one in loose if _is_seen_by(clinic, one, about[one.seq], clinics)]


def _is_seen_by(
    clinic: UUID, one: AuditEntry, about: whose.Named | None, clinics: dict[whose.Named, UUID]
) -> bool:
    if about is None:
        return one.object == whose.OF_ALL
    return clinics.get(about, clinic if about[0] in _OF_NOBODY else None) == clinic


_PATIENTS = {
    "patient": "SELECT 'patient', id::text, id FROM patient WHERE id = ANY(%s::uuid[])",
    "visit": "SELECT 'visit', v.id::text, c.patient_id FROM visit v JOIN course c ON c.id = v.course_id "
    "WHERE v.id = ANY(%s::uuid[])",
    "course": "SELECT 'course', id::text, patient_id FROM course WHERE id = ANY(%s::uuid[])",
    "enrollment": "SELECT 'enrollment', e.id::text, c.patient_id FROM enrollment e "
    "JOIN course c ON c.id = e.course_id WHERE e.id = ANY(%s::uuid[])",
    "alert": "SELECT 'alert', id::text, patient_id FROM alert WHERE id = ANY(%s::bigint[])",
    "reply": "SELECT 'reply', id::text, patient_id FROM reply WHERE id = ANY(%s::bigint[])",
    "message": "SELECT 'message', id::text, patient_id FROM message WHERE id = ANY(%s::bigint[])",
}
_NAMES = """
SELECT p.id, p.given_name, p.family_name, known.kind, known.key
FROM patient p JOIN ({union}) AS known (kind, key, patient) ON known.patient = p.id WHERE p.clinic_id = %s
""".replace("{union}", " UNION ALL ".join(_PATIENTS.values()))


def patients(entries: Iterable[AuditEntry], clinic: UUID) -> dict[int, Patient]:
    """`seq` -> the one patient of the clinic that an entry is about, where it is one. One query."""
    about = {one.seq: whose.named(one.object, one.detail) for one in entries if not one.object[:1].isdigit()}
    keys = {kind: [named[1] for named in about.values() if named and named[0] == kind] for kind in _PATIENTS}
    rows = Patient.objects.raw(_NAMES, [*(keys[kind] for kind in _PATIENTS), clinic])
    found = {(vars(row)["kind"], vars(row)["key"]): row for row in rows}
    return {seq: found[named] for seq, named in about.items() if named in found}
