"""A text as patients would read it, in each state it can have, with made-up facts and the clinic's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from jinja2 import UndefinedError

from campaigns.delivery.checks import costs
from campaigns.delivery.pages import PAGE, SAMPLE_STOPPED, SAMPLE_WAYS, page
from campaigns.delivery.rendering import Facts, render
from campaigns.delivery.translations import OwnWords, gsm_edition, language_of
from campaigns.delivery.wording import SAMPLE, has_gsm_variant, placeholders
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.lifecycle import Purpose
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import Limits, segment
from campaigns.models import Clinic, PatientLink
from campaigns.queries import sequence_files
from campaigns.queries.wordings import Text
from campaigns.services.compose import facts_of
from campaigns.services.subjects import Subject

SESSIONS = 5
"""Treatments in the course whose price is shown."""

_TOKEN = "x7Kd3mQ9TBx7Kd3mQ9TBx7"  # noqa: S105  as long as a real one, and opens nothing
_TOKENS = {purpose.value: _TOKEN for purpose in PatientLink.Purpose}
_LONG_NAME = "Maximiliana Konstantina"

_STOPPING = {
    "email": {"channel": "email", "everywhere": False},
    "sms": {"channel": "sms", "everywhere": True},
}

_ABOUT: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "patient/check_in": {
        "normal": {"asks": "pain", "kind": "nrs", "missing": False},
        "change": {"asks": "change", "kind": "change", "missing": False},
        "yes_no": {"asks": "side_effects", "kind": "yes_no", "missing": False},
        "missing": {"asks": "pain", "kind": "nrs", "missing": True},
    },
    "patient/checked_in": {
        "normal": {"danger": False, "worry": False, "unread": False},
        "worry": {"danger": False, "worry": True, "unread": False},
        "danger": {"danger": True, "worry": False, "unread": False},
        "unread": {"danger": True, "worry": False, "unread": True},
    },
    "patient/preferences": {
        "normal": {"ways": SAMPLE_WAYS, "saved": False, "counted": False, "partly": False},
        "saved": {"ways": SAMPLE_STOPPED, "saved": True, "counted": True, "partly": True},
    },
    "patient/unsubscribe": _STOPPING,
    "patient/unsubscribed": _STOPPING,
}
"""What pages ask for beside the clinic, by page and state."""

MESSAGE_STATES = ("normal", "long", "late", "correction", "no_link", "least")
STATES = tuple(dict.fromkeys([*MESSAGE_STATES, *(state for about in _ABOUT.values() for state in about)]))
"""Every state that a text can be shown in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A text in one state. `also` names the states in which it is the very same; `error` says why it could
    not be rendered. For SMS `html` is empty; for pages `text` is."""

    state: str
    also: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    encoding: str = ""
    units: int = 0
    segments: int = 0
    price: Decimal = Decimal(0)
    error: str = ""


def samples(clinic: Clinic, text: Text, own: OwnWords, now: datetime, stylesheet: str = "") -> list[Sample]:
    """The text in each state that makes a difference to it. `stylesheet` is the address of the pages' own."""
    made = _pages(clinic, text, own, stylesheet) if text[1] == PAGE else _messages(clinic, text, own, now)
    different: list[Sample] = []
    for one in made:
        place = next((n for n, known in enumerate(different) if _same(known, one)), None)
        if place is None:
            different.append(one)
        else:
            different[place] = replace(different[place], also=(*different[place].also, one.state))
    return different


def usual(clinic: Clinic, text: Text, own: OwnWords, now: datetime) -> Sample:
    """The text of a message with every usual fact."""
    state, facts = next(_states(clinic, text, now))
    try:
        return _message(clinic, text, state, facts, own)
    except CampaignsError as error:
        return Sample(state=state, error=str(error))


def _same(one: Sample, other: Sample) -> bool:
    return (one.text, one.html, one.error) == (other.text, other.html, other.error)


def _messages(clinic: Clinic, text: Text, own: OwnWords, now: datetime) -> Iterator[Sample]:
    for state, facts in _states(clinic, text, now):
        try:
            yield _message(clinic, text, state, facts, own)
        except CampaignsError as error:
            yield Sample(state=state, error=str(error))


def _message(clinic: Clinic, text: Text, state: str, facts: Facts, own: OwnWords) -> Sample:
    template, channel, edition = text
    rendered = render(template, Channel(channel), edition, facts, own)
    if channel == Channel.EMAIL:
        return Sample(state=state, subject=rendered.subject, text=rendered.text, html=rendered.html)
    cut = segment(rendered.text, Limits(**clinic.sms_limits))
    return Sample(
        state=state,
        text=rendered.text,
        encoding=cut.encoding,
        units=cut.units,
        segments=cut.segments,
        price=Decimal(clinic.price_per_segment) * cut.segments,
    )


def _states(clinic: Clinic, text: Text, now: datetime) -> Iterator[tuple[str, Facts]]:
    """Facts by state: those that the sender would state, with a made-up visit."""
    needed = placeholders(text[0], Channel(text[1]))
    usual = facts_of(_subject(text, now, days=10), clinic, _TOKENS, now)
    yield "normal", usual
    yield "long", _longest(usual)
    if needed & {"date", "time"}:
        yield "late", facts_of(_subject(text, now, days=1), clinic, _TOKENS, now)
    if needed & {"old_date", "old_time"}:
        yield "correction", replace(usual, old_at=None)
    if "link" in needed:
        yield "no_link", replace(usual, link="")
    yield "least", replace(usual, address="", clinician="", fee="", given_name="", settings=_without(clinic))


def _without(clinic: Clinic) -> dict[str, int]:
    """The clinic's settings without caffeine and alcohol, which a clinic may leave out."""
    return {**clinic.settings, "caffeine_days_before": 0, "alcohol_days_before": 0}


def _longest(usual: Facts) -> Facts:
    return replace(
        usual,
        given_name=_LONG_NAME if usual.given_name else "",
        starts_on=SAMPLE.starts_on if usual.starts_on else None,
        starts_at=SAMPLE.starts_at if usual.starts_at else None,
        visit_number=10,
        opens=SAMPLE.opens,
    )


def _subject(text: Text, now: datetime, *, days: int) -> Subject:
    day: date = now.date() + timedelta(days=days)
    return Subject(
        template=text[0],
        channel=text[1],
        purpose=Purpose.STEP,
        fixed_language="",
        language=language_of(text[2]),
        given_name="Ada",
        visit_number=2,
        on_date=day,
        at_time=time(14, 0),
        stated={"date": (now.date() + timedelta(days=8)).isoformat(), "time": "09:30"},
        words=SAMPLE.words,
    )


def _pages(clinic: Clinic, text: Text, own: OwnWords, stylesheet: str) -> Iterator[Sample]:
    name, _, language = text
    facts = {"clinic": clinic.name, "phone": clinic.phone, "stylesheet": stylesheet}
    always = {"choices": tuple(SUPPORTED.values()), "reads": language}
    for state, about in _ABOUT.get(name, {"normal": {}}).items():
        try:
            html = page(name, language, facts, own=own, about={**always, **about})
            yield Sample(state=state, html=html)
        except UndefinedError as error:
            yield Sample(state=state, error=f"{name}: {error.message}")


# --- what a whole course costs


@dataclass(frozen=True, slots=True)
class Course:
    """The texts of one whole course in one language, without replies. `segments` is 0 where none can be
    rendered."""

    texts: int
    segments: int
    price: Decimal


def course(clinic: Clinic, language: str, own: OwnWords, now: datetime) -> Course:
    """What a patient costs who comes to a consultation and five treatments, answers and books ahead."""
    rows = list(costs.rows((), sequence_files.load_all().values(), SESSIONS))
    total = sum(row.times * _fewest(clinic, row.template, language, own, now) for row in rows if row.times)
    texts = sum(row.times for row in rows)
    return Course(texts, total, Decimal(clinic.price_per_segment) * total)


def _fewest(clinic: Clinic, template: str, language: str, own: OwnWords, now: datetime) -> int:
    """Segments of one text as the sender would choose between the text and its variant."""
    limits = Limits(**clinic.sms_limits)
    text = (template, Channel.SMS.value, language)
    facts = facts_of(_subject(text, now, days=10), clinic, _TOKENS, now)
    try:
        variant = has_gsm_variant(template, language, own)
        editions = (language, gsm_edition(language)) if variant else (language,)
        rendered = [render(template, Channel.SMS, edition, facts, own) for edition in editions]
    except CampaignsError:
        return 0
    return min(segment(one.text, limits).segments for one in rendered)
