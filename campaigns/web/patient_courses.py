"""One more visit, and which messages a course follows. Each is shown as a dry run first, then done."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.models import Course, Enrollment, Visit
from campaigns.queries import sequence_files
from campaigns.services import courses
from campaigns.services.courses import Stop
from campaigns.services.plan import Changes
from campaigns.web import access
from campaigns.web.names import sequence_title
from campaigns.web.patient_acts import Change, decide, filled
from campaigns.web.patient_forms import BookForm, CourseForm, FollowForm, StopForm


@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """Book one more visit into a course."""
    course, by = access.course(request, course_id), access.staff(request).email
    form = BookForm(request.POST or None)
    last = Visit.objects.filter(course=course).order_by("-number").values_list("number", flat=True).first()

    def run(shown: str | None) -> Changes:
        return courses.book(course.pk, form.visit(), by=by, shown=_number(shown))[1]

    return decide(
        request,
        Change(
            patient=course.patient,
            title=_("Book another visit"),
            about=_("It becomes visit %(n)s.") % {"n": (last or 0) + 1},
            run=run,
            mark=str(last or 0),
            done=_("The visit is booked."),
            button=_("Book the visit"),
            section="visits",
            form=form,
        ),
    )


def _number(shown: str | None) -> int | None:
    """The number that a page showed; one that nobody could have shown where the form holds something else."""
    if shown is None:
        return None
    return int(shown) if shown.isdecimal() else -1


@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Open another course, with its first visit and what it follows."""
    patient, by = access.patient(request, patient_id), access.staff(request).email
    form = CourseForm(request.POST or None)

    def run(shown: str | None) -> Changes:
        chosen = form.cleaned_data["sequences"]
        return courses.open_course(patient.pk, [form.visit()], chosen, by=by, shown=_number(shown))[1]

    return decide(
        request,
        Change(
            patient=patient,
            title=_("A new course"),
            about=_("Its first visit; the others are booked one by one on the patient's page."),
            run=run,
            mark=str(patient.courses.count()),
            done=_("The course is open."),
            button=_("Open the course"),
            section="visits",
            form=form,
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """Let a course follow a sequence that it does not follow."""
    course, by = access.course(request, course_id), access.staff(request).email
    form = FollowForm(_running(course), filled(request, "sequence"))
    is_more = bool(form.fields["sequence"].choices)  # type: ignore[attr-defined]
    return decide(
        request,
        Change(
            patient=course.patient,
            title=_("More messages for this course"),
            about="" if is_more else _("This course follows everything there is."),
            run=lambda _shown: courses.follow(course.pk, form.cleaned_data["sequence"], by=by)[1],
            mark=course.state,
            done=_("The course follows these messages now."),
            button=_("Send these messages"),
            section="sequences",
            form=form,
        ),
    )


def _running(course: Course) -> set[str]:
    rows = Enrollment.objects.filter(course=course).exclude(state=Enrollment.State.STOPPED)
    return set(rows.values_list("sequence", flat=True))


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, enrollment_id: UUID) -> HttpResponse:
    """Let a course follow a sequence no longer, with a reason."""
    enrollment, by = access.enrollment(request, enrollment_id), access.staff(request).email
    form = StopForm(filled(request, "why"))
    found = sequence_files.load_all().get(enrollment.sequence)
    return decide(
        request,
        Change(
            patient=enrollment.course.patient,
            title=_("Send no more of these messages"),
            about=sequence_title(enrollment.sequence, found.title if found else ""),
            run=lambda _shown: courses.stop(enrollment.pk, Stop(form.cleaned_data["why"]), by=by),
            mark=enrollment.state,
            done=_("The course does not follow these messages any more."),
            button=_("Send no more of them"),
            section="sequences",
            form=form,
        ),
    )
