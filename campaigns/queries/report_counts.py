"""Count one month of one clinic from the rows themselves. Written only by services/count_up.

What each kind counts (`n`), and how many of them (`hits`); patients are told apart by number only:

- `message`: messages by state (`detail`) and the month they were due in; hits: those that went out, `amount`
  their segments.
- `asked`: messages that went out with a question, by template (`subject`); hits: those with an answer.
- `alert`: alerts by urgency (`subject`) and whether somebody was at the clinic (`detail`); hits: those that
  a person has taken, `seconds` after how long.
- `pain`: visits with a pain answer after them, by number (`subject`) and visits in the course (`detail`),
  `amount` the sum of the last answers, 0 to 10.
- `visit`: visits that were kept or missed, by what was known of the patient before (`detail`); hits: missed.
- `stopped`: patients who ended at least one kind of message on a channel.
- `reply`: replies; hits: those in which nothing was understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from campaigns.models import ReportMonth

_LOCK = 0x7265706F  # "repo": one process at a time counts a clinic


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month of a clinic: its days on the wall (`last` is the first day of the next one), the same as
    instants, and the times when somebody was there."""

    clinic: UUID
    first: date
    last: date
    since: datetime
    until: datetime
    opens: Sequence[datetime]
    closes: Sequence[datetime]


# The five lowest of numbers made of the patients' ids: those of two cells say how many both hold, up to five.
_FEW = "(array_agg(DISTINCT uuid_hash_extended(patient_id, 0)))[1:5]"

_COUNTS = """
WITH told AS MATERIALIZED (
    SELECT m.patient_id, m.template, m.state, m.channel, m.segments,
        m.sent_at IS NOT NULL AS went, m.asks <> '' AND m.sent_at IS NOT NULL AS asked,
        coalesce(nullif(m.language, ''), p.language) AS language,
        m.asks <> '' AND EXISTS (SELECT FROM answer a WHERE a.message_id = m.id) AS answered
    FROM message m JOIN patient p ON p.id = m.patient_id
    WHERE m.clinic_id = %(clinic)s AND m.send_at >= %(since)s AND m.send_at < %(until)s
        AND m.state NOT IN ('planned', 'waiting', 'attempting', 'uncertain')
),
visits AS MATERIALIZED (
    SELECT v.id, v.course_id, v.number, v.state, v.version, c.patient_id, p.language
    FROM visit v JOIN course c ON c.id = v.course_id JOIN patient p ON p.id = c.patient_id
    WHERE p.clinic_id = %(clinic)s AND v.on_date >= %(first)s AND v.on_date < %(last)s
        AND v.state IN ('completed', 'no_show')
),
pains AS (
    SELECT v.*, a.value, (
        SELECT count(*) FROM visit o WHERE o.course_id = v.course_id AND o.state <> 'cancelled'
    ) AS length
    FROM visits v CROSS JOIN LATERAL (
        SELECT a.value FROM message m JOIN answer a ON a.message_id = m.id
        WHERE m.visit_id = v.id AND a.question = 'pain' AND NOT a.late AND a.value ~ '^(10|[0-9])$'
        ORDER BY a.answered_at DESC, a.id DESC LIMIT 1
    ) a
    WHERE v.state = 'completed'
),
before AS (
    SELECT v.*, CASE
        WHEN EXISTS (
            SELECT FROM message m JOIN answer a ON a.message_id = m.id
            WHERE m.visit_id = v.id AND m.visit_version IN (0, v.version)
                AND a.question IN ('ready', 'confirm') AND a.value = 'yes'
        ) THEN 'confirmed'
        WHEN EXISTS (
            SELECT FROM message m
            WHERE m.visit_id = v.id AND m.visit_version IN (0, v.version) AND m.topic = 'reminders'
                AND (m.state = 'delivered' OR m.channel = 'email' AND m.state IN ('accepted', 'unknown'))
        ) THEN 'reminded'
        ELSE 'neither' END AS known
    FROM visits v
),
alerts AS (
    SELECT a.urgency, a.opened_at, a.acknowledged_at, a.patient_id, coalesce(r.channel, '') AS by_channel,
        coalesce(p.language, '') AS language, CASE WHEN EXISTS (
        SELECT FROM unnest(%(opens)s::timestamptz[], %(closes)s::timestamptz[]) AS open (opens, closes)
        WHERE a.opened_at >= opens AND a.opened_at < closes
    ) THEN 'staffed' ELSE 'closed' END AS hours
    FROM alert a LEFT JOIN reply r ON r.id = a.reply_id LEFT JOIN patient p ON p.id = a.patient_id
    WHERE a.clinic_id = %(clinic)s AND a.opened_at >= %(since)s AND a.opened_at < %(until)s
        AND a.part_of_id IS NULL
),
cells AS (
    SELECT 'message' AS kind, '' AS subject, state AS detail, channel, language, count(*) AS n,
        count(*) FILTER (WHERE went) AS hits, sum(segments)::bigint AS amount, {few} AS few,
        NULL::int[] AS seconds
    FROM told GROUP BY state, channel, language
    UNION ALL
    SELECT 'asked', template, '', channel, language, count(*), count(*) FILTER (WHERE answered), 0, {few},
        NULL
    FROM told WHERE asked GROUP BY template, channel, language
    UNION ALL
    SELECT 'alert', urgency, hours, by_channel, language, count(*), count(acknowledged_at), 0, {few},
        array_agg(least(2000000000, greatest(0, extract(epoch FROM acknowledged_at - opened_at)))::int)
            FILTER (WHERE acknowledged_at IS NOT NULL)
    FROM alerts GROUP BY urgency, hours, by_channel, language
    UNION ALL
    SELECT 'pain', number::text, length::text, '', language, count(*), 0, sum(value::int), {few}, NULL
    FROM pains GROUP BY number, length, language
    UNION ALL
    SELECT 'visit', '', known, '', language, count(*), count(*) FILTER (WHERE state = 'no_show'), 0,
        {few}, NULL
    FROM before GROUP BY known, language
    UNION ALL
    SELECT 'stopped', '', '', c.channel, p.language, count(DISTINCT c.patient_id), 0, 0, {few}, NULL
    FROM consent c JOIN patient p ON p.id = c.patient_id
    WHERE p.clinic_id = %(clinic)s AND c.action = 'withdrawn' AND c.at >= %(since)s AND c.at < %(until)s
    GROUP BY c.channel, p.language
    UNION ALL
    SELECT 'reply', '', '', r.channel, coalesce(nullif(r.language, ''), p.language, ''), count(*),
        count(*) FILTER (
            WHERE r.outcome = 'alert' AND r.answer = '' AND r.keyword = '' AND r.urgency = ''
        ), 0, {few}, NULL
    FROM reply r LEFT JOIN patient p ON p.id = r.patient_id
    WHERE r.clinic_id = %(clinic)s AND r.received_at >= %(since)s AND r.received_at < %(until)s
        AND r.outcome <> 'waiting'
    GROUP BY r.channel, coalesce(nullif(r.language, ''), p.language, '')
)
INSERT INTO report_count
    (clinic_id, month, kind, subject, detail, channel, language, n, hits, amount, few, seconds)
SELECT %(clinic)s, %(first)s, kind, subject, detail, channel, language, n, hits, amount,
    coalesce(array_remove(few, NULL), '{}'), coalesce(seconds, '{}')
FROM cells
""".replace("{few}", _FEW)


def replace(month: Month, now: datetime) -> None:
    """Put what the rows say now in the place of what was counted before. Call inside a transaction.

    Two who count the same clinic take turns. Each statement sees the rows of one moment.
    """
    about = {name: getattr(month, name) for name in Month.__slots__}
    about |= {"opens": list(month.opens), "closes": list(month.closes)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(month.clinic)])
        cursor.execute("DELETE FROM report_count WHERE clinic_id = %(clinic)s AND month = %(first)s", about)
        cursor.execute(_COUNTS, about)
    ReportMonth.objects.update_or_create(
        clinic_id=month.clinic, month=month.first, defaults={"counted_at": now}
    )


def first_message(clinic_id: UUID) -> datetime | None:
    """When the first message of a clinic was due that a report speaks of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(send_at) FROM message WHERE clinic_id = %s "
            "AND state NOT IN ('planned', 'waiting', 'attempting', 'uncertain')",
            [clinic_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None
