"""A clinic's own words: one entry in a form, or a whole language as a translator's file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.models import OwnWording
from campaigns.queries import clock, wordings
from campaigns.services import exchange, reword, samples, sign_off
from campaigns.services.compose import approvals
from campaigns.services.entries import backs, findings, notes, shipped, source_of, words_today
from campaigns.services.reword import Proposal
from campaigns.services.sign_off import Act
from campaigns.web import access
from campaigns.web.forms import CatalogForm, OwnWordsForm
from campaigns.web.sealed import TooLate, seal, unseal
from campaigns.web.told import told
from campaigns.web.wordings import address, known_language, named

SALT = "campaigns.web.rewording"
MOST_SHOWN = 3
"""Texts that are shown with the new words. The rest are only named."""


@require_http_methods(["GET", "HEAD", "POST"])
def words(request: HttpRequest, language: str, context: str) -> HttpResponse:
    """One entry in the clinic's own words: check them, see who that affects, save, or take them back."""
    who, tag = access.staff(request), known_language(request, language)
    try:
        reword.refuse_unknown(tag, context)
    except NotAllowed as error:
        raise Http404 from error
    stored = wordings.own(who.clinic_id, tag).get(context)
    if request.method != "POST":
        return _show(request, tag, context, stored, OwnWordsForm(tag, initial=_initial(tag, context, stored)))
    if not sign_off.may(who, Act.REWORD):
        raise PermissionDenied
    return _posted(request, tag, context, stored)


def _initial(tag: str, context: str, stored: OwnWording | None) -> dict[str, str]:
    today = shipped(tag).get(context, ())
    if stored:
        return {"text": stored.text, "back": stored.back}
    return {"text": today[0].target if today else ""}


def _posted(request: HttpRequest, tag: str, context: str, stored: OwnWording | None) -> HttpResponse:
    who = access.staff(request)
    action = request.POST.get("action", "check")
    back_to_shipped = action in {"shipped", "restore"}
    initial = _initial(tag, context, stored)
    form = OwnWordsForm(tag, initial, initial=initial) if back_to_shipped else OwnWordsForm(tag, request.POST)
    if not form.is_valid():
        return _show(request, tag, context, stored, form)
    said = None if back_to_shipped else form.cleaned_data["text"]
    proposal = reword.propose(who.clinic, tag, {context: said})
    for what in proposal.findings.get(context, ()):
        form.add_error("text", what[:1].upper() + what[1:] + ".")
    seen = back_to_shipped or request.POST.get("checked") == reword.clean(said or "")
    if proposal.findings or action not in {"save", "restore"} or not seen:
        return _show(request, tag, context, stored, form, proposal)
    back = form.cleaned_data.get("back", "")
    reword.save(who.clinic, proposal, by=who, now=clock.now(), backs={context: back})
    messages.success(request, _("Saved. The texts with these words must be approved again."))
    return redirect(_home_of(request, tag, proposal))


def _home_of(request: HttpRequest, tag: str, proposal: Proposal) -> str:
    """Where to go back to: the text that the form was opened from, else the language."""
    came = request.GET.get("from", "")
    known = {address(text) for text in proposal.texts}
    return came if came in known else reverse("wording-language", args=[tag])


def _show(
    request: HttpRequest,
    tag: str,
    context: str,
    stored: OwnWording | None,
    form: OwnWordsForm,
    proposal: Proposal | None = None,
) -> HttpResponse:
    who, now = access.staff(request), clock.now()
    entry = source_of(context)
    today = words_today(tag, context, approvals(who.clinic).own)
    kept = reword.propose(who.clinic, tag, {context: stored.text if stored else None})
    sound = proposal if proposal and not proposal.findings else None
    data: dict[str, Any] = {
        "tag": tag,
        "context": context,
        "entry": entry,
        "stored": stored,
        "shipped": shipped(tag).get(context, ()),
        "backs": backs(tag, shipped(tag).get(context, ())),
        "today_findings": findings(today, is_own=stored is not None) if not proposal else (),
        "notes": notes().get(context.removesuffix(".gsm"), ()),
        "form": form,
        "texts": kept.texts,
        "proposal": sound,
        "checked": next(iter(sound.changed.values())) or "" if sound else "",
        "lapsed": reword.lapsed_by(sound) if sound else [],
        "effects": named(request, reword.effects_of(who.clinic, sound, now)) if sound else None,
        "previews": _previews(request, sound) if sound else [],
        "restoring": bool(sound and request.POST.get("action") in {"shipped", "restore"}),
        "can_reword": sign_off.may(who, Act.REWORD),
        "names": wordings.names(who.clinic_id),
        "address": address,
    }
    return render(request, "web/wording_words.html", data)


def _previews(request: HttpRequest, proposal: Proposal) -> list[tuple[Any, samples.Sample]]:
    """The first texts with the new words in them."""
    clinic, now = access.staff(request).clinic, clock.now()
    shown = []
    for text in proposal.texts[:MOST_SHOWN]:
        made = samples.samples(clinic, text, proposal.after.own, now, static("site.css"))
        shown += [(text, one) for one in made[:1] if one.text]
    return shown


# --- files


@require_safe
def export(request: HttpRequest, language: str) -> HttpResponse:
    """The catalog of a language, the clinic's own words in it, as a file to download."""
    tag = known_language(request, language)
    content = exchange.exported(access.staff(request).clinic, tag)
    response = HttpResponse(content, content_type="text/x-gettext-translation; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="patient-{tag}.po"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest, language: str) -> HttpResponse:
    """A translator's file: first what it would change, then the change."""
    tag, who = known_language(request, language), access.staff(request)
    if request.method != "POST":
        return _show_import(request, tag, CatalogForm())
    if not sign_off.may(who, Act.REWORD):
        raise PermissionDenied
    if "sealed" in request.POST:
        return _commit(request, tag)
    form = CatalogForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show_import(request, tag, form)
    try:
        found = exchange.read(who.clinic, tag, _content(form.cleaned_data["file"]))
    except NotAllowed as error:
        form.add_error("file", told(str(error)))
        return _show_import(request, tag, form)
    return _show_import(request, tag, CatalogForm(), found)


def _content(file: UploadedFile[Any]) -> str:
    """No more than is needed to see that a file is too large is ever read."""
    return exchange.decoded(file.read(exchange.LARGEST + 1))


def _show_import(
    request: HttpRequest, tag: str, form: CatalogForm, found: exchange.Reading | None = None
) -> HttpResponse:
    who = access.staff(request)
    proposal = found.proposal if found else None
    context = {
        "tag": tag,
        "form": form,
        "found": found,
        "sealed": seal(request, SALT, tag, dict(proposal.changed)) if proposal else "",
        "lapsed": reword.lapsed_by(proposal) if proposal else [],
        "effects": named(request, reword.effects_of(who.clinic, proposal, clock.now())) if proposal else None,
        "can_reword": sign_off.may(who, Act.REWORD),
        "address": address,
    }
    return render(request, "web/wording_import.html", context)


def _commit(request: HttpRequest, tag: str) -> HttpResponse:
    who = access.staff(request)
    try:
        said_now = unseal(request, SALT, tag)
    except TooLate:
        messages.error(request, _("The page was open too long. Upload the file again."))
        return redirect("wording-import", tag)
    try:
        proposal = reword.propose(who.clinic, tag, said_now)
        number = reword.save(who.clinic, proposal, by=who, now=clock.now())
    except NotAllowed as error:
        messages.error(request, told(str(error)))
        return redirect("wording-import", tag)
    said = ngettext("%(n)d entry is saved.", "%(n)d entries are saved.", number) % {"n": number}
    messages.success(request, said)
    return redirect("wording-language", tag)
