"""Enroll a patient: fill in, see every message, then save."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import BaseFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.delivery.pages import page as patient_page
from campaigns.domain.errors import CampaignsError, UnknownLanguage
from campaigns.domain.languages import resolve
from campaigns.domain.name_terms import Person, same_name
from campaigns.models import Patient
from campaigns.queries import clock, search
from campaigns.services.compose import approvals
from campaigns.services.consent import CONSENT
from campaigns.services.course_warnings import warn
from campaigns.services.enroll import Application, enroll
from campaigns.services.enroll_again import enroll_again
from campaigns.services.preview import preview_enrollment
from campaigns.web import access, enroll_page, enroll_seal, enroll_words
from campaigns.web.enroll_page import Page
from campaigns.web.finding import as_entered, today
from campaigns.web.forms import VisitRow, application
from campaigns.web.once import already, once
from campaigns.web.told import told


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Enroll somebody who is not here yet."""
    if request.POST.get("action") == "begin":
        return _show(request, enroll_page.begun(request, as_entered(request.POST.get("q", ""))))
    return _answer(request, enroll_page.read(request))


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A new course for somebody who is here already."""
    patient = access.patient(request, patient_id)
    if patient.status not in Patient.IN_CARE or patient.forgotten_at:
        messages.error(request, told("This patient is not in care."))
        return redirect("patient", patient.pk)
    return _answer(request, enroll_page.read(request, patient))


@require_safe
def consent_text(request: HttpRequest, tag: str) -> HttpResponse:
    """What a patient reads before agreeing to messages, in one language: to show or to print."""
    clinic = access.staff(request).clinic
    try:
        language = resolve(tag)
    except UnknownLanguage:
        raise Http404 from None
    words = approvals(clinic)
    facts = {"clinic": clinic.name, "phone": clinic.phone, "stylesheet": static("site.css")}
    return HttpResponse(patient_page(CONSENT, words.page_language(CONSENT, [language]), facts, own=words.own))


def _answer(request: HttpRequest, page: Page) -> HttpResponse:
    """One button of four was pressed: dates, row, preview or enroll."""
    # Somebody went back to a form that was saved, to the address that static/enroll.js left or to send it.
    done = already(request, page.key if request.method == "POST" else request.GET.get("form", ""))
    if done:
        messages.info(request, _("This form was saved before: here is the patient."))
        return redirect("patient", done)
    if request.method != "POST":
        return _show(request, page)
    action = request.POST.get("action", "preview")
    if action in {"dates", "row"}:
        _change_rows(page, action)
        return _show(request, page)
    if not _look_ahead(request, page) or action != "enroll" or not _is_as_seen(request, page):
        return _show(request, page)
    return _save(request, page)


def _show(request: HttpRequest, page: Page) -> HttpResponse:
    context = {"page": page, "words": enroll_words, "evidence": enroll_words.EVIDENCE}
    return render(request, "web/enroll.html", context)


def _change_rows(page: Page, action: str) -> None:
    """Work the dates out again from the first visit, or add an empty row to the list."""
    if action == "dates":
        if not page.course.is_valid():
            return
        rows = page.course.rows()
        if not rows:
            page.course.add_error("first_date", _("Give the date of the first visit."))
    else:
        rows = [row.cleaned_data for row in page.visits.forms if row.is_valid()]
        rows = [*filter(lambda row: row.get("on_date"), rows), {}]
    page.visits = enroll_page.rows(page.clinic, initial=rows)


def _application(page: Page) -> Application | None:
    """What the forms say, or None where something in them must be mended first."""
    page.quiet = False
    valid = page.person.is_valid()
    if not enroll_page.has_rows(page.visits):
        valid = page.course.is_valid() and valid
        page.visits = _filled(page) if page.course.is_valid() else page.visits
    if not (page.visits.is_valid() and valid):
        return None
    return application(page.person, page.visits.forms)


def _filled(page: Page) -> BaseFormSet[VisitRow]:
    """The list of dates as if it had been typed: it is checked like any other."""
    rows = page.course.rows()
    data: dict[str, Any] = {"visit-TOTAL_FORMS": len(rows), "visit-INITIAL_FORMS": 0}
    for place, row in enumerate(rows):
        data |= {f"visit-{place}-{name}": value for name, value in row.items()}
    return enroll_page.rows(page.clinic, data=data)


def _look_ahead(request: HttpRequest, page: Page) -> bool:
    """Fill in the preview; False where something must be mended, or the plan itself refuses."""
    wanted = _application(page)
    if wanted is None:
        return False
    patient_id = page.patient.pk if page.patient else None
    try:
        page.preview = preview_enrollment(page.clinic, wanted, patient_id)
    except CampaignsError as error:
        page.error = told(str(error))
        return False
    page.wanted = wanted
    if page.outdated:
        page.notice = told("What is on record of this patient was changed meanwhile.")
        page.changed = [enroll_words.on_record(page.outdated, page.record or {})]
    page.warned = warn(page.clinic, wanted, page.preview, patient_id)
    if page.patient is None:
        _look_for_doubles(request, page, wanted)
    page.seen = enroll_seal.seen(page, clock.now())
    page.seal = enroll_seal.sign(page.seen)
    return True


def _look_for_doubles(request: HttpRequest, page: Page, wanted: Application) -> None:
    """Who may be the same person; a name that is the same must be looked at before another is added."""
    person = Person(wanted.given_name, wanted.family_name, wanted.phone, wanted.email)
    page.alike = search.alike(page.clinic, person, today(page.clinic))
    page.same_name = any(same_name(search.person_of(one.patient), person) for one in page.alike)
    access.seen(request, "enroll", [one.patient.pk for one in page.alike])


def _is_as_seen(request: HttpRequest, page: Page) -> bool:
    """Whether what would be saved is what was shown; if not, say what is different."""
    before = enroll_seal.before(request.POST.get("seal", ""), page.key)
    page.changed += enroll_seal.changes(before, page.seen) if before else []
    if before is None or page.changed:
        page.notice = _("Something changed since the preview. Here is the new one: look at it, then enroll.")
        return False
    if page.same_name and not page.ticked:
        page.notice = _("Is it the same person? Open the patient who is here, or say that it is another one.")
        return False
    return True


def _save(request: HttpRequest, page: Page) -> HttpResponse:
    by, wanted, patient = access.staff(request).email, page.wanted, page.patient
    if wanted is None:
        return _show(request, page)

    def act() -> str:
        if patient is None:
            return str(enroll(page.clinic, wanted, by=by).patient.pk)
        return str(enroll_again(patient.pk, wanted, by=by, known=page.record).patient.pk)

    try:
        patient_id = once(request, page.key, act)
    except CampaignsError as error:
        page.error = told(str(error))
        return _show(request, page)
    messages.success(request, _("The patient is enrolled."))
    return redirect("patient", patient_id)
