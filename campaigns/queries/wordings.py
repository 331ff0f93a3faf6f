"""What is stored about texts: states, own words, comments, and the messages that wait for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from campaigns.domain.lifecycle import UNSENT
from campaigns.models import Message, OwnWording, Patient, Staff, Wording, WordingComment

Text = tuple[str, str, str]
"""(template, channel, edition): what names one text of a clinic."""

_UNSENT = [state.value for state in UNSENT]


def rows(clinic_id: UUID, editions: Collection[str]) -> dict[Text, list[Wording]]:
    """Every row of these editions by text, newest first, without the words themselves."""
    found: dict[Text, list[Wording]] = {}
    stored = Wording.objects.filter(clinic=clinic_id, language__in=editions).defer("texts")
    for row in stored.order_by("-pk"):
        found.setdefault((row.template, row.channel, row.language), []).append(row)
    return found


def approved(clinic_id: UUID, text: Text) -> QuerySet[Wording]:
    """The rows of a text that are approved, today's words or older ones."""
    template, channel, edition = text
    stored = Wording.objects.filter(clinic=clinic_id, template=template, channel=channel, language=edition)
    return stored.filter(state=Wording.State.APPROVED)


def last_approved(clinic_id: UUID, text: Text, but: str) -> Wording | None:
    """The newest row of a text that somebody once approved, other than the one with the digest `but`."""
    template, channel, edition = text
    once = Q(state=Wording.State.APPROVED) | Q(approved_at__isnull=False)
    stored = Wording.objects.filter(once, clinic=clinic_id, template=template, channel=channel)
    return stored.filter(language=edition).exclude(digest=but).order_by("approved_at", "pk").last()


def own(clinic_id: UUID, language: str) -> dict[str, OwnWording]:
    """A clinic's own words in one language, by context."""
    return {row.context: row for row in OwnWording.objects.filter(clinic=clinic_id, language=language)}


def comments(clinic_id: UUID, text: Text) -> list[WordingComment]:
    """What was asked about one text: open ones first, each as they came."""
    template, channel, edition = text
    stored = WordingComment.objects.filter(
        clinic=clinic_id, template=template, channel=channel, language=edition
    )
    return sorted(stored.order_by("at", "pk"), key=lambda comment: comment.settled_at is not None)


def open_comments(clinic_id: UUID) -> dict[Text, int]:
    """How many open comments each text has."""
    counted = WordingComment.objects.filter(clinic=clinic_id, settled_at=None)
    listed = counted.values_list("template", "channel", "language").annotate(number=Count("pk"))
    return {(template, channel, edition): number for template, channel, edition, number in listed}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one patient that wait for one text. `next_at` is UTC."""

    patient_id: UUID
    language: str
    template: str
    channel: str
    purpose: str
    next_at: datetime
    count: int


def waiting(clinic_id: UUID, languages: Iterable[str] | None, templates: Iterable[str]) -> list[Waiting]:
    """The unsent messages of these templates, for patients who read these languages (None: any), soonest
    first."""
    unsent = Message.objects.filter(clinic=clinic_id, state__in=_UNSENT, template__in=list(templates))
    if languages is not None:
        unsent = unsent.filter(patient__language__in=list(languages))
    grouped = unsent.values_list("patient_id", "patient__language", "template", "channel", "purpose")
    listed = grouped.annotate(next_at=Min("due_at"), number=Count("pk")).order_by("next_at", "patient_id")
    return [Waiting(*row) for row in listed]


def put_off(clinic_id: UUID, texts: Iterable[tuple[str, str]], until: datetime) -> int:
    """Let the unsent messages of these texts (template, channel) wait until then; how many. What expires
    before stays as it is."""
    wanted = Q()
    for template, channel in texts:
        wanted |= Q(template=template, channel=channel)
    unsent = Message.objects.filter(wanted, clinic=clinic_id, state__in=_UNSENT)
    return unsent.filter(due_at__lt=until, expires_at__gt=until).update(due_at=until)


def patients(ids: Iterable[UUID]) -> dict[UUID, Patient]:
    """These patients by id."""
    return Patient.objects.in_bulk(list(ids))


def names(clinic_id: UUID) -> dict[str, str]:
    """What the staff of a clinic are called, by e-mail address."""
    return dict(Staff.objects.filter(clinic=clinic_id).values_list("email", "name"))
