"""Everything about one patient: each row of each table that refers to them, opened and readable.

Which tables these are is found from the models themselves, so that a new table cannot be left out.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Count, ForeignKey, Model, Q, QuerySet

from campaigns.models import AuditEntry, ContactPoint, Patient, Suppression
from campaigns.models.encryption import blind_index

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Found = dict[type[Model], set[Any]]


def everything(patient_id: UUID) -> Tables:
    """Every row about a patient by table: column -> value. Times are UTC, bytes base64, addresses in full."""
    found: Found = {Patient: set(Patient.objects.filter(pk=patient_id).values_list("pk", flat=True))}
    left: list[type[Model]] = [Patient] if found[Patient] else []
    while left:
        for model, keys in _referring(left.pop(), found, patient_id):
            new = keys - found.setdefault(model, set())
            found[model] |= new
            left += [model] if new else []
    tables = {model._meta.db_table: _rows(_all(model).filter(pk__in=keys)) for model, keys in found.items()}
    tables["suppression"] = _rows(_suppressions(patient_id))
    tables["audit_entry"] = _rows(_entries(found))
    return dict(sorted(tables.items()))


def referring(model: type[Model]) -> Iterator[ForeignKey[Any, Any]]:
    """Every foreign key that points at a table."""
    for relation in model._meta.related_objects:
        field = relation.field
        if isinstance(field, ForeignKey):
            yield field


def _referring(model: type[Model], found: Found, patient_id: UUID) -> Iterator[tuple[type[Model], set[Any]]]:
    for field in referring(model):
        rows = _all(field.model).filter(**{f"{field.name}__in": found[model]})
        if any(other.name == "patient" for other in field.model._meta.fields):
            # What stands with another patient is theirs, whatever it answers.
            rows = rows.filter(patient=patient_id) | rows.filter(patient=None)
        yield field.model, set(rows.values_list("pk", flat=True))


def _all(model: type[Model]) -> QuerySet[Any, Any]:
    return model._base_manager.all()


def _suppressions(patient_id: UUID) -> QuerySet[Any, Any]:
    points = Patient.objects.filter(pk=patient_id).values("contact_points__address_index")
    return Suppression.objects.filter(address_index__in=points)


def _entries(found: Found) -> QuerySet[Any, Any]:
    """Of the audit chain, what was done about the patient and what is the patient's, and who looked."""
    names = {f"{model._meta.db_table} {key}" for model, keys in found.items() for key in keys}
    looks = Q()
    for patient in found[Patient]:
        looks |= Q(detail__patients__contains=[str(patient)]) | Q(detail__patient=str(patient))
    return AuditEntry.objects.filter(Q(object__in=names) | looks)


def _rows(query: QuerySet[Any, Any]) -> list[Row]:
    return [
        {field.attname: readable(getattr(row, field.attname)) for field in row._meta.concrete_fields}
        for row in query.order_by("pk").iterator(chunk_size=500)
    ]


def readable(value: Any) -> Any:
    """A stored value as JSON can say it."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes() | memoryview():
            return base64.b64encode(bytes(value)).decode()
    return value


def tables() -> Collection[str]:
    """The tables of `everything`, for a patient of whom there is a row in each."""
    seen: set[type[Model]] = set()
    left: list[type[Model]] = [Patient]
    while left:
        model = left.pop()
        if model not in seen:
            seen.add(model)
            left += [field.model for field in referring(model)]
    return sorted({model._meta.db_table for model in seen} | {"suppression", "audit_entry"})


def sharing(patient_id: UUID) -> dict[str, int]:
    """How many other patients have this patient's address, by channel; of every clinic, and none by name."""
    own = ContactPoint.objects.filter(patient=patient_id).values("address_index")
    return _counted(ContactPoint.objects.exclude(patient=patient_id).filter(address_index__in=own))


def having(addresses: Iterable[str]) -> dict[str, int]:
    """How many patients have these addresses, by channel."""
    indexes = [blind_index(address) for address in addresses if address]
    return _counted(ContactPoint.objects.filter(address_index__in=indexes))


def _counted(points: QuerySet[ContactPoint]) -> dict[str, int]:
    return dict(points.values_list("channel").annotate(Count("pk")).order_by("channel"))
