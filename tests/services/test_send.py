"""Sending: every gate asked again, the attempt before the byte, one ending for each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.domain.lifecycle import State
from campaigns.models import Attempt, Clinic
from campaigns.services import send
from tests.factories import make_patient, message, set_now


def test_it_sends_what_is_due_and_nothing_else(clinic: Clinic) -> None:
    enrolled = make_patient(clinic)
    due = message(enrolled, "nsaids")
    set_now(due.send_at - timedelta(seconds=1))
    assert send.send_batch().tried == 0
    set_now(due.send_at)
    assert send.send_batch().tried == 2
    due.refresh_from_db()
    assert due.state == State.ACCEPTED
    assert due.body.startswith("Westside Clinic: ")
    assert Attempt.objects.get(message=due).provider_id
    assert message(enrolled, "avoid").state == State.PLANNED


@pytest.mark.parametrize("times", [2, 3])
def test_it_sends_each_message_once_however_often_it_is_asked(clinic: Clinic, times: int) -> None:
    enrolled = make_patient(clinic)
    set_now(message(enrolled, "nsaids").send_at)
    for _ in range(times):
        send.drain()
    assert Attempt.objects.count() == 2
