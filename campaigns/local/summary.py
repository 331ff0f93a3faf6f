"""What a rehearsal did, counted at both ends, and whether it kept its word."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, Sum
from rich.console import Console
from rich.table import Table

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.lifecycle import REACHED_PROVIDER, State
from campaigns.local.rehearsal import busy
from campaigns.models import Alert, Answer, Attempt, Message, Patient, Reply, Suppression
from campaigns.queries import clock
from campaigns.services.send import message_id_header

if TYPE_CHECKING:
    from campaigns.local.stage import Stage
    from campaigns.local.story import Story
    from campaigns.models import Clinic


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise in plain words, and what breaks it (nothing when it is kept)."""

    words: str
    broken: str = ""


@dataclass(slots=True)
class Report:
    """The figures of one rehearsal. Money is in the clinic's currency."""

    seconds: float
    jumps: int
    patients: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    not_sent: Counter[str] = field(default_factory=Counter)
    by_language: list[dict[str, object]] = field(default_factory=list)
    replies: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    by_form: int = 0
    promises: list[Promise] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not any(promise.broken for promise in self.promises)


def measure(stage: Stage, story: Story, jumps: int, seconds: float) -> Report:
    """Count everything. Call while the rehearsal's clock still runs."""
    report = Report(seconds=seconds, jumps=jumps, answers=Answer.objects.count())
    report.patients.update(Patient.objects.values_list("language", flat=True))
    report.states.update(Message.objects.values_list("state", flat=True))
    report.not_sent.update(Message.objects.exclude(reason="").values_list("reason", flat=True))
    report.replies.update(Reply.objects.values_list("outcome", flat=True))
    report.by_form = Reply.objects.filter(channel="email").count()
    report.alerts.update(Alert.objects.values_list("urgency", flat=True))
    report.by_language = _by_language(story.clinic)
    report.promises = promises(stage, story)
    return report


def _by_language(clinic: Clinic) -> list[dict[str, object]]:
    reached = Q(state__in=[state.value for state in REACHED_PROVIDER])
    rows = (
        Message.objects.filter(reached)
        .values(tag=F("language"))
        .annotate(
            texts=Count("id", filter=Q(channel="sms")),
            mails=Count("id", filter=Q(channel="email")),
            segments=Sum("segments"),
        )
        .order_by("tag")
    )
    price = Decimal(clinic.price_per_segment)
    return [row | {"cost": price * (row["segments"] or 0)} for row in rows]


def promises(stage: Stage, story: Story) -> list[Promise]:
    """Each promise, judged against what arrived at the other end."""
    return [
        Promise("Each text arrived exactly once", _texts_once(stage)),
        Promise("Each e-mail arrived exactly once", _mails_once(stage, story.clinic)),
        Promise("Nothing that was due is left", _count(busy(clock.now()), "still due or in doubt")),
        Promise("Nothing went after it was useful", _late()),
        Promise("Nothing went after an opt-out", _after_opt_out()),
        Promise("Each message that did not go says why", _without_reason()),
        Promise("Each patient read their own language", _wrong_language()),
        Promise("Each reply was kept and understood or shown to a person", _replies(story)),
        Promise("Each alert was closed by a named person", _open_alerts()),
    ]


def _count(number: int, words: str) -> str:
    return f"{number} {words}" if number else ""


def _texts_once(stage: Stage) -> str:
    """Every text at the phone network carries its attempt in the callback address: join on that."""
    arrived = Counter(text.status_callback.rpartition("/")[2] for text in stage.twilio.messages)
    messages = dict(Attempt.objects.filter(channel="sms").values_list("id", "message_id"))
    of_message = Counter(messages.get(attempt) for attempt in messages for _ in range(arrived[str(attempt)]))
    claimed = set(Message.objects.filter(_reached("sms")).values_list("id", flat=True))
    strangers = sum(arrived.values()) - sum(of_message.values())
    twice = [message for message, times in of_message.items() if times > 1]
    return ", ".join(
        filter(
            None,
            [
                _count(len(claimed - set(of_message)), "recorded as sent but never arrived"),
                _count(len(set(of_message) - claimed), "arrived but not recorded as sent"),
                _count(len(twice), "arrived more than once"),
                _count(strangers, "arrived from no attempt of ours"),
            ],
        )
    )


def _reached(channel: str) -> Q:
    return Q(channel=channel, state__in=[state.value for state in REACHED_PROVIDER])


def _mails_once(stage: Stage, clinic: Clinic) -> str:
    arrived = Counter(mail.message_id for mail in stage.smtp.mails)
    wanted = {
        message_id_header(clinic, pk).strip("<>")
        for pk in Message.objects.filter(_reached("email")).values_list("id", flat=True)
    }
    return ", ".join(
        filter(
            None,
            [
                _count(len(wanted - set(arrived)), "recorded as sent but never arrived"),
                _count(len(set(arrived) - wanted), "arrived but not recorded as sent"),
                _count(sum(times > 1 for times in arrived.values()), "arrived more than once"),
            ],
        )
    )


def _late() -> str:
    return _count(Message.objects.filter(sent_at__gte=F("expires_at")).count(), "sent too late")


def _after_opt_out() -> str:
    """A suppression starts at `created_at`; only its own confirmation may follow."""
    late = 0
    for row in Suppression.objects.all():
        sent = Message.objects.filter(
            channel=row.channel,
            patient__contact_points__address_index=row.address_index,
            patient__contact_points__channel=row.channel,
            sent_at__gt=row.created_at,
        ).exclude(purpose="opt_out_confirmation")
        late += (sent.filter(sent_at__lt=row.lifted_at) if row.lifted_at else sent).count()
    return _count(late, "sent to somebody who had opted out")


def _without_reason() -> str:
    ended = Message.objects.filter(
        state__in=[State.SKIPPED, State.CANCELLED, State.REJECTED, State.UNDELIVERED, State.UNRESOLVED]
    )
    return _count(ended.filter(reason="").count(), "without a reason")


def _wrong_language() -> str:
    sent = Message.objects.filter(_reached("sms") | _reached("email"), purpose="step")
    return _count(sent.exclude(language=F("patient__language")).count(), "in another language")


def _replies(story: Story) -> str:
    return ", ".join(
        filter(
            None,
            [
                _count(len(story.refused), "refused by the site"),
                _count(abs(story.replies_sent - Reply.objects.count()), "lost or doubled"),
                _count(Reply.objects.filter(outcome="alert", alerts=None).count(), "shown to nobody"),
            ],
        )
    )


def _open_alerts() -> str:
    nameless = Q(closed_at=None) | Q(closed_by=None) | Q(outcome="")
    return _count(Alert.objects.filter(nameless).count(), "without a person or an outcome")


SENT_WORDS = {
    State.DELIVERED: "delivered",
    State.ACCEPTED: "accepted by the mail server",
    State.PLANNED: "planned for the days to come",
    State.WAITING: "waiting to be tried again",
    State.SKIPPED: "skipped, with a reason",
    State.CANCELLED: "cancelled, with a reason",
    State.UNDELIVERED: "not delivered",
    State.REJECTED: "refused",
    State.UNRESOLVED: "in doubt, shown to staff",
}


def show(report: Report, console: Console) -> None:
    """Print it for somebody who sees the product for the first time."""
    names = ", ".join(f"{SUPPORTED[tag].staff_name} {n}" for tag, n in sorted(report.patients.items()))
    sections = {
        f"{sum(report.patients.values())} demo patients ({names})": None,
        f"{sum(report.states.values())} messages planned": _states(report),
        "Sent, by language": _languages(report),
        "Patients replied": _people(report),
        "Promises": _promises(report),
    }
    for title, table in sections.items():
        console.print(f"\n[bold]{title}[/]", highlight=False)
        if table:
            console.print(table)
    console.print(
        f"\n{report.jumps} moments of eight weeks in [bold]{report.seconds:.1f} s[/], from nothing.",
        highlight=False,
    )


def _table(*columns: str) -> Table:
    """Plain columns; no header where the columns have no names."""
    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    return table


def _states(report: Report) -> Table:
    table = _table("", "")
    for state, words in SENT_WORDS.items():
        if report.states[state]:
            table.add_row(words, str(report.states[state]))
    for reason, count in sorted(report.not_sent.items(), key=lambda item: -item[1]):
        table.add_row(f"  [dim]not sent: {reason.replace('_', ' ')}[/]", f"[dim]{count}[/]")
    return table


def _languages(report: Report) -> Table:
    table = _table("", "texts", "segments", "cost", "e-mails")
    for row in report.by_language:
        name = SUPPORTED[str(row["tag"])].staff_name
        table.add_row(
            name, str(row["texts"]), str(row["segments"]), f"{row['cost']:.2f} USD", str(row["mails"])
        )
    return table


def _people(report: Report) -> Table:
    table = _table("", "")
    words = {
        "answer": "answers to a question",
        "opt_out": "said stop",
        "opt_in": "came back",
        "help": "asked for help",
        "language": "asked for another language",
        "alert": "something else: shown to a person",
        "unmatched": "from an unknown number",
    }
    for outcome, text in words.items():
        if report.replies[outcome]:
            table.add_row(text, str(report.replies[outcome]))
    if report.by_form:
        table.add_row("of all these, by the form in an e-mail", str(report.by_form))
    for urgency in ("emergency", "urgent", "routine"):
        if report.alerts[urgency]:
            table.add_row(f"alerts: {urgency}", str(report.alerts[urgency]))
    return table


def _promises(report: Report) -> Table:
    table = _table("", "")
    for promise in report.promises:
        mark = f"[red]broken: {promise.broken}[/]" if promise.broken else "[green]kept[/]"
        table.add_row(promise.words, mark)
    return table
