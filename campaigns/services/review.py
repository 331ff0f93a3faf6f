"""Approve wording. Approval binds the digest of source, translation and placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from campaigns.delivery.rendering import wording_digest
from campaigns.delivery.wording import templates
from campaigns.models import Clinic, Wording
from campaigns.services.compose import approvals
from campaigns.services.record import record


def approve_language(clinic: Clinic, language: str, *, by: str, now: datetime) -> int:
    """Approve every text as it stands in one language; how many were not approved before.

    `by` names the person who answers for the words. Call inside a transaction.
    """
    rows = list(_texts(clinic, [language]))
    made = len({(r.template, r.channel, r.language, r.digest) for r in rows} - approvals(clinic))
    for row in rows:
        row.state, row.approved_by, row.approved_at = Wording.State.APPROVED, by, now
    Wording.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["clinic", "template", "channel", "language", "digest"],
        update_fields=["state", "approved_by", "approved_at"],
    )
    record("wording_approved", f"clinic {clinic.pk}", actor=by, now=now, detail={"language": language})
    return made


def draft_languages(clinic: Clinic, languages: Iterable[str]) -> None:
    """List every text of these languages as a draft, so that staff see what waits for approval."""
    Wording.objects.bulk_create(_texts(clinic, languages), ignore_conflicts=True)


def _texts(clinic: Clinic, languages: Iterable[str]) -> Iterator[Wording]:
    """A row for every text of these languages as it stands today."""
    for language in languages:
        for template, channel in templates():
            digest = wording_digest(template, channel, language)
            yield Wording(clinic=clinic, template=template, channel=channel, language=language, digest=digest)
