"""What a patient opens from a link, in the patient's language. The token is the only key; GET only reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.templatetags.static import static
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.delivery.pages import page, page_in_all
from campaigns.domain.languages import SUPPORTED, canonical
from campaigns.models import Clinic, PatientLink
from campaigns.services.answer_form import Form, Shown, answer_form, look_up_form
from campaigns.services.compose import Approvals, reading_chain
from campaigns.services.prefer import choose_language, choose_topic, look_up_preferences
from campaigns.services.unsubscribe import LinkedPage, look_up, purpose_of
from campaigns.services.unsubscribe import unsubscribe as stop

Page = Callable[[HttpRequest, str], HttpResponse]

SHEET_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The sheet is the e-mail of the same step, whose styles stand in the document itself."""


def by_token(view: Page) -> Page:
    """The address is the key: no sign-in, no CSRF token, and never a referrer that would tell the address."""

    @wraps(view)
    def kept_to_itself(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return login_not_required(csrf_exempt(kept_to_itself))


@by_token
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, POST acts: the patient's or a mail program's one click (RFC 8058). No cookies."""
    found = look_up(token, PatientLink.Purpose.UNSUBSCRIBE)
    if found is None:
        return gone(request)
    if request.method == "POST":
        stop(token)
        return _about_channel("patient/unsubscribed", found)
    return _about_channel("patient/unsubscribe", found)


@by_token
@require_http_methods(["GET", "HEAD", "POST"])
def linked(request: HttpRequest, token: str) -> HttpResponse:
    """Whatever the link was made for."""
    view = PAGES.get(purpose_of(token))
    return view(request, token) if view else gone(request)


def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The language of the messages, and what may come by which channel. GET shows, POST saves one choice;
    then the page speaks the new language."""
    wanted = request.POST.get("language", "") if request.method == "POST" else ""
    switch = request.POST.get("switch", "") if request.method == "POST" else ""
    if switch:
        found = choose_topic(token, switch)
    else:
        found = choose_language(token, wanted) if wanted else look_up_preferences(token)
    if found is None:
        return gone(request)
    about = {
        "choices": found.choices,
        "ways": found.ways,
        "saved": found.language.tag == wanted,
        "counted": bool(switch),
        "partly": found.partly,
    }
    return _shown("patient/preferences", found.language.tag, found.clinic, found.words, about)


MOST_READ = 256 * 1024
"""Bytes of a form that are looked at. The answer comes first in it; what is cut off is the end of a very long
note, which is kept up to a length anyway."""


def check_in(request: HttpRequest, token: str) -> HttpResponse:
    """One question with its answers. GET shows, POST stores; then the page says what is true."""
    if request.method == "POST":
        sent = _sent(request)
        found = answer_form(token, sent.get("answer", ""), sent.get("note", ""))
    else:
        found = look_up_form(token)
    return _question(found) if found else gone(request)


def _sent(request: HttpRequest) -> QueryDict:
    """The form as it came, of whatever size: Django would refuse a large one, and an answer with it."""
    if request.content_type != "application/x-www-form-urlencoded":
        return request.POST
    body = request.read(MOST_READ)
    while request.read(MOST_READ):
        pass
    return QueryDict(body, encoding="utf-8")


def _question(found: Form) -> HttpResponse:
    if found.html:
        return _sheet(found.html)
    match found.shown:
        case Shown.FORM | Shown.MISSING:
            missing = found.shown is Shown.MISSING
            about = {"asks": found.asks, "kind": found.kind, "missing": missing, "note": found.note}
            return _shown("patient/check_in", found.language, found.clinic, found.words, about)
        case Shown.CLOSED:
            return _shown("patient/closed", found.language, found.clinic, found.words, {})
        case shown:
            about = {"danger": shown in (Shown.DANGER, Shown.CRISIS), "worry": shown is Shown.WORRY}
            about["unread"] = not found.watched
            return _shown("patient/checked_in", found.language, found.clinic, found.words, about)


@require_safe
def information(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a text."""
    found = look_up(token, PatientLink.Purpose.INFORMATION)
    if found is None:
        return gone(request)
    if not found.html:
        return _about_channel("patient/call_us", found)
    return _sheet(found.html)


def _sheet(html: str) -> HttpResponse:
    response = HttpResponse(html)
    response.headers["Content-Security-Policy"] = SHEET_POLICY
    return response


def _about_channel(template: str, found: LinkedPage) -> HttpResponse:
    everywhere = found.clinic.opt_out_scope == Clinic.OptOutScope.ALL
    about = {"channel": found.channel.value, "everywhere": everywhere}
    return _shown(template, found.language, found.clinic, found.words, about)


def _shown(
    name: str, wanted: str, clinic: Clinic, words: Approvals, about: Mapping[str, object]
) -> HttpResponse:
    """A page in the patient's language where the clinic has approved it, else in what it falls back to."""
    facts = {"clinic": clinic.name, "phone": clinic.phone, "stylesheet": static("site.css")}
    language = words.page_language(name, reading_chain(clinic, wanted))
    return HttpResponse(page(name, language, facts, own=words.own, about={**about, "reads": wanted}))


def gone(request: HttpRequest) -> HttpResponse:
    """For a link that is unknown, used for something else or too old: we know no patient and no language.

    So it speaks every language, the one that the browser prefers first.
    """
    html = page_in_all("patient/gone", "patient/gone_part", _preferred_first(request), static("site.css"))
    return HttpResponse(html, status=404)


def _preferred_first(request: HttpRequest) -> list[str]:
    accepted = [tag for tag, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    wanted = [canonical(tag) for tag in accepted]
    return sorted(SUPPORTED, key=lambda tag: wanted.index(tag) if tag in wanted else len(wanted))


PAGES: dict[str, Page] = {
    PatientLink.Purpose.INFORMATION: information,
    PatientLink.Purpose.PREFERENCES: preferences,
    PatientLink.Purpose.CHECK_IN: check_in,
}
"""What each kind of link opens. The way out has an address of its own, which mail programs post to."""
