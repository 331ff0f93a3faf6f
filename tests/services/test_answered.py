"""A message knows whether its question is answered, whoever writes the answer down or takes it away."""

from __future__ import annotations

import pytest
from django.db import connection

from campaigns.models import Answer, Clinic, Message, Patient
from campaigns.queries import calls
from campaigns.queries.statements import statements
from tests.factories import NOON, make_clinic, make_patient, set_now
from tests.web import cast


@pytest.fixture
def patient(db: None) -> Patient:
    set_now(NOON)
    return make_patient(make_clinic(), sequences=["aftercare"]).patient


def asked(patient: Patient, group: str, **more: object) -> Message:
    """A question that has left, as a step of the patient's enrollment."""
    enrollment = patient.courses.get().enrollments.get()
    message = cast.question(patient)
    about = {"enrollment": enrollment, "visit": cast.first_visit(patient), "group": group, "visit_version": 1}
    known = {**about, "step": f"step{message.pk}", **more}
    Message.objects.filter(pk=message.pk).update(**known)
    message.refresh_from_db()
    return message


def marked(*messages: Message) -> list[bool]:
    known = {row.pk: row.answered for row in Message.objects.filter(pk__in=[one.pk for one in messages])}
    return [known[one.pk] for one in messages]


def test_an_answer_marks_every_asking_of_its_question_and_no_other(patient: Patient) -> None:
    first, again, unsent = (asked(patient, "next_day") for _ in range(3))
    Message.objects.filter(pk=unsent.pk).update(sent_at=None, state="planned")
    others = [asked(patient, "week"), asked(patient, "next_day", visit_version=2), asked(patient, "")]
    answer = cast.answer(again, "4")
    assert marked(first, again, unsent, *others) == [True, True, False, False, False, False]
    Answer.objects.filter(pk=answer.pk).update(message=others[2])
    assert marked(first, again, *others) == [False, False, False, False, True]
    Answer.objects.all().delete()
    assert not any(marked(first, again, *others))


def test_an_answer_of_two_that_is_taken_away_leaves_the_question_answered(patient: Patient) -> None:
    first, again = asked(patient, "next_day"), asked(patient, "next_day")
    cast.answer(first, "4")
    cast.answer(again, "5").delete()
    assert marked(first, again) == [True, True]


def test_what_was_answered_before_messages_said_so_is_on_no_call_list(patient: Patient) -> None:
    first = asked(patient, "next_day")
    cast.answer(first, "4")
    Message.objects.update(answered=False)
    set_now(NOON + calls.LOOK_BACK / 2)
    clinic = Clinic.objects.get()
    assert calls.call_list(clinic, NOON + calls.LOOK_BACK / 2).today == []
    Answer.objects.all().delete()
    [entry] = calls.call_list(clinic, NOON + calls.LOOK_BACK / 2).today
    assert [item.message for item in entry.items] == [first]


@pytest.mark.parametrize(
    ("statement", "index"),
    [("calls", "message_unanswered"), ("unsent", "message_not_arrived")],
)
def test_the_lists_of_the_front_desk_are_read_from_indexes(
    patient: Patient, statement: str, index: str
) -> None:
    """With a table large enough that the planner has a choice."""
    message = asked(patient, "next_day")
    with connection.cursor() as cursor:
        names = [str(field.column) for field in Message._meta.concrete_fields if field.column != "id"]
        other = {"step": "step || n", "answered": "true", "enrollment_id": "NULL", "visit_id": "NULL"}
        other |= {"state": "'undelivered'", "capped": "false", "send_at": "send_at - n * interval '1 day'"}
        other |= {"settled_at": "send_at - n * interval '1 day'"}
        values = ", ".join(other.get(name, name) for name in names)
        cursor.execute(
            f"INSERT INTO message ({', '.join(names)}) SELECT {values}"  # noqa: S608
            " FROM message, generate_series(1, 5000) n WHERE id = %s",
            [message.pk],
        )
        cursor.execute("ANALYZE message")
        about = calls.parameters(Clinic.objects.get(), NOON) | {"limit": 25, "offset": 0, "week_ago": NOON}
        cursor.execute("EXPLAIN " + statements("desk.sql")[statement], about)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan
    assert "Seq Scan on message" not in plan
