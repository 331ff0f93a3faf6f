"""What people do meanwhile: staff move visits and call them off, patients write STOP. On threads of its
own."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from campaigns.domain.errors import CampaignsError
from campaigns.domain.visits import VisitState
from tests.chaos.ground import Planted
from tests.chaos.history import Post
from tests.chaos.sinks import ChaosTwilio

PATIENCE_SECONDS = 25.0
"""How long a text is posted again and again, as a provider with a fallback does."""
WORDS = ("STOP", "STOP", "ARRET", "STOP", "stop texting me", "Merci", "I will be there", "what time is it?")


class Desk:
    """Acts on patients that were planted a moment ago. `posts` says what was posted, and if we ever said
    yes."""

    def __init__(self, twilio: ChaosTwilio, chance: random.Random) -> None:
        self._twilio = twilio
        self._chance = chance
        self._staff = ThreadPoolExecutor(2, thread_name_prefix="desk")
        self._phones = ThreadPoolExecutor(6, thread_name_prefix="phones")
        self._over = threading.Event()
        self._numbers = count(1)
        self.posts: list[Post] = []
        self.done = 0
        self.failed = 0

    def act(self, what: str, some: list[Planted], stoppable: list[Planted]) -> Future[Any] | None:
        """Begin one act on somebody; None where there is nobody."""
        if what == "stop":
            return self._write(stoppable)
        if not some:
            return None
        one = self._chance.choice(some)
        act = self._move if what == "move" else self._cancel
        return self._staff.submit(self._carefully, act, one, self._chance.randint(1, 40))

    def close(self) -> None:
        """Wait for what is under way."""
        self._phones.shutdown(wait=True)
        self._over.set()
        self._staff.shutdown(wait=True)

    def abandon(self) -> None:
        """The run is over, however it ended: nobody waits for anything."""
        self._over.set()
        for pool in (self._phones, self._staff):
            pool.shutdown(wait=False, cancel_futures=True)

    def _write(self, stoppable: list[Planted]) -> Future[Any] | None:
        """A patient writes: mostly to stop."""
        if not stoppable:
            return None
        words = self._chance.choice(WORDS)
        one = stoppable[-1]  # the newest: some of what is planned is still to come
        if words.isupper() or "stop" in words:
            stoppable.pop()
        return self._phones.submit(self._post, f"SMchaos{next(self._numbers)}", one, words)

    def _post(self, sid: str, one: Planted, words: str) -> None:
        """The same text again until somebody says yes; now and then also after that, as providers do."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        status = 0
        while not (200 <= status < 300 or self._over.is_set()) and time.monotonic() < deadline:
            status = self._twilio.reply(one.phone, words, message_sid=sid, to=one.clinic_number)
            self._over.wait(0 if status else 0.5)
        if status and sid.endswith("7"):
            self._twilio.reply(one.phone, words, message_sid=sid, to=one.clinic_number)
        self.posts.append(Post(provider_id=sid, answered=200 <= status < 300))

    def _carefully(self, act: Any, one: Planted, days: int) -> None:
        """A database that goes in the middle of it leaves the act done or undone; staff look and try
        again."""
        try:
            act(one, days)
            self.done += 1
        except CampaignsError:
            self.done += 1  # it is over, or it was called off a moment ago
        except (DatabaseError, InterfaceError):
            self.failed += 1
        finally:
            connection.close()

    def _move(self, one: Planted, days: int) -> None:
        from campaigns.models import Visit
        from campaigns.services import visits

        visit = Visit.objects.get(pk=one.visit)
        visits.move(one.visit, visit.on_date + timedelta(days=days), visit.at_time, by="chaos")

    def _cancel(self, one: Planted, days: int) -> None:
        from campaigns.services import visits

        visits.settle(one.visit, VisitState.CANCELLED, by="chaos")
