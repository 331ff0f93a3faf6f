"""Status callbacks, in our words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.events import TWILIO_STATES, from_twilio
from campaigns.domain.lifecycle import Reason, State


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", State.ACCEPTED),
        ("sending", State.ACCEPTED),
        ("sent", State.ACCEPTED),
        ("delivered", State.DELIVERED),
        ("read", State.DELIVERED),
        ("undelivered", State.UNDELIVERED),
        ("failed", State.UNDELIVERED),
        ("canceled", State.UNDELIVERED),
        ("DELIVERED", State.DELIVERED),
        ("received", None),
        ("teleported", None),
        ("", None),
    ],
)
def test_each_word_has_its_state(word: str, state: State | None) -> None:
    assert from_twilio({"MessageSid": "SM1", "MessageStatus": word}).state is state


@pytest.mark.parametrize(
    ("word", "code", "reason"),
    [
        ("undelivered", "30003", Reason.UNREACHABLE),
        ("undelivered", "30005", Reason.BAD_ADDRESS),
        ("undelivered", "30006", Reason.LANDLINE),
        ("undelivered", "30007", Reason.FILTERED),
        ("undelivered", "30034", Reason.PROVIDER_CONFIG),
        ("failed", "30036", Reason.EXPIRED),
        ("failed", "21610", Reason.OPTED_OUT),
        ("failed", "30001", Reason.UNREACHABLE),
        ("failed", "20429", Reason.UNREACHABLE),
        ("failed", "12345", Reason.PROVIDER_REFUSED),
        ("undelivered", "", Reason.UNREACHABLE),
        ("failed", "none", Reason.PROVIDER_REFUSED),
        ("canceled", "", Reason.OPERATOR_CANCELLED),
        ("delivered", "30003", None),
    ],
)
def test_what_did_not_arrive_says_why(word: str, code: str, reason: Reason | None) -> None:
    event = from_twilio({"MessageSid": "SM1", "MessageStatus": word, "ErrorCode": code})
    assert event.reason is reason
    assert event.error_code == code


def test_the_older_names_of_fields_are_read_too() -> None:
    event = from_twilio({"SmsSid": "SM1", "SmsStatus": "sent", "NumSegments": "3"})
    assert (event.provider_id, event.word, event.num_segments) == ("SM1", "sent", 3)


def test_values_are_cut_short_and_cleaned() -> None:
    event = from_twilio({"MessageSid": "SM\x00\n" + "1" * 500, "MessageStatus": "sent"})
    assert len(event.provider_id) <= 64
    assert event.provider_id.isprintable()


@given(
    st.dictionaries(st.sampled_from(["MessageSid", "MessageStatus", "ErrorCode", "NumSegments"]), st.text())
)
def test_nothing_in_a_callback_raises(params: dict[str, str]) -> None:
    event = from_twilio(params)
    assert event.state is TWILIO_STATES.get(event.word)
