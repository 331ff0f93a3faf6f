"""What has come in and waits to be read. Storing is one statement, since texts come in crowds."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from campaigns.models import Reply
from campaigns.models.encryption import blind_index, encrypt
from campaigns.queries import clock

_KEEP = """
INSERT INTO reply (provider_id, channel, address_index, sender, sent_to, body, opt_out_type, files,
                   received_at, language, keyword, answer, urgency, parser_version, outcome, tries)
VALUES (%(provider_id)s, %(channel)s, %(index)s, %(sender)s, %(sent_to)s, %(body)s, %(opt_out_type)s,
        %(files)s, coalesce((SELECT rehearsal_now FROM installation WHERE id = 1), clock_timestamp()),
        '', '', '', '', '', 'waiting', 0)
ON CONFLICT (provider_id) DO NOTHING
RETURNING id
"""


def keep(
    *, provider_id: str, channel: str, sender: str, sent_to: str, body: str, opt_out_type: str, files: int
) -> int | None:
    """Store one text as it came; its id, or None where it came before. `body` is what the database takes."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "provider_id": provider_id,
                "channel": channel,
                "index": blind_index(sender),
                "sender": encrypt(sender),
                "sent_to": sent_to,
                "body": encrypt(body),
                "opt_out_type": opt_out_type,
                "files": files,
            },
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def are_arriving() -> bool:
    """Whether a text that waits came within the last second."""
    since = clock.now() - timedelta(seconds=1)
    return Reply.objects.filter(outcome=Reply.Outcome.WAITING, received_at__gt=since).exists()


def waiting(after: int, limit: int) -> list[int]:
    """The ids of texts that nobody has read yet, oldest first, from those that follow `after`."""
    rows = Reply.objects.filter(outcome=Reply.Outcome.WAITING, pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])
