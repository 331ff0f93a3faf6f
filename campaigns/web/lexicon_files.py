"""A clinic's own words of one language as a file: to download, and to propose from."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.domain.errors import NotAllowed
from campaigns.domain.own_words import Change, Kind
from campaigns.queries import clock
from campaigns.services import own_words, word_files
from campaigns.services.own_words import Act
from campaigns.web import access
from campaigns.web.lexicon_forms import ListFileForm, ReasonForm
from campaigns.web.lexicons import effects_seen, known_list, say_proposed
from campaigns.web.sealed import TooLate, seal, unseal
from campaigns.web.told import told

SALT = "campaigns.web.lexicon_files"


@require_safe
def export(request: HttpRequest, language: str) -> HttpResponse:
    """The clinic's own words, and every list there is to add to."""
    tag = known_list(language)
    content = word_files.exported(access.staff(request).clinic, tag)
    response = HttpResponse(content, content_type="application/yaml; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="words-{tag}.yaml"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest, language: str) -> HttpResponse:
    """A speaker's file: first what it would propose and do, then the proposals."""
    tag, who = known_list(language), access.staff(request)
    if request.method != "POST":
        return _show(request, tag, ListFileForm())
    if not own_words.may(who, Act.PROPOSE):
        raise PermissionDenied
    if "sealed" in request.POST:
        return _commit(request, tag)
    form = ListFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, tag, form)
    try:
        content = word_files.decoded(form.cleaned_data["file"].read(word_files.LARGEST + 1))
        found = word_files.read(who.clinic, tag, content)
    except NotAllowed as error:
        form.add_error("file", told(str(error)))
        return _show(request, tag, form)
    return _show(request, tag, ListFileForm(), found)


def _show(
    request: HttpRequest, tag: str, form: ListFileForm, found: word_files.Reading | None = None
) -> HttpResponse:
    who = access.staff(request)
    changes = [line.change for line in found.new] if found else []
    context = {
        "tag": tag,
        "form": form,
        "found": found,
        "why": ReasonForm(),
        "sealed": _seal(request, tag, changes) if changes else "",
        "effects": effects_seen(request, changes) if changes else None,
        "reads_replies": who.role in own_words.READS_REPLIES,
        "can_propose": own_words.may(who, Act.PROPOSE),
    }
    return render(request, "web/lexicon_import.html", context)


def _seal(request: HttpRequest, tag: str, changes: list[Change]) -> str:
    listed = [(change.language, change.entry, change.word, change.kind.value) for change in changes]
    return seal(request, SALT, tag, listed)


def _commit(request: HttpRequest, tag: str) -> HttpResponse:
    who = access.staff(request)
    try:
        listed = unseal(request, SALT, tag)
    except TooLate:
        messages.error(request, _("The page was open too long. Upload the file again."))
        return redirect("lexicon-import", tag)
    changes = [
        Change(language=language, entry=entry, word=word, kind=Kind(kind))
        for language, entry, word, kind in listed
    ]
    try:
        made = own_words.propose(who.clinic, changes, request.POST.get("reason", ""), by=who, now=clock.now())
    except NotAllowed as error:
        messages.error(request, told(str(error)))
        return redirect("lexicon-import", tag)
    say_proposed(request, len(made))
    return redirect("lexicon", tag)
