"""What of one patient belongs in the clinic's own chart: visits, answers, what was said both ways, what
the patient agreed to. Plain words and codes; keys, tries and settings are in the full export only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from campaigns.models import Consent, Message, Patient, Visit
from campaigns.queries import timeline

Document = dict[str, Any]


def read(patient: Patient, now: datetime) -> Document:
    """The document. Instants are UTC; visits are the wall clock of the clinic, whose zone is there too."""
    story = timeline.story(patient.pk)
    visits = Visit.objects.filter(course__patient=patient).order_by("course__created_at", "number")
    consents = Consent.objects.filter(patient=patient).select_related("words").order_by("pk")
    numbers = {message.pk: message.visit.number for message in story.messages if message.visit}
    return {
        "made_at": _utc(now),
        "clinic": {"name": patient.clinic.name, "time_zone": patient.clinic.time_zone},
        "patient": {
            "id": str(patient.pk),
            "given_name": patient.given_name,
            "family_name": patient.family_name,
            "language": patient.language,
            "interpreter": patient.speaks,
            "status": patient.status,
        },
        "visits": [_visit(visit) for visit in visits],
        "answers": [
            {
                "question": answer.question,
                "value": answer.value,
                "loinc": answer.code,
                "answered_at": _utc(answer.answered_at),
                "late": answer.late,
                "after_visit": numbers.get(answer.message_id),
            }
            for answer in story.answers
        ],
        "messages": [_message(message) for message in story.messages if message.sent_at],
        "replies": [
            {"received_at": _utc(reply.received_at), "channel": reply.channel, "words": reply.body}
            for reply in story.replies
        ],
        "consents": [_consent(line) for line in consents],
    }


def _utc(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat(timespec="seconds") if instant else None


def _visit(visit: Visit) -> Document:
    return {
        "number": visit.number,
        "kind": visit.kind,
        "date": visit.on_date.isoformat(),
        "time": f"{visit.at_time:%H:%M}",
        "state": visit.state,
        "settled_at": _utc(visit.settled_at),
    }


def _message(message: Message) -> Document:
    return {
        "sent_at": _utc(message.sent_at),
        "channel": message.channel,
        "template": message.template,
        "visit": message.visit.number if message.visit else None,
        "state": message.state,
        "language": message.language,
        "subject": message.subject,
        "words": message.body,
    }


def _consent(line: Consent) -> Document:
    return {
        "at": _utc(line.at),
        "channel": line.channel,
        "topic": line.topic,
        "action": line.action,
        "source": line.source,
        "by": line.by,
        "evidence": line.proof,
        "language_shown": line.language_shown,
        "wording_shown": line.wording_shown,
    }
