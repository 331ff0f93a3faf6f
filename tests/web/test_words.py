"""Every state and reason has words: nothing on a page is a code."""

from __future__ import annotations

import pytest

from campaigns.domain.lifecycle import Purpose, Reason, State
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.models import Alert, ContactPoint, Reply
from campaigns.queries import lexicons, sequence_files
from campaigns.services.samples import STATES
from campaigns.services.sign_off import FROM, Act
from campaigns.services.standings import Standing, in_order
from campaigns.web import words
from campaigns.web.words import Words


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (words.STATES, list(State)),
        (words.TONES, list(State)),
        (words.REASONS, list(Reason)),
        (words.PURPOSES, list(Purpose)),
        (words.VISIT_KINDS, list(VisitKind)),
        (words.VISIT_STATES, list(VisitState)),
        (words.URGENCIES, Alert.Urgency.values),
        (words.ALERT_OUTCOMES, Alert.Outcome.values),
        (words.REPLY_OUTCOMES, Reply.Outcome.values),
        (words.ADDRESS_STATES, ContactPoint.State.values),
        (words.QUESTIONS, list(sequence_files.questions())),
        (words.STANDINGS, list(Standing)),
        (words.STANDING_TONES, list(Standing)),
        (words.SAMPLES, list(STATES)),
        (words.ACTS, [act for act in Act if act in FROM]),
        (words.ACT_DETAILS, [act for act in Act if act in FROM]),
        (words.FOLDERS, sorted({template.partition("/")[0] for template, _ in in_order()})),
    ],
)
def test_it_has_words_for_every_value_and_no_other(table: Words, keys: list[str]) -> None:
    assert set(table) == {str(key) for key in keys}


def test_it_writes_every_reason_as_a_sentence() -> None:
    for reason in Reason:
        told = str(words.REASONS[reason])
        assert told[0].isupper(), reason
        assert told.endswith("."), reason


def test_it_shows_an_unknown_word_readably() -> None:
    assert words.FILTERS["state"]("not_known_yet") == "not known yet"


def test_it_says_why_an_alert_was_opened_whatever_the_rule() -> None:
    rules = {rule.id for rule in lexicons.load().rules}
    assert {rule for rule in rules if rule.rpartition(".")[2] not in words.RULES} == set()
    assert words.FILTERS["rule"]("fr.chest") == "Chest"
    assert words.FILTERS["rule"]("not_known.yet") == "yet"
