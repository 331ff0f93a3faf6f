"""Months, each named by its first day."""

from __future__ import annotations

from datetime import date


def month_of(day: date) -> date:
    """The month that a day is in."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def previous_month(month: date) -> date:
    """The month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def up_to(first: date, last: date) -> list[date]:
    """Every month from one to another, both included; nothing where the first is the later one."""
    found = []
    while first <= last:
        found.append(first)
        first = next_month(first)
    return found


def read_month(text: str) -> date | None:
    """A month as addresses name it, 2026-11; None for anything else."""
    try:
        return date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None
