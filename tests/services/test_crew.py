"""As many threads send at once as the other end keeps busy."""

from __future__ import annotations

import threading
import time

import pytest

from campaigns.delivery.channels import Outcome, Outgoing
from campaigns.models import Clinic, Message
from campaigns.services import deliver, send
from campaigns.services.crew import LEAST, SLOW_SECONDS, Crew
from tests.factories import make_patient, set_now
from tests.services.fakes import FakeSender, accept, due_text

QUICK, SLOW = SLOW_SECONDS / 10, SLOW_SECONDS * 5


def test_quick_rounds_need_fewer_threads_and_never_too_few() -> None:
    crew = Crew()
    sizes = []
    for _ in range(5):
        sizes.append(crew.start(16))
        crew.took(SLOW)
        assert not crew.took(QUICK)
    assert sizes == [16, 8, 4, LEAST, LEAST]


def test_each_slow_try_calls_one_more_up_to_the_most() -> None:
    crew = Crew()
    for _ in range(5):
        crew.start(6)
        crew.took(QUICK)
    assert crew.start(6) == LEAST
    assert [crew.took(SLOW) for _ in range(6)] == [True, True, True, True, False, False]
    assert crew.start(6) == 6


def test_one_thread_stays_one() -> None:
    crew = Crew()
    crew.start(1)
    crew.took(QUICK)
    assert crew.start(1) == 1


def test_a_provider_that_becomes_slow_soon_has_all_threads_at_work(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.SENDER_THREADS = 4  # type: ignore[attr-defined]
    crew = Crew()
    monkeypatch.setattr(deliver, "_crew", lambda: crew)
    for _ in range(4):
        crew.start(4)
        crew.took(QUICK)
    texts = [due_text(make_patient(clinic, email="", phone=f"+160455501{n}")) for n in range(10, 22)]
    at_once, most, lock = 0, 0, threading.Lock()

    def slowly(outgoing: Outgoing) -> Outcome:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(SLOW)
        with lock:
            at_once -= 1
        return accept(outgoing)

    provider.answer = slowly
    set_now(texts[0].send_at)
    send.drain()
    assert (len(provider.sent), most) == (12, 4)
    assert Message.objects.filter(state="accepted").count() == 12
