"""A whole clinic in a few statements: patients with visits, messages past and to come, answers and alerts.

Rows are made by PostgreSQL itself, in the shape that the services write; foreign keys are right by the way
they are made and not checked again. What is encrypted is sealed once a distinct value: names, numbers kept
for fiction, texts. The HTML of past e-mails is short: no list reads it.

Each patient has a consultation and five treatments two weeks apart, about half of them over, and seven
messages a visit: 42 in all, unless it is asked for more visits or fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench import seed
from bench.ground import Ground
from campaigns.domain.languages import SUPPORTED
from campaigns.local.progress import Advance

MESSAGES_A_VISIT = 7
VISITS = 6
_AT_ONCE = 2_000
_BODY = "Example Clinic: your visit is on Monday at 14:00. Questions? Call +16045550134."
_VARIANTS = 50
"""So many differently sealed copies of one text: more would only take longer to make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many patients, seen from `now`; `alerts` of them wait for a person."""

    patients: int
    now: datetime
    alerts: int = 0
    seed: int = 1
    visits: int = VISITS

    @property
    def messages(self) -> int:
        """How many messages they have."""
        return self.patients * self.visits * MESSAGES_A_VISIT


@contextmanager
def loading(place: Ground) -> Iterator[psycopg.Connection[Any]]:
    """A connection that writes without checking each row again. Only PostgreSQL's owner may do that."""
    site, name = place.servers.site, urlsplit(place.seeded).path.lstrip("/")
    port = place.servers.ports[0] or None
    with psycopg.connect(
        host=str(site.sockets), port=port, user="postgres", password=site.passwords["postgres"], dbname=name
    ) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        yield connection


def fill(
    place: Ground, people: People, advance: Advance, parts: Sequence[LiteralString] | None = None
) -> None:
    """Write them in the only clinic of the database: whole stories, or the `parts` that are asked for."""
    with loading(place) as connection:
        prepare(connection)
        dropped = drop_indexes(connection, "message", "attempt")
        for _ in write(connection, people, advance, STORIES if parts is None else parts):
            connection.commit()
            place.deadline.check()
        for number, index in enumerate(dropped, start=1):
            connection.execute(index)
            connection.commit()
            place.deadline.check()
            advance("building indexes", number, len(dropped))
    settle(place)


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Make what the statements read besides the clinic: sealed values and the kinds of messages. They go with
    the connection."""
    _make_sealed(connection)
    _run(connection, _STEPS_TABLE, {})


def write(
    connection: psycopg.Connection[Any],
    people: People,
    advance: Advance,
    parts: Sequence[LiteralString] | None = None,
) -> Iterator[None]:
    """Write them in parts; between two of them the caller may commit."""
    for start in range(0, people.patients, _AT_ONCE):
        size = min(_AT_ONCE, people.patients - start)
        about = {"first": start + 1, "last": start + size, "now": people.now, "alerts": people.alerts}
        for statement in STORIES if parts is None else parts:
            _run(connection, statement, {**about, "seed": str(people.seed), "visits": people.visits})
        advance("seeding patients", start + size, people.patients)
        yield


def settle(place: Ground) -> None:
    """What autovacuum would have done on an installation that grew to this."""
    with loading(place) as connection:
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _run(connection: psycopg.Connection[Any], statement: LiteralString, about: dict[str, object]) -> None:
    connection.execute(statement, about)


def drop_indexes(connection: psycopg.Connection[Any], *tables: str) -> list[sql.SQL]:
    """Drop the indexes that no constraint owns, but for the one by patient, which filling itself reads; the
    statements that make them again."""
    rows = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint) AND indexname <> 'message_of_patient'",
        [list(tables)],
    ).fetchall()
    for name, _ in rows:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    connection.commit()
    return [sql.SQL(definition) for _, definition in rows]


def _make_sealed(connection: psycopg.Connection[Any]) -> None:
    """The values that only the application can make, numbered from 0 in each kind."""
    from campaigns.models.encryption import encrypt

    connection.execute("CREATE TEMPORARY TABLE sealed (kind text, place int, value text)")
    connection.execute("CREATE TEMPORARY TABLE language (place int, tag text)")
    kinds: dict[str, Sequence[str]] = {
        "given": [*seed.NAMES.values()] * 10,
        "family": ["Patient"] * _VARIANTS,
        "sms": [seed.phone(number) for number in range(300)],
        "email": [f"patient{number}@patients.example" for number in range(500)],
        "subject": ["Your visit on Monday"] * _VARIANTS,
        "body": [_BODY] * _VARIANTS,
        "html": [f"<p>{_BODY}</p>" * 4] * _VARIANTS,
        "answer": ["3"] * _VARIANTS,
        "worry": ["I have had a fever since last night"] * _VARIANTS,
    }
    with connection.cursor() as cursor:
        with cursor.copy("COPY sealed FROM STDIN") as copy:
            for kind, values in kinds.items():
                for place, value in enumerate(values):
                    copy.write_row((kind, place, encrypt(value)))
        with cursor.copy("COPY language FROM STDIN") as copy:
            for place, tag in enumerate(SUPPORTED):
                copy.write_row((place, tag))
    connection.execute("ANALYZE sealed")
    # One array a kind: a lookup by place costs nothing then.
    connection.execute(
        "CREATE TEMPORARY TABLE vault AS SELECT kind, array_agg(value ORDER BY place) AS kept, "
        "count(*)::int AS n FROM sealed GROUP BY kind"
    )
    for function in _FUNCTIONS:
        connection.execute(function)


_FUNCTIONS: tuple[LiteralString, ...] = (
    """CREATE FUNCTION pg_temp.sealed(k text, i bigint) RETURNS text LANGUAGE sql STABLE AS
    'SELECT kept[1 + (i % n)::int] FROM vault WHERE kind = k'""",
    """CREATE FUNCTION pg_temp.key(what text, i bigint, salt text) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    'SELECT md5(what || i || salt)::uuid'""",
)

PEOPLE: tuple[LiteralString, ...] = (
    """INSERT INTO patient (id, clinic_id, given_name, family_name, language, interpreter_language, time_zone,
        status, status_reason, created_at)
    SELECT pg_temp.key('patient', i, %(seed)s), c.id, pg_temp.sealed('given', i), pg_temp.sealed('family', i),
        l.tag, '', '', 'active', '', %(now)s - i %% 70 * interval '1 day' - interval '7 days'
    FROM generate_series(%(first)s::bigint, %(last)s) i, clinic c, language l
    WHERE l.place = i %% (SELECT count(*) FROM language)""",
    """INSERT INTO contact_point (patient_id, channel, address, address_index, state)
    SELECT pg_temp.key('patient', i, %(seed)s), channel, pg_temp.sealed(channel, i),
        encode(sha256((channel || i || %(seed)s)::bytea), 'hex'), 'good'
    FROM generate_series(%(first)s::bigint, %(last)s) i, unnest(ARRAY['sms', 'email']) channel""",
    """INSERT INTO consent (patient_id, channel, topic, action, at, source, by, evidence, language_shown,
        wording_shown)
    SELECT pg_temp.key('patient', i, %(seed)s), channel, topic, 'granted', %(now)s - interval '90 days',
        'enrollment', 'bench', 'said yes at the desk', 'en-CA', ''
    FROM generate_series(%(first)s::bigint, %(last)s) i, unnest(ARRAY['sms', 'email']) channel,
        unnest(ARRAY['education', 'reminders', 'check_ins']) topic""",
    """INSERT INTO course (id, patient_id, state, created_at)
    SELECT pg_temp.key('course', i, %(seed)s), pg_temp.key('patient', i, %(seed)s), 'open',
        %(now)s - interval '77 days'
    FROM generate_series(%(first)s::bigint, %(last)s) i""",
    # The first visit was up to ten weeks ago, so that half of all lie behind.
    """INSERT INTO visit (id, course_id, number, kind, on_date, at_time, minutes, state, version, settled_at)
    SELECT pg_temp.key('visit', i * 10 + n, %(seed)s), pg_temp.key('course', i, %(seed)s), n,
        CASE n WHEN 1 THEN 'consultation' ELSE 'session' END, d.day,
        '09:00'::time + (i %% 16) * interval '30 minutes', 45,
        CASE WHEN d.day >= %(now)s::date THEN 'booked' WHEN i %% 40 = n THEN 'no_show' ELSE 'completed'
        END, 1,
        CASE WHEN d.day < %(now)s::date THEN d.day + interval '24 hours' END
    FROM generate_series(%(first)s::bigint, %(last)s) i, generate_series(1, %(visits)s) n,
        LATERAL (SELECT %(now)s::date + ((n - 1) * 14 - (i %% 71))::int AS day) d""",
    """INSERT INTO enrollment (id, course_id, sequence, digest, state, reason, enrolled_at)
    SELECT pg_temp.key(sequence, i, %(seed)s), pg_temp.key('course', i, %(seed)s), sequence, '', 'active', '',
        %(now)s - interval '77 days'
    FROM generate_series(%(first)s::bigint, %(last)s) i,
        unnest(ARRAY['welcome', 'previsit', 'pretreatment', 'aftercare', 'course_end', 'missed_visit'])
        sequence""",
)

# Of every visit, in hours from its start. The consultation has the same number, under its own sequence.
_STEPS_TABLE: LiteralString = """CREATE TEMPORARY TABLE kind_of_message AS
SELECT * FROM (VALUES
    ('session', 'pretreatment', 'nsaids', 'email', 'reminders', '', '', -168, 24, false),
    ('session', 'pretreatment', 'day_before', 'sms', 'reminders', '', 'ready', -24, 18, false),
    ('session', 'pretreatment', 'morning', 'sms', 'reminders', '', '', -3, 2, false),
    ('session', 'aftercare', 'same_day', 'email', 'check_ins', 'same_day', '', 4, 18, false),
    ('session', 'aftercare', 'next_day', 'sms', 'check_ins', 'next_day', 'pain', 24, 24, false),
    ('session', 'aftercare', 'side_effects', 'sms', 'check_ins', 'side_effects', 'side_effects', 72, 24,
    false),
    ('session', 'aftercare', 'week_pain', 'sms', 'check_ins', 'week', 'pain', 168, 72, true),
    ('consultation', 'welcome', 'hello', 'sms', 'education', '', '', -160, 24, true),
    ('consultation', 'welcome', 'hello', 'email', 'education', '', '', -160, 24, true),
    ('consultation', 'previsit', 'about', 'sms', 'education', '', '', -150, 100, true),
    ('consultation', 'previsit', 'about', 'email', 'education', '', '', -150, 100, true),
    ('consultation', 'previsit', 'prepare', 'sms', 'education', '', '', -72, 48, true),
    ('consultation', 'previsit', 'prepare', 'email', 'education', '', '', -72, 48, true),
    ('consultation', 'previsit', 'confirm', 'sms', 'reminders', '', 'confirm', -24, 20, true)
) AS t(kind, sequence, step, channel, topic, message_group, asks, hours, life, capped)"""

_MESSAGES: tuple[LiteralString, ...] = (
    """INSERT INTO message (clinic_id, patient_id, enrollment_id, sequence, step, template, visit_id,
        visit_version, channel, purpose, topic, message_group, asks, priority, capped, send_at, due_at,
        expires_at, state, reason, tries, epoch, language, wording_digest, subject, body, html, segments,
        encoding, sent_at, settled_at, duplicate_possible, answered, created_at)
    SELECT p.clinic_id, p.id, pg_temp.key(k.sequence, i, %(seed)s), k.sequence, k.step,
        k.sequence || '/' || k.step, v.id, 1, k.channel, 'step', k.topic, k.message_group, k.asks, 5,
        k.capped,
        s.at, s.at, s.at + k.life * interval '1 hour', t.state, t.reason, t.went::int, t.went::int,
        p.language,
        '', CASE WHEN t.went AND k.channel = 'email' THEN pg_temp.sealed('subject', i) ELSE '' END,
        CASE WHEN t.went THEN pg_temp.sealed('body', i) ELSE '' END,
        CASE WHEN t.went AND k.channel = 'email' THEN pg_temp.sealed('html', i) ELSE '' END,
        CASE WHEN k.channel = 'sms' THEN t.went::int ELSE 0 END, CASE WHEN k.channel = 'sms' THEN 'GSM-7'
        ELSE '' END,
        CASE WHEN t.went THEN s.at END, CASE WHEN s.at < %(now)s THEN s.at + interval '1 minute' END, false,
        -- All but one in fifty who were asked have answered.
        t.went AND k.asks IN ('pain', 'side_effects') AND (i * 7 + v.number * 3 + k.hours) %% 50 <> 0,
        %(now)s - interval '77 days'
    FROM generate_series(%(first)s::bigint, %(last)s) i
    JOIN patient p ON p.id = pg_temp.key('patient', i, %(seed)s)
    JOIN visit v ON v.course_id = pg_temp.key('course', i, %(seed)s)
    JOIN kind_of_message k ON k.kind = v.kind,
    LATERAL (SELECT (v.on_date + v.at_time)::timestamptz + interval '7 hours' + k.hours * interval '1 hour'
             AS at) s,
    LATERAL (SELECT (i * 7 + v.number) %% 100 AS luck) r,
    LATERAL (SELECT CASE WHEN s.at >= %(now)s THEN 'planned' WHEN r.luck < 2 THEN 'undelivered'
                         WHEN r.luck < 4 THEN 'skipped' ELSE 'delivered' END AS state,
                    CASE WHEN s.at >= %(now)s THEN '' WHEN r.luck < 2 THEN 'unreachable'
                         WHEN r.luck < 4 THEN 'visit_moved' ELSE '' END AS reason,
                    s.at < %(now)s AND r.luck NOT IN (2, 3) AS went) t""",
    """INSERT INTO attempt (id, message_id, channel, epoch, started_at, finished_at, outcome, provider_id,
        error_code, detail)
    SELECT pg_temp.key('attempt', m.id, %(seed)s), m.id, m.channel, 1, m.sent_at, m.sent_at, 'accepted',
        'SM' || m.id, '', ''
    FROM message m
    WHERE m.sent_at IS NOT NULL AND m.patient_id = ANY(
        SELECT pg_temp.key('patient', i, %(seed)s) FROM generate_series(%(first)s::bigint, %(last)s) i)""",
)

_REPLIES: tuple[LiteralString, ...] = (
    """INSERT INTO reply (provider_id, clinic_id, patient_id, channel, address_index, sender, sent_to,
        opt_out_type, tries, files, body, received_at, language, keyword, answer, urgency, parser_version,
        outcome, message_id)
    SELECT 'SMr' || a.id, a.clinic_id, a.patient_id, 'sms', '', '', '', '', 0, 0,
        pg_temp.sealed('answer', a.i), a.sent_at + interval '1 hour', a.language, '', '3', '', '1', 'answer',
        a.id
    FROM (SELECT m.*, i FROM generate_series(%(first)s::bigint, %(last)s) i
          JOIN message m ON m.patient_id = pg_temp.key('patient', i, %(seed)s)
          WHERE m.answered) a""",
    """INSERT INTO answer (reply_id, patient_id, message_id, question, value, code, answered_at, late)
    SELECT r.id, r.patient_id, m.id, m.asks, CASE m.asks WHEN 'pain' THEN '3' ELSE 'no' END, '',
    r.received_at,
        false
    FROM reply r JOIN message m ON m.id = r.message_id
    WHERE m.patient_id = ANY(
        SELECT pg_temp.key('patient', i, %(seed)s) FROM generate_series(%(first)s::bigint, %(last)s) i)
      AND NOT EXISTS (SELECT FROM answer a WHERE a.reply_id = r.id)""",
    # One patient in ten has worried aloud; `alerts` of those stories are still open.
    """INSERT INTO reply (provider_id, clinic_id, patient_id, channel, address_index, sender, sent_to,
        opt_out_type, tries, files, body, received_at, language, keyword, answer, urgency, parser_version,
        outcome)
    SELECT 'SMw' || p.id, p.clinic_id, p.id, 'sms', '', '', '', '', 0, 0, pg_temp.sealed('worry', i),
        CASE WHEN i <= 10 * %(alerts)s THEN %(now)s - interval '1 hour' ELSE %(now)s - interval '20 days' END,
        p.language, '', '', 'urgent', '1', 'alert'
    FROM generate_series(%(first)s::bigint, %(last)s) i
    JOIN patient p ON p.id = pg_temp.key('patient', i, %(seed)s) WHERE i %% 10 = 0""",
    """INSERT INTO alert (clinic_id, reply_id, patient_id, urgency, rule, matched, opened_at, acknowledged_at,
        closed_at, outcome, steps)
    SELECT r.clinic_id, r.id, r.patient_id, CASE WHEN i %% 30 = 0 THEN 'urgent' ELSE 'routine' END, 'fever',
        '["fever"]', r.received_at, CASE WHEN i > 10 * %(alerts)s THEN r.received_at + interval '5 minutes'
        END,
        CASE WHEN i > 10 * %(alerts)s THEN r.received_at + interval '30 minutes' END,
        CASE WHEN i > 10 * %(alerts)s THEN 'reached' ELSE '' END, 0
    FROM generate_series(%(first)s::bigint, %(last)s) i
    JOIN reply r ON r.provider_id = 'SMw' || pg_temp.key('patient', i, %(seed)s) WHERE i %% 10 = 0""",
)

STORIES = (*PEOPLE, *_MESSAGES, *_REPLIES)
