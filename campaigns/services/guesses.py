"""Whoever guesses at the door waits, longer each time. Nobody is locked out for good, and no counter is kept
where a restart or an emptied cache would forget it."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from campaigns.models import Guess

FREE = 5
"""Wrong tries within a day before the first wait: people mistype."""
FREE_FROM_ONE_ADDRESS = 50
"""The same for everything from one address: a whole clinic may share it."""
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(days=1)


def password_keys(email: str, address: str) -> list[tuple[str, int]]:
    """What a try with a password counts against: this account from this address, and the address."""
    network = _network(address)
    account = _key("account", email.casefold(), network)
    return [(account, FREE), (_key("from", network), FREE_FROM_ONE_ADDRESS)]


def _network(address: str) -> str:
    """An IPv4 address; of IPv6 the /64, whose addresses are all one customer's."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else address


def code_keys(staff_id: int) -> list[tuple[str, int]]:
    """What a try with a code counts against: the account, from wherever. It takes the password to get here,
    so a stranger cannot shut the door for somebody else."""
    return [(_key("code", str(staff_id)), FREE)]


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@transaction.atomic
def count(keys: Sequence[tuple[str, int]]) -> bool:
    """Count a try before it is looked at, so that a thousand at once are a thousand; False: it must wait.

    Takes each key with how many wrong tries are free. A try that turns out right is given back by `forgive`.
    """
    now = timezone.now()
    rows = []
    for key, free in sorted(keys):
        Guess.objects.bulk_create([Guess(key=key, wrong=0, since=now, shut_until=now)], ignore_conflicts=True)
        rows.append((Guess.objects.select_for_update().get(pk=key), free))
    if any(row.shut_until > now for row, _ in rows):
        return False
    for row, free in rows:
        _count(row, free, now)
    return True


def _count(row: Guess, free: int, now: datetime) -> None:
    if now - row.since > FORGET_AFTER:
        # A day after the first, not the last: where many people work, somebody mistypes every day.
        row.wrong, row.since = 0, now
    row.wrong += 1
    row.shut_until = now + wait_after(row.wrong, free)
    row.save()


def wait_after(wrong: int, free: int) -> timedelta:
    """How long the door stays shut after so many wrong tries: doubled each time, to a limit."""
    if wrong < free:
        return timedelta(0)
    doubled: timedelta = FIRST_WAIT * 2 ** min(wrong - free, 20)
    return min(doubled, LONGEST_WAIT)


def forgive(keys: Sequence[tuple[str, int]]) -> None:
    """The try was right: the first key begins anew; of the others only this try is taken back, or whoever has
    one account could wipe what an address owes for guessing at others."""
    Guess.objects.filter(pk=keys[0][0]).delete()
    Guess.objects.filter(since__lt=timezone.now() - FORGET_AFTER).delete()
    for key, free in keys[1:]:
        _take_back(key, free)


@transaction.atomic
def _take_back(key: str, free: int) -> None:
    row = Guess.objects.select_for_update().filter(pk=key).first()
    if row is None:
        return
    row.wrong = max(0, row.wrong - 1)
    # This try had shut the door behind itself; what earlier ones are owed was waited for already.
    row.shut_until = timezone.now()
    row.save()
