"""A code counts once, on however many machines, and what proves who somebody is cannot be read in a dump."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection

from campaigns.domain.one_time_codes import matching_step
from campaigns.models import AuditEntry, Staff
from campaigns.services import second_factor
from tests.factories import make_clinic, make_staff
from tests.web.proofs import SECRET, shown, with_app


@pytest.mark.usefixtures("committed")
def test_a_code_that_comes_six_times_at_once_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    staff = make_staff(make_clinic(approved=False))
    paper = with_app(staff)[0]

    def slow(*args: Any, **kwargs: Any) -> int | None:
        time.sleep(0.05)  # all six have read what was used so far, unless something makes them wait
        return matching_step(*args, **kwargs)

    monkeypatch.setattr(second_factor, "matching_step", slow)

    together = Barrier(6)

    def use(code: str) -> bool:
        try:
            who = Staff.objects.get(pk=staff.pk)
            together.wait(30)
            return second_factor.use_code(who, code) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(use, [shown()] * 6)) == 1
        assert sum(pool.map(use, [paper] * 6)) == 1
    assert second_factor.codes_left(staff) == 9


def test_nothing_that_proves_anything_is_stored_readably(db: None) -> None:
    staff = make_staff(make_clinic(approved=False))
    codes = with_app(staff)
    stored = str(list(Authenticator.objects.values())) + str(list(AuditEntry.objects.values()))
    assert SECRET not in stored
    assert [code for code in codes if code in stored] == []
    assert "'seed': 'k" in stored, "it is a stored value with the id of its key"
    assert len({second_factor.new_secret() for _ in range(50)}) == 50
