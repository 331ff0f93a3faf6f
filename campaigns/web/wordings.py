"""The wording pages: languages, the texts of one, one text with all that is known about it, and the acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.delivery.pages import PAGE
from campaigns.delivery.translations import gsm_edition, language_of
from campaigns.domain.errors import NotAllowed
from campaigns.models import Clinic
from campaigns.queries import clock, wordings
from campaigns.queries.wordings import Text
from campaigns.services import affected, changes, samples, sign_off, standings
from campaigns.services.compose import Approvals, approvals
from campaigns.services.entries import faults, lines
from campaigns.services.prefer import offered
from campaigns.services.sign_off import Act
from campaigns.services.standings import Standing, Stood
from campaigns.web import access, names
from campaigns.web.forms import CommentForm
from campaigns.web.patients import MAIL_POLICY
from campaigns.web.told import told

PAGE_POLICY = (
    "sandbox; default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
WAITING = frozenset({Standing.DRAFT, Standing.LAPSED})
"""What somebody has to review."""


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """One language in the list."""

    tag: str
    counts: Mapping[Standing, int]
    total: int
    course: samples.Course
    comments: int
    patients: int


def address(text: Text, route: str = "wording-text", **more: str) -> str:
    """The address of a page about one text."""
    template, channel, edition = text
    sequence, _slash, step = template.partition("/")
    known = {"edition": edition, "sequence": sequence, "step": step, "channel": channel}
    return reverse(route, kwargs=known | more)


def known_language(request: HttpRequest, tag: str) -> str:
    """A language that this clinic writes, or 404."""
    if tag not in {language.tag for language in offered(access.staff(request).clinic)}:
        raise Http404
    return tag


def known_text(
    request: HttpRequest, edition: str, sequence: str, step: str, channel: str, words: Approvals
) -> Text:
    """A text that this clinic has, or 404."""
    language = known_language(request, language_of(edition))
    text = (f"{sequence}/{step}", channel, edition)
    if text not in set(standings.names(language, words.own)):
        raise Http404
    return text


def named(request: HttpRequest, found: affected.Effects) -> affected.Effects:
    """Whose messages change. Their names stand on the page, so it is a look at them."""
    access.seen(request, "wording", [one.patient.pk for one in found.patients])
    return found


@require_safe
def languages(request: HttpRequest) -> HttpResponse:
    """Every language of the clinic: how far it is, what it costs, who waits for it."""
    clinic, now = access.staff(request).clinic, clock.now()
    words = approvals(clinic)
    tags = [language.tag for language in offered(clinic)]
    stood = standings.standings(clinic, tags, words.own)
    lacking = named(request, affected.lacking(clinic, words, stood, now))
    context = {
        "rows": _language_rows(clinic, words, tags, stood, dict(lacking.languages), now),
        "lapsed": named(request, _lapsed(clinic, words, stood, now)),
        "lapsed_texts": standings.of_state(stood, {Standing.LAPSED}),
        "lacking": lacking,
        "sessions": samples.SESSIONS,
        "holds": clinic.unapproved_policy == Clinic.UnapprovedPolicy.HOLD,
        "standings": _shown_standings(stood),
        "address": address,
    }
    return render(request, "web/wordings.html", context)


def _language_rows(
    clinic: Clinic,
    words: Approvals,
    tags: Sequence[str],
    stood: Sequence[Stood],
    patients: Mapping[str, int],
    now: datetime,
) -> list[LanguageRow]:
    remarks = wordings.open_comments(clinic.pk)
    rows = []
    for tag in tags:
        own = [one for one in stood if language_of(one.text[2]) == tag]
        course = samples.course(clinic, tag, words.own, now)
        comments = sum(remarks.get(one.text, 0) for one in own)
        counts = standings.counts(own)
        rows.append(LanguageRow(tag, counts, len(own), course, comments, patients.get(tag, 0)))
    return rows


def _shown_standings(stood: Iterable[Stood]) -> list[Standing]:
    """The columns: always the usual way of a text, the rest where there is one."""
    usual = {Standing.DRAFT, Standing.REVIEWED, Standing.APPROVED, Standing.LAPSED}
    there = {one.standing for one in stood}
    return [standing for standing in Standing if standing in usual | there]


def _lapsed(clinic: Clinic, words: Approvals, stood: Sequence[Stood], now: datetime) -> affected.Effects:
    return affected.lacking(clinic, words, standings.of_state(stood, {Standing.LAPSED}), now)


@require_safe
def language(request: HttpRequest, language: str) -> HttpResponse:
    """The texts of one language in the order patients meet them."""
    clinic, now = access.staff(request).clinic, clock.now()
    tag = known_language(request, language)
    words = approvals(clinic)
    stood = standings.standings(clinic, [tag], words.own)
    remarks = wordings.open_comments(clinic.pk)
    found = {one.text: len(faults(one.text, words.own)) for one in stood if one.digest}
    wanted = request.GET.get("state", "")
    shown = [one for one in stood if _is_wanted(one, wanted, found, remarks)]
    context = {
        "tag": tag,
        "groups": _groups(shown),
        "wanted": wanted,
        "filters": _filters(stood, found, remarks),
        "total": len(stood),
        "found": found,
        "remarks": remarks,
        "lapsed": named(request, _lapsed(clinic, words, stood, now)),
        "lacking": named(request, affected.lacking(clinic, words, stood, now)),
        "holds": clinic.unapproved_policy == Clinic.UnapprovedPolicy.HOLD,
        "can_approve": sign_off.may(access.staff(request), Act.APPROVE),
        "can_reword": sign_off.may(access.staff(request), Act.REWORD),
        "reviewed": len(standings.of_state(stood, {Standing.REVIEWED})),
        "course": samples.course(clinic, tag, words.own, now),
        "address": address,
    }
    return render(request, "web/wording_language.html", context)


def _is_wanted(one: Stood, wanted: str, found: Mapping[Text, int], remarks: Mapping[Text, int]) -> bool:
    if wanted == "findings":
        return bool(found.get(one.text))
    if wanted == "comments":
        return bool(remarks.get(one.text))
    return not wanted or one.standing == wanted


def _filters(
    stood: Sequence[Stood], found: Mapping[Text, int], remarks: Mapping[Text, int]
) -> list[tuple[str, int]]:
    """What can be shown alone, with how many there are; nothing that is empty."""
    counts = [(standing.value, number) for standing, number in standings.counts(stood).items()]
    counts.append(("findings", sum(_is_wanted(one, "findings", found, remarks) for one in stood)))
    counts.append(("comments", sum(_is_wanted(one, "comments", found, remarks) for one in stood)))
    return [(name, number) for name, number in counts if number]


def _groups(shown: Iterable[Stood]) -> dict[str, list[Stood]]:
    found: dict[str, list[Stood]] = {}
    for one in shown:
        found.setdefault(one.text[0].partition("/")[0], []).append(one)
    return found


@require_safe
def text(request: HttpRequest, edition: str, sequence: str, step: str, channel: str) -> HttpResponse:
    """One text: English and words entry by entry, as patients read it, findings, changes, comments."""
    who = access.staff(request)
    clinic, words = who.clinic, approvals(who.clinic)
    name = known_text(request, edition, sequence, step, channel, words)
    return render(request, "web/wording.html", _about(request, clinic, words, name, CommentForm()))


def _about(
    request: HttpRequest, clinic: Clinic, words: Approvals, name: Text, form: CommentForm
) -> dict[str, object]:
    who, now = access.staff(request), clock.now()
    stood = standings.standing(clinic, name, words.own)
    tag = language_of(name[2])
    authors = sign_off.authors_of(clinic, tag)
    found = lines(clinic, name, words.own)
    listed = list(standings.names(tag, words.own))
    place = listed.index(name)
    variant = (name[0], name[1], gsm_edition(tag))
    return {
        "text": name,
        "tag": tag,
        "stood": stood,
        "purpose": names.purpose_of(name[0]),
        "lines": found,
        "findings": sum(len(line.findings) for line in found),
        "samples": samples.samples(clinic, name, words.own, now, static("site.css")),
        "acts": sign_off.possible(who, stood),
        "why_not": sign_off.why_not(Act.APPROVE, name, words.own, authors, who.email),
        "since": changes.since_approval(clinic, stood, words.own),
        "comments": wordings.comments(clinic.pk, name),
        "names": wordings.names(clinic.pk),
        "form": form,
        "can_comment": sign_off.may(who, Act.COMMENT),
        "can_reword": sign_off.may(who, Act.REWORD),
        "earlier": listed[place - 1] if place else None,
        "later": listed[place + 1] if place + 1 < len(listed) else None,
        "variant": variant if variant in listed and variant != name else None,
        "standard": (name[0], name[1], tag) if tag != name[2] else None,
        "address": address,
    }


@require_safe
@xframe_options_sameorigin
def sample(
    request: HttpRequest, edition: str, sequence: str, step: str, channel: str, shown: str
) -> HttpResponse:
    """An e-mail or page in one state, locked into a sandbox, for the frame on the page of the text."""
    clinic = access.staff(request).clinic
    words = approvals(clinic)
    name = known_text(request, edition, sequence, step, channel, words)
    made = samples.samples(clinic, name, words.own, clock.now(), static("site.css"))
    found = next((one for one in made if shown in {one.state, *one.also} and one.html), None)
    if found is None:
        raise Http404
    response = HttpResponse(found.html)
    response.headers["Content-Security-Policy"] = PAGE_POLICY if channel == PAGE else MAIL_POLICY
    return response


# --- acts


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, edition: str, sequence: str, step: str, channel: str, act: str) -> HttpResponse:
    """Review, approve, withdraw or retire one text. GET shows what that would change."""
    clinic = access.staff(request).clinic
    words = approvals(clinic)
    name = known_text(request, edition, sequence, step, channel, words)
    if act not in sign_off.FROM:
        raise Http404
    stood = standings.standing(clinic, name, words.own)
    if request.method == "POST":
        return _do(request, Act(act), {name: request.POST.get("digest", "")}, address(name))
    return _confirm(request, Act(act), words, [stood], {})


@require_http_methods(["GET", "HEAD", "POST"])
def approve_all(request: HttpRequest, language: str) -> HttpResponse:
    """Approve all that is reviewed in one language. GET lists what that is."""
    clinic, who = access.staff(request).clinic, access.staff(request)
    tag = known_language(request, language)
    back = reverse("wording-language", args=[tag])
    if request.method == "POST":
        return _do(request, Act.APPROVE, _seen(request, tag), back)
    words = approvals(clinic)
    authors = sign_off.authors_of(clinic, tag)
    reviewed = standings.of_state(standings.standings(clinic, [tag], words.own), {Standing.REVIEWED})
    reasons = {
        one.text: reason
        for one in reviewed
        if (reason := sign_off.why_not(Act.APPROVE, one.text, words.own, authors, who.email))
    }
    return _confirm(
        request, Act.APPROVE, words, [one for one in reviewed if one.text not in reasons], reasons, tag
    )


def _seen(request: HttpRequest, tag: str) -> dict[Text, str]:
    """The texts that were listed, with the digests that were on the screen; one language at a time."""
    found = {}
    for line in request.POST.getlist("seen"):
        parts = line.split(" ")
        if len(parts) != 4 or language_of(parts[2]) != tag:
            raise Http404
        found[(parts[0], parts[1], parts[2])] = parts[3]
    known = set(standings.names(tag, approvals(access.staff(request).clinic).own))
    if not found.keys() <= known:
        raise Http404
    return found


def _confirm(
    request: HttpRequest,
    what: Act,
    words: Approvals,
    stood: Sequence[Stood],
    reasons: Mapping[Text, str],
    tag: str = "",
) -> HttpResponse:
    who = access.staff(request)
    then = sign_off.after(words, what, stood)
    texts = [one.text for one in stood]
    effects = named(request, affected.effects(who.clinic, words, then, texts, clock.now()))
    context = {
        "act": what,
        "stood": stood,
        "reasons": reasons,
        "tag": tag or language_of(stood[0].text[2]),
        "one": None if tag else stood[0],
        "effects": effects,
        "waits": what is Act.APPROVE and effects.total > sign_off.HELD_ABOVE,
        "allowed": sign_off.may(who, what),
        "possible": bool(stood) and all(one.standing in sign_off.FROM[what] for one in stood),
        "why_not": "" if tag else _why_not(request, what, words, stood[0].text),
        "address": address,
    }
    return render(request, "web/wording_act.html", context)


def _why_not(request: HttpRequest, what: Act, words: Approvals, name: Text) -> str:
    who = access.staff(request)
    authors = sign_off.authors_of(who.clinic, language_of(name[2]))
    return sign_off.why_not(what, name, words.own, authors, who.email)


def _do(request: HttpRequest, what: Act, seen: Mapping[Text, str], back: str) -> HttpResponse:
    who = access.staff(request)
    if not sign_off.may(who, what):
        raise PermissionDenied
    try:
        done = sign_off.change(who.clinic, what, seen, by=who, now=clock.now())
    except NotAllowed as error:
        messages.error(request, told(str(error)))
        return redirect(back)
    _say(request, what, len(done))
    return redirect(_next_to_review(who.clinic, done[0]) or back if what is Act.REVIEW else back)


def _say(request: HttpRequest, what: Act, number: int) -> None:
    said = {
        Act.REVIEW: _("Reviewed. This is the next one."),
        Act.APPROVE: ngettext("%(n)d text is approved.", "%(n)d texts are approved.", number) % {"n": number},
        Act.WITHDRAW: _("The text is a draft again."),
        Act.RETIRE: _("The text is retired."),
    }
    messages.success(request, said[what])


def _next_to_review(clinic: Clinic, done: Text) -> str:
    """The next text of the language that nobody has reviewed; empty where there is none."""
    own = approvals(clinic).own
    listed = standings.standings(clinic, [language_of(done[2])], own)
    place = next((n for n, one in enumerate(listed) if one.text == done), 0)
    waiting = standings.of_state([*listed[place:], *listed[:place]], WAITING)
    return address(waiting[0].text) if waiting else ""


# --- comments


@require_POST
def comment(request: HttpRequest, edition: str, sequence: str, step: str, channel: str) -> HttpResponse:
    """Ask or remark something about one text."""
    who = access.staff(request)
    words = approvals(who.clinic)
    name = known_text(request, edition, sequence, step, channel, words)
    if not sign_off.may(who, Act.COMMENT):
        raise PermissionDenied
    form = CommentForm(request.POST)
    if not form.is_valid():
        return render(request, "web/wording.html", _about(request, who.clinic, words, name, form))
    sign_off.comment(who.clinic, name, form.cleaned_data["said"], by=who, now=clock.now())
    return redirect(f"{address(name)}#comments")


@require_POST
def settle(request: HttpRequest, comment_id: int) -> HttpResponse:
    """Close a comment."""
    who, made = access.staff(request), access.comment(request, comment_id)
    if not sign_off.may(who, Act.COMMENT):
        raise PermissionDenied
    sign_off.settle(made, by=who, now=clock.now())
    return redirect(f"{address((made.template, made.channel, made.language))}#comments")
