"""Approve wording. Approval binds the digest of source, translation and placeholders."""

from __future__ import annotations

from collections.abc import Iterable
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
    before = approvals(clinic)
    for template, channel in templates():
        Wording.objects.update_or_create(
            clinic=clinic,
            template=template,
            channel=channel,
            language=language,
            digest=wording_digest(template, channel, language),
            defaults={"state": Wording.State.APPROVED, "approved_by": by, "approved_at": now},
        )
    made = len(approvals(clinic) - before)
    record("wording_approved", f"clinic {clinic.pk}", actor=by, now=now, detail={"language": language})
    return made


def draft_languages(clinic: Clinic, languages: Iterable[str]) -> None:
    """List every text of these languages as a draft, so that staff see what waits for approval."""
    Wording.objects.bulk_create(
        (
            Wording(
                clinic=clinic,
                template=template,
                channel=channel,
                language=language,
                digest=wording_digest(template, channel, language),
            )
            for language in languages
            for template, channel in templates()
        ),
        ignore_conflicts=True,
    )
