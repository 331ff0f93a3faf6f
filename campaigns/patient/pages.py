"""What a patient opens from a link, in the patient's language. The token is the only key; GET only reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.delivery import wording
from campaigns.delivery.formats import format_phone
from campaigns.domain.errors import CampaignsError, TranslationMissing
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.models import PatientLink
from campaigns.services.unsubscribe import LinkedPage, look_up
from campaigns.services.unsubscribe import unsubscribe as stop

Page = Callable[[HttpRequest, str], HttpResponse]

SHEET_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The sheet is the e-mail of the same step, whose styles stand in the document itself."""

_HYPHENATED = re.compile(r"\d+(?:-\d+)+(?![^<]*>)")
"""A hyphenated number in the text of a page: beside Arabic letters, browsers would show 8-1-1 as 1-1-8."""

NOBODY_KNOWN = ("en-CA", "fr-CA", "ar")
"""Languages of the page for a link that tells us nothing about who opened it."""


def by_token(page: Page) -> Page:
    """The address is the key: no sign-in, no CSRF token, and never a referrer that would tell the address."""

    @wraps(page)
    def kept_to_itself(request: HttpRequest, token: str) -> HttpResponse:
        response = page(request, token)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return login_not_required(csrf_exempt(kept_to_itself))


@by_token
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, POST acts: the patient's or a mail program's one click (RFC 8058). No cookies."""
    page = look_up(token, PatientLink.Purpose.UNSUBSCRIBE)
    if page is None:
        return gone()
    if request.method == "POST":
        stop(token)
        return shown("unsubscribed.html", page)
    return shown("unsubscribe.html", page)


@by_token
@require_safe
def information(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a text."""
    page = look_up(token, PatientLink.Purpose.INFORMATION)
    if page is None:
        return gone()
    if not page.html:
        return shown("call_us.html", page)
    response = HttpResponse(page.html)
    response.headers["Content-Security-Policy"] = SHEET_POLICY
    return response


def shown(template: str, page: LinkedPage) -> HttpResponse:
    """One page in the patient's language; in English where its translation is not complete yet."""
    facts = {"clinic": page.clinic.name, "phone": page.clinic.phone, "channel": page.channel.value}
    try:
        return HttpResponse(rendered(template, page.language, facts))
    except TranslationMissing:
        return HttpResponse(rendered(template, SOURCE, facts))


def rendered(template: str, language: str, facts: Mapping[str, str]) -> str:
    """A template of templates/patient/ in one language. Raises TranslationMissing."""
    page = wording.environment(language).get_template(f"patient/{template}")
    html = page.render(
        lang=language,
        dir=SUPPORTED[language].direction,
        stylesheet=static("site.css"),
        phone_text=format_phone(facts.get("phone", "")),
        **facts,
    )
    return _HYPHENATED.sub(r'<bdi dir="ltr">\g<0></bdi>', html)


def gone() -> HttpResponse:
    """For a link that is unknown, used for something else or too old: we know no language, so several."""
    parts = []
    for language in NOBODY_KNOWN:
        try:
            parts.append(rendered("gone_part.html", language, {}))
        except CampaignsError:
            continue
    found = wording.environment(SOURCE).get_template("patient/gone.html")
    return HttpResponse(found.render(parts=parts, stylesheet=static("site.css")), status=404)
