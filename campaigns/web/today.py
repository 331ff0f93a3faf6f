"""The sections of the first page that say what needs a person, each row one click from where it is done.

A section is a function in `SECTIONS`, in the order of urgency: it gets what was read and says what to show.
One more is one function more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, HeldAct, Patient
from campaigns.queries import today as queries
from campaigns.services import held_acts
from campaigns.services.standings import Standing
from campaigns.services.today import waiting_texts
from campaigns.web import filters, names, today_words, words
from campaigns.web.today_words import EXPECTED, approvals_waiting, unready


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to do. `patient` is named first, else `who` (nobody known); `tone` colours the badge; `at` is
    UTC. `key` is set on what nobody has taken yet: the page calls out when a new one comes."""

    href: str
    badge: str = ""
    tone: str = "wait"
    patient: Patient | None = None
    who: str = ""
    said: str = ""
    at: datetime | None = None
    count: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What needs a person, of one kind: the first `lines` of `total`. `folded` is what needs nobody and may
    be looked at; `more` is where all of it is."""

    key: str
    title: str
    empty: str
    more: str
    all_of_it: str
    total: int = 0
    lines: Sequence[Line] = ()
    folded: Sequence[Line] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read for the page."""

    clinic: Clinic
    now: datetime
    parts: Mapping[str, list[dict[str, Any]]]
    patients: Mapping[str, Patient] = field(default_factory=dict)

    def patient(self, row: Mapping[str, Any]) -> Patient | None:
        """Whose row it is."""
        return self.patients.get(str(row["patient_id"]))

    def total(self, part: str) -> int:
        """How many there are in all."""
        rows = self.parts[part]
        return int(rows[0]["total"]) if rows else 0


def sections(facts: Facts) -> list[Section]:
    """Every section, most urgent first."""
    return [section for make in SECTIONS if (section := make(facts))]


def _alerts(facts: Facts) -> Section:
    return Section(
        key="alerts",
        title=_("Alerts"),
        empty=_("No open alerts."),
        more=reverse("alerts"),
        all_of_it=_("All alerts"),
        total=facts.total("alerts"),
        lines=[_alert(row, facts) for row in facts.parts["alerts"]],
    )


_TONES = {"emergency": "bad", "urgent": "wait", "routine": "next"}


def _alert(row: Mapping[str, Any], facts: Facts) -> Line:
    unknown = _("Unknown sender") if row["channel"] == Channel.EMAIL else _("Unknown number")
    taken = _("%(name)s has it") % {"name": row["taken_by"]} if row["taken_by"] else ""
    return Line(
        href=f"{reverse('alerts')}#alert-{row['id']}",
        badge=words.FILTERS["urgency"](row["urgency"]),
        tone=_TONES.get(row["urgency"], "next"),
        patient=facts.patient(row),
        who=unknown,
        said=taken,
        at=datetime.fromisoformat(row["opened_at"]),
        key="" if taken else f"needs-{row['id']}",
    )


def _calls(facts: Facts) -> Section:
    where = reverse("call-list")
    return Section(
        key="calls",
        title=_("To call"),
        empty=_("Nobody to call: who was asked has answered, and what had to be said was said."),
        more=where,
        all_of_it=_("The whole call list"),
        total=facts.total("calls"),
        lines=[_call(row, where, facts) for row in facts.parts["calls"]],
    )


def _call(row: Mapping[str, Any], where: str, facts: Facts) -> Line:
    unsaid = any(item["unsaid"] for item in row["items"])
    visit = datetime.fromisoformat(row["soonest"]) if row["soonest"] else None
    return Line(
        href=f"{where}#patient-{row['patient_id']}",
        badge=_("Not reached") if unsaid else _("No answer"),
        tone="bad" if unsaid else "wait",
        patient=facts.patient(row),
        said=_("visit %(at)s") % {"at": _wall(visit.date(), visit.time())} if visit else "",
        at=min(datetime.fromisoformat(item["since"]) for item in row["items"]),
    )


def _not_ready(facts: Facts) -> Section:
    return Section(
        key="not-ready",
        title=_("Not ready for a visit today or on the next working day"),
        empty=_("Nobody who comes today or on the next working day is known to be unready."),
        more=reverse("readiness"),
        all_of_it=_("Who is ready"),
        total=facts.total("not_ready"),
        lines=[_visit(row, facts) for row in facts.parts["not_ready"]],
    )


def _visit(row: Mapping[str, Any], facts: Facts) -> Line:
    day, at = date.fromisoformat(row["on_date"]), time.fromisoformat(row["at_time"])
    return Line(
        href=reverse("patient", args=[row["patient_id"]]),
        badge=unready(row["standing"]),
        tone="bad" if row["standing"] == "no" else "wait",
        patient=facts.patient(row),
        said=_wall(day, at),
    )


def _wall(day: date, at: time) -> str:
    return f"{filters.day(day)}, {filters.clock(at)}"


def _unsent(facts: Facts) -> Section:
    rows = facts.parts["unsent"]
    here = [row for row in rows if row["reason"] not in EXPECTED]
    return Section(
        key="unsent",
        title=_("Not sent or not arrived in the last 7 days"),
        empty=_("Nothing to look at."),
        more=reverse("unsent"),
        all_of_it=_("Every reason"),
        total=sum(row["count"] for row in here),
        lines=[_reason(row) for row in here],
        folded=[_reason(row) for row in rows if row["reason"] in EXPECTED],
    )


def _reason(row: Mapping[str, Any]) -> Line:
    about = urlencode({"state": row["state"], "reason": row["reason"]})
    return Line(
        href=f"{reverse('unsent')}?{about}",
        badge=words.FILTERS["state"](row["state"]),
        tone=words.tone(row["state"]),
        who=words.FILTERS["reason"](row["reason"]) if row["reason"] else _("No reason was given"),
        count=row["count"],
    )


def _wording(facts: Facts) -> Section:
    waiting = waiting_texts(facts.clinic)
    soon = queries.going_soon(facts.clinic, facts.now, waiting) if waiting else {}
    lines = [line for tag, texts in waiting.items() if (line := _language(tag, texts, soon))]
    return Section(
        key="wording",
        title=_("Wording to approve"),
        empty=_("No message of the next days waits for a text, and no text waits for a clinician."),
        more=reverse("wordings"),
        all_of_it=_("Every language"),
        total=len(lines),
        lines=lines,
    )


def _language(
    tag: str, texts: Mapping[tuple[str, str], Standing], soon: Mapping[tuple[str, str, str], int]
) -> Line | None:
    """A language whose texts a clinician has to approve, or for which messages wait; else nothing to do."""
    going = sum(soon.get((template, channel, tag), 0) for template, channel in texts)
    reviewed = sum(standing is Standing.REVIEWED for standing in texts.values())
    if not going and not reviewed:
        return None
    state = Standing.REVIEWED if reviewed else Standing.DRAFT
    return Line(
        href=f"{reverse('wording-language', args=[tag])}?{urlencode({'state': state.value})}",
        badge=_("To approve") if reviewed else _("To read"),
        who=names.language_name(tag),
        said=approvals_waiting(len(texts) - reviewed, reviewed, going),
    )


def _held(facts: Facts) -> Section | None:
    """Rare: nothing is said where nothing waits."""
    acts = held_acts.waiting(facts.clinic.pk)
    if not acts:
        return None
    return Section(
        key="held",
        title=_("Waits for a second person"),
        empty="",
        more=reverse("held"),
        all_of_it=_("What waits, and what was done"),
        total=len(acts),
        lines=[_held_act(act, facts) for act in acts],
    )


def _held_act(act: HeldAct, facts: Facts) -> Line:
    goes = act.goes_at and filters.moment(act.goes_at, facts.clinic)
    return Line(
        href=f"{reverse('held')}#held-{act.pk}",
        badge=_("Goes at %(at)s") % {"at": goes} if goes else _("Approve?"),
        tone="next" if goes else "wait",
        who=act.asked_by.name,
        said=ngettext("%(n)d patient", "%(n)d patients", act.recipients) % {"n": act.recipients},
        at=act.asked_at,
    )


SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (
    _alerts,
    _held,
    _calls,
    _not_ready,
    _unsent,
    _wording,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What goes out in one hour of the day. `begins` is UTC."""

    begins: datetime
    now: bool
    texts: int
    mails: int
    named: Sequence[Patient]

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.texts + self.mails - len(self.named)


def hours(facts: Facts) -> list[Hour]:
    """The rest of the day, hour by hour, as far as something goes out."""
    edges = queries.day_of(facts.clinic, facts.now).edges
    return [_hour(row, edges, facts) for row in facts.parts["hours"]]


def _hour(row: Mapping[str, Any], edges: Sequence[datetime], facts: Facts) -> Hour:
    place = int(row["bucket"]) - 1
    return Hour(
        begins=edges[place],
        now=place == 0,
        texts=row["texts"],
        mails=row["count"] - row["texts"],
        named=_named(row, facts),
    )


def _named(row: Mapping[str, Any], facts: Facts) -> list[Patient]:
    """Who is named for a row, each once."""
    ids = dict.fromkeys(str(one) for one in row["patients"] or () if one)
    return [facts.patients[one] for one in ids if one in facts.patients]


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The first message after today, as the filters for messages read it."""

    at: datetime
    patient: Patient | None
    channel: str
    sequence: str
    step: str
    template: str
    purpose: str


def next_message(facts: Facts) -> Next | None:
    """What goes first after today."""
    rows = facts.parts["next"]
    if not rows:
        return None
    about = {name: rows[0][name] for name in ("channel", "sequence", "step", "template", "purpose")}
    return Next(at=datetime.fromisoformat(rows[0]["due_at"]), patient=facts.patient(rows[0]), **about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that happened since somebody last looked."""

    kind: str
    count: int
    named: Sequence[Patient]
    last: datetime

    @property
    def title(self) -> str:
        """What happened how often, in words."""
        return today_words.change(self.kind, self.count)


def changes(facts: Facts) -> list[Change]:
    """What happened, the latest kind first."""
    return [
        Change(
            kind=row["kind"],
            count=row["count"],
            named=_named(row, facts),
            last=datetime.fromisoformat(row["last"]),
        )
        for row in facts.parts["changes"]
    ]
