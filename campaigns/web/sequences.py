"""The sequences of a clinic: each as a picture in time, what it says, who is where; one step to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.domain.errors import UnknownSequence, UnknownStep
from campaigns.domain.languages import SOURCE
from campaigns.domain.overrides import Unfit
from campaigns.domain.steps import Days, Sequence
from campaigns.models import Clinic, Staff, StepCount
from campaigns.queries import clock, sequence_files, steps
from campaigns.queries.wordings import Text
from campaigns.services import accounts, clinic_changes, samples, standings, step_settings
from campaigns.services.clinic_changes import Stale
from campaigns.services.compose import approvals
from campaigns.services.prefer import offered
from campaigns.services.samples import Sample
from campaigns.services.standings import Standing
from campaigns.services.step_settings import Followed
from campaigns.web import access, step_forms, step_words
from campaigns.web.filters import page_language
from campaigns.web.step_forms import StepForm
from campaigns.web.step_picture import picture

NOBODY = StepCount(ahead=0, next_up=0, sent=0)


@dataclass(frozen=True, slots=True)
class Line:
    """One step in the table, with its text in the chosen language."""

    number: int
    followed: Followed
    when: str
    hours: str
    patients: StepCount
    text: Sample | None = None
    standing: Standing | None = None


@require_safe
def sequences(request: HttpRequest) -> HttpResponse:
    """Every sequence as a picture, with how many courses follow it."""
    clinic = access.staff(request).clinic
    counts = steps.counts(clinic.pk)
    own = steps.overrides([clinic.pk]).get(clinic.pk, {})
    rows = []
    files = sequence_files.load_all()
    # In the order in which patients meet them.
    met = dict.fromkeys(template.partition("/")[0] for template, _ in standings.in_order())
    for key in [*(key for key in met if key in files), *(key for key in files if key not in met)]:
        file = files[key]
        sequence, found = step_settings.as_followed(clinic, file, own.get(key, ()))
        drawn = picture(sequence, found, clinic.settings)
        changed = sum(not one.override.changes_nothing for one in found)
        rows.append((sequence, drawn, counts.get((key, ""), NOBODY).ahead, changed))
    return render(request, "web/sequences.html", {"rows": rows, "counted_at": _counted_at(counts)})


def _counted_at(counts: Mapping[tuple[str, str], StepCount]) -> datetime | None:
    return next((row.at for row in counts.values()), None)


def _may(request: HttpRequest) -> bool:
    return accounts.may(access.staff(request))


def _known(clinic: Clinic, key: str) -> tuple[Sequence, list[Followed]]:
    try:
        return step_settings.followed(clinic, key)
    except UnknownSequence:
        raise Http404 from None


@require_safe
def sequence(request: HttpRequest, sequence: str) -> HttpResponse:
    """One sequence: picture, table, and what each step says in the language of the link."""
    clinic = access.staff(request).clinic
    found, followed = _known(clinic, sequence)
    counts = steps.counts(clinic.pk)
    tags = [language.tag for language in offered(clinic)]
    asked = request.GET.get("language", "")
    tag = asked if asked in tags else page_language() if page_language() in tags else tags[0]
    context = {
        "sequence": found,
        "picture_of": picture(found, followed, clinic.settings),
        "off_reasons": step_words.OFF_REASONS,
        "lines": _lines(clinic, found, followed, tag, counts),
        "counted_at": _counted_at(counts),
        "tag": tag,
        "tags": tags,
        "may_change": _may(request),
        "changes": clinic_changes.history(clinic, sequence=sequence),
    }
    return render(request, "web/sequence.html", context)


def _lines(
    clinic: Clinic,
    sequence: Sequence,
    followed: list[Followed],
    tag: str,
    counts: Mapping[tuple[str, str], StepCount],
) -> list[Line]:
    now, words = clock.now(), approvals(clinic)
    texts = {one.file.key: text for one in followed if (text := _text(sequence, one, tag))}
    stood = standings.standings_of(clinic, list(texts.values()), words.own)
    standing = {one.text: one.standing for one in stood}
    lines = []
    for number, one in enumerate(followed, 1):
        text = texts.get(one.file.key)
        line = Line(
            number=number,
            followed=one,
            when=step_words.when(one.step, sequence, clinic.settings),
            hours=step_words.hours(one.step),
            patients=counts.get((sequence.key, one.file.key), NOBODY),
            text=samples.usual(clinic, text, words.own, now) if text else None,
            standing=standing[text] if text else None,
        )
        lines.append(line)
    return lines


def _text(sequence: Sequence, one: Followed, tag: str) -> Text | None:
    """The text that a step sends, or the e-mail where it sends none; None where nobody has written one."""
    template = sequence.template(one.step)
    there = [name for name in ("sms", "email") if (template, name) in standings.in_order()]
    return (template, there[0], tag) if there else None


@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, sequence: str, step: str) -> HttpResponse:
    """One step: when it goes at this clinic, or that it does not. A dry run is shown first."""
    me = _administrator(request)
    found, followed = _known(me.clinic, sequence)
    one = next((one for one in followed if one.file.key == step), None)
    if one is None:
        raise Http404
    values = step_settings.values(me.clinic, sequence, step)
    form = StepForm(one.file, values, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        done = _proposed(request, me, form, sequence, step)
        if done is not None:
            return done
    return render(request, "web/sequence_step.html", _step_page(me.clinic, found, one, form))


def _administrator(request: HttpRequest) -> Staff:
    me = access.staff(request)
    if not accounts.may(me):
        raise PermissionDenied
    return me


def _proposed(
    request: HttpRequest, me: Staff, form: StepForm, sequence: str, step: str
) -> HttpResponse | None:
    """The page of the dry run; None with what is wrong in the form."""
    try:
        change = clinic_changes.propose(me, form.values(), form.shown(), sequence=sequence, step=step)
    except Unfit as error:
        form.tell(error.faults)
    except Stale as error:
        messages.error(request, step_forms.stale(error.names))
        return redirect("sequence-step", sequence=sequence, step=step)
    except UnknownStep:
        raise Http404 from None
    else:
        return redirect("clinic-change", planned_id=change.pk)
    return None


def _step_page(clinic: Clinic, sequence: Sequence, one: Followed, form: StepForm) -> Mapping[str, Any]:
    text = _text(sequence, one, SOURCE)
    offset = one.file.offset
    return {
        "sequence": sequence,
        "followed": one,
        "form": form,
        "file_when": step_words.when(one.file, sequence, clinic.settings),
        "file_hours": step_words.hours(one.file),
        "when": step_words.when(one.step, sequence, clinic.settings),
        "hours": step_words.hours(one.step),
        "mandatory": step_words.MANDATORY.get(one.file.mandatory or "", ""),
        "off_reasons": step_words.OFF_REASONS,
        "text": samples.usual(clinic, text, approvals(clinic).own, clock.now()) if text else None,
        "by_setting": isinstance(offset, Days) and bool(offset.setting),
        "again": [s.key for s in sequence.steps if s.only_if.unanswered == one.file.key],
    }
