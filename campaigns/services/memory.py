"""Notice that the database was put back to an earlier state, and stop sending by itself.

A restored database does not know that it is old: what was sent since the backup looks due to it. So every
process that sends bears witness. Each state folder has a name and a count, kept in a file there and in a row
of the database; both rise every few seconds. A row that is behind its file means that the database forgot
something; then sending is paused, a new life of the database begins, and nobody can resume before `campaigns
reconcile-restore` has looked up what had gone.

Where a folder remembers nothing but the database knows other places, and none of those was heard of lately,
the machine may be new, or the database may be a copy. That is paused too.

A process remembers from `begin` on. Nothing is remembered in a test or a command that sends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.db import transaction

from campaigns.delivery import remembered
from campaigns.delivery.remembered import Remembered
from campaigns.models import Attempt, Installation
from campaigns.queries import clock, witnesses
from campaigns.queries.witnesses import Seen
from campaigns.services import installation
from campaigns.services.record import record

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two counts of one place."""
FRESH = 120.0
"""For so many seconds after its last count another place is taken to be at work with this database."""
JITTER = 1
"""A database that lost its last moments in a crash or a fail-over may be one count behind: no restore is that
young."""
LONGEST_LOOK = timedelta(days=7)
"""How far back the lost time begins where nothing in the database says when it was alive."""

BEHIND = "The database is older than what this machine remembers of it: was a backup restored?"
STRANGE = "This machine does not know this database, and no machine that does is at work."


class DatabaseWentBack(Exception):
    """The row of the installation is gone under a running process: it is being put back just now."""


@dataclass
class _Memory:
    """What this process remembers: where, and of which life of the database it was a witness last."""

    folder: Path | None = None
    incarnation: UUID | None = None
    can_write: bool = True


_memory = _Memory()


def begin(folder: Path) -> None:
    """Remember from now on, in this folder."""
    _memory.folder, _memory.incarnation, _memory.can_write = folder, None, True


@contextmanager
def remembering(folder: Path) -> Iterator[None]:
    """Remember in this folder until the end of the block."""
    begin(folder)
    try:
        yield
    finally:
        _memory.folder = None


def remember() -> None:
    """Hold the database against what this machine remembers, and count on; pause where it does not fit.

    Call it before anything is claimed. One question to the database, and every `EVERY` seconds a write.
    Raises DatabaseWentBack while there is nothing to hold against.
    """
    if _memory.folder is None:
        return
    known = remembered.read(_memory.folder, _memory.incarnation) if _memory.incarnation else None
    place = known.place if known else uuid4()
    seen = witnesses.seen(place, every=EVERY, fresh=FRESH)
    if seen is None or seen.incarnation is None or seen.incarnation != _memory.incarnation:
        _meet(_memory.folder)
    elif not _memory.can_write:
        return
    elif known is None or _is_behind(seen, known):
        _meet(_memory.folder)
    elif seen.is_due:
        _count_on(_memory.folder, seen.incarnation, known)


def _meet(folder: Path) -> None:
    """Look again under the lock of the installation's row: only one process decides, and once."""
    before = _memory.incarnation
    if before is None:
        installation.status()
    with transaction.atomic():
        row = Installation.objects.select_for_update().filter(pk=1).first()
        if row is None:
            raise DatabaseWentBack
        known = remembered.read(folder, row.incarnation) if row.incarnation else None
        seen = witnesses.seen(known.place if known else uuid4(), every=EVERY, fresh=FRESH)
        why = _misfit(seen, known, remembered.read(folder, before) if before else None) if seen else ""
        if why:
            _stop(row, why)
            known = None
        elif row.incarnation is None:
            row.incarnation = uuid4()
            row.save(update_fields=["incarnation"])
        incarnation = row.incarnation
    if incarnation:
        _count_on(folder, incarnation, known or Remembered(uuid4(), 0))


def _is_behind(seen: Seen, known: Remembered) -> bool:
    return (seen.count or 0) < known.count - JITTER


def _misfit(seen: Seen, known: Remembered | None, before: Remembered | None) -> str:
    """Why this database is not the one we know, in a sentence; nothing where it is, or where all is new.

    `before` is what this very process remembers of the life of the database that it worked with until now.
    """
    if known is not None:
        return BEHIND if _is_behind(seen, known) else ""
    if seen.incarnation is None:
        # Before anybody ever bore witness: a first start, unless this process has known it otherwise.
        return BEHIND if before and _is_behind(seen, before) else ""
    is_strange = seen.any and not seen.others and Attempt.objects.exists()
    return STRANGE if is_strange else ""


def _stop(row: Installation, why: str) -> None:
    """Pause, say why, and begin a new life: whoever remembers the old one is not asked about this one."""
    until = witnesses.real_now()
    # A second restore before the first was looked into: the longer time counts.
    row.lost_since = row.lost_since or witnesses.newest_sign() or until - LONGEST_LOOK
    row.lost_until, row.incarnation = until, uuid4()
    row.paused, row.paused_reason = True, why[: installation.LONGEST_REASON]
    row.save(update_fields=["lost_since", "lost_until", "incarnation", "paused", "paused_reason"])
    witnesses.forget_all()
    detail = {"why": why, "lost_since": row.lost_since.isoformat()}
    record("paused_by_itself", "installation", actor="memory", now=clock.now(), detail=detail)
    log.error("sending is paused", extra={"why": why})


def _count_on(folder: Path, incarnation: UUID, known: Remembered) -> None:
    """The database first: a file that is ahead of it would be a false alarm. A folder that cannot be written
    remembers nothing and says so once; then the database must not expect it to."""
    _memory.incarnation = incarnation
    if not _memory.can_write:
        return
    try:
        if not known.count:
            remembered.write(folder, incarnation, known)
        count = witnesses.count_on(known.place, known.count, every=EVERY)
        if count is not None:
            remembered.write(folder, incarnation, Remembered(known.place, count))
    except OSError as error:
        _memory.can_write = False
        log.error("the state folder cannot be written: no restore is noticed", extra={"why": error.strerror})
