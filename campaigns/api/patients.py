"""Patients: taken into care, found, listed, changed, left in peace. No name or address ever stands in a URL:
those end up in logs and histories, so one searches by what is in a body."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from campaigns.api.asking import (
    Cursor,
    Key,
    Limit,
    MaybeOnce,
    Once,
    holder,
    one,
    page,
    seen,
    shown,
    write,
)
from campaigns.api.replies import (
    Changed,
    ConsentOut,
    ContactPointOut,
    PatientOut,
    changed,
    consent_out,
    contact_point_out,
    patient_out,
)
from campaigns.api.shapes import (
    AddressIn,
    Agreement,
    ConsentIn,
    LeaveIn,
    PatientIn,
    PatientPatch,
    PauseIn,
    SearchIn,
)
from campaigns.domain.recipients import Channel, normalise_email, normalise_phone
from campaigns.models import Clinic, Consent, ContactPoint, Patient, Suppression
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services import consent, contact_points, in_care, newcomers, pausing, prefer
from campaigns.services.consent import Told

router = Router(tags=["patients"])
READ, WRITE = Key("patients:read"), Key("patients:write")


class Patients(BaseModel):
    """One page; `next` is the cursor of the one after it."""

    items: list[PatientOut]
    next: str | None


class ContactPoints(BaseModel):
    """All of one patient's."""

    items: list[ContactPointOut]


class Consents(BaseModel):
    """One page of the ledger."""

    items: list[ConsentOut]
    next: str | None


def mine(request: HttpRequest) -> QuerySet[Patient]:
    """The patients of this key's clinic. Who was forgotten is not there any more."""
    rows = Patient.objects.filter(clinic=holder(request).clinic, forgotten_at=None)
    return rows.select_related("reference", "clinic")


@router.get("", auth=READ, response=Patients)
def list_patients(
    request: HttpRequest, limit: Limit, cursor: Cursor, status: Patient.Status | None = None
) -> HttpResponse:
    """The patients of the clinic, the oldest first."""
    rows = mine(request).filter(status=status) if status else mine(request)
    found, after = page(rows, ("created_at", "pk"), limit, cursor)
    seen(request, "patients", [row.pk for row in found])
    return shown(Patients(items=[patient_out(row) for row in found], next=after))


@router.post("", auth=WRITE, response={201: Changed})
def create_patient(request: HttpRequest, body: PatientIn, idempotency_key: Once) -> HttpResponse:
    """Take a patient into care. Enroll them by opening a course."""
    by = holder(request)

    def act() -> Changed:
        clinic = Clinic.objects.get(pk=by.clinic)
        return changed(newcomers.register(clinic, _newcomer(body, by.name), by=by.name).pk, None)

    return write(request, idempotency_key, act, 201)


def _newcomer(body: PatientIn, by: str) -> newcomers.Newcomer:
    addresses = tuple(_address(point, point.channel, by) for point in body.contact_points)
    plain = body.model_dump(exclude={"contact_points"})
    return newcomers.Newcomer(**plain, addresses=addresses)


def _address(body: AddressIn, channel: Channel, by: str) -> contact_points.NewAddress:
    told = _told(body.agreed, by) if body.agreed else None
    return contact_points.NewAddress(channel=channel, address=body.address, agreed=told)


def _told(body: Agreement | ConsentIn, by: str) -> Told:
    return Told(source=body.source, by=by, evidence=body.evidence)


@router.post("/search", auth=READ, response=Patients)
def search_patients(request: HttpRequest, body: SearchIn) -> HttpResponse:
    """Find patients by number, address or your own reference: at most 50. All that is given must fit."""
    rows = mine(request)
    for channel, text in ((Channel.SMS, body.phone), (Channel.EMAIL, body.email)):
        if text:
            normal = normalise_phone(text) if channel is Channel.SMS else normalise_email(text)
            points = ContactPoint.objects.filter(
                patient=OuterRef("pk"), channel=channel, address_index=blind_index(normal)
            )
            rows = rows.filter(Exists(points))
    if body.reference:
        rows = rows.filter(reference__name_index=blind_index(body.reference))
    if not (body.phone or body.email or body.reference):
        rows = rows.none()
    found = list(rows.order_by("created_at", "pk")[:50])
    seen(request, "patients", [row.pk for row in found])
    return shown(Patients(items=[patient_out(row) for row in found], next=None))


@router.get("/{patient_id}", auth=READ, response=PatientOut)
def get_patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient."""
    row = one(mine(request), patient_id)
    seen(request, "patient", [row.pk])
    return shown(patient_out(row))


@router.patch("/{patient_id}", auth=WRITE, response=Changed)
def change_patient(
    request: HttpRequest, patient_id: UUID, body: PatientPatch, idempotency_key: MaybeOnce
) -> HttpResponse:
    """Change the language, the time zone or both; all of it or nothing."""
    patient, by = one(mine(request), patient_id), holder(request).name

    @transaction.atomic
    def act() -> Changed:
        changes = pausing.set_zone(patient.pk, body.time_zone, by=by) if body.time_zone is not None else None
        if body.language is not None:
            prefer.change_language(patient, body.language, by=by, source="api", now=clock.now())
        return changed(patient.pk, changes)

    return write(request, idempotency_key, act)


@router.post("/{patient_id}/pause", auth=WRITE, response=Changed)
def pause_patient(
    request: HttpRequest, patient_id: UUID, body: PauseIn, idempotency_key: MaybeOnce
) -> HttpResponse:
    """Send nothing planned until then. Safety texts still go."""
    patient, by = one(mine(request), patient_id), holder(request).name

    def act() -> Changed:
        pausing.pause(patient.pk, body.until, body.why, by=by)
        return changed(patient.pk, None)

    return write(request, idempotency_key, act)


@router.post("/{patient_id}/resume", auth=WRITE, response=Changed)
def resume_patient(request: HttpRequest, patient_id: UUID, idempotency_key: MaybeOnce) -> HttpResponse:
    """In care again, after a pause or after `leave`."""
    return _status(request, patient_id, Patient.Status.ACTIVE, idempotency_key)


@router.post("/{patient_id}/leave", auth=WRITE, response=Changed)
def end_patient(
    request: HttpRequest, patient_id: UUID, body: LeaveIn, idempotency_key: MaybeOnce
) -> HttpResponse:
    """The patient has left or has died: nothing more is sent."""
    return _status(request, patient_id, body.status, idempotency_key)


def _status(request: HttpRequest, patient_id: UUID, status: str, name: str | None) -> HttpResponse:
    patient, by = one(mine(request), patient_id), holder(request).name
    return write(request, name, lambda: changed(patient.pk, in_care.set_status(patient.pk, status, by=by)))


@router.get("/{patient_id}/contact-points", auth=READ, response=ContactPoints)
def list_contact_points(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The patient's number and address."""
    patient = one(mine(request), patient_id)
    points = list(patient.contact_points.order_by("channel"))
    out = Suppression.objects.filter(lifted_at=None, address_index__in=[p.address_index for p in points])
    stopped = set(out.values_list("address_index", "channel"))
    seen(request, "patient", [patient.pk])
    items = [contact_point_out(p, opted_out=(p.address_index, p.channel) in stopped) for p in points]
    return shown(ContactPoints(items=items))


@router.put("/{patient_id}/contact-points/{channel}", auth=WRITE, response=Changed)
def put_contact_point(
    request: HttpRequest, patient_id: UUID, channel: Channel, body: AddressIn, idempotency_key: MaybeOnce
) -> HttpResponse:
    """Write an address down or change it. With another address, what was agreed to ends unless `agreed` says
    anew how the patient agreed."""
    patient, by = one(mine(request), patient_id), holder(request).name
    new = _address(body, channel, by)
    return write(
        request, idempotency_key, lambda: changed(patient.pk, contact_points.change(patient.pk, new, by=by))
    )


@router.get("/{patient_id}/consents", auth=READ, response=Consents)
def list_consents(request: HttpRequest, patient_id: UUID, limit: Limit, cursor: Cursor) -> HttpResponse:
    """The consent ledger of one patient, the oldest line first."""
    patient = one(mine(request), patient_id)
    found, after = page(
        Consent.objects.filter(patient=patient).select_related("words"), ("pk",), limit, cursor
    )
    seen(request, "patient", [patient.pk])
    return shown(Consents(items=[consent_out(row) for row in found], next=after))


@router.post("/{patient_id}/consents", auth=WRITE, response={201: Changed})
def record_consent(
    request: HttpRequest, patient_id: UUID, body: ConsentIn, idempotency_key: Once
) -> HttpResponse:
    """Write down what a patient said to you. An opted-out address stays out: only the patient brings it
    back."""
    patient, by = one(mine(request), patient_id), holder(request).name
    grants = body.action == Consent.Action.GRANTED
    say = consent.grant_as_told if grants else consent.withdraw_as_told

    def act() -> Changed:
        say(patient, body.channel, body.topics, _told(body, by), clock.now())
        return changed(patient.pk, None)

    return write(request, idempotency_key, act, 201)
