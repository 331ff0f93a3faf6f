"""Approve wording. Approval binds the digest of source, translation and placeholders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from campaigns.delivery.pages import PAGE, page_digest, page_texts, pages
from campaigns.delivery.rendering import wording_digest
from campaigns.delivery.translations import GSM_EDITION, OwnWords, gsm_edition, language_of
from campaigns.delivery.wording import Entry, has_gsm_variant, templates, texts_of
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
    rows = list(_there(clinic, language, known.own, leave))
    made = len({(r.template, r.channel, r.language, r.digest) for r in rows} - known.approved)
    for row in rows:
        row.state, row.approved_by, row.approved_at = Wording.State.APPROVED, by, now
    Wording.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["clinic", "template", "channel", "language", "digest"],
        update_fields=["state", "texts", "approved_by", "approved_at"],
    )
    record("wording_approved", f"clinic {clinic.pk}", actor=by, now=now, detail={"language": language})
    return made


def _there(clinic: Clinic, language: str, own: OwnWords, leave: Collection[Text]) -> Iterator[Wording]:
    if not leave:
        return texts(clinic, [language], own)
    return (text(clinic, *name, own) for name in names(language, own) if name not in leave)


def texts(clinic: Clinic, languages: Iterable[str], own: OwnWords) -> Iterator[Wording]:
    """A row, not saved, for every text of these languages as it stands today."""
    for language in languages:
        for template, channel in templates():
            yield text(clinic, template, channel, language, own)
            if channel is Channel.SMS and has_gsm_variant(template, language, own):
                yield text(clinic, template, channel, gsm_edition(language), own)
        for name in pages():
            yield text(clinic, name, PAGE, language, own)


def text(clinic: Clinic, template: str, channel: str, edition: str, own: OwnWords) -> Wording:
    """A row, not saved, for one text as it stands today. Raises TranslationMissing, TemplateMissing."""
    if channel == PAGE:
        digest, words = page_digest(template, edition, own), page_texts(template, edition, own)
    else:
        digest = wording_digest(template, Channel(channel), edition, own)
        words = texts_of(template, Channel(channel), edition, own)
    return Wording(
        clinic=clinic,
        template=template,
        channel=channel,
        language=edition,
        digest=digest,
        texts=[[_context(entry, edition), entry.text, *said] for entry, said in words],
    )


def _context(entry: Entry, edition: str) -> str:
    return entry.context if language_of(edition) == edition else f"{entry.context} ({GSM_EDITION[3:]})"
