"""Whoever guesses waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import Guess
from campaigns.services import guesses
from campaigns.services.guesses import FREE, LONGEST_WAIT, count, forgive, password_keys, wait_after

ME, HERE = "robin@clinic.example", "192.0.2.1"


def later(wait: timedelta) -> None:
    """As if so much time had gone by."""
    for row in Guess.objects.all():
        Guess.objects.filter(pk=row.pk).update(shut_until=row.shut_until - wait, since=row.since - wait)


def test_each_wrong_try_waits_twice_as_long_up_to_a_limit() -> None:
    waits = [wait_after(wrong, FREE) for wrong in range(1, 200)]
    assert waits[: FREE - 1] == [timedelta(0)] * (FREE - 1)
    seconds = " ".join(str(wait.seconds) for wait in waits[FREE - 1 : FREE + 7])
    assert seconds == "15 30 60 120 240 480 900 900"
    assert max(waits) == LONGEST_WAIT


def test_ten_thousand_guesses_in_a_day_are_a_hundred(db: None) -> None:
    """Nobody counts ten thousand here: after each try the guesser waits as long as told, for a day."""
    keys, tries, gone = password_keys(ME, HERE), 0, timedelta(0)
    while gone < timedelta(days=1):
        assert count(keys)
        tries += 1
        shut = max(row.shut_until for row in Guess.objects.all()) - timezone.now()
        if shut > timedelta(0):
            assert not count(keys), "and before that no try is looked at"
            later(shut)
            gone += shut
    assert tries < 110


def test_the_right_one_clears_the_account_and_takes_back_one_of_the_address(db: None) -> None:
    mine, theirs = password_keys(ME, HERE), password_keys("ada@clinic.example", HERE)
    for _ in range(3):
        assert count(theirs)
    assert count(mine)
    forgive(mine)
    assert sorted(Guess.objects.values_list("wrong", flat=True)) == [3, 3]
    later(guesses.FORGET_AFTER + timedelta(minutes=1))
    assert count(theirs)
    assert sorted(Guess.objects.values_list("wrong", flat=True)) == [1, 1]


def test_one_address_may_not_try_account_after_account(db: None) -> None:
    passed = [count(password_keys(f"{number}@clinic.example", HERE)) for number in range(60)]
    assert passed.index(False) == guesses.FREE_FROM_ONE_ADDRESS
    assert count(password_keys(ME, "192.0.2.2"))
    near, far = password_keys(ME, "2001:db8::1"), password_keys(ME, "2001:db8:0:1::1")
    assert near == password_keys(ME, "2001:db8::2") != far, "one customer has every address of a /64"


def test_people_who_mistype_each_day_never_shut_the_door_of_their_clinic(db: None) -> None:
    for day in range(8):
        assert all(count(password_keys(f"{day}{number}@clinic.example", HERE)) for number in range(10)), day
        later(guesses.FORGET_AFTER / 2 + timedelta(minutes=1))


@pytest.mark.usefixtures("committed")
def test_many_at_once_are_not_more_than_one_after_the_other() -> None:
    def guess(_: int) -> bool:
        try:
            return count(guesses.code_keys(1))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(24))) == FREE
