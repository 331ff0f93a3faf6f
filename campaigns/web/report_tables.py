"""Each report as a table and its charts. One query sums all of them, one more the times to take an alert."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.months import up_to
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic
from campaigns.queries import reports as counts
from campaigns.queries.reports import Scope, Sum, Wanted
from campaigns.web import charts, names, words
from campaigns.web import report_words as say
from campaigns.web.charts import Chart, Value
from campaigns.web.report_cells import Cell, Report, count, month_cell, no_figure, rate, share, words_cell

WORST_PAIN = 10


def every(clinic: Clinic, scope: Scope) -> list[Report]:
    """All reports, in the order of the page."""
    sums = iter(counts.sums(scope, [one for wanted, _build in _SUMMED for one in wanted]))
    built = [build(clinic, scope, *(next(sums) for _one in wanted)) for wanted, build in _SUMMED]
    return [*built[:4], _alerts(scope), *built[4:]]


# --- delivery

_SENT = ("accepted", "delivered", "undelivered", "unknown")
_NOT_SENT = ("skipped", "rejected", "unresolved")


def _delivery(clinic: Clinic, scope: Scope, sums: list[Sum], asked: list[Sum]) -> Report:
    states: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in sums:
        states[one.key[0]][one.key[1]] += one.n
    answers = {one.key[0]: one for one in asked}
    channels = [one for one in Channel if one in states]
    return Report(
        key="delivery",
        title=_("From planned to answered"),
        note=_(
            "Messages by the month in which they were due. Mail servers seldom report what arrived. "
            "Cancelled ones were not needed any more, for example because a visit moved."
        ),
        headers=[_("Channel"), *_stages({}), _("Asked"), _("Answered")],
        rows=[_stage_row(channel, states[channel], answers.get(channel)) for channel in channels],
        charts=[_funnel(channel, states[channel], answers.get(channel)) for channel in channels],
    )


def _stages(states: dict[str, int]) -> dict[str, int]:
    def of(names: Sequence[str]) -> int:
        return sum(states.get(name, 0) for name in names)

    return {
        _("Planned"): of(_SENT) + of(_NOT_SENT),
        _("Sent"): of(_SENT),
        _("Delivered"): of(["delivered"]),
        _("Did not arrive"): of(["undelivered"]),
        _("Not sent"): of(_NOT_SENT),
        _("Cancelled"): of(["cancelled"]),
    }


def _stage_row(channel: Channel, states: dict[str, int], asked: Sum | None) -> list[Cell]:
    cells = [count(n) for n in _stages(states).values()]
    if _is_silent(channel, states):
        cells[2] = Cell(_("not reported"), "")
    answers = [count(asked.n), count(asked.hits)] if asked else [count(0), count(0)]
    return [words_cell(str(words.CHANNELS[channel])), *cells, *answers]


def _is_silent(channel: Channel, states: dict[str, int]) -> bool:
    """Whether nobody reports what arrives."""
    return channel is Channel.EMAIL and not states.get("delivered")


def _funnel(channel: Channel, states: dict[str, int], asked: Sum | None) -> Chart:
    planned, sent, delivered = list(_stages(states).items())[:3]
    steps = [planned, sent] if _is_silent(channel, states) else [planned, sent, delivered]
    values = [
        Value(label=label, value=n, said=f"{say.number(n)} · {say.percent(n / (planned[1] or 1))}")
        for label, n in steps
    ]
    if asked:
        label = _("Answered, of %(n)s that asked") % {"n": say.number(asked.n)}
        answered = rate(asked.hits, asked.n, asked.few).text
        values.append(Value(label=label, value=asked.hits, said=f"{say.number(asked.hits)} · {answered}"))
    return charts.bars(str(words.CHANNELS[channel]), values)


# --- answers


def _by_step(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    rated = [(names.text_name(one.key[0]), one, rate(one.hits, one.n, one.few)) for one in sums]
    return Report(
        key="answers-by-step",
        title=_("Who answers, by message"),
        note=_("Of the messages that ask something and were sent, those that were answered."),
        headers=[_("Message"), *_answered()],
        rows=[[words_cell(name), count(one.n), count(one.hits), part] for name, one, part in rated],
        charts=[charts.bars(_("Answered"), [share(*one) for one in rated], top=1)] if rated else [],
    )


def _answered() -> list[str]:
    return [_("Asked"), _("Answered"), _("Share")]


def _by_language(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    rated = [(say.language(one.key[0]), one, rate(one.hits, one.n, one.few)) for one in sums]
    return Report(
        key="answers-by-language",
        title=_("Who answers, by language"),
        note="",
        headers=[_("Language"), *_answered()],
        rows=[[words_cell(name), count(one.n), count(one.hits), part] for name, one, part in rated],
        charts=[charts.bars(_("Answered"), [share(*one) for one in rated], top=1)] if rated else [],
    )


def _by_both(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    return Report(
        key="answers",
        title=_("Who answers, by message and language"),
        note="",
        headers=[_("Message"), _("Language"), *_answered()],
        rows=[
            [
                words_cell(names.text_name(one.key[0])),
                words_cell(say.language(one.key[1])),
                count(one.n),
                count(one.hits),
                rate(one.hits, one.n, one.few),
            ]
            for one in sums
        ],
        folded=True,
    )


# --- alerts


def _alerts(scope: Scope) -> Report:
    found = {(one.urgency, one.hours): one for one in counts.waits(scope)}
    waits = [found[pair] for pair in ((u, h) for u in words.URGENCIES for h in say.HOURS) if pair in found]
    rows = [
        [
            words_cell(str(words.URGENCIES[one.urgency])),
            words_cell(str(say.HOURS[one.hours])),
            count(one.opened),
            count(one.taken),
            _wait(one, one.median),
            _wait(one, one.p90),
        ]
        for one in waits
    ]
    return Report(
        key="alerts",
        title=_("How soon somebody takes an alert"),
        note=_("From when it opened until a person took it, in and outside of the hours of the clinic."),
        headers=[_("Urgency"), _("Came"), _("Alerts"), _("Taken"), _("Half within"), _("Nine in ten within")],
        rows=rows,
        charts=[charts.bars(_("Half are taken within"), [_slow(one) for one in waits])] if waits else [],
    )


def _wait(one: counts.Wait, seconds: int | None) -> Cell:
    if seconds is None or one.taken < counts.FEWEST:
        return no_figure(one.taken)
    return Cell(say.duration(seconds), round(seconds / 60, 1))


def _slow(one: counts.Wait) -> Value:
    label = f"{words.URGENCIES[one.urgency]}, {say.HOURS[one.hours]}"
    shown = one.median if one.taken >= counts.FEWEST else None
    return Value(label=label, value=shown, said=_wait(one, one.median).text)


# --- pain


def _pain(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    courses: dict[str, list[Sum]] = defaultdict(list)
    for one in sorted(sums, key=lambda one: [int(part) for part in one.key]):
        courses[one.key[0]].append(one)
    return Report(
        key="pain",
        title=_("Pain from visit to visit"),
        note=_(
            "The mean of the last answer after each visit, 0 to 10, by the number of the visit; for courses "
            "of each length by itself, because long courses differ from short ones. It says how patients "
            "did who answered, and not that the treatment was the cause."
        ),
        headers=[_("Course"), _("Visit"), _("Answers"), _("Mean pain")],
        rows=[
            [words_cell(say.of_course(length)), count(int(one.key[1])), count(one.n), _mean(one)]
            for length, found in courses.items()
            for one in found
        ],
        charts=[
            charts.line(say.of_course(length), _means(found), WORST_PAIN) for length, found in courses.items()
        ],
    )


def _all_courses(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    found = sorted(sums, key=lambda one: int(one.key[0]))
    return Report(
        key="pain-all",
        title=_("Pain from visit to visit, all courses"),
        note=_("The mean of the last answer after each visit, 0 to 10."),
        headers=[_("Visit"), _("Answers"), _("Mean pain")],
        rows=[[count(int(one.key[0])), count(one.n), _mean(one)] for one in found],
        charts=[charts.line(_("All courses"), _means(found), WORST_PAIN)] if found else [],
    )


def _mean(one: Sum) -> Cell:
    if one.few:
        return no_figure(one.n)
    return Cell(say.mean(one.amount / one.n), round(one.amount / one.n, 1))


def _means(found: Sequence[Sum]) -> list[Value]:
    return [
        Value(label=one.key[-1], value=None if one.few else one.amount / one.n, said=_mean(one).text)
        for one in found
    ]


# --- visits, opt-outs, cost, replies


def _no_shows(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    found = {one.key[0]: one for one in sums}
    rated = [
        (str(name), found[known], rate(found[known].hits, found[known].n, found[known].few))
        for known, name in say.KNOWN.items()
        if known in found
    ]
    return Report(
        key="no-shows",
        title=_("Missed visits, with and without a word before"),
        note=_(
            "Visits that took place or were missed. Whether a channel is chosen above changes nothing here."
        ),
        headers=[_("Before the visit"), _("Visits"), _("Missed"), _("Share")],
        rows=[[words_cell(name), count(one.n), count(one.hits), part] for name, one, part in rated],
        charts=[charts.bars(_("Missed"), [share(*one) for one in rated])] if rated else [],
    )


def _stopped(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    by = {one.key: one.n for one in sums}
    channels = [one for one in Channel if scope.channel in ("", one)]
    months = [one.isoformat() for one in up_to(scope.first, scope.last)]
    drawn = [
        charts.columns(
            str(words.CHANNELS[channel]),
            [
                Value(label=m[:7], value=by.get((m, channel), 0), said=str(by.get((m, channel), 0)))
                for m in months
            ],
        )
        for channel in channels
    ]
    return Report(
        key="stopped",
        title=_("Who wants no more messages"),
        note=_("Patients who ended at least one kind of message on a channel, by the month they said so."),
        headers=[_("Month"), *(str(words.CHANNELS[channel]) for channel in channels)],
        rows=[[month_cell(m), *(count(by.get((m, one), 0)) for one in channels)] for m in months],
        charts=drawn if by else [],
    )


def _price(clinic: Clinic, segments: int) -> Decimal:
    return Decimal(clinic.price_per_segment) * segments


def _spent(clinic: Clinic, one: Sum) -> list[Cell]:
    price = _price(clinic, one.amount)
    each = one.amount / one.n if one.n else 0
    return [
        count(one.n),
        count(one.amount),
        Cell(say.mean(each), round(each, 2)),
        Cell(say.money(price), float(round(price, 2))),
    ]


def _costs(clinic: Clinic) -> list[str]:
    cost = _("Cost (%(currency)s)") % {"currency": clinic.currency}
    return [_("Texts"), _("Parts"), _("Parts a text"), cost]


def _texts(sums: Sequence[Sum]) -> list[Sum]:
    """Texts that left, without the channel: e-mails have no parts."""
    return [
        Sum(one.key[1:], one.hits, 0, one.amount, one.few)
        for one in sums
        if one.key[0] == Channel.SMS and one.hits
    ]


def _cost_by_month(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    found = _texts(sums)
    drawn = [
        Value(
            label=one.key[0][:7],
            value=float(_price(clinic, one.amount)),
            said=say.number(round(_price(clinic, one.amount))),
        )
        for one in found
    ]
    return Report(
        key="cost-by-month",
        title=_("What texts cost, by month"),
        note=_(
            "A text is billed in parts. The price of a part is the one in the clinic's settings: the "
            "provider's bill counts."
        ),
        headers=[_("Month"), *_costs(clinic)],
        rows=[[month_cell(one.key[0]), *_spent(clinic, one)] for one in found],
        charts=[charts.columns(_costs(clinic)[-1], drawn)] if found else [],
    )


def _cost_by_language(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    found = _texts(sums)
    drawn = [
        Value(label=say.language(one.key[0]), value=float(one.amount), said=_spent(clinic, one)[-1].text)
        for one in found
    ]
    return Report(
        key="cost-by-language",
        title=_("What texts cost, by language"),
        note=_("Some scripts fit 70 letters in a part where others fit 160."),
        headers=[_("Language"), *_costs(clinic)],
        rows=[[words_cell(say.language(one.key[0])), *_spent(clinic, one)] for one in found],
        charts=[charts.bars(_costs(clinic)[-1], drawn)] if found else [],
    )


def _cost_by_both(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    return Report(
        key="cost",
        title=_("What texts cost, by month and language"),
        note="",
        headers=[_("Month"), _("Language"), *_costs(clinic)],
        rows=[
            [month_cell(one.key[0]), words_cell(say.language(one.key[1])), *_spent(clinic, one)]
            for one in _texts(sums)
        ],
        folded=True,
    )


def _unread(clinic: Clinic, scope: Scope, sums: list[Sum]) -> Report:
    rated = [(say.language(one.key[0]), one, rate(one.hits, one.n, one.few)) for one in sums]
    return Report(
        key="not-understood",
        title=_("Replies that were not understood"),
        note=_("A person reads each of them. The words of a language can be added to: follow its name."),
        headers=[_("Language"), _("Replies"), _("Not understood"), _("Share")],
        rows=[
            [words_cell(name, _words_page(one.key[0])), count(one.n), count(one.hits), part]
            for name, one, part in rated
        ],
        charts=[charts.bars(_("Not understood"), [share(*one) for one in rated], top=1)] if rated else [],
    )


def _words_page(tag: str) -> str:
    return reverse("lexicon", args=[tag]) if tag in SUPPORTED else ""


Build = Callable[..., Report]

_SUMMED: list[tuple[tuple[Wanted, ...], Build]] = [
    ((("message", ("channel", "detail")), ("asked", ("channel",))), _delivery),
    ((("asked", ("subject",)),), _by_step),
    ((("asked", ("language",)),), _by_language),
    ((("asked", ("subject", "language")),), _by_both),
    ((("pain", ("subject",)),), _all_courses),
    ((("pain", ("detail", "subject")),), _pain),
    ((("visit", ("detail",)),), _no_shows),
    ((("stopped", ("month", "channel")),), _stopped),
    ((("message", ("channel", "month")),), _cost_by_month),
    ((("message", ("channel", "language")),), _cost_by_language),
    ((("message", ("channel", "month", "language")),), _cost_by_both),
    ((("reply", ("language",)),), _unread),
]
"""What each report sums, and who makes it of the sums."""
