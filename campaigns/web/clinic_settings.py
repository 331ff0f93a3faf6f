"""The clinic's settings, and the page of a change: what it would do, making it, how far planning has come."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.domain.overrides import Unfit
from campaigns.models import ClinicChange, HeldAct
from campaigns.services import accounts, clinic_changes, clinic_settings, held_acts
from campaigns.services.clinic_changes import Stale
from campaigns.web import access, step_forms, step_words
from campaigns.web.filters import clock, own_name
from campaigns.web.step_forms import ClinicForm
from campaigns.web.step_words import OFF_REASONS, WEEKDAYS
from campaigns.web.told import told

SAID = clinic_settings.SAID


@require_http_methods(["GET", "HEAD", "POST"])
def clinic(request: HttpRequest) -> HttpResponse:
    """The settings: everybody sees them, an administrator's form proposes others."""
    me = access.staff(request)
    may = accounts.may(me)
    values = clinic_settings.values(me.clinic)
    if request.method == "POST" and not may:
        raise PermissionDenied
    form = ClinicForm(values, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        done = _proposed(request, form)
        if done is not None:
            return done
    context = {
        "form": form,
        "may_change": may,
        "values": [(step_words.value_name(name), said(name, value)) for name, value in values.items()],
        "changes": clinic_changes.history(me.clinic),
    }
    return render(request, "web/clinic.html", context)


def _proposed(request: HttpRequest, form: ClinicForm) -> HttpResponse | None:
    """The page of the dry run; None with what is wrong in the form."""
    try:
        change = clinic_changes.propose(access.staff(request), form.values(), form.shown())
    except Unfit as error:
        form.tell(error.faults)
    except Stale as error:
        messages.error(request, step_forms.stale(error.names))
        return redirect("clinic")
    else:
        return redirect("clinic-change", planned_id=change.pk)
    return None


def _change(request: HttpRequest, planned_id: int) -> ClinicChange:
    return get_object_or_404(ClinicChange, pk=planned_id, clinic=access.staff(request).clinic_id)


@require_safe
def change(request: HttpRequest, planned_id: int) -> HttpResponse:
    """One change: before and after, what it does to messages; once it is made, how far planning has come."""
    row = _change(request, planned_id)
    me = access.staff(request)
    context = {
        "change": row,
        "rows": [
            (step_words.value_name(name), said(name, row.before[name]), said(name, value))
            for name, value in row.after.items()
        ],
        "effect": clinic_changes.effect_of(row),
        "moves": bool(row.sequence) or clinic_settings.moves(row.after),
        "says": bool(SAID & row.after.keys()),
        "may_change": accounts.may(me),
    }
    return render(request, "web/clinic_change.html", context)


@require_POST
def apply(request: HttpRequest, planned_id: int) -> HttpResponse:
    """Make a change that was looked at. Pressed twice it is made once."""
    row = _change(request, planned_id)
    try:
        held = held_acts.ask(HeldAct.Kind.CLINIC_CHANGE, str(row.pk), by=access.staff(request))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    except Stale as error:
        messages.error(request, step_forms.stale(error.names))
        return _form_of(row)
    except Unfit as error:
        messages.error(request, " ".join(step_words.fault(code) for _name, code in error.faults))
        return _form_of(row)
    else:
        if held is not None:
            messages.warning(request, _("So many patients need a second person: it waits here."))
            return redirect("held")
        messages.success(request, _("Done. It counts at once; planned messages follow in the background."))
    return redirect("clinic-change", planned_id=row.pk)


def _form_of(row: ClinicChange) -> HttpResponse:
    """Back to where the change came from."""
    if row.sequence:
        return redirect("sequence-step", sequence=row.sequence, step=row.step)
    return redirect("clinic")


def said(name: str, value: Any) -> str:
    """A value as people write it."""
    if value is None or value == "" or value == [] or value == {}:
        return "–"
    if name == "off":
        return str(OFF_REASONS.get(value, value))
    if name in {"days", "minutes"}:
        return step_words.duration(value if name == "days" else None, value if name == "minutes" else None)
    if name in {*clinic_settings.TIMES, "opens", "closes"}:
        return clock(time.fromisoformat(value))
    if name == "send_days":
        return ", ".join(str(WEEKDAYS[day]) for day in value)
    if name == "languages":
        return ", ".join(own_name(tag) for tag in value)
    return (
        _table(value)
        if isinstance(value, dict)
        else ", ".join(value)
        if isinstance(value, list)
        else str(value)
    )


def _table(hours: dict[str, list[str]]) -> str:
    """Staffed hours, day by day."""
    parts = []
    for day, (opens, closes) in sorted(hours.items()):
        named = {"day": str(WEEKDAYS[int(day)]), "opens": clock(time.fromisoformat(opens))}
        parts.append(
            _("%(day)s %(opens)s to %(closes)s") % {**named, "closes": clock(time.fromisoformat(closes))}
        )
    return "; ".join(parts)
