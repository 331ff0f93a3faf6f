"""Every state and reason has words: nothing on a page is a code."""

from __future__ import annotations

import pytest

from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models import Alert, ContactPoint, Reply
from campaigns.queries import sequence_files
from campaigns.web import wording
from campaigns.web.wording import Words


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (wording.STATES, list(State)),
        (wording.TONES, list(State)),
        (wording.REASONS, list(Reason)),
        (wording.PURPOSES, list(Purpose)),
        (wording.VISIT_KINDS, list(VisitKind)),
        (wording.VISIT_STATES, list(VisitState)),
        (wording.URGENCIES, Alert.Urgency.values),
        (wording.ALERT_OUTCOMES, Alert.Outcome.values),
        (wording.REPLY_OUTCOMES, Reply.Outcome.values),
        (wording.ADDRESS_STATES, ContactPoint.State.values),
        (wording.QUESTIONS, list(sequence_files.questions())),
    ],
)
def test_it_has_words_for_every_value_and_no_other(table: Words, keys: list[str]) -> None:
    assert set(table) == {str(key) for key in keys}


def test_it_writes_every_reason_as_a_sentence() -> None:
    for reason in Reason:
        words = str(wording.REASONS[reason])
        assert words[0].isupper(), reason
        assert words.endswith("."), reason


def test_it_shows_an_unknown_word_readably() -> None:
    assert wording.FILTERS["state"]("not_known_yet") == "not known yet"
