"""The counts of the reports against a plain count over the rows, whatever comes late, twice or at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from statistics import median_low
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from campaigns.domain.months import month_of, next_month, previous_month, read_month, up_to
from campaigns.models import (
    Alert,
    Answer,
    Clinic,
    Consent,
    Message,
    Reply,
    ReportCount,
    ReportMonth,
    Visit,
)
from campaigns.queries.reports import FEWEST, Scope, Sum, Wanted, counted, sums, waits
from campaigns.services import count_up, forget
from campaigns.services.on_call import clinic_time
from tests import reporting
from tests.factories import NOON, make_clinic, make_staff, set_now
from tests.reporting import month

NOW = month_of(NOON.date())
Cells = dict[tuple[str, ...], tuple[int, int, int, bool]]


def scope(clinic: Clinic, **narrower: Any) -> Scope:
    usual: dict[str, Any] = {"clinic": clinic.pk, "first": date(2026, 1, 1), "last": NOW}
    return Scope(**usual | narrower)


def shown(clinic: Clinic, kind: str, *by: str, **narrower: Any) -> Cells:
    """What a report would show: key -> how many, how many hits, the sum, and whether they are few."""
    [found] = sums(scope(clinic, **narrower), [(kind, by)])
    return {one.key: (one.n, one.hits, one.amount, one.few) for one in found}


class Plain:
    """The same, counted row by row."""

    def __init__(self) -> None:
        self.n: Counter[tuple[str, ...]] = Counter()
        self.hits: Counter[tuple[str, ...]] = Counter()
        self.amount: Counter[tuple[str, ...]] = Counter()
        self.whose: dict[tuple[str, ...], set[object]] = {}

    def add(self, key: tuple[str, ...], whose: object, hit: object = False, amount: int = 0) -> None:
        self.n[key] += 1
        self.hits[key] += bool(hit)
        self.amount[key] += amount
        self.whose.setdefault(key, set()).add(whose)

    def cells(self) -> Cells:
        return {
            key: (n, self.hits[key], self.amount[key], len(self.whose[key]) < FEWEST)
            for key, n in self.n.items()
        }


ON_ITS_WAY = {"planned", "waiting", "attempting", "uncertain"}


def settled(clinic: Clinic) -> list[Message]:
    rows = Message.objects.filter(clinic=clinic, send_at__gte=datetime(2026, 1, 1, 7, tzinfo=UTC))
    return [one for one in rows.select_related("patient") if one.state not in ON_ITS_WAY]


def messages(clinic: Clinic) -> Cells:
    plain = Plain()
    for one in settled(clinic):
        key = (month(one.send_at), one.state, one.channel, one.language or one.patient.language)
        plain.add(key, one.patient_id, one.sent_at, one.segments)
    return plain.cells()


def asked(clinic: Clinic) -> Cells:
    plain, answered = Plain(), set(Answer.objects.values_list("message_id", flat=True))
    for one in settled(clinic):
        if one.asks and one.sent_at:
            key = (one.template, one.language or one.patient.language)
            plain.add(key, one.patient_id, one.pk in answered)
    return plain.cells()


def pains(clinic: Clinic) -> Cells:
    plain = Plain()
    for visit in Visit.objects.filter(
        course__patient__clinic=clinic, state="completed", on_date__lt=next_month(NOW)
    ):
        given = Answer.objects.filter(message__visit=visit, question="pain", late=False).order_by(
            "-answered_at", "-id"
        )
        if last := given.first():
            length = Visit.objects.filter(course=visit.course_id).exclude(state="cancelled").count()
            plain.add((str(visit.number), str(length)), last.patient_id, amount=int(last.value))
    return plain.cells()


def known_before(visit: Visit) -> str:
    told = Message.objects.filter(visit=visit, visit_version__in=(0, visit.version))
    if Answer.objects.filter(message__in=told, question__in=("ready", "confirm"), value="yes").exists():
        return "confirmed"
    arrived = [one for one in told if one.topic == "reminders" and has_arrived(one)]
    return "reminded" if arrived else "neither"


def has_arrived(one: Message) -> bool:
    return one.state == "delivered" or (one.channel == "email" and one.state in ("accepted", "unknown"))


def visits(clinic: Clinic) -> Cells:
    plain = Plain()
    rows = Visit.objects.filter(course__patient__clinic=clinic, state__in=("completed", "no_show"))
    for visit in rows.select_related("course"):
        plain.add((known_before(visit),), visit.course.patient_id, visit.state == "no_show")
    return plain.cells()


def replies(clinic: Clinic) -> Cells:
    plain = Plain()
    for one in clinic_replies(clinic):
        unread = one.outcome == "alert" and not (one.answer or one.keyword or one.urgency)
        plain.add((one.language,), one.patient_id, unread)
    return plain.cells()


def clinic_replies(clinic: Clinic) -> list[Any]:
    return [one for one in Reply.objects.filter(clinic=clinic) if month(one.received_at) <= NOW.isoformat()]


def stopped(clinic: Clinic) -> Cells:
    ended = {
        (month(one.at), one.channel, one.patient_id)
        for one in Consent.objects.filter(patient__clinic=clinic, action="withdrawn")
    }
    plain = Plain()
    for first, channel, patient in ended:
        plain.add((first, channel), patient)
    return plain.cells()


HELD: list[tuple[Wanted, Callable[[Clinic], Cells]]] = [
    (("message", ("month", "detail", "channel", "language")), messages),
    (("asked", ("subject", "language")), asked),
    (("pain", ("subject", "detail")), pains),
    (("visit", ("detail",)), visits),
    (("reply", ("language",)), replies),
    (("stopped", ("month", "channel")), stopped),
]


def differences(clinic: Clinic) -> list[str]:
    """The kinds whose counts are not those of the rows."""
    return [kind for (kind, by), plain in HELD if shown(clinic, kind, *by) != plain(clinic)]


def alerts_by_hand(clinic: Clinic) -> dict[tuple[str, str], tuple[int, int, int | None]]:
    found: dict[tuple[str, str], list[Alert]] = {}
    for one in Alert.objects.filter(clinic=clinic):
        hours = "staffed" if clinic_time(clinic).is_open(one.opened_at) else "closed"
        found.setdefault((one.urgency, hours), []).append(one)
    return {key: (len(rows), *_taken(rows)) for key, rows in found.items()}


def _taken(rows: list[Alert]) -> tuple[int, int | None]:
    waits = [
        int((one.acknowledged_at - one.opened_at).total_seconds()) for one in rows if one.acknowledged_at
    ]
    return len(waits), median_low(waits) if waits else None


def counts() -> list[Any]:
    columns = (
        "month",
        "kind",
        "subject",
        "detail",
        "channel",
        "language",
        "n",
        "hits",
        "amount",
        "few",
        "seconds",
    )
    return sorted(str(row) for row in ReportCount.objects.values_list("clinic", *columns))


def test_the_counts_are_those_of_the_rows_whatever_comes_late_or_twice(clinic: Clinic) -> None:
    reporting.tell(clinic, 9)
    reporting.tell(make_clinic(name="Far Clinic"), 3, seed=9)
    list(count_up.rebuild())
    assert differences(clinic) == []
    assert {
        (one.urgency, one.hours): (one.opened, one.taken, one.median) for one in waits(scope(clinic))
    } == (alerts_by_hand(clinic))
    before = counts()
    list(count_up.rebuild())
    assert counts() == before
    _late_news(clinic)
    assert set(differences(clinic)) >= {"message", "asked", "pain", "visit"}
    assert len(list(count_up.rebuild())) == ReportMonth.objects.count()
    assert differences(clinic) == []


def _late_news(clinic: Clinic) -> None:
    """A report of what arrived comes late, an answer is put right and another taken back, a visit is marked
    otherwise, and a message is sent at last."""
    Message.objects.filter(clinic=clinic, state="unknown").update(state="delivered")
    pain = Answer.objects.filter(patient__clinic=clinic, question="pain", late=False)
    pain.update(value="10")
    Answer.objects.filter(patient__clinic=clinic, question="ready").delete()
    Visit.objects.filter(course__patient__clinic=clinic, state="no_show").update(state="completed")
    late = Message.objects.filter(clinic=clinic, state="skipped").first()
    assert late
    Message.objects.filter(pk=late.pk).update(state="accepted", sent_at=late.send_at, segments=2)


def _is_asked_for(one: Message, channel: str = "", language: str = "", first: date = date.min) -> bool:
    spoken = one.language or one.patient.language
    return (
        channel in ("", one.channel) and language in ("", spoken) and month(one.send_at) >= first.isoformat()
    )


def test_sums_of_any_cells_know_whether_they_are_few(clinic: Clinic) -> None:
    """Whether months, languages or channels are put together: five different people, not five messages."""
    reporting.tell(clinic, 9, seed=3)
    list(count_up.rebuild())
    asked: list[dict[str, Any]] = [{}, {"channel": "sms"}, {"language": "en-CA"}, {"first": NOW}]
    for narrower in asked:
        rows = [one for one in settled(clinic) if _is_asked_for(one, **narrower)]
        [cell] = shown(clinic, "message", **narrower).values()
        assert cell[0] == len(rows)
        assert cell[3] == (len({one.patient_id for one in rows}) < FEWEST)
    assert shown(clinic, "message", language="ko") == {}


def test_a_month_is_the_one_on_the_wall_of_the_clinic(clinic: Clinic) -> None:
    """Half past eleven in the evening of 31 October in Vancouver is November by the sun of Greenwich."""
    reporting.tell(clinic, 1)
    Message.objects.update(send_at=datetime(2026, 11, 1, 6, 30, tzinfo=UTC), state="delivered")
    count_up.count_up()
    assert {key[0] for key in shown(clinic, "message", "month")} == {"2026-10-01"}


def test_this_month_is_counted_each_time_the_last_each_hour_and_older_ones_once_a_day(clinic: Clinic) -> None:
    reporting.tell(clinic, 3)
    Message.objects.filter(pk=Message.objects.exclude(state="planned").earliest("pk").pk).update(
        send_at=datetime(2025, 12, 24, tzinfo=UTC), state="delivered"
    )
    older = len(up_to(date(2025, 12, 1), NOW)) - 2
    done = [count_up.count_up() for _ in range(older + 1)]
    assert done == [3, *[2] * (older - 1), 1]
    known = counted(clinic.pk, date(2020, 1, 1), NOW)
    assert known is not None
    assert (known.first, known.last, known.newest_at, known.missing) == (date(2025, 12, 1), NOW, NOON, 0)
    set_now(NOON + count_up.LAST_AFTER)
    assert count_up.count_up() == 2
    set_now(NOON + count_up.OLDER_AFTER + count_up.LAST_AFTER)
    assert count_up.count_up() == 3
    set_now(NOON - timedelta(days=3))
    assert count_up.count_up() == 3


def test_who_is_forgotten_stays_a_number(clinic: Clinic) -> None:
    reporting.tell(clinic, 6, seed=4)
    list(count_up.rebuild())
    before = shown(clinic, "message", "month", "detail")
    patient = Message.objects.filter(clinic=clinic).earliest("pk").patient
    Alert.objects.update(closed_at=NOON)
    forget.forget(patient.pk, by=make_staff(clinic).email)
    list(count_up.rebuild())
    after = shown(clinic, "message", "month", "detail")
    assert {key: cell[0] for key, cell in after.items() if key[1] == "delivered"} == {
        key: cell[0] for key, cell in before.items() if key[1] == "delivered"
    }


def test_two_who_count_at_once_count_once(open_clinic: Clinic) -> None:
    with transaction.atomic():
        reporting.tell(open_clinic, 4, seed=5)
        Message.objects.exclude(state="planned").update(send_at=NOON - timedelta(hours=1))

    def at_once(_number: int) -> None:
        try:
            count_up.count_month(open_clinic, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as crew:
        list(crew.map(at_once, range(8)))
    [total] = sums(scope(open_clinic, first=NOW), [("message", ())])[0]
    rows = [one for one in settled(open_clinic) if month(one.send_at) == NOW.isoformat()]
    assert total == Sum((), len(rows), total.hits, total.amount, few=total.few)
    assert ReportMonth.objects.count() == 1


def test_the_command_counts_everything_anew(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    reporting.tell(clinic, 2)
    call_command("count_up", all=True)
    assert capsys.readouterr().out == f"{ReportMonth.objects.count()} months counted\n"
    assert differences(clinic) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("2026-11", NOW), ("2026-13", None), ("", None), ("2026-1", None), ("2026-1-", None), ("١٢٣٤-٠١", None)],
)
def test_months_are_read_and_stepped_through(text: str, found: date | None) -> None:
    assert read_month(text) == found
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert previous_month(date(2026, 1, 1)) == date(2025, 12, 1)
    assert up_to(date(2026, 2, 1), date(2026, 1, 1)) == []
