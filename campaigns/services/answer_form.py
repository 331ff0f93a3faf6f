"""The form behind the button of an e-mail: one question, one choice, a note.

What it leads to is what the same answer leads to by text. The page then says what is true, once it is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from campaigns.domain import replies
from campaigns.domain.answering import Answer
from campaigns.domain.dialogue import Slot, moot_from, open_for
from campaigns.domain.lifecycle import Purpose
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import EXPECTED, Expects, Keyword, Parsed
from campaigns.domain.timing import to_instant
from campaigns.domain.triage import Assessment, Urgency
from campaigns.models import Alert, Clinic, Message, PatientLink, Reply
from campaigns.queries import clock, lexicons
from campaigns.services import on_call, understand
from campaigns.services.compose import Approvals, approvals, token_hash
from campaigns.services.subjects import subject_of
from campaigns.services.understand import Case, Said
from campaigns.services.unsubscribe import sheet_of

CHOICES: Mapping[Expects, Mapping[str, Answer]] = MappingProxyType(
    {
        Expects.NRS: {str(number): number for number in range(11)},
        Expects.CHANGE: {str(number): number for number in range(1, 8)},
        Expects.YES_NO: {"yes": "yes", "no": "no"},
    }
)
"""What may be chosen for each kind of question; anything else was not made by our form."""

STILL_HEARD = timedelta(days=30)
"""How long after its end a link still says whose question this was, so that a late answer is kept."""

MOST_KEPT = 20
"""Submissions kept of one link. Whoever sends more has no more to say."""


class Shown(StrEnum):
    """What the page shows: the form, the form with its fault, thanks, what to do in three kinds of concern,
    or that the question is closed."""

    FORM = "form"
    MISSING = "missing"
    THANKS = "thanks"
    WORRY = "worry"
    DANGER = "danger"
    CRISIS = "crisis"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The page behind a link. `language` is what the patient reads; `words` knows which pages are approved in
    it; `note` is what the patient has written already; `html` is the whole page where it is an e-mail;
    `watched` says whether somebody at the clinic learnt of the answer when it came."""

    clinic: Clinic
    language: str
    words: Approvals
    asks: str
    shown: Shown
    note: str = ""
    html: str = ""
    watched: bool = True

    @property
    def kind(self) -> str:
        """`nrs`, `change` or `yes_no`."""
        return EXPECTED[self.asks].value


def look_up_form(token: str) -> Form | None:
    """The form behind a link, or that it is closed; None for an unknown, other-purpose or very old token.
    Changes nothing."""
    now = clock.now()
    link = _find(token, now)
    return _form(link, Shown.FORM if _is_open(link, now) else Shown.CLOSED) if link else None


def answer_form(token: str, choice: str, note: str) -> Form | None:
    """Take what was sent; the page to show next, or None as for `look_up_form`.

    The same sent again changes nothing. What comes when the question is closed goes to a person.
    """
    now = clock.now()
    link = _find(token, now)
    if link is None:
        return None
    note = understand.readable(note).strip()
    said = _said(link, choice, note, now)
    parsed = _parsed(said, CHOICES[EXPECTED[said.question]].get(choice))
    found = understand.assess(said, parsed)
    unfinished = parsed.answer is None and not _acts(said, parsed, found)
    if unfinished and _is_open(link, now):
        return _form(link, Shown.MISSING, note)
    if (unfinished and not note) or _has_said_enough(link, said):
        return _form(link, Shown.CLOSED)
    reply = understand.once(said.provider_id, lambda: _receive(link, said, parsed, found))
    shown = _page_of(reply, found)
    watched = on_call.is_watched(link.message.clinic, reply.received_at)
    html = _crisis(link, watched) if shown is Shown.CRISIS else ""
    return replace(_form(link, shown), html=html, watched=watched)


def _find(token: str, now: datetime) -> PatientLink | None:
    links = PatientLink.objects.select_related("patient__clinic", "message__clinic", "message__visit")
    mine = links.filter(token_hash=token_hash(token), purpose=PatientLink.Purpose.CHECK_IN)
    return mine.filter(expires_at__gt=now - STILL_HEARD, message__asks__in=EXPECTED).first()


def _form(link: PatientLink, shown: Shown, note: str = "") -> Form:
    clinic = link.message.clinic
    return Form(
        clinic=clinic,
        language=link.patient.language,
        words=approvals(clinic),
        asks=link.message.asks,
        shown=shown,
        note=note,
    )


def _crisis(link: PatientLink, watched: bool) -> str:
    """The words for somebody who wants to die, which name 9-8-8: the e-mail that is on its way, at once."""
    message = subject_of(link.message, channel=Channel.EMAIL)
    template = "auto/crisis" if watched else "auto/crisis_unread"
    words = replace(message, template=template, purpose=Purpose.SAFETY)
    return sheet_of(words, link.message.clinic, approvals(link.message.clinic))


def _is_open(link: PatientLink, now: datetime) -> bool:
    """Whether the link is good and its question still waits for its answer."""
    return link.expires_at > now and still_waits(link.message, now)


def _lies_ahead(asked: Message, now: datetime) -> bool:
    visit, slot = asked.visit, None
    if visit is not None:
        starts = to_instant(visit.on_date, visit.at_time, ZoneInfo(asked.clinic.time_zone))
        slot = Slot(state=visit.state, version=visit.version, starts=starts)
    end = moot_from(asked.asks, asked.visit_version, slot, asked.sent_at or now)
    return end is None or end > now


def still_waits(asked: Message, now: datetime) -> bool:
    """Whether a question still waits for its answer. Whether somebody comes to a visit is asked about that
    date only, and until it begins."""
    return not understand.is_answered(asked) and _lies_ahead(asked, now)


def _said(link: PatientLink, choice: str, note: str, now: datetime) -> Said:
    """The submission. It is known by the link and what it says: a second press of the button is the same."""
    point = link.patient.contact_points.filter(channel=Channel.EMAIL).first()
    whole = "\n".join((link.token_hash, understand.readable(choice), note))
    return Said(
        provider_id=f"form:{hashlib.sha256(whole.encode()).hexdigest()}",
        channel=Channel.EMAIL,
        address_index=point.address_index if point else "",
        body=note,
        clinic=link.message.clinic,
        patient=link.patient,
        asked=link.message,
        now=now,
    )


def _parsed(said: Said, answer: Answer | None) -> Parsed:
    """The choice is the answer; the note is read for keywords only."""
    note = replies.parse(said.body, language=said.language, lexicon=lexicons.of(said.clinic))
    return replace(note, answer=answer)


def _acts(said: Said, parsed: Parsed, found: Assessment) -> bool:
    """Whether a note does something although no answer was chosen: danger and stop never wait, nor does the
    word that we have the wrong person, or a stop that is in doubt."""
    return found.urgency is not None or parsed.wrong_person or parsed.may_stop or _stops(said, parsed)


def _stops(said: Said, parsed: Parsed) -> bool:
    return parsed.keyword is Keyword.STOP and bool(said.address_index)


def _has_said_enough(link: PatientLink, said: Said) -> bool:
    kept = Reply.objects.filter(message=link.message, channel=said.channel, provider_id__startswith="form:")
    return kept.exclude(provider_id=said.provider_id).count() >= MOST_KEPT


def _receive(link: PatientLink, said: Said, parsed: Parsed, found: Assessment) -> Reply:
    """Store, then act: danger first, then the answer and stop; what is left goes to a person."""
    # Two different answers at the same moment: the second finds the question closed.
    PatientLink.objects.select_for_update(of=("self",), no_key=True).get(pk=link.pk)
    waits = _is_open(link, said.now)
    case = understand.store(said, parsed, found)
    alerted = understand.alert_danger(case)
    alerted = understand.doubt(case) or alerted
    if found.urgency is Urgency.EMERGENCY:
        understand.say(case, understand.safety_template(case), Purpose.SAFETY)
    if parsed.answer is not None and waits and not is_late(link.message, said.now):
        understand.record_answer(case, link.patient, link.message)
    elif parsed.answer is not None and still_waits(link.message, said.now):
        understand.record_late(case, link.patient, link.message, alerted)
        waits = alerted = True
    if _stops(said, parsed):
        understand.stop(case, alerted)
    elif not alerted:
        _show_what_is_left(case, waits)
    return case.reply


def is_late(asked: Message, now: datetime) -> bool:
    """Whether the question has waited for its answer longer than an answer stays true."""
    return now >= (asked.sent_at or asked.send_at) + open_for(asked.group)


def _show_what_is_left(case: Case, waits: bool) -> None:
    """A note that no rule knows, or an answer that came too late: a person reads it in clinic hours."""
    if case.said.body or not waits:
        rule = "asks for a call" if case.parsed.asks_call else "not understood"
        understand.alert(case, Alert.Urgency.ROUTINE, rule)


def _page_of(reply: Reply, found: Assessment) -> Shown:
    """What is true to say: that staff know, only where their alert is stored."""
    alerts = set(reply.alerts.exclude(rule__in=understand.NOT_READY).values_list("urgency", flat=True))
    if Alert.Urgency.EMERGENCY in alerts:
        return Shown.CRISIS if "crisis" in found.groups else Shown.DANGER
    if Alert.Urgency.URGENT in alerts:
        return Shown.WORRY
    return Shown.CLOSED if reply.outcome == Reply.Outcome.ALERT else Shown.THANKS
