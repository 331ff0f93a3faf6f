"""The short form of `campaigns fuzz`: whatever comes in is stored once, and understood or before a person."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from campaigns.models import Clinic, Reply
from campaigns.services import receive, receive_mail
from tests.hostile.fuzzing import fuzz, target_at

pytestmark = pytest.mark.load


def test_whatever_comes_in_is_stored_once_and_understood_or_before_a_person(clinic: Clinic) -> None:
    result = fuzz(target_at(clinic), bodies=150, seed=7, huge=1)
    assert result.breaches == []
    assert min(result.counts[what] for what in ("understood", "person", "again", "mail personal")) > 2


@pytest.mark.parametrize(
    ("where", "what", "said"),
    [
        (receive, "act_on", "waiting, and before nobody"),
        (receive_mail, "_act", "stored and not read"),
        (receive_mail, "digest_of", "brought again it changed something"),
    ],
    ids=["rules that fail", "a reader that fails", "no mail is known again"],
)
def test_it_sees_what_it_looks_for(clinic: Clinic, where: object, what: str, said: str) -> None:
    """The fuzzer on a broken product."""
    target, numbers = target_at(clinic), iter(range(1_000))
    instead = (lambda raw: f"{next(numbers)}") if what == "digest_of" else _fail
    with patch.object(where, what, instead):
        result = fuzz(target, bodies=2 if what != "digest_of" else 1, seed=1, huge=0)
    assert any(said in breach for breach in result.breaches), result.breaches
    assert Reply.objects.count() <= 4


def _fail(*_: object) -> None:
    raise ValueError("broken for this test")
