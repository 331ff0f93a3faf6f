-- What the front desk reads. Read by queries/today.py, queries/calls.py and queries/readiness.py through
-- queries/statements.py, which cuts this file at the lines that begin with `-- name:`. Parameters are psycopg's
-- %(name)s; `wall` is the wall clock at the clinic, by which visits are booked.

-- name: calls
-- Whom to call, one row a patient: who is silent, and whom we could not tell what had to be said. The two
-- indexes that this begins with hold all that decides, so that thousands who need no call are passed over without
-- a look at their messages. A subselect with OFFSET 0 is asked row by row: the planner would read whole tables of
-- visits and answers instead, because it cannot know how few rows are left by then.
WITH silent AS (
    -- Asked, and every asking of the same question is without an answer. A question without a group stands for
    -- itself; one that was asked again waits another day, whatever its group.
    SELECT m.patient_id, (array_agg(m.id ORDER BY m.sent_at DESC, m.id DESC))[1] AS id, min(m.sent_at) AS since,
           max(m.sent_at) + CASE WHEN count(*) > 1 THEN %(again)s ELSE coalesce(
               (%(shorter)s::jsonb ->> m.message_group)::interval, %(open)s) END AS listed_at
    FROM message m
    WHERE m.clinic_id = %(clinic)s AND m.topic = 'check_ins' AND m.asks <> '' AND NOT m.answered
      AND m.sent_at > %(from)s AND m.sent_at <= %(now)s AND m.state = ANY(%(gone)s)
      -- What was answered before messages said so themselves.
      AND NOT EXISTS (SELECT FROM answer a WHERE a.message_id = m.id OFFSET 0)
    GROUP BY m.patient_id, m.enrollment_id, m.message_group, m.visit_id, m.visit_version, m.asks,
             CASE WHEN m.enrollment_id IS NULL OR m.message_group = '' THEN m.id END
), unsaid AS (
    SELECT DISTINCT ON (m.enrollment_id, m.step, m.visit_id, m.visit_version)
           m.patient_id, m.id, m.send_at AS since, v.starts, m.enrollment_id, m.step, m.visit_id, m.visit_version,
           m.message_group, m.asks, m.channel
    FROM message m
    CROSS JOIN LATERAL (SELECT v.state, v.on_date + v.at_time AS begins,
                               CASE WHEN v.state = 'booked' THEN v.on_date + v.at_time END AS starts
                        FROM visit v WHERE v.id = m.visit_id OFFSET 0) v
    WHERE m.clinic_id = %(clinic)s AND NOT m.capped AND m.state = ANY(%(not_arrived)s)
      AND m.send_at > %(from)s AND m.send_at <= %(now)s
      AND m.purpose IN ('step', 'correction') AND m.reason <> ALL(%(pointless)s)
      -- What was over before it was planned was never owed: booked late, or enrolled in the middle.
      AND NOT (m.reason = 'expired' AND m.created_at > m.send_at)
      AND (v.starts > %(wall)s OR (v.state = 'completed' AND m.topic = 'check_ins'))
    ORDER BY m.enrollment_id, m.step, m.visit_id, m.visit_version, m.send_at, m.id
), matter AS (
    SELECT s.patient_id, s.id, s.since, s.listed_at, false AS unsaid, NULL::timestamp AS starts
    FROM silent s WHERE s.listed_at <= %(now)s
    UNION ALL
    SELECT u.patient_id, u.id, u.since, u.since, true, u.starts
    FROM unsaid u
    -- Said on another channel, or still to be; or the patient has been asked the same in another message.
    WHERE NOT EXISTS (
        SELECT FROM message o
        WHERE o.visit_id = u.visit_id AND o.enrollment_id IS NOT DISTINCT FROM u.enrollment_id
          AND o.visit_version = u.visit_version
          AND ((o.step = u.step AND NOT o.capped AND o.state = ANY(%(said)s))
               OR (u.asks <> '' AND o.asks = u.asks AND u.message_group <> '' AND o.message_group = u.message_group
                   AND o.topic = 'check_ins' AND o.sent_at > %(from)s AND o.state = ANY(%(gone)s)))
        OFFSET 0)
), called AS (
    SELECT c.patient_id, max(c.at) FILTER (WHERE c.back_on IS NULL) AS done, max(c.at) AS last,
           (array_agg(c.back_on ORDER BY c.at DESC, c.id DESC))[1] AS back_on
    FROM call c WHERE c.at > %(from)s
    GROUP BY c.patient_id
), entry AS (
    SELECT m.patient_id, min(m.starts) AS soonest, min(m.since) AS since,
           -- A call before all of it was about something else.
           coalesce(max(c.back_on) > %(today)s AND max(c.last) >= min(m.since), false) AS later,
           jsonb_agg(jsonb_build_object('message', m.id, 'since', m.since, 'listed_at', m.listed_at,
                                        'unsaid', m.unsaid) ORDER BY m.since, m.id) AS items
    FROM matter m
    JOIN patient p ON p.id = m.patient_id AND p.status = ANY(%(in_care)s)
    LEFT JOIN called c ON c.patient_id = m.patient_id
    -- Talking to the patient, or giving up, settles all that was listed then.
    WHERE c.done IS NULL OR m.listed_at > c.done
    GROUP BY m.patient_id
), placed AS (
    SELECT e.patient_id, e.items, e.later, e.soonest, count(*) OVER (PARTITION BY e.later) AS total,
           row_number() OVER (PARTITION BY e.later ORDER BY e.soonest NULLS LAST, e.since, e.patient_id) AS place
    FROM entry e
)
SELECT p.patient_id, p.items, p.later, p.total, p.soonest
FROM placed p
-- A page of those to call today, and always the first of those who come back on a later day.
WHERE p.place <= %(limit)s + CASE WHEN p.later THEN 0 ELSE %(offset)s END
  AND p.place > CASE WHEN p.later THEN 0 ELSE %(offset)s END
ORDER BY p.later, p.place

-- name: settled_otherwise
-- Of the questions on one page of the call list, those that are answered in another message that asks the same, or
-- are about to be asked again.
SELECT m.id FROM message m
WHERE m.id = ANY(%(messages)s) AND m.message_group <> '' AND EXISTS (
    SELECT FROM message o
    WHERE o.enrollment_id = m.enrollment_id AND o.visit_id IS NOT DISTINCT FROM m.visit_id
      AND o.visit_version = m.visit_version AND o.message_group = m.message_group AND o.asks = m.asks
      AND (o.state IN ('planned', 'waiting') OR EXISTS (SELECT FROM answer a WHERE a.message_id = o.id)))

-- name: alerts
SELECT a.id, a.urgency, a.patient_id, a.opened_at, s.name AS taken_by, r.channel,
       count(*) OVER () AS total
FROM alert a LEFT JOIN staff s ON s.id = a.acknowledged_by_id LEFT JOIN reply r ON r.id = a.reply_id
WHERE (a.clinic_id = %(clinic)s OR a.clinic_id IS NULL) AND a.closed_at IS NULL AND a.part_of_id IS NULL
ORDER BY array_position(ARRAY['emergency', 'urgent', 'routine'], a.urgency::text), a.acknowledged_at IS NOT NULL,
         a.opened_at, a.id
LIMIT %(shown)s

-- name: not_ready
-- Booked visits from now until the next day on which the clinic works (`until`) whose patients say no, say nothing,
-- or could not be asked. Who was never to be asked is none of them, nor who will be.
SELECT c.patient_id, v.on_date, v.at_time, s.standing, count(*) OVER () AS total
FROM visit v
JOIN course c ON c.id = v.course_id
JOIN patient p ON p.id = c.patient_id AND p.clinic_id = %(clinic)s
CROSS JOIN LATERAL ({standing}) s
WHERE v.on_date BETWEEN %(today)s AND %(until)s AND v.state = 'booked' AND v.on_date + v.at_time > %(wall)s
  AND s.standing IN ('no', 'silent', 'not_asked')
ORDER BY array_position(ARRAY['no', 'not_asked', 'silent'], s.standing), v.on_date, v.at_time, v.id
LIMIT %(shown)s

-- name: standing
-- What is known of one visit `v`: the standing of queries/readiness that needs a call most. NULL: no message asks.
SELECT (ARRAY['no', 'silent', 'not_asked', 'to_come', 'yes'])[min(q.rank)] AS standing
FROM (
    SELECT CASE coalesce((array_agg(a.value ORDER BY a.answered_at DESC, a.id DESC)
                          FILTER (WHERE a.id IS NOT NULL))[1], '')
           WHEN 'yes' THEN 5
           WHEN '' THEN CASE WHEN bool_or(m.state = ANY(%(gone)s)) THEN 2
                             WHEN bool_or(m.state IN ('planned', 'waiting')) THEN 4 ELSE 3 END
           ELSE 1 END AS rank
    FROM message m LEFT JOIN answer a ON a.message_id = m.id
    WHERE m.visit_id = v.id AND m.asks IN ('ready', 'confirm') AND m.purpose = 'step'
      AND m.visit_version IN (0, v.version)
    GROUP BY m.asks
) q

-- name: tally
-- How many visits of a day stand where.
SELECT coalesce(s.standing, 'not_asked') AS standing, count(*)
FROM visit v
JOIN course c ON c.id = v.course_id
JOIN patient p ON p.id = c.patient_id AND p.clinic_id = %(clinic)s
CROSS JOIN LATERAL ({standing}) s
WHERE v.on_date = %(day)s AND v.state <> 'cancelled'
GROUP BY 1

-- name: unsent
SELECT m.state, m.reason, count(*) AS count
FROM message m
WHERE m.clinic_id = %(clinic)s AND m.state = ANY(%(not_arrived)s) AND m.settled_at > %(week_ago)s
  AND m.settled_at <= %(now)s
GROUP BY m.state, m.reason
ORDER BY 3 DESC, m.reason

-- name: shut
SELECT * FROM (
    SELECT s.channel, s.why, s.since FROM channel_state s
    WHERE s.clinic_id = %(clinic)s AND s.shut_until IS NOT NULL
    UNION ALL
    SELECT 'webhook', '', e.disabled_at FROM webhook_endpoint e
    WHERE e.clinic_id = %(clinic)s AND e.removed_at IS NULL AND e.disabled_at IS NOT NULL
) s ORDER BY s.since, s.channel

-- name: own_zones
SELECT DISTINCT p.time_zone FROM patient p WHERE p.clinic_id = %(clinic)s AND p.time_zone <> ''

-- name: hours
-- What goes out until the end of the day, by the hours of the clinic: `edges` are the instants at which they begin.
-- What is due already counts to the first. The first few of each hour are named.
SELECT greatest(width_bucket(m.due_at, %(edges)s::timestamptz[]), 1) AS bucket, count(*) AS count,
       count(*) FILTER (WHERE m.channel = 'sms') AS texts,
       (array_agg(m.patient_id ORDER BY m.due_at))[1:%(named)s] AS patients
FROM message m
WHERE m.clinic_id = %(clinic)s AND m.state IN ('planned', 'waiting') AND m.due_at < %(tonight)s
GROUP BY 1 ORDER BY 1

-- name: next
-- The first that goes after today, for a day on which nothing does.
SELECT m.due_at, m.patient_id, m.channel, m.sequence, m.step, m.template, m.purpose
FROM message m
WHERE m.clinic_id = %(clinic)s AND m.state IN ('planned', 'waiting') AND m.due_at >= %(tonight)s
ORDER BY m.due_at, m.id LIMIT 1

-- name: changes
-- What has happened at the clinic between two instants, by kind, newest first, but for what the reader did.
SELECT e.kind, count(*) AS count, (array_agg(e.patient_id ORDER BY e.at DESC))[1:%(named)s] AS patients,
       max(e.at) AS last
FROM (
    SELECT 'enrolled' AS kind, p.id AS patient_id, p.created_at AS at FROM patient p
    WHERE p.clinic_id = %(clinic)s AND p.forgotten_at IS NULL AND p.created_at > {since} AND p.created_at <= %(now)s
    UNION ALL
    SELECT a.action, c.patient_id, a.at FROM audit_entry a
    JOIN visit v ON v.id = substr(a.object, 7)::uuid
    JOIN course c ON c.id = v.course_id JOIN patient p ON p.id = c.patient_id AND p.clinic_id = %(clinic)s
    WHERE a.action IN ('visit_moved', 'visit_cancelled', 'visit_no_show') AND a.at > {since} AND a.at <= %(now)s
      AND p.forgotten_at IS NULL AND a.actor <> %(email)s
    UNION ALL
    SELECT 'answered', r.patient_id, r.received_at FROM reply r
    WHERE r.clinic_id = %(clinic)s AND r.outcome = 'answer' AND r.received_at > {since} AND r.received_at <= %(now)s
    UNION ALL
    SELECT 'opted_out', w.patient_id, min(w.at) FROM consent w
    JOIN patient p ON p.id = w.patient_id AND p.clinic_id = %(clinic)s
    WHERE p.forgotten_at IS NULL AND w.action = 'withdrawn' AND w.at > {since} AND w.at <= %(now)s AND w.by <> %(email)s
    GROUP BY w.patient_id
    UNION ALL
    SELECT 'alert_closed', a.patient_id, a.closed_at FROM alert a LEFT JOIN staff s ON s.id = a.closed_by_id
    WHERE a.clinic_id = %(clinic)s AND a.closed_at > {since} AND a.closed_at <= %(now)s AND a.part_of_id IS NULL
      AND s.email IS DISTINCT FROM %(email)s
) e
GROUP BY e.kind ORDER BY 4 DESC

-- name: seen_at
SELECT {since} AS at

-- name: since
-- Since when changes are told: since somebody has seen them, a day where they never said so, a week at most.
greatest(coalesce((SELECT t.at FROM today_seen t WHERE t.staff_id = %(staff)s), %(day_ago)s), %(week_ago)s)

-- name: wording
-- How many messages go soon, by what they say and in which language they would say it.
SELECT p.language, m.template, m.channel, count(*) AS count
FROM message m JOIN patient p ON p.id = m.patient_id
WHERE m.clinic_id = %(clinic)s AND m.state IN ('planned', 'waiting') AND m.due_at < %(soon)s
  AND p.language = ANY(%(languages)s)
GROUP BY 1, 2, 3
