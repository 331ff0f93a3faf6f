"""One step as a clinic wants it: read, held to the rules, written. `clinic_changes` proposes and applies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from campaigns.domain.overrides import Misfit, OffReason, Override, Unfit, effective, fits, misfits
from campaigns.domain.steps import Days, Sequence, Span, Step, Window
from campaigns.models import Clinic, StepSetting
from campaigns.queries import sequence_files, steps

NOTHING: dict[str, Any] = {
    "off": "",
    "note": "",
    "days": None,
    "minutes": None,
    "opens": None,
    "closes": None,
}
"""The values of a step that a clinic leaves as it is."""
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One step: as the file has it, as the clinic follows it, and what makes the difference.

    `off` is True as well for a step that only asks again what is off; `unfit` where what the clinic changed
    fits the file no longer and counts for nothing. `setting` says who changed it, where that was read.
    """

    file: Step
    step: Step
    override: Override
    off: bool
    unfit: bool
    setting: StepSetting | None = None


def followed(clinic: Clinic, key: str) -> tuple[Sequence, list[Followed]]:
    """A sequence as the clinic follows it, step by step. One query. Raises `UnknownSequence`."""
    file = sequence_files.load(key)
    rows = {row.step: row for row in StepSetting.objects.filter(clinic=clinic, sequence=key)}
    sequence, found = as_followed(clinic, file, [steps.override_of(row) for row in rows.values()])
    return sequence, [replace(one, setting=rows.get(one.file.key)) for one in found]


def as_followed(
    clinic: Clinic, file: Sequence, overrides: Iterable[Override]
) -> tuple[Sequence, list[Followed]]:
    """The same from overrides that were read already."""
    own = {one.step: one for one in overrides}
    sequence = effective(file, own.values(), clinic.settings)
    found = []
    for before, step in zip(file.steps, sequence.steps, strict=True):
        mine = own.get(before.key, Override(step=before.key))
        unfit = not mine.changes_nothing and not fits(file, mine, clinic.settings)
        off = before.key in sequence.off
        found.append(Followed(file=before, step=step, override=mine, off=off, unfit=unfit))
    return sequence, found


def values(clinic: Clinic, sequence: str, step: str) -> dict[str, Any]:
    """What the clinic changes about a step, by name. Raises `UnknownSequence`, `UnknownStep`."""
    sequence_files.load(sequence).step(step)
    row = StepSetting.objects.filter(clinic=clinic, sequence=sequence, step=step).first()
    if row is None:
        return dict(NOTHING)
    return {
        "off": row.off_reason,
        "note": row.off_note,
        "days": row.offset_days,
        "minutes": row.offset_minutes,
        "opens": f"{row.opens:%H:%M}" if row.opens else None,
        "closes": f"{row.closes:%H:%M}" if row.closes else None,
    }


def override(clinic: Clinic, sequence: str, step: str, after: dict[str, Any]) -> Override:
    """What the clinic would change about a step if these values were set. Raises `Unfit` for hours and
    reasons that are none."""
    return _override(step, values(clinic, sequence, step) | after)


def _override(step: str, wanted: dict[str, Any]) -> Override:
    if wanted["off"] and wanted["off"] not in set(OffReason):
        raise Unfit(("off", Misfit.NO_REASON))
    if (wanted["opens"] is None) != (wanted["closes"] is None):
        raise Unfit(("window", Misfit.NO_HOURS))
    offset = Days(number=wanted["days"]) if wanted["days"] is not None else None
    span = Span(minutes=wanted["minutes"]) if wanted["minutes"] is not None else None
    hours = {name: time.fromisoformat(wanted[name]) for name in ("opens", "closes") if wanted[name]}
    window = Window(**hours) if hours else None
    return Override(
        step=step,
        off=OffReason(wanted["off"]) if wanted["off"] else None,
        offset=offset or span,
        window=window,
    )


def check(clinic: Clinic, sequence: str, step: str, after: dict[str, Any]) -> None:
    """Raises `Unfit` with everything that keeps these values from being set: they are held to the rules that
    hold for sequence files. Raises `UnknownSequence`, `UnknownStep`."""
    file = sequence_files.load(sequence).step(step)
    wanted = values(clinic, sequence, step) | after
    if len(wanted["note"]) > LONGEST_NOTE:
        raise Unfit(("note", Misfit.TOO_FAR))
    if wanted["off"] == OffReason.OTHER and not wanted["note"].strip():
        raise Unfit(("note", Misfit.NO_REASON))
    found = misfits(file, _override(step, wanted), clinic.settings)
    if found:
        raise Unfit(*found)


def write(
    clinic: Clinic, sequence: str, step: str, wanted: dict[str, Any], *, by: str, now: datetime
) -> None:
    """Keep these values, all of them given. Nothing is checked here. Call inside a transaction."""
    own = _override(step, wanted)
    row, _made = StepSetting.objects.get_or_create(
        clinic=clinic, sequence=sequence, step=step, defaults={"version": 0, "by": by, "at": now}
    )
    row.off_reason, row.off_note = wanted["off"], wanted["note"] if wanted["off"] else ""
    row.offset_days, row.offset_minutes = wanted["days"], wanted["minutes"]
    row.opens, row.closes = (own.window.opens, own.window.closes) if own.window else (None, None)
    row.version, row.by, row.at = row.version + 1, by, now
    row.save()
