"""Approve wording. Approval binds the digest of source, translation and placeholders."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from campaigns.delivery.pages import PAGE, digest_of, page_texts
from campaigns.delivery.translations import GSM_EDITION, OwnWords, language_of
from campaigns.delivery.wording import Entry, texts_of
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, Wording
from campaigns.queries.wordings import Text
from campaigns.services.compose import approvals
from campaigns.services.record import record
from campaigns.services.standings import names


def approve_language(
    clinic: Clinic, language: str, *, by: str, now: datetime, leave: Collection[Text] = ()
) -> int:
    """Approve every text as it stands in one language, GSM-safe variants and patient pages included; how many
    were not approved before.

    `by` names the person who answers for the words; `leave` names texts (template, channel, edition) that
    stay as they are. Nothing is checked here: see `sign_off`. Call inside a transaction.
    """
    known = approvals(clinic)
    rows = [text(clinic, *name, known.own) for name in names(language, known.own) if name not in leave]
    made = len({(r.template, r.channel, r.language, r.digest) for r in rows} - known.approved)
    for row in rows:
        row.state, row.approved_by, row.approved_at = Wording.State.APPROVED, by, now
    store(rows, ["approved_by", "approved_at"])
    record("wording_approved", f"clinic {clinic.pk}", actor=by, now=now, detail={"language": language})
    return made


def store(rows: Collection[Wording], marks: Collection[str]) -> None:
    """Save what stands about today's words: state, words, and these marks of who did what when."""
    Wording.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["clinic", "template", "channel", "language", "digest"],
        update_fields=["state", "texts", *marks],
    )


def text(clinic: Clinic, template: str, channel: str, edition: str, own: OwnWords) -> Wording:
    """A row, not saved, for one text as it stands today. Raises TranslationMissing, TemplateMissing."""
    is_page = channel == PAGE
    words = (
        page_texts(template, edition, own) if is_page else texts_of(template, Channel(channel), edition, own)
    )
    return Wording(
        clinic=clinic,
        template=template,
        channel=channel,
        language=edition,
        digest=digest_of(template, channel, edition, own),
        texts=[[_context(entry, edition), entry.text, *said] for entry, said in words],
    )


def _context(entry: Entry, edition: str) -> str:
    return entry.context if language_of(edition) == edition else f"{entry.context} ({GSM_EDITION[3:]})"
