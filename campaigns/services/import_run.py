"""Carry on with the imports that are under way, some rows at a time: the dry run, the change, the undoing.

Each step is one transaction that holds the import and writes what it did beside the rows: whatever dies, the
next step takes up the rows that are left, and no row is taken twice. A lost or doubled call changes latency.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from django.db import transaction

from campaigns.models import Import, ImportRow
from campaigns.queries import clock
from campaigns.services import import_undo
from campaigns.services.import_batches import carry_out, next_rows, rehearse, remember
from campaigns.services.import_files import erase_old
from campaigns.services.import_look import look
from campaigns.services.import_patients import sums
from campaigns.services.record import record

BUDGET = 5.0
"""Seconds in which one call goes on; the next call takes up the rest."""


def run(budget: float = BUDGET) -> bool:
    """Work for up to `budget` seconds (and the step in hand); whether something is left to do."""
    until = monotonic() + budget
    while step():
        if monotonic() >= until:
            return True
    erase_old()
    return False


@transaction.atomic
def step() -> bool:
    """Some rows of the oldest import under way that nobody else has in hand; False without one."""
    waiting = Import.objects.filter(state__in=STEPS).order_by("uploaded_at")
    of = (
        waiting.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("clinic")
        .first()
    )
    if of is None:
        return False
    STEPS[of.state](of)
    return True


def _check(of: Import) -> None:
    if of.lines.filter(state=ImportRow.State.NEW).exists():
        look(of)
    elif rows := next_rows(of, looked_ahead=False):
        rehearse(of, rows, by=of.uploaded_by)
    else:
        of.state, of.checked_at = Import.State.CHECKED, clock.now()
        of.save(update_fields=["state", "checked_at"])


def _apply(of: Import) -> None:
    if rows := next_rows(of, looked_ahead=True):
        carry_out(of, rows, by=of.applied_by)
        return
    # What was there already is remembered too: the next file must find it by the source's own numbers.
    nothing = of.lines.filter(state=ImportRow.State.NOTHING).exclude(patient=None)
    remember(of, list(nothing.order_by("number")))
    now = clock.now()
    of.state, of.done_at = Import.State.DONE, now
    of.counts = sums(of).states
    of.save(update_fields=["state", "done_at", "counts"])
    record("import_done", f"import {of.pk}", actor=of.applied_by, now=now, detail=dict(of.counts))


STEPS: dict[str, Callable[[Import], None]] = {
    Import.State.CHECKING: _check,
    Import.State.APPLYING: _apply,
    Import.State.UNDOING: import_undo.undo_some,
}
