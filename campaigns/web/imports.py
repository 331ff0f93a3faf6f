"""Files of patients and visits: take one in, name its columns, see what it would do, do it, undo it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.domain.import_files import written
from campaigns.domain.import_terms import LARGEST, ImportRefused, Refusal
from campaigns.models import HeldAct, Import, ImportRow, Staff
from campaigns.queries import clock
from campaigns.services import held_acts, import_files, import_page, import_patients, import_undo
from campaigns.web import access, import_words
from campaigns.web.import_forms import ColumnsForm, UploadForm
from campaigns.web.once import once

ROWS_A_PAGE = 50
UNDER_WAY = (Import.State.CHECKING, Import.State.APPLYING, Import.State.UNDOING)
TABS = (
    ImportRow.State.WRONG,
    ImportRow.State.ASKED,
    ImportRow.State.READY,
    ImportRow.State.DONE,
    ImportRow.State.KEPT,
    ImportRow.State.TAKEN_BACK,
    ImportRow.State.NOTHING,
    ImportRow.State.LEFT_OUT,
)
"""The rows by state, what needs a person first."""


def _staff(request: HttpRequest) -> Staff:
    staff = access.staff(request)
    if not import_files.may(staff):
        raise PermissionDenied
    return staff


def _import(request: HttpRequest, import_id: UUID) -> Import:
    """One import of this clinic."""
    staff = access.staff(request)
    rows = Import.objects.select_related("clinic")
    found = get_object_or_404(rows, pk=import_id, clinic=staff.clinic_id)
    _staff(request)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """The last imports, and taking in a new file."""
    staff = _staff(request)
    if request.method != "POST":
        return _list(request, UploadForm(), str(uuid.uuid4()))
    form = UploadForm(request.POST, request.FILES)
    key = request.POST.get("key", "")[:36]
    if not form.is_valid():
        return _list(request, form, key)
    file = form.cleaned_data["file"]

    def take() -> str:
        data = file.read(LARGEST + 1)
        how = {"name": file.name or "", "source": form.cleaned_data["source"]}
        return str(import_files.take(staff.clinic, data, by=staff.email, **how).pk)

    try:
        taken = once(request, key, take)
    except ImportRefused as error:
        form.add_error("file", import_words.refused(error))
        return _list(request, form, key)
    return redirect("import", taken)


def _list(request: HttpRequest, form: UploadForm, key: str) -> HttpResponse:
    rows = import_page.imports(access.staff(request).clinic)
    context = {
        "form": form,
        "key": key,
        "rows": rows,
        "sources": sorted({row.source for row in rows}),
        "states": import_words.STATES,
        "quiet": request.method != "POST",
    }
    return render(request, "web/imports.html", context)


@require_safe
def one(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """One import, wherever it stands."""
    of = _import(request, import_id)
    if of.state in UNDER_WAY:
        return _progress(request, of)
    wants_columns = "columns" in request.GET and of.state == Import.State.CHECKED
    if of.state == Import.State.UPLOADED or wants_columns:
        return _columns(request, of, ColumnsForm(of.clinic, of))
    return _rows(request, of)


def _progress(request: HttpRequest, of: Import) -> HttpResponse:
    context = {"of": of, "states": import_words.STATES, "progress": import_page.progress(of)}
    return render(request, "web/import_progress.html", context)


def _columns(request: HttpRequest, of: Import, form: ColumnsForm, error: str = "") -> HttpResponse:
    is_table = of.kind == Import.Kind.TABLE
    examples = import_files.examples(of) if is_table else []
    asks = is_table and import_files.asks_for_order(of)
    fields = [form[f"column-{place}"] for place in range(len(form.names))]
    context = {
        "of": of,
        "form": form,
        "error": error,
        "asks": asks or bool(error),
        "columns": list(zip(form.names, examples, fields, strict=True)),
    }
    return render(request, "web/import_columns.html", context)


def _rows(request: HttpRequest, of: Import) -> HttpResponse:
    sums = import_patients.sums(of)
    tabs = [state for state in TABS if sums.states.get(state)]
    wanted = request.GET.get("rows", "")
    chosen = wanted if wanted in tabs else (tabs[0] if tabs else "")
    page = Paginator(import_page.in_state(of, chosen), ROWS_A_PAGE).get_page(request.GET.get("page"))
    rows = import_page.shown(of, list(page.object_list))
    access.seen(request, "import", {row.row.patient_id for row in rows if row.row.patient_id})
    asked = of.lines.filter(state=ImportRow.State.ASKED)
    is_checked = of.state == Import.State.CHECKED
    answered = asked.exclude(choice="").count() if is_checked and ImportRow.State.ASKED in tabs else 0
    context = {
        "of": of,
        "sums": sums,
        "tabs": tabs,
        "chosen": chosen,
        "page": page,
        "rows": rows,
        "answered": answered,
        "people": import_patients.recipients(of.pk) if is_checked else 0,
        "may_undo": of.state == Import.State.DONE and import_undo.may_undo(of, clock.now()),
        "words": import_words,
    }
    return render(request, "web/import.html", context)


@require_POST
def columns(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """What the columns hold: then the dry run begins."""
    of = _import(request, import_id)
    form = ColumnsForm(of.clinic, of, request.POST)
    if not form.is_valid():
        return _columns(request, of, form, import_words.refused(ImportRefused(Refusal.STALE)))
    try:
        said = form.said(request.POST.get("version", ""))
        import_files.say(of.pk, said, by=access.staff(request).email)
    except ImportRefused as error:
        if error.why is not Refusal.STALE:
            return _columns(request, of, form, import_words.refused(error))
        messages.error(request, import_words.refused(error))
    return redirect("import", of.pk)


def _do(request: HttpRequest, of: Import, act: Callable[[], Any], done: str = "") -> HttpResponse:
    """Do something with an import and go back to its page, which says how it stands."""
    try:
        act()
    except ImportRefused as error:
        messages.error(request, import_words.refused(error))
    else:
        if done:
            messages.success(request, done)
    return redirect("import", of.pk)


def _version(request: HttpRequest) -> int:
    sent = request.POST.get("version", "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else 0


@require_POST
def apply(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Carry out what was shown. A second press changes nothing."""
    of, by = _import(request, import_id), access.staff(request)
    try:
        held = held_acts.ask(HeldAct.Kind.IMPORT, str(of.pk), by=by, version=_version(request))
    except ImportRefused as error:
        messages.error(request, import_words.refused(error))
    else:
        if held is not None:
            messages.warning(request, _("So many patients need a second person: it waits here."))
            return redirect("held")
    return redirect("import", of.pk)


@require_POST
def check(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """The dry run once more."""
    of = _import(request, import_id)
    return _do(request, of, lambda: import_files.check_again(of.pk, version=_version(request)))


@require_POST
def answer(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Who is meant by a row that asks."""
    of = _import(request, import_id)
    number = request.POST.get("number", "")
    row = int(number) if number.isdecimal() and len(number) < 10 else 0
    sent = {"choice": request.POST.get("choice", ""), "who": request.POST.get("who", "")[:254]}
    said = _("Noted. It counts when the file is checked again.")
    return _do(
        request, of, lambda: import_patients.answer(of.pk, row, version=_version(request), **sent), said
    )


@require_POST
def discard(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Throw the file away."""
    of, by = _import(request, import_id), access.staff(request).email
    said = _("The file was thrown away. Nothing was changed by it.")
    return _do(request, of, lambda: import_files.discard(of.pk, by=by), said)


@require_POST
def errors(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """The rows that cannot be taken as a CSV file, each with what is wrong. Not on GET: it is audited."""
    of, by = _import(request, import_id), access.staff(request).email
    with transaction.atomic():
        names, rows = import_page.wrong_rows(of, by=by)
    table = [[_("Row"), *names, _("What is wrong")]]
    for cells, problems in rows:
        width = len(names) + 1
        said = " ".join(import_words.problem(one) for one in problems) or _("Waits for your answer")
        table.append([*cells[:width], *[""] * (width - len(cells)), said])
    headers = {"Content-Disposition": 'attachment; filename="rows-to-mend.csv"'}
    return HttpResponse(written(table), content_type="text/csv; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Undo an import. GET says what that would do."""
    of, by = _import(request, import_id), access.staff(request).email
    if request.method == "POST":
        return _do(request, of, lambda: import_undo.undo(of.pk, by=by))
    can = import_undo.may_undo(of, clock.now())
    context = {"of": of, "can": can, "would": import_undo.would_undo(of) if can else None}
    return render(request, "web/import_undo.html", context)
