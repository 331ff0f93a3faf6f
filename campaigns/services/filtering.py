"""Words that carriers filter out: after a few of them nothing more leaves with those words until a person has
looked."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.domain.lifecycle import Purpose, Reason
from campaigns.domain.recipients import Channel
from campaigns.models import Message, Wording, WordingComment
from campaigns.services.record import record

LOOK_BACK = timedelta(hours=24)
FEWEST = 3
"""One text that is filtered may be the patient's own setting."""
ONE_IN = 5
"""... of so many sent with the same words."""
BY = "carriers"
_STEPS = {Purpose.STEP, Purpose.CORRECTION}


def withdraw_filtered(message_id: int, now: datetime) -> bool:
    """Take the approval off words of which carriers filtered too many in a day, with a comment that says so;
    whether it did. The clinic's policy for words that are not approved then holds. Answers and safety texts
    keep theirs: a text that may not arrive is better than none. Call inside a transaction."""
    message = Message.objects.only(
        "clinic_id", "template", "channel", "wording_digest", "purpose", "language"
    ).get(pk=message_id)
    approved = Wording.objects.filter(
        clinic_id=message.clinic_id,
        template=message.template,
        channel=Channel.SMS,
        digest=message.wording_digest,
        state=Wording.State.APPROVED,
    )
    wording = approved.first()
    if wording is None or Purpose(message.purpose) not in _STEPS:
        return False
    filtered, sent = _counts(message, now)
    if filtered < FEWEST or filtered * ONE_IN < sent:
        return False
    approved.update(state=Wording.State.DRAFT)
    WordingComment.objects.create(
        clinic_id=message.clinic_id,
        template=wording.template,
        channel=wording.channel,
        language=wording.language,
        text=f"Carriers filtered {filtered} of {sent} texts with these words within a day (30007). "
        "Nothing more leaves with them until they are approved again: look at links and at words that "
        "advertising uses, or ask the provider.",
        by=BY,
        at=now,
    )
    told = {"text": f"{wording.template} {wording.channel} {wording.language}", "filtered": filtered}
    record("wording_withdrawn", f"clinic {message.clinic_id}", actor=BY, now=now, detail=told)
    return True


def _counts(message: Message, now: datetime) -> tuple[int, int]:
    """How many with these words were filtered in the last day, and how many were sent."""
    same = Message.objects.filter(
        clinic_id=message.clinic_id,
        template=message.template,
        channel=Channel.SMS,
        wording_digest=message.wording_digest,
        sent_at__gt=now - LOOK_BACK,
    )
    return same.filter(reason=Reason.FILTERED).count(), same.count()
