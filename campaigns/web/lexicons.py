"""The pages of the word lists: languages, the lists of one, a reply to try, and the proposals for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.domain import own_words as rules
from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import SUPPORTED, canonical
from campaigns.domain.lexicon import key
from campaigns.domain.own_words import SHARED, Change, Kind
from campaigns.models import Clinic, LexiconChange
from campaigns.queries import clock, lexicons, wordings
from campaigns.services import own_words, word_effects
from campaigns.services.own_words import Act, State
from campaigns.services.word_effects import Case
from campaigns.web import access
from campaigns.web.lexicon_forms import ProposalForm, RemarkForm, TryForm
from campaigns.web.lexicon_names import grouped, refusal
from campaigns.web.told import told

LONGEST_SEARCH = 60
OLDEST = 100
"""Closed changes that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One language in the list of lists."""

    tag: str
    review: str
    words: int
    own: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a list; `row` is the clinic's own change about it, where there is one in force."""

    text: str
    row: LexiconChange | None = None
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One list on the page."""

    place: tuple[str, str]
    words: tuple[Word, ...]
    is_emergency: bool


def known_list(tag: str) -> str:
    """The file of a language, or of what every language shares; 404 for another."""
    if tag not in lexicons.shipped():
        raise Http404
    return tag


def _order(tags: Iterable[str]) -> list[str]:
    """The languages as people choose them, what they share last."""
    places = list(SUPPORTED)
    return sorted(tags, key=lambda tag: places.index(canonical(tag)) if tag != SHARED else len(places))


@require_safe
def languages(request: HttpRequest) -> HttpResponse:
    """Every list: its state, how many words, the clinic's own, and what waits for a decision."""
    clinic = access.staff(request).clinic
    rows = own_words.living(clinic)
    context = {
        "rows": [_list_row(tag, rows) for tag in _order(lexicons.shipped())],
        "left_out": _left_out(clinic),
    }
    return render(request, "web/lexicons.html", context)


def _list_row(tag: str, rows: Sequence[LexiconChange]) -> ListRow:
    places = own_words.places(tag)
    mine = _of(rows, places)
    return ListRow(
        tag=tag,
        review=lexicons.about(tag)[1],
        words=sum(len(lexicons.lists(file)[entry]) for file, entry in places),
        own=sum(row.state == State.APPROVED for row in mine),
        waiting=sum(row.state != State.APPROVED for row in mine),
    )


def _of(rows: Iterable[LexiconChange], places: Iterable[tuple[str, str]]) -> list[LexiconChange]:
    """The rows about these lists."""
    known = set(places)
    return [row for row in rows if (row.language, row.entry) in known]


def _left_out(clinic: Clinic) -> list[tuple[Change, str]]:
    """What is approved and cannot be used any more."""
    return [(change, why) for change, why in lexicons.own(clinic).left_out]


@require_safe
def language(request: HttpRequest, language: str) -> HttpResponse:
    """The lists of one language, the clinic's own words in them, proposals, and what became of others."""
    tag, who = known_list(language), access.staff(request)
    places = own_words.places(tag)
    stored = who.clinic.lexicon_changes.prefetch_related("comments").order_by("pk")
    rows = _of(stored, places)
    wanted = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    in_force = [row for row in rows if row.state == State.APPROVED]
    context = {
        "tag": tag,
        "sources": lexicons.about(tag)[0],
        "review": lexicons.about(tag)[1],
        "groups": _groups(places, in_force, wanted),
        "wanted": wanted,
        "waiting": [row for row in rows if row.state in {State.DRAFT, State.REVIEWED}],
        "in_force": in_force,
        "past": [row for row in reversed(rows) if row.state == State.RETIRED][:OLDEST],
        "left_out": _left_out(who.clinic),
        "names": wordings.names(who.clinic_id),
        "form": TryForm(),
        "can_propose": own_words.may(who, Act.PROPOSE),
    }
    return render(request, "web/lexicon.html", context)


def _groups(
    places: Sequence[tuple[str, str]], in_force: Sequence[LexiconChange], wanted: str
) -> dict[str, list[Listed]]:
    """The lists by group; with a search only the words that hold it, and the lists that have some."""
    found = {}
    for group, listed in grouped(places).items():
        lists = [_listed(place, in_force, wanted) for place in listed]
        if shown := [one for one in lists if one.words or not wanted]:
            found[group] = shown
    return found


def _listed(place: tuple[str, str], in_force: Sequence[LexiconChange], wanted: str) -> Listed:
    document = lexicons.shipped()[place[0]]
    own = {row.word: row for row in in_force if (row.language, row.entry) == place}
    stays = rules.is_emergency(document, place[1])
    shipped = lexicons.lists(place[0])[place[1]]
    words = [Word(text=word, row=own.get(word), stays=stays) for word in dict.fromkeys(shipped)]
    words += [Word(text=word, row=row) for word, row in own.items() if word not in shipped]
    sought = key(wanted) or wanted
    shown = tuple(word for word in words if not wanted or sought in key(word.text) or wanted in word.text)
    return Listed(place=place, words=shown, is_emergency=stays)


# --- a reply to try


@require_http_methods(["GET", "HEAD", "POST"])
def try_reply(request: HttpRequest, language: str) -> HttpResponse:
    """What a reply would be taken for, and which words fired. It is posted, so that no address keeps it."""
    tag, clinic = known_list(language), access.staff(request).clinic
    form = TryForm(request.POST or None)
    tried = None
    if request.method == "POST" and form.is_valid():
        reads = "en-CA" if tag == SHARED else canonical(tag)
        data = form.cleaned_data
        case = Case(text=data["text"], language=reads, question=data["question"])
        tried = word_effects.read(case, lexicons.of(clinic))
    return render(request, "web/lexicon_try.html", {"tag": tag, "form": form, "tried": tried})


# --- proposals


@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, language: str) -> HttpResponse:
    """Words for one list: checked line by line, tried on replies, and then proposed."""
    tag, who = known_list(language), access.staff(request)
    places = own_words.places(tag)
    if request.method != "POST":
        return _show_proposal(request, tag, ProposalForm(places, initial=_wanted(request)))
    if not own_words.may(who, Act.PROPOSE):
        raise PermissionDenied
    form = ProposalForm(places, request.POST)
    if not form.is_valid():
        return _show_proposal(request, tag, form)
    numbered = form.changes()
    looked = own_words.look(who.clinic, [change for _number, change in numbered])
    for (number, change), why in zip(numbered, looked.refusals, strict=True):
        if why:
            form.add_error("words", _line(number, change.word, why))
    if any(map(rules.needs_reason, looked.changes)) and not form.cleaned_data.get("reason"):
        form.add_error("reason", told("Say why: this can hide something that matters."))
    seen = request.POST.get("checked") == _checked(looked.changes)
    if form.is_valid() and request.POST.get("action") == "save" and seen:
        return _save(request, tag, looked.changes, form.cleaned_data["reason"])
    return _show_proposal(request, tag, form, looked.changes)


def _wanted(request: HttpRequest) -> dict[str, str]:
    """What a link on the page of the lists asks for."""
    asked = request.GET
    kind = Kind.REMOVE if asked.get("kind") == Kind.REMOVE else Kind.ADD
    return {"place": asked.get("place", ""), "kind": kind.value, "words": asked.get("word", "")}


def _line(number: int, word: str, why: str) -> str:
    said = _("Line %(number)d, %(word)s: %(why)s")
    return said % {"number": number, "word": f"\u2068{word}\u2069", "why": refusal(why)}


def _checked(changes: Iterable[Change]) -> str:
    """What was checked, to see that it is what is saved."""
    return "\n".join(f"{c.kind} {c.language}:{c.entry} {c.word}" for c in changes)


def _save(request: HttpRequest, tag: str, changes: Sequence[Change], reason: str) -> HttpResponse:
    who = access.staff(request)
    try:
        made = own_words.propose(who.clinic, changes, reason, by=who, now=clock.now())
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        say_proposed(request, len(made))
    return redirect("lexicon", tag)


def say_proposed(request: HttpRequest, number: int) -> None:
    """Say what was saved, and that it does nothing yet."""
    said = ngettext(
        "%(n)d word is proposed. It works when a clinician has approved it.",
        "%(n)d words are proposed. They work when a clinician has approved them.",
        number,
    )
    messages.success(request, said % {"n": number})


def _show_proposal(
    request: HttpRequest, tag: str, form: ProposalForm, changes: Sequence[Change] = ()
) -> HttpResponse:
    who = access.staff(request)
    sound = changes if changes and form.is_valid() else ()
    context = {
        "tag": tag,
        "form": form,
        "sound": sound,
        "checked": _checked(sound),
        "effects": effects_seen(request, sound) if sound else None,
        "reads_replies": who.role in own_words.READS_REPLIES,
        "can_propose": own_words.may(who, Act.PROPOSE),
    }
    return render(request, "web/lexicon_propose.html", context)


def effects_seen(request: HttpRequest, changes: Sequence[Change]) -> word_effects.Effects:
    """What these changes would do. It lists what patients wrote: whoever may read that looks at them."""
    who = access.staff(request)
    found = word_effects.effects(who.clinic, changes)
    if who.role in own_words.READS_REPLIES:
        access.seen(request, "words", found.whose)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, language: str) -> HttpResponse:
    """Proposals, or words in force, together: what they would do, and the acts. GET changes nothing."""
    tag, who = known_list(language), access.staff(request)
    ids = [
        int(one) for one in request.POST.getlist("change") or request.GET.getlist("change") if one.isdecimal()
    ]
    if request.method == "POST":
        return _do(request, tag, ids)
    rows = _of(_asked(who.clinic, ids), own_words.places(tag))
    if not rows:
        messages.error(request, _("Choose at least one word."))
        return redirect("lexicon", tag)
    acts = [act for act in own_words.FROM if own_words.may(who, act)]
    reasons = {act: [why for row in rows if (why := own_words.why_not(act, row, who))] for act in acts}
    context = {
        "tag": tag,
        "rows": rows,
        "effects": effects_seen(request, [lexicons.as_change(row) for row in rows]),
        "acts": [act for act in acts if not reasons[act]],
        "why_not": {act: why[0] for act, why in reasons.items() if why and _almost(act, rows)},
        "reads_replies": who.role in own_words.READS_REPLIES,
        "can_comment": own_words.may(who, Act.COMMENT),
        "form": RemarkForm(),
        "names": wordings.names(who.clinic_id),
    }
    return render(request, "web/lexicon_decide.html", context)


def _asked(clinic: Clinic, ids: Sequence[int]) -> list[LexiconChange]:
    rows = LexiconChange.objects.filter(clinic=clinic, pk__in=ids[: own_words.MOST_AT_ONCE])
    return list(rows.exclude(state=State.RETIRED).prefetch_related("comments").order_by("pk"))


def _almost(act: Act, rows: Sequence[LexiconChange]) -> bool:
    """Whether only the person, and not the state of the words, stands in the way."""
    return all(row.state in own_words.FROM[act] for row in rows)


def _do(request: HttpRequest, tag: str, ids: Sequence[int]) -> HttpResponse:
    who, asked = access.staff(request), request.POST.get("act", "")
    if asked not in own_words.FROM:
        raise Http404
    act = Act(asked)
    if not own_words.may(who, act):
        raise PermissionDenied
    try:
        number = len(own_words.change(who.clinic, act, ids, by=who, now=clock.now()))
    except NotAllowed as error:
        messages.error(request, told(str(error)))
    else:
        said = {
            Act.REVIEW: ngettext("%(n)d word is reviewed.", "%(n)d words are reviewed.", number),
            Act.APPROVE: ngettext("%(n)d change is in force.", "%(n)d changes are in force.", number),
            Act.REJECT: ngettext("%(n)d proposal is rejected.", "%(n)d proposals are rejected.", number),
            Act.RETIRE: ngettext("%(n)d change is out of force.", "%(n)d changes are out of force.", number),
        }
        messages.success(request, said[act] % {"n": number})
    return redirect("lexicon", tag)


@require_POST
def comment(request: HttpRequest, change_id: int) -> HttpResponse:
    """Ask or remark something about one word."""
    who = access.staff(request)
    rows = LexiconChange.objects.select_related("clinic")
    row = get_object_or_404(rows, pk=change_id, clinic=who.clinic_id)
    if not own_words.may(who, Act.COMMENT):
        raise PermissionDenied
    form = RemarkForm(request.POST)
    if form.is_valid():
        own_words.comment(row, form.cleaned_data["said"], by=who, now=clock.now())
    else:
        messages.error(request, _("Write a comment."))
    return redirect("lexicon", home_of(row))


def home_of(row: LexiconChange) -> str:
    """The page that a word is listed on."""
    place = (row.language, row.entry)
    tags = (tag for tag in lexicons.shipped() if place in own_words.places(tag))
    return next(tags, SHARED)
