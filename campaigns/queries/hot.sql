-- The statements of the send path, in the order in which a message meets them. Read by queries/queue.py, which
-- cuts this file at the lines that begin with `-- name:`. Parameters are psycopg's %(name)s.

-- name: expire
-- Marks what is too late to be true without rendering it, in one statement however large the backlog.
UPDATE message
SET state = 'skipped', settled_at = %(now)s,
    -- What waited for its turn until it was too late says so: staff read why.
    reason = CASE WHEN reason IN ('question_open', 'sender_busy') THEN reason ELSE 'expired' END
WHERE id IN (
    SELECT id FROM message
    WHERE state IN ('planned', 'waiting') AND expires_at <= %(now)s
    ORDER BY expires_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
);

-- name: claim
-- Locks a batch for this transaction: answers and safety texts first, then what expires soonest. A channel that is
-- shut gives its probe alone, a number that has enough to send what cannot wait. What is further ahead than that can
-- be was written by a clock that has been put back since. Nothing is added to `expires_at` so that its index is not
-- used: most rows have expired long ago, those that wait have not, and only `due_at` tells them apart. The most urgent
-- are chosen before any is locked, so that a backlog is not sorted whole for each batch: more of them than other
-- workers can hold, and asked again under the lock whether they still wait, in a form that no index but that of the
-- ids serves: the one of what is due would be read whole for each of them.
WITH held AS MATERIALIZED (
    SELECT s.clinic_id, s.channel, s.probe, s.shut_until IS NOT NULL AS shut,
           s.free_at > %(ahead)s AND s.free_at < %(ahead)s + interval '10 minutes' AS full_up
    FROM channel_state s
    WHERE s.shut_until IS NOT NULL OR s.free_at > %(ahead)s
), urgent AS MATERIALIZED (
    SELECT m.id FROM message m
    WHERE m.state IN ('planned', 'waiting') AND m.due_at <= %(now)s AND m.expires_at + interval '0' > %(now)s
      AND NOT EXISTS (SELECT FROM held h
                      WHERE h.clinic_id = m.clinic_id AND h.channel = m.channel
                        AND ((h.shut AND h.probe IS DISTINCT FROM m.id)
                             OR (h.full_up AND m.priority >= %(planned)s)))
    ORDER BY m.priority, m.expires_at, m.id
    LIMIT %(limit)s * 8
)
SELECT m.id FROM message m JOIN urgent u ON u.id = m.id
WHERE m.state || '' IN ('planned', 'waiting') AND m.due_at + interval '0' <= %(now)s
ORDER BY m.priority, m.expires_at, m.id
LIMIT %(limit)s
FOR UPDATE OF m SKIP LOCKED;

-- name: choose_probes
-- Where a shut channel has waited long enough, the most urgent message may go, once in %(seconds)s seconds.
UPDATE channel_state s
SET probe = due.id, shut_until = %(now)s + make_interval(secs => %(seconds)s)
FROM (SELECT t.id AS state_id, found.id
      FROM channel_state t CROSS JOIN LATERAL (
          SELECT m.id FROM message m
          WHERE m.clinic_id = t.clinic_id AND m.channel = t.channel AND m.state IN ('planned', 'waiting')
            AND m.due_at <= %(now)s AND m.expires_at + interval '0' > %(now)s
          ORDER BY m.priority, m.expires_at, m.id
          LIMIT 1) AS found
      WHERE t.shut_until <= %(now)s OR t.shut_until > %(now)s + interval '1 hour') AS due
WHERE s.id = due.state_id AND (s.shut_until <= %(now)s OR s.shut_until > %(now)s + interval '1 hour');

-- name: open_channels
-- What was answered is open again. Touches nothing on a good day.
UPDATE channel_state s
SET failures = 0, times = 0, since = NULL, shut_until = NULL, why = '', probe = NULL
FROM unnest(%(clinics)s::uuid[], %(channels)s::text[]) AS t(clinic_id, channel)
WHERE s.clinic_id = t.clinic_id AND s.channel = t.channel AND s.failures > 0;

-- name: lock_addresses
-- An opt-out takes these rows FOR UPDATE: either it waits for us, or we wait and then see it.
SELECT c.id FROM contact_point c JOIN message m ON m.patient_id = c.patient_id AND m.channel = c.channel
WHERE m.id = ANY(%(ids)s)
ORDER BY c.id
FOR SHARE OF c;

-- name: facts
-- Everything the gates and the renderer need, for a locked batch.
SELECT m.id, m.clinic_id, m.patient_id, m.enrollment_id, m.sequence, m.step, m.template, m.visit_id,
       m.visit_version, m.channel, m.purpose, m.topic, m.message_group, m.asks, m.capped, m.priority, m.send_at, m.expires_at,
       m.tries, m.epoch, m.language AS fixed_language, m.stated,
       p.language, p.given_name, p.status AS patient_status, p.paused_until, p.time_zone,
       coalesce(e.state, '') AS enrollment_state,
       v.number AS visit_number, v.on_date, v.at_time, v.minutes,
       coalesce(v.state, '') AS visit_state, coalesce(v.version, 0) AS current_visit_version,
       coalesce(c.address, '') AS address, coalesce(c.state, '') AS address_state,
       EXISTS (SELECT 1 FROM suppression s
               WHERE s.address_index = c.address_index AND s.channel = m.channel AND s.lifted_at IS NULL
              ) AS suppressed,
       coalesce((SELECT k.action FROM consent k
                 WHERE k.patient_id = m.patient_id AND k.channel = m.channel AND k.topic = m.topic
                 ORDER BY k.id DESC LIMIT 1), '') AS consent,
       CASE WHEN m.purpose = 'manual'
            THEN (SELECT h.words FROM hand_written h WHERE h.message_id = m.id) ELSE '' END AS words
FROM message m
JOIN patient p ON p.id = m.patient_id
LEFT JOIN enrollment e ON e.id = m.enrollment_id
LEFT JOIN visit v ON v.id = m.visit_id
LEFT JOIN contact_point c ON c.patient_id = m.patient_id AND c.channel = m.channel
WHERE m.id = ANY(%(ids)s)
ORDER BY m.priority, m.expires_at, m.id;

-- name: sms_counts
-- How many texts each patient was sent since an instant: the caps.
SELECT patient_id, count(*) FILTER (WHERE sent_at >= %(day)s), count(*)
FROM message
WHERE patient_id = ANY(%(patients)s) AND channel = 'sms' AND purpose IN ('step', 'correction')
  AND sent_at >= %(week)s
GROUP BY patient_id;

-- name: still_allowed
-- Asked once more right before the bytes: which of these messages have become false or unwanted since the claim,
-- and why. Its channel is shut since the claim; too late; about a visit that was moved, called off or settled (by the rules of domain/consent); opted
-- out of, by the address or by its topic, or on its way to an address that may be the wrong person's.
SELECT id, reason FROM (
    SELECT m.id, CASE
        WHEN m.purpose <> 'opt_out_confirmation'
             AND (EXISTS (SELECT 1 FROM suppression s
                          WHERE s.address_index = c.address_index AND s.channel = m.channel
                            AND s.lifted_at IS NULL)
                  OR (m.purpose NOT IN ('auto_reply', 'safety', 'staff_alert')
                      AND (c.state = 'paused'
                           OR 'withdrawn' = (SELECT k.action FROM consent k
                                             WHERE k.patient_id = m.patient_id AND k.channel = m.channel
                                               AND k.topic = m.topic
                                             ORDER BY k.id DESC LIMIT 1))))
            THEN 'opted_out'
        WHEN m.expires_at <= %(now)s THEN 'expired'
        WHEN m.purpose IN ('step', 'correction', 'manual') AND m.visit_version NOT IN (0, v.version) THEN 'visit_moved'
        WHEN m.template = 'correction/moved' AND v.state = 'cancelled' THEN 'visit_cancelled'
        WHEN EXISTS (SELECT FROM channel_state s
                     WHERE s.clinic_id = m.clinic_id AND s.channel = m.channel
                       AND s.shut_until IS NOT NULL AND s.probe IS DISTINCT FROM m.id)
            THEN 'provider_down'
        WHEN m.purpose IN ('step', 'manual') AND m.sequence NOT IN ('aftercare', 'missed_visit') THEN
            CASE v.state WHEN 'cancelled' THEN 'visit_cancelled' WHEN 'completed' THEN 'visit_done'
                         WHEN 'no_show' THEN 'visit_missed' END
        END AS reason
    FROM message m
    LEFT JOIN contact_point c ON c.patient_id = m.patient_id AND c.channel = m.channel
    LEFT JOIN visit v ON v.id = m.visit_id
    WHERE m.id = ANY(%(ids)s)
) AS asked
WHERE reason IS NOT NULL;

-- name: begin_attempts
-- Here and below, %%(name)s sends a list in the binary form, so that no text in it has to be searched and quoted.
WITH sent AS (
    SELECT * FROM unnest(
        %(messages)s::bigint[], %(attempts)s::uuid[], %(languages)s::text[], %(digests)s::text[],
        %(subjects)s::text[], %(bodies)s::text[], %(htmls)s::text[], %(segments)s::int[], %(encodings)s::text[],
        %(stated)s::jsonb[])
        AS t(message_id, attempt_id, language, digest, subject, body, html, segments, encoding, stated)
), begun AS (
    UPDATE message m
    SET state = 'attempting', reason = '', epoch = m.epoch + 1, tries = m.tries + 1, language = s.language,
        wording_digest = s.digest, subject = s.subject, body = s.body, html = s.html, segments = s.segments,
        encoding = s.encoding, stated = s.stated, sent_at = %(now)s
    FROM sent s WHERE m.id = s.message_id
    RETURNING m.id, m.epoch, m.channel, s.attempt_id
)
INSERT INTO attempt (id, message_id, channel, epoch, started_at, outcome, provider_id, error_code, detail)
SELECT attempt_id, id, channel, epoch, %(now)s, '', '', '', '' FROM begun
RETURNING message_id, epoch;

-- name: add_links
INSERT INTO patient_link (token_hash, patient_id, message_id, purpose, expires_at)
SELECT * FROM unnest(%(hashes)s::text[], %(patients)s::uuid[], %(messages)s::bigint[], %(purposes)s::text[],
                     %(expire)s::timestamptz[]);

-- name: hold
-- Whoever is about to send says so once more: the lease counts from here, and a lost one is noticed. The
-- messages are locked first, as everywhere, so that the sweeper and this never wait in a circle. Nobody waits for
-- the disk: a lease that a crash of the database forgets ends sooner, and the try is found in doubt.
WITH at_once AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), ours AS (
    SELECT a.id FROM at_once, message m JOIN attempt a ON a.message_id = m.id AND a.epoch = m.epoch
    WHERE a.id = ANY(%(attempts)s) AND m.state = 'attempting'
    ORDER BY m.id
    FOR NO KEY UPDATE OF m
)
UPDATE attempt SET leased_at = clock_timestamp() FROM ours WHERE attempt.id = ours.id
RETURNING attempt.id;

-- name: record_attempts
-- What is settled is not undone by who slept through it; that the provider took it is news whoever brings it.
UPDATE attempt a
SET finished_at = t.finished_at, error_code = t.error_code, detail = t.detail,
    -- A callback that came first knows better than a worker that had no answer.
    outcome = CASE WHEN a.outcome = 'accepted' OR (a.outcome = 'not_sent' AND a.provider_id <> '')
                   THEN a.outcome ELSE t.outcome END,
    provider_id = CASE WHEN a.provider_id = '' THEN t.provider_id ELSE a.provider_id END
FROM unnest(%(attempts)s::uuid[], %(outcomes)s::text[], %(provider_ids)s::text[], %(codes)s::text[],
            %(details)s::text[], %(finished)s::timestamptz[])
     AS t(id, outcome, provider_id, error_code, detail, finished_at)
WHERE a.id = t.id AND (a.finished_at IS NULL OR t.outcome = 'accepted');

-- name: record_messages
-- A row that a callback or a successor has moved on meanwhile is left as it is: state and epoch must match.
UPDATE message m
SET state = t.state, reason = t.reason, due_at = t.due_at,
    settled_at = CASE WHEN t.state IN ('accepted', 'rejected', 'undelivered') THEN %(now)s ELSE m.settled_at END,
    sent_at = CASE WHEN t.state IN ('waiting', 'rejected', 'skipped') THEN NULL ELSE m.sent_at END
FROM unnest(%(messages)s::bigint[], %(epochs)s::int[], %(states)s::text[], %(reasons)s::text[],
            %(due)s::timestamptz[])
     AS t(id, epoch, state, reason, due_at)
WHERE m.id = t.id AND m.epoch = t.epoch AND m.state = 'attempting'
RETURNING m.id;

-- name: record_late
-- The provider took tries whose worker slept: the messages have moved on meanwhile. That is proof like a callback's,
-- by the rules of lifecycle.after_news: what was believed unsent has gone, and where a later try has begun, or
-- another is known to have been taken, it may have gone twice.
WITH late AS (
    SELECT m.id, a.epoch = m.epoch OR m.state IN ('planned', 'waiting', 'skipped', 'cancelled') AS concerns,
           (a.epoch = m.epoch AND m.state = 'uncertain')
           OR m.state IN ('planned', 'waiting', 'skipped', 'cancelled') AS moves,
           EXISTS (SELECT FROM attempt o
                   WHERE o.message_id = m.id AND o.id <> a.id AND o.outcome = 'accepted') AS another
    FROM attempt a JOIN message m ON m.id = a.message_id
    -- One that did not arrive, by a callback that came before this, is tried again.
    WHERE a.id = ANY(%(attempts)s) AND NOT (a.outcome = 'not_sent' AND a.provider_id <> '')
    ORDER BY m.id
    FOR NO KEY UPDATE OF m
)
UPDATE message m
SET state = CASE WHEN moves THEN 'accepted' ELSE m.state END,
    reason = CASE WHEN moves THEN '' ELSE m.reason END,
    settled_at = CASE WHEN moves THEN %(now)s ELSE m.settled_at END,
    duplicate_possible = m.duplicate_possible OR another OR NOT concerns
FROM late
WHERE m.id = late.id;

-- name: settle
-- Skips and deferrals decided by the gates, under the claim's lock.
UPDATE message m
SET state = t.state, reason = t.reason, due_at = t.due_at,
    settled_at = CASE WHEN t.state = 'skipped' THEN %(now)s ELSE NULL END
FROM unnest(%(messages)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(due)s::timestamptz[])
     AS t(id, state, reason, due_at)
WHERE m.id = t.id AND m.state IN ('planned', 'waiting');

-- name: restart_leases
-- A clock that was put back leaves leases in the future, which would not end for as long as it was put back: they
-- begin now. Locks as `hold` does.
WITH ahead AS (
    SELECT a.id FROM message m JOIN attempt a ON a.message_id = m.id AND a.epoch = m.epoch
    WHERE m.state IN ('attempting', 'uncertain') AND a.leased_at > clock_timestamp() + interval '5 seconds'
    ORDER BY m.id
    FOR NO KEY UPDATE OF m
)
UPDATE attempt SET leased_at = clock_timestamp() FROM ahead WHERE attempt.id = ahead.id;

-- name: lapsed
-- Tries whose worker died: begun, never recorded, lease over by the database's own clock.
UPDATE message m SET state = 'uncertain'
FROM attempt a
WHERE m.state = 'attempting' AND a.message_id = m.id AND a.epoch = m.epoch
  AND a.leased_at < clock_timestamp() - make_interval(secs => %(lease)s)
RETURNING m.id;

-- name: in_doubt
-- What the reconciler looks at, with the newest try. `quiet` says that a late callback would have come by now.
SELECT m.id, m.patient_id, m.channel, m.expires_at, m.epoch, a.id AS attempt_id, a.started_at, c.address, m.body,
       a.leased_at < clock_timestamp() - make_interval(secs => %(quiet)s) AS quiet
FROM message m
JOIN attempt a ON a.message_id = m.id AND a.epoch = m.epoch
LEFT JOIN contact_point c ON c.patient_id = m.patient_id AND c.channel = m.channel
WHERE m.state = 'uncertain'
ORDER BY m.id
LIMIT %(limit)s;

-- name: hear
-- Keeps one piece of news about a try, the first time it comes, and locks its message before that: as everywhere.
WITH ours AS (
    SELECT a.id AS attempt_id, a.epoch, a.provider_id, m.id, m.patient_id, m.channel, m.state,
           m.epoch AS current_epoch, m.reason, m.tries, m.expires_at, a.outcome = 'not_sent' AS failed,
           EXISTS (SELECT FROM attempt o
                   WHERE o.message_id = m.id AND o.id <> a.id AND o.outcome = 'accepted') AS another
    FROM attempt a JOIN message m ON m.id = a.message_id
    WHERE a.id = %(attempt)s
    FOR NO KEY UPDATE OF m
), kept AS (
    INSERT INTO delivery_event (attempt_id, provider_id, status, error_code, received_at)
    SELECT attempt_id, %(provider_id)s, %(word)s, %(error_code)s, %(now)s FROM ours
    ON CONFLICT (provider_id, status) DO NOTHING
    RETURNING id
)
SELECT id, patient_id, channel, state, reason, tries, expires_at, epoch = current_epoch, provider_id <> '',
       failed AND provider_id <> '', another, EXISTS (SELECT FROM kept)
FROM ours;
