"""Changes to a visit or course. Each is shown as a dry run first, then done."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.domain.errors import InvalidVisit
from campaigns.domain.visits import VisitState
from campaigns.models import Visit
from campaigns.services import visits
from campaigns.services.plan import Changes
from campaigns.web import access
from campaigns.web.forms import MoveForm
from campaigns.web.told import told

SETTLED = {VisitState.COMPLETED, VisitState.NO_SHOW, VisitState.CANCELLED}


def dry_run(act: Callable[[], Changes]) -> Changes:
    """What the act would change: the real thing, rolled back."""
    with transaction.atomic():
        changes = act()
        transaction.set_rollback(True)
    return changes


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Ask for the new date, show what it would change, then move."""
    visit = access.visit(request, visit_id)
    form = MoveForm(request.POST or None, initial={"on_date": visit.on_date, "at_time": visit.at_time})
    changes = None
    if request.method == "POST" and form.is_valid():
        try:
            changes = _move(request, visit, form, rehearse="confirm" not in request.POST)
        except InvalidVisit as error:
            form.add_error("on_date", told(str(error)))
        else:
            if "confirm" in request.POST:
                messages.success(request, _("The visit was moved."))
                return redirect("patient", visit.course.patient_id)
    return render(request, "web/visit_move.html", {"visit": visit, "form": form, "changes": changes})


def _move(request: HttpRequest, visit: Visit, form: MoveForm, *, rehearse: bool) -> Changes:
    data, by = form.cleaned_data, access.staff(request).email
    act = dry_run if rehearse else _do
    return act(lambda: visits.move(visit.pk, data["on_date"], data["at_time"], by=by))


def _do(act: Callable[[], Changes]) -> Changes:
    return act()


@require_http_methods(["GET", "HEAD", "POST"])
def settle(request: HttpRequest, visit_id: UUID, state: str) -> HttpResponse:
    """Mark a visit as completed, missed or cancelled. GET shows what that would change."""
    visit = access.visit(request, visit_id)
    if state not in SETTLED:
        raise Http404
    by = access.staff(request).email
    return _confirm(
        request,
        visit.course.patient_id,
        lambda: visits.settle(visit.pk, VisitState(state), by=by),
        {"visit": visit, "state": state, "patient": visit.course.patient},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def complete_course(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """Close a course that went to its end. GET shows what that would change."""
    course = access.course(request, course_id)
    by = access.staff(request).email
    return _confirm(
        request,
        course.patient_id,
        lambda: visits.complete_course(course.pk, by=by),
        {"visit": None, "state": "course", "patient": course.patient},
    )


def _confirm(
    request: HttpRequest, patient_id: UUID, act: Callable[[], Changes], context: dict[str, object]
) -> HttpResponse:
    try:
        changes = act() if request.method == "POST" else dry_run(act)
    except InvalidVisit as error:
        messages.error(request, told(str(error)))
        return redirect("patient", patient_id)
    if request.method == "POST":
        messages.success(request, _("Saved."))
        return redirect("patient", patient_id)
    return render(request, "web/confirm.html", {**context, "changes": changes})
