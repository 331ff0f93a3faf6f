"""The reports: page and file say the same, few people are never a share, and rows cost no queries."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import Clinic, Message, Patient, ReportCount, Staff
from campaigns.services import count_up
from campaigns.web import charts
from campaigns.web.charts import Value
from tests import reporting
from tests.factories import NOON, set_now

KEYS = (
    *(
        "delivery",
        "answers-by-step",
        "answers-by-language",
        "answers",
        "alerts",
        "pain-all",
        "pain",
        "no-shows",
    ),
    *("stopped", "cost-by-month", "cost-by-language", "cost", "not-understood"),
)


def text(client: Client, address: str = "/reports") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def sheet(client: Client, key: str, asked: str = "") -> list[list[str]]:
    answer = client.get(f"/reports/{key}.csv{asked}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def bare(figure: str) -> str:
    return re.sub(r"[ ,%\u00a0\u202f]", "", figure)


def test_it_says_when_nothing_is_counted_yet(pages: Client) -> None:
    assert "Nothing is counted yet" in text(pages)
    assert len(sheet(pages, "delivery")) == 1
    assert pages.get("/reports/nonsense.csv").status_code == 404


def test_page_and_files_say_the_same_for_the_same_questions(
    pages: Client, clinic: Clinic, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    reporting.tell(clinic, 10)
    list(count_up.rebuild())
    with django_assert_max_num_queries(12):
        page = text(pages)
    assert re.findall(r'/reports/([a-z-]+)\.csv\?from=2025-12&amp;to=2026-11"', page) == list(KEYS)
    assert page.count("<svg") == page.count("<figcaption>") > 10
    assert "style=" not in page
    assert "<script" not in page
    for key in KEYS:
        headers, *rows = sheet(pages, key)
        assert rows, key
        section = page.partition(f'id="report-{key}"')[2].partition("</section>")[0]
        shown = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<t[dh][ >].*?</t[dh]>", section)]
        plain = {bare(one) for one in shown}
        assert {bare(name) for name in headers} <= plain, key
        whole = {cell for row in rows for cell in row if cell.isdecimal()}
        assert whole <= plain, key
    [sms] = sheet(pages, "delivery", "?channel=sms")[1:]
    assert int(sms[1]) == int(sms[2]) + int(sms[5])
    assert "/words/ar" in page
    assert sheet(pages, "delivery", "?channel=sms&language=ko")[1:] == []
    for nonsense in (
        "?from=x&to=2999-01&channel=carrier&language=<b>",
        "?from=0001-01",
        "?from=2026-11&to=2026-01",
    ):
        text(pages, f"/reports{nonsense}")
    _costs_no_query_a_row(pages, clinic, django_assert_max_num_queries)


def _costs_no_query_a_row(pages: Client, clinic: Clinic, most: DjangoAssertNumQueries) -> None:
    copies = list(ReportCount.objects.filter(clinic=clinic))
    for number in range(9):
        for row in copies:
            row.pk, row.subject = None, f"{row.subject}{number}" if row.kind == "asked" else row.subject
        ReportCount.objects.bulk_create(copies)
    with most(12):
        text(pages)


def test_few_people_are_not_shown_as_a_share(pages: Client, clinic: Clinic) -> None:
    reporting.tell(clinic, 4, seed=3)
    list(count_up.rebuild())
    for key in ("answers-by-step", "answers-by-language", "no-shows", "pain-all", "pain"):
        _headers, *rows = sheet(pages, key)
        assert {row[-1] for row in rows} == {"fewer than 5"}, key
    assert "%" not in text(pages).partition('id="report-answers-by-step"')[2].partition("</section>")[0]


def test_months_that_are_not_counted_yet_are_said(pages: Client, clinic: Clinic) -> None:
    reporting.tell(clinic, 1)
    Message.objects.update(send_at=NOON - timedelta(days=150), state="delivered")
    count_up.count_up()
    assert "3 of these months are not counted yet" in text(pages)
    list(count_up.rebuild())
    assert "not counted yet" not in text(pages)


def test_another_clinic_s_figures_are_not_shown(pages: Client, clinic: Clinic, stranger: Staff) -> None:
    reporting.tell(stranger.clinic, 2)
    count_up.count_up()
    assert len(sheet(pages, "delivery")) == 1
    set_now(NOON + timedelta(days=40))
    assert "2026-12" in text(pages)


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (21, 40), (41, 100), (999, 1000), (1001, 2000)],
)
def test_axes_begin_at_zero_and_end_at_a_round_number(most: float, top: float) -> None:
    assert charts.nice_top(most) == top
    drawn = charts.columns("x", [Value(label="a", value=most, said=""), Value(label="b", value=0, said="")])
    high, zero = drawn.marks
    assert zero.y == drawn.bottom == drawn.levels[0].y
    assert drawn.levels[-1].said == f"{top:g}"
    assert (drawn.bottom - high.y) / (drawn.bottom - drawn.levels[-1].y) == pytest.approx(
        most / top, abs=0.01
    )


def test_what_is_not_shown_has_no_mark() -> None:
    values = [Value(label="1", value=4, said="4.0"), Value(label="2", value=None, said="fewer than 5")]
    assert [mark.below for mark in charts.line("x", values, 10).marks] == ["1"]
    assert [(bar.length, bar.said) for bar in charts.bars("x", values).bars] == [
        (360, "4.0"),
        (0, "fewer than 5"),
    ]
    assert charts.bars("x", []).height == 0


def test_a_patient_s_page_is_not_needed(pages: Client, patient: Patient) -> None:
    """No name, number or id of a patient is on the page of reports, or in its files."""
    count_up.count_up()
    page = text(pages) + "".join(str(sheet(pages, key)) for key in KEYS)
    for said in ("Test Patient", str(patient.pk), "555"):
        assert said not in page.replace(str(patient.clinic_id), "")
