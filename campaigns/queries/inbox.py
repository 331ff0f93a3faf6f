"""The inbox: alerts and conversations as one list, most urgent first. One statement finds a page of it.

Only what is open and what was dealt with in the last days is read, each through an index of its own, so the
years before cost nothing. Names and words are read for the rows of the page alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.models import Staff
from campaigns.models.encryption import decrypt
from campaigns.models.messages import UNSAID

A_PAGE = 25
LATELY = timedelta(days=7)
"""How long what was dealt with stays on the list."""
HERE = timedelta(seconds=60)
"""Somebody who was heard of within this is looking at an item."""


class Show(StrEnum):
    """The filters that are links."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    DONE = "closed"
    ALL = "all"


class Place(StrEnum):
    """Why an item stands where it stands."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"
    UNSENT = "unsent"
    DONE = "done"


_PLACES = {0: Place.EMERGENCY, 1: Place.URGENT, 2: Place.ROUTINE, 3: Place.UNSENT, 4: Place.DONE}
"""A rank is twice the place, and one more where somebody has it in hand."""

_ITEMS = """
WITH waiting AS (
    SELECT a.patient_id, CASE WHEN a.patient_id IS NULL THEN a.id END AS alert_id,
           CASE a.urgency WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 2 ELSE 4 END
               + (a.acknowledged_at IS NOT NULL)::int AS rank,
           a.opened_at AS at, a.acknowledged_by_id AS holder
    FROM alert a
    WHERE (a.clinic_id = %(clinic)s OR a.clinic_id IS NULL) AND a.closed_at IS NULL AND a.part_of_id IS NULL
), written AS (
    SELECT DISTINCT ON (h.patient_id) h.patient_id, h.at, m.state
    FROM hand_written h JOIN message m ON m.id = h.message_id
    WHERE h.clinic_id = %(clinic)s AND h.at > %(since)s
    ORDER BY h.patient_id, h.at DESC
), listed AS (
    SELECT * FROM waiting
    UNION ALL
    SELECT w.patient_id, NULL,
           CASE WHEN w.state = ANY(%(unsaid)s) AND (c.handled_at IS NULL OR c.handled_at <= w.at)
                THEN 6 ELSE 8 END, w.at, NULL
    FROM written w LEFT JOIN conversation c ON c.patient_id = w.patient_id
    UNION ALL
    SELECT a.patient_id, CASE WHEN a.patient_id IS NULL THEN a.id END, 8, a.closed_at, NULL
    FROM alert a
    WHERE (a.clinic_id = %(clinic)s OR a.clinic_id IS NULL) AND a.closed_at > %(since)s
      AND a.part_of_id IS NULL
), items AS (
    SELECT l.patient_id, l.alert_id, min(l.rank) AS rank, array_remove(array_agg(l.holder), NULL) AS holders,
           min(l.at) FILTER (WHERE l.rank < 8) AS since, max(l.at) AS latest
    FROM listed l GROUP BY l.patient_id, l.alert_id
), placed AS (
    SELECT i.patient_id, i.alert_id, i.rank, c.assigned_to_id, i.holders, coalesce(i.since, i.latest) AS at,
           (extract(epoch FROM CASE WHEN i.rank < 8 THEN i.since ELSE i.latest END) * 1000000)::bigint
               * CASE WHEN i.rank < 8 THEN 1 ELSE -1 END AS place,
           coalesce(i.patient_id::text, i.alert_id::text) AS name, p.given_name, p.family_name, p.language
    FROM items i
    LEFT JOIN conversation c ON c.patient_id = i.patient_id
    LEFT JOIN patient p ON p.id = i.patient_id
    WHERE (%(language)s = '' OR p.language = %(language)s)
      AND (i.patient_id IS NULL OR (p.clinic_id = %(clinic)s AND p.forgotten_at IS NULL))
      AND CASE %(show)s
          WHEN 'open' THEN i.rank < 8
          WHEN 'closed' THEN i.rank >= 8
          WHEN 'mine' THEN i.rank < 8 AND (c.assigned_to_id = %(me)s OR %(me)s = ANY(i.holders))
          WHEN 'unassigned' THEN i.rank < 8 AND c.assigned_to_id IS NULL AND i.holders = '{}'
          ELSE true END
), shown AS MATERIALIZED (
    SELECT * FROM placed
    WHERE (rank, place, name) > (%(rank)s, %(place)s, %(name)s)
    ORDER BY rank, place, name
    LIMIT %(limit)s
)
SELECT i.patient_id, i.alert_id, i.rank, i.at, i.place, i.name, i.given_name, i.family_name,
       i.language AS reads,
       said.body, coalesce(said.answer, '') AS answer, coalesce(said.language, '') AS said_in,
       coalesce(said.channel, '') AS channel,
       (SELECT s.name FROM staff s WHERE s.id = i.assigned_to_id) AS assigned_to,
       ARRAY(SELECT s.name FROM staff s WHERE s.id = ANY(i.holders) ORDER BY s.name) AS holders,
       ARRAY(SELECT s.name FROM presence x JOIN staff s ON s.id = x.staff_id
             WHERE x.staff_id <> %(me)s AND x.seen_at > clock_timestamp() - %(here)s
               AND (x.patient_id = i.patient_id OR x.alert_id = i.alert_id)
             ORDER BY s.name) AS here,
       (SELECT s.name FROM hand_written h JOIN staff s ON s.id = h.by_id
        WHERE h.patient_id = i.patient_id AND h.at > %(since)s ORDER BY h.at DESC LIMIT 1) AS answered_by
FROM shown i
LEFT JOIN LATERAL (
    -- What needs a person stands on the line; where nothing does, the newest words.
    SELECT coalesce(i.alert_id, (
        SELECT a.id FROM alert a
        WHERE a.patient_id = i.patient_id AND a.closed_at IS NULL AND a.reply_id IS NOT NULL
        ORDER BY array_position(ARRAY['emergency', 'urgent', 'routine'], a.urgency::text), a.opened_at DESC
        LIMIT 1)) AS alert_id
) AS waits ON true
LEFT JOIN LATERAL (
    SELECT coalesce((SELECT a.reply_id FROM alert a WHERE a.id = waits.alert_id), (
        SELECT r.id FROM reply r WHERE r.patient_id = i.patient_id
        ORDER BY r.received_at DESC, r.id DESC LIMIT 1)) AS reply_id
) AS chosen ON true
LEFT JOIN reply said ON said.id = chosen.reply_id
ORDER BY i.rank, i.place, i.name
"""

Cursor = tuple[int, int, str]
START: Cursor = (-1, 0, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the list: a conversation, or an alert about words that are nobody's yet.

    `at` (UTC) is since when it waits, or when it was dealt with last. `words` are the patient's newest, in
    the language `said_in`; `reads` is the language that the patient reads.
    """

    place: Place
    at: datetime
    patient_id: UUID | None
    alert_id: int | None
    name: str
    reads: str
    words: str
    said_in: str
    channel: str
    assigned_to: str
    holders: tuple[str, ...]
    here: tuple[str, ...]
    answered_by: str

    @property
    def key(self) -> str:
        """Names the item on the page."""
        return f"p{self.patient_id}" if self.patient_id else f"a{self.alert_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the list; `after` leads to the next one and is empty on the last."""

    items: list[Item]
    after: str = ""

    @property
    def groups(self) -> list[tuple[Place, list[Item]]]:
        """The items under the heading of their place."""
        return [(place, list(items)) for place, items in groupby(self.items, lambda item: item.place)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to see. `after` comes from the page before."""

    show: Show = Show.OPEN
    language: str = ""
    after: str = ""


def page(clinic: UUID, me: Staff, wanted: Wanted, now: datetime) -> Page:
    """A page of the inbox of a clinic as `me` asks for it. One query. Who is here goes by the real clock."""
    rows = _rows(clinic, me, wanted, now)
    last = rows[A_PAGE - 1] if len(rows) > A_PAGE else None
    after = f"{last['rank']}.{last['place']}.{last['name']}" if last else ""
    return Page(items=[_item(row) for row in rows[:A_PAGE]], after=after)


def _rows(clinic: UUID, me: Staff, wanted: Wanted, now: datetime) -> list[dict[str, Any]]:
    rank, place, name = read_cursor(wanted.after)
    known: dict[str, Any] = {
        "clinic": clinic,
        "me": me.pk,
        "since": now - LATELY,
        "here": HERE,
        "unsaid": UNSAID,
        "language": wanted.language,
        "show": wanted.show.value,
        "rank": rank,
        "place": place,
        "name": name,
        "limit": A_PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, known)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def read_cursor(text: str) -> Cursor:
    """The place that a link names; the beginning for what is none."""
    rank, _, rest = text[:80].partition(".")
    place, _, name = rest.partition(".")
    if not (rank.isdecimal() and len(rank) < 3 and place.removeprefix("-").isdecimal() and len(place) < 19):
        return START
    return int(rank), int(place), name.replace("\x00", "")


def _item(row: Mapping[str, Any]) -> Item:
    """Names and words are opened here: no more of them than the page shows."""
    name = f"{_opened(row['given_name'])} {_opened(row['family_name'])}".strip()
    return Item(
        place=_PLACES[row["rank"] // 2],
        at=row["at"],
        patient_id=row["patient_id"],
        alert_id=row["alert_id"],
        name=name or "\u2013",
        reads=row["reads"] or "",
        words=_opened(row["body"]) or row["answer"],
        said_in=row["said_in"],
        channel=row["channel"],
        assigned_to=row["assigned_to"] or "",
        holders=tuple(row["holders"]),
        here=tuple(row["here"]),
        answered_by=row["answered_by"] or "",
    )


def _opened(sealed: str | None) -> str:
    return decrypt(sealed) if sealed else ""
