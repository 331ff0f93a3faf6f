"""Which question a reply may answer, whatever was asked in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.dialogue import Asked, closed_questions, open_question

START = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
HOURS = st.integers(0, 24 * 20)


def asked(number: int, hours: int, group: str, *, answered: bool = False) -> Asked:
    return Asked(
        message=number,
        patient=UUID(int=number % 2),
        enrollment=UUID(int=9) if group else None,
        group=group,
        visit=None,
        visit_version=0,
        asks="pain",
        sent_at=START + timedelta(hours=hours),
        answered=answered,
    )


QUESTIONS = st.lists(
    st.tuples(HOURS, st.sampled_from(["", "next_day", "week"]), st.booleans()), max_size=6
).map(lambda rows: [asked(n, at, group, answered=done) for n, (at, group, done) in enumerate(rows)])


@given(QUESTIONS, HOURS)
def test_only_the_newest_is_open_and_no_answered_or_old_one_ever(questions: list[Asked], hours: int) -> None:
    now = START + timedelta(hours=hours)
    one = open_question(questions, now)
    if one is not None:
        assert all((other.sent_at, other.message) <= (one.sent_at, one.message) for other in questions)
        assert not one.answered
        assert now < one.sent_at + timedelta(hours=36 if one.group == "next_day" else 72)


@given(QUESTIONS, HOURS)
def test_every_recent_question_is_open_or_answered_or_closed_once(questions: list[Asked], hours: int) -> None:
    now = START + timedelta(hours=hours)
    waiting = open_question(questions, now)
    closed = closed_questions(questions, waiting, now)
    names = [one.about for one in closed]
    assert len(names) == len(set(names))
    assert waiting is None or waiting.about not in names
    newest = {one.about: one for one in sorted(questions, key=lambda one: (one.sent_at, one.message))}
    for about, one in newest.items():
        recent = one.sent_at > now - timedelta(days=14)
        assert (about in names) == (
            recent and not one.answered and (waiting is None or waiting.about != about)
        )
