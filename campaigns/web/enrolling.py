"""Enroll a patient: fill in, see every message, then save."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core import signing
from django.forms import BaseFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.delivery.pages import page as patient_page
from campaigns.domain.errors import CampaignsError, UnknownLanguage
from campaigns.domain.languages import resolve
from campaigns.domain.lifecycle import UNSENT
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.models.encryption import blind_index
from campaigns.queries import clock, one_patient
from campaigns.services.compose import approvals
from campaigns.services.consent import CONSENT, in_force
from campaigns.services.enroll import Application, enroll
from campaigns.services.prefer import offered
from campaigns.services.preview import PreviewedMessage, preview_enrollment
from campaigns.web import access
from campaigns.web.forms import CourseForm, PersonForm, VisitRow, VisitRows, application
from campaigns.web.once import once
from campaigns.web.told import told

SEALED = "campaigns.web.enrolling"


@dataclass(slots=True)
class Page:
    """The enroll page on its way: the three forms, and what is known about them."""

    clinic: Clinic
    person: PersonForm
    course: CourseForm
    visits: BaseFormSet[VisitRow]
    key: str
    quiet: bool = True
    error: str = ""
    notice: str = ""
    preview: list[PreviewedMessage] | None = None
    stopped: tuple[tuple[str, datetime], ...] = ()
    shared: Mapping[str, int] = field(default_factory=dict)
    seal: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of the languages that this clinic writes."""
        return tuple(language.tag for language in offered(self.clinic))

    @property
    def going(self) -> list[PreviewedMessage]:
        """The messages that would go."""
        return [message for message in self.preview or () if message.state in UNSENT]

    @property
    def not_going(self) -> list[PreviewedMessage]:
        """The messages that would not, each with its reason."""
        return [message for message in self.preview or () if message.state not in UNSENT]

    @property
    def language(self) -> str:
        """The language that was chosen for the patient."""
        return str(self.person.cleaned_data["language"])

    @property
    def segments(self) -> int:
        """Text segments of the whole course."""
        return sum(message.segments for message in self.going)

    @property
    def price(self) -> Decimal:
        """What the texts cost."""
        return sum((message.price for message in self.going), Decimal(0))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The enroll page. One button of four was pressed: dates, row, preview or enroll."""
    page = _page(request)
    if request.method != "POST":
        return _show(request, page)
    action = request.POST.get("action", "preview")
    if action in {"dates", "row"}:
        _change_rows(page, action)
        return _show(request, page)
    wanted = _application(page)
    if wanted is None or not _look_ahead(page, wanted):
        return _show(request, page)
    if action != "enroll":
        return _show(request, page)
    if request.POST.get("seal") != page.seal:
        page.notice = _("Something changed since the preview. Here is the new one: look at it, then enroll.")
        return _show(request, page)
    return _save(request, page, wanted)


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


def _show(request: HttpRequest, page: Page) -> HttpResponse:
    return render(request, "web/enroll.html", {"page": page})


def _page(request: HttpRequest) -> Page:
    clinic = access.staff(request).clinic
    data = request.POST if request.method == "POST" else None
    return Page(
        clinic=clinic,
        person=PersonForm(clinic, data),
        course=CourseForm(data),
        visits=_rows(clinic, data=data),
        key=_key(request.POST.get("key", "")),
    )


def _key(sent: str) -> str:
    """The key that makes a form count once: the one that came with it, or a fresh one."""
    try:
        return str(uuid.UUID(sent))
    except ValueError:
        return str(uuid.uuid4())


def _rows(clinic: Clinic, **options: Any) -> BaseFormSet[VisitRow]:
    options["form_kwargs"] = {"clinic": clinic, "now": clock.now()}
    return VisitRows(prefix="visit", **options)


def _has_rows(page: Page) -> bool:
    """Whether the list of dates holds anything, right or wrong."""
    return page.visits.is_bound and any(
        not row.is_valid() or row.cleaned_data.get("on_date") for row in page.visits.forms
    )


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
    page.visits = _unbound(page.clinic, rows)


def _unbound(clinic: Clinic, rows: list[dict[str, Any]]) -> BaseFormSet[VisitRow]:
    return _rows(clinic, initial=rows)


def _application(page: Page) -> Application | None:
    """What the forms say, or None where something in them must be mended first."""
    page.quiet = False
    valid = page.person.is_valid()
    if not _has_rows(page):
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
    return _rows(page.clinic, data=data)


def _look_ahead(page: Page, wanted: Application) -> bool:
    """Fill in the preview; False where the plan itself refuses."""
    try:
        page.preview = preview_enrollment(page.clinic, wanted)
    except CampaignsError as error:
        page.error = told(str(error))
        return False
    page.stopped = tuple(_stopped(wanted))
    page.shared = one_patient.having((wanted.phone, wanted.email))
    page.seal = seal(page.key, wanted)
    return True


def _stopped(wanted: Application) -> Iterator[tuple[str, datetime]]:
    """The addresses that have opted out, and when. They stay so, whoever has them now."""
    for channel, address in ((Channel.SMS, wanted.phone), (Channel.EMAIL, wanted.email)):
        stop = in_force(blind_index(address), channel) if address else None
        if stop:
            yield channel, stop.created_at


def seal(key: str, wanted: Application) -> str:
    """Binds an enrollment to what was previewed: another date, number or name gives another seal."""
    return signing.Signer(salt=SEALED).signature(f"{key} {wanted!r}")


def _save(request: HttpRequest, page: Page, wanted: Application) -> HttpResponse:
    by = access.staff(request).email
    try:
        patient_id = once(request, page.key, lambda: str(enroll(page.clinic, wanted, by=by).patient.pk))
    except CampaignsError as error:
        page.error = told(str(error))
        return _show(request, page)
    messages.success(request, _("The patient is enrolled."))
    return redirect("patient", patient_id)
