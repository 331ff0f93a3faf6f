"""The audit: who saw, changed, approved and took away what, and whether the record of it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.domain.timing import MIDNIGHT, to_instant
from campaigns.models import AuditEntry, Patient, Staff
from campaigns.queries import audit_log
from campaigns.queries.audit_log import Asked
from campaigns.services import check_chain, hand_out
from campaigns.services.on_call import clinic_time
from campaigns.web import access, audit_words, sheet

FIELDS = ("seq", "at", "actor", "action", "object", "detail", "clinic", "previous", "digest")
NAMES = ("who", "kind", "from", "to", "patient")
"""What an address may ask for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the page shows it. `who` asks for what the same person did."""

    entry: AuditEntry
    did: str
    by: str
    who: str
    patient: Patient | None
    several: str
    about: str
    where: str
    more: str


def may(staff: Staff) -> bool:
    """Whether somebody may read the audit."""
    return check_chain.may(staff)


def _auditor(request: HttpRequest) -> Staff:
    me = access.staff(request)
    if not may(me):
        raise PermissionDenied
    return me


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The entries that the address asks for, newest first, and the last check of the chain."""
    me = _auditor(request)
    colleagues = list(Staff.objects.filter(clinic=me.clinic_id).order_by("name"))
    asked = _asked(me, request.GET, colleagues)
    after = request.GET.get("after", "")
    found = audit_log.page(asked, int(after) if after.isdecimal() and len(after) < 19 else None)
    whom = audit_log.patients(found.entries, me.clinic_id)
    access.seen(request, "audit", {patient.pk for patient in whom.values()})
    kept = {name: request.GET[name] for name in NAMES if request.GET.get(name)}
    context = {
        "lines": [_line(one, colleagues, whom) for one in found.entries],
        "older": urlencode(kept | {"after": str(found.older)}) if found.older else "",
        "is_first": not after,
        "kept": kept,
        "chosen": {name: kept.get(name, "") for name in NAMES},
        "groups": [(key, said, _address(kept, "kind", key)) for key, said in audit_words.GROUPS.items()],
        "all_kinds": _address(kept, "kind", ""),
        "anybody": _address(kept, "patient", ""),
        "colleagues": colleagues,
        "others": audit_words.NOBODY,
        "about": Patient.objects.filter(pk=asked.patient).first() if asked.patient else None,
        "check": check_chain.latest(),
    }
    return render(request, "web/audit.html", context)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Ask for a check of the whole chain."""
    me = _auditor(request)
    check_chain.begin(by=me.email)
    messages.success(request, _("The audit is being checked. Look again in a moment."))
    return redirect("audit")


@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """The entries that the form asks for, as CSV or as one JSON object a line. Not on GET: it is audited."""
    me = _auditor(request)
    asked = _asked(me, request.POST, list(Staff.objects.filter(clinic=me.clinic_id)))
    form = "json" if request.POST.get("form") == "json" else "csv"
    hand_out.note_audit(me.clinic_id, by=me.email, form=form)
    kind = "application/x-ndjson" if form == "json" else "text/csv"
    write = _json_lines if form == "json" else _csv_lines
    return StreamingHttpResponse(
        write(asked),
        content_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="audit.{form}"'},
    )


def _address(kept: dict[str, str], name: str, value: str) -> str:
    """The same question with one part of it changed; an empty value takes it out."""
    return f"?{urlencode({key: said for key, said in (kept | {name: value}).items() if said})}"


def _line(entry: AuditEntry, colleagues: list[Staff], whom: dict[int, Patient]) -> Line:
    staff = {one.email: one.name for one in colleagues}
    ids = {one.email: str(one.pk) for one in colleagues}
    several = entry.detail.get("patients")
    return Line(
        entry=entry,
        did=audit_words.action(entry.action),
        by=audit_words.actor(entry.actor, staff),
        who=ids.get(entry.actor, entry.actor if entry.actor in audit_words.NOBODY else ""),
        patient=whom.get(entry.seq),
        several=str(len(several)) if isinstance(several, list) and len(several) > 1 else "",
        about=_about(entry, colleagues),
        where=audit_words.where(entry.detail),
        more=audit_words.particulars(entry.detail),
    )


def _about(entry: AuditEntry, colleagues: list[Staff]) -> str:
    """What an entry is about that is no patient; empty where there is no better word than its name."""
    kind, _space, key = entry.object.partition(" ")
    if kind == "staff":
        return next((one.name for one in colleagues if str(one.pk) == key), "")
    return str(audit_words.OBJECTS.get(kind, ""))


def _asked(me: Staff, said: QueryDict, colleagues: list[Staff]) -> Asked:
    """What an address or a form asks for. What it says wrongly asks for nothing."""
    emails = {str(one.pk): one.email for one in colleagues} | {name: name for name in audit_words.NOBODY}
    since, until = _instant(me, said.get("from", ""), 0), _instant(me, said.get("to", ""), 1)
    return Asked(
        clinic=me.clinic_id,
        actor=emails.get(said.get("who", ""), ""),
        actions=_actions(me, said.get("kind", "")),
        since=since,
        until=until,
        patient=_patient(me, said.get("patient", "")),
    )


def _actions(me: Staff, kind: str) -> tuple[str, ...] | None:
    if kind == "other":
        return tuple(audit_log.actions(me.clinic_id) - set(audit_words.KNOWN))
    return tuple(audit_words.ACTIONS[kind]) if kind in audit_words.ACTIONS else None


def _instant(me: Staff, text: str, days_on: int) -> datetime | None:
    try:
        day = date.fromisoformat(text) + timedelta(days=days_on)
    except (ValueError, OverflowError):
        return None
    return to_instant(day, MIDNIGHT, clinic_time(me.clinic).zone)


def _patient(me: Staff, text: str) -> UUID | None:
    try:
        return Patient.objects.filter(clinic=me.clinic_id, pk=UUID(text)).values_list("pk", flat=True).first()
    except ValueError:
        return None


def _row(entry: AuditEntry) -> dict[str, Any]:
    known = {name: getattr(entry, name) for name in FIELDS}
    return known | {"at": entry.at.isoformat(), "clinic": str(entry.clinic) if entry.clinic else None}


def _json_lines(asked: Asked) -> Iterator[str]:
    for entry in audit_log.every(asked):
        yield json.dumps(_row(entry), ensure_ascii=False, sort_keys=True) + "\n"


def _csv_lines(asked: Asked) -> Iterator[str]:
    yield "\ufeff" + sheet.lines([FIELDS])
    for entry in audit_log.every(asked):
        row = _row(entry) | {"detail": json.dumps(entry.detail, sort_keys=True)}
        yield sheet.lines([[row[name] for name in FIELDS]])
