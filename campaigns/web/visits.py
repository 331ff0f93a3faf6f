"""Changes to a visit or course. Each is shown as a dry run first, then done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _p
from django.views.decorators.http import require_http_methods

from campaigns.domain.visits import VisitState
from campaigns.models import Visit
from campaigns.queries.clock import now
from campaigns.services import stale, visits
from campaigns.services.plan import Changes
from campaigns.web import access
from campaigns.web.filters import clock, day, local
from campaigns.web.forms import MoveForm
from campaigns.web.names import colon
from campaigns.web.patient_acts import Change, decide
from campaigns.web.words import VISIT_KINDS

SETTLED: dict[str, tuple[str | Promise, str | Promise]] = {
    VisitState.COMPLETED.value: (_("The visit took place"), _("Yes, it took place")),
    VisitState.NO_SHOW.value: (_("The patient did not come"), _("Yes, the patient did not come")),
    VisitState.CANCELLED.value: (_("Cancel the visit"), _p("button: cancel a visit", "Cancel the visit")),
}
"""How a visit ends: the heading of the page that asks, and its button."""


def about(visit: Visit) -> str:
    """A visit in one line: what, which, when."""
    return f"{VISIT_KINDS[visit.kind]} {visit.number}{colon()}{day(visit.on_date)}, {clock(visit.at_time)}"


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Ask for the new date, show what it would change, then move."""
    visit, by = access.visit(request, visit_id), access.staff(request).email
    form = MoveForm(request.POST or None, initial={"on_date": visit.on_date, "at_time": visit.at_time})
    again = visit.state == VisitState.CANCELLED

    def run(shown: str | None) -> Changes:
        data = form.cleaned_data
        return visits.move(visit.pk, data["on_date"], data["at_time"], by=by, shown=shown)

    title = gettext("Book the visit again") if again else gettext("Move the visit")
    return decide(
        request,
        Change(
            patient=visit.course.patient,
            title=title,
            about=about(visit),
            run=run,
            mark=stale.visit_mark(visit),
            done=gettext("The visit is booked again.") if again else gettext("The visit was moved."),
            button=title,
            section="visits",
            form=form,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def settle(request: HttpRequest, visit_id: UUID, state: str) -> HttpResponse:
    """Mark a visit as completed, missed or cancelled. GET shows what that would change."""
    visit, by = access.visit(request, visit_id), access.staff(request).email
    if state not in SETTLED:
        raise Http404
    title, button = SETTLED[state]
    return decide(
        request,
        Change(
            patient=visit.course.patient,
            title=str(title),
            about=about(visit),
            warning=gettext("This visit is still ahead.") if _is_early(visit, state) else "",
            run=lambda shown: visits.settle(visit.pk, VisitState(state), by=by, shown=shown),
            mark=stale.visit_mark(visit),
            done=gettext("Saved."),
            button=str(button),
            section="visits",
        ),
    )


def _is_early(visit: Visit, state: str) -> bool:
    """Whether a visit is about to be marked as over before it has begun: the wrong row, or the wrong day."""
    begins = datetime.combine(visit.on_date, visit.at_time)
    return state != VisitState.CANCELLED and local(now(), visit.course.patient.clinic) < begins


@require_http_methods(["GET", "HEAD", "POST"])
def complete_course(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """Close a course that went to its end. GET shows what that would change."""
    course, by = access.course(request, course_id), access.staff(request).email
    return decide(
        request,
        Change(
            patient=course.patient,
            title=gettext("The course is complete"),
            about=gettext("Its last messages count from now. No visit can be booked into it any more."),
            run=lambda _shown: visits.complete_course(course.pk, by=by),
            mark=course.state,
            done=gettext("Saved."),
            button=gettext("Yes, the course is complete"),
            section="visits",
        ),
    )
