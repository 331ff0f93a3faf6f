"""Find patients by the beginning of a name, by digits or by an address, though all of them are encrypted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, ExpressionWrapper, Q, QuerySet, Value

from campaigns.domain.name_terms import LONGEST, Person, Wanted, fits, full_name_terms, same_name, wanted
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import Clinic, ContactPoint, Patient, Visit
from campaigns.models.encryption import blind_index, search_keys

MOST = 20
"""Patients that one search gives."""
_LOOKED_AT = 60
"""Those whose names are opened for it: hashes of eight letters say nothing of the ninth."""
SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """One patient as a search shows them: enough to tell two of one name apart, and no whole number."""

    patient: Patient
    last_digits: str
    next_on: date | None = None
    next_at: time | None = None


def find(clinic: Clinic, query: str, today: date) -> list[Found]:
    """The patients of a clinic who have every word that was typed: at most `MOST`, those first who have one
    of them as it stands, then the newest. `today` is the clinic's; a query that says nothing finds nobody."""
    asked = wanted(query)
    if not asked:
        return []
    fitting = (patient for patient in _candidates(clinic, asked) if fits(person_of(patient), asked))
    return described([patient for patient, _ in zip(fitting, range(MOST), strict=False)], today)


def _candidates(clinic: Clinic, asked: Iterable[Wanted]) -> list[Patient]:
    rows = _of_clinic(clinic)
    exact: list[str] = []
    for one in asked:
        if one.terms:
            rows = rows.filter(search_keys__keys__overlap=search_keys(clinic.pk, one.terms))
        exact += one.exact
    whole = Q(search_keys__keys__overlap=_array(search_keys(clinic.pk, exact)))
    rows = rows.annotate(whole=ExpressionWrapper(whole, output_field=BooleanField()))
    beyond = any(not one.terms or len(one.name or one.mail) > LONGEST for one in asked)
    found = rows.order_by("-whole", "-created_at", "pk")[: _LOOKED_AT if beyond else MOST]
    return list(found.prefetch_related("contact_points"))


def _array(keys: list[int]) -> Value:
    return Value(keys, output_field=ArrayField(BigIntegerField()))


def person_of(patient: Patient) -> Person:
    """What a patient is found by, opened."""
    reached = {point.channel: point.address for point in patient.contact_points.all()}
    return Person(
        given_name=patient.given_name,
        family_name=patient.family_name,
        phone=reached.get(Channel.SMS, ""),
        email=reached.get(Channel.EMAIL, ""),
    )


def described(patients: list[Patient], today: date) -> list[Found]:
    """The same patients with what tells them apart, in two statements. Their addresses are read already."""
    coming: dict[UUID, Visit] = {}
    visits = Visit.objects.filter(
        course__patient__in=[patient.pk for patient in patients], state=VisitState.BOOKED, on_date__gte=today
    ).select_related("course")
    for visit in visits.order_by("on_date", "at_time"):
        coming.setdefault(visit.course.patient_id, visit)
    return list(_described(patients, coming))


def _described(patients: Iterable[Patient], coming: dict[UUID, Visit]) -> Iterator[Found]:
    for patient in patients:
        phone, visit = person_of(patient).phone, coming.get(patient.pk)
        last = phone[-SHOWN_DIGITS:]
        yield Found(patient, last, visit.on_date, visit.at_time) if visit else Found(patient, last)


def alike(clinic: Clinic, person: Person, today: date) -> list[Found]:
    """The patients of a clinic who may be this person: of the same name, or with the number or the address.
    At most `MOST`, the newest first. Addresses are normal."""
    rows = _of_clinic(clinic)
    indexes = [blind_index(address) for address in (person.phone, person.email) if address]
    names = search_keys(clinic.pk, full_name_terms(person.given_name, person.family_name))
    sharing = ContactPoint.objects.filter(address_index__in=indexes).values("patient")
    # Two statements: one with an OR across tables would read every patient.
    ids = {
        *rows.filter(pk__in=sharing).values_list("pk", flat=True)[:_LOOKED_AT],
        *rows.filter(search_keys__keys__overlap=names).values_list("pk", flat=True)[:_LOOKED_AT],
    }
    found = rows.filter(pk__in=ids).order_by("-created_at", "pk").prefetch_related("contact_points")
    return described([one for one in found if _alike(person_of(one), person)][:MOST], today)


def _alike(one: Person, other: Person) -> bool:
    reached = any(mine and mine == theirs for mine, theirs in zip(one[2:], other[2:], strict=True))
    return reached or same_name(one, other)


def _of_clinic(clinic: Clinic) -> QuerySet[Patient]:
    return Patient.objects.filter(clinic=clinic, forgotten_at=None)
