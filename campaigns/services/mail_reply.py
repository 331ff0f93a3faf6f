"""What a person's mail leads to: the rules for a text, for what they wrote and not for what they quote.

Automatic answers go by text only; by e-mail the one exception is the safety text, once a day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from campaigns.domain import replies
from campaigns.domain.lifecycle import Purpose
from campaigns.domain.mail_kinds import Kind
from campaigns.domain.mime import Mail
from campaigns.domain.quoting import Visible, own_subject, visible
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import EXPECTED, Expects, Keyword, Parsed
from campaigns.domain.triage import Assessment, Urgency
from campaigns.models import Alert, InboundMail, Message, Patient, Reply
from campaigns.queries import lexicons
from campaigns.services import consent, understand
from campaigns.services.answer_form import is_late, still_waits
from campaigns.services.mail_sender import LOOKED_BACK, Sender
from campaigns.services.prefer import change_language, offered
from campaigns.services.understand import Case, Said, alert, conclude

ONE_ANSWER = timedelta(hours=24)
"""No address gets the same automatic answer twice within this time, whatever comes from it (RFC 3834)."""

MOST_OWN = 30
"""Mails of ours that a quote is held against."""


def take_reply(mail: Mail, kind: Kind, stored: InboundMail, sender: Sender, now: datetime) -> Reply:
    """Keep what was written and act on it. Call inside the transaction that holds the stored mail."""
    if sender.patient is not None:
        Patient.objects.select_for_update(no_key=True).get(pk=sender.patient.pk)
    read = _read(mail, stored, sender, now)
    case = understand.store(read.said, read.parsed, read.found)
    _Mailed(case, kind, sender, stored).act()
    return case.reply


def take_words(
    mail: Mail, stored: InboundMail, sender: Sender, now: datetime, rule: str = ""
) -> Reply | None:
    """Show a machine's mail to a person where it speaks of danger or `rule` says why; None: neither."""
    read = _read(mail, stored, replace(sender, patient=None, asked=None), now)
    if read.found.urgency is None and not rule:
        return None
    case = understand.store(read.said, Parsed(), read.found)
    conclude(case, Reply.Outcome.UNMATCHED)
    if not understand.alert_danger(case):
        alert(case, Alert.Urgency.ROUTINE, rule)
    return case.reply


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was written, and what it was understood as."""

    said: Said
    parsed: Parsed
    found: Assessment


def _read(mail: Mail, stored: InboundMail, sender: Sender, now: datetime) -> _Reading:
    words = visible(mail.text)
    subject = _fresh_subject(mail, sender.asked)
    said = Said(
        provider_id=f"mail:{stored.digest}",
        channel=Channel.EMAIL,
        address_index=sender.address_index,
        body=understand.readable("\n".join(filter(None, (subject, words.text)))),
        clinic=sender.clinic,
        patient=sender.patient,
        asked=sender.asked,
        now=now,
    )
    stored.words = understand.readable(mail.text) if words.removed else ""
    stored.damaged = stored.damaged or len(words.text) > understand.LONGEST_BODY
    parsed = _parsed(said, words.text, subject)
    return _Reading(said, parsed, _assessed(said, parsed, words, sender))


def _fresh_subject(mail: Mail, asked: Message | None) -> str:
    """The subject where the sender wrote it. Behind `Re:`, or the same as ours, it is not theirs."""
    subject = mail.get("subject")
    bare, answers = own_subject(subject)
    if asked is not None:
        return "" if bare.casefold() == asked.subject.strip().casefold() else bare
    return "" if answers else bare


def _parsed(said: Said, words: str, subject: str) -> Parsed:
    """The words, or what stops our mail: a subject of `unsubscribe`, the word alone above a name."""
    whole = _parse(said, words or subject)
    above, _, below = words.partition("\n\n")
    for alone, rest in ((subject, words), (above, below)):
        found = _parse(said, alone) if rest and alone else whole
        if found.keyword is Keyword.STOP and whole.keyword is not Keyword.STOP:
            return replace(found, in_free_words=True)
    return whole


def _parse(said: Said, text: str) -> Parsed:
    return replies.parse(
        understand.readable(text),
        language=said.language,
        expects=EXPECTED.get(said.question, Expects.NONE),
        question=said.question,
        lexicon=lexicons.of(said.clinic),
    )


def _assessed(said: Said, parsed: Parsed, words: Visible, sender: Sender) -> Assessment:
    """Danger in what was written, however long; else in what seems quoted and is in no mail of ours."""
    found = understand.assess(said, parsed)
    rest = f"{words.text[understand.LONGEST_BODY :]}\n{_not_ours(words.removed, sender, said.now)}"
    for start in range(0, len(rest), understand.LONGEST_BODY):
        if found.urgency is not None:
            break
        body = understand.readable(rest[start : start + understand.LONGEST_BODY])
        found = understand.assess(replace(said, body=body), Parsed())
    return found


def _not_ours(removed: str, sender: Sender, now: datetime) -> str:
    """Lines of what seems quoted that we never sent: somebody may have answered between our lines."""
    patients = [sender.patient] if sender.patient else sender.owners
    sent = Message.objects.filter(patient__in=patients, channel=Channel.EMAIL, sent_at__gt=now - LOOKED_BACK)
    newest = sent.only("subject", "body").order_by("-sent_at")[:MOST_OWN]
    ours = "".join(_squeezed(f"{one.subject}{one.body}") for one in newest)
    return "\n".join(line for line in removed.split("\n") if _squeezed(line) not in ours)


def _squeezed(text: str) -> str:
    """A text without what mail programs change: spaces, line ends, marks of quotes and of bold letters."""
    return re.sub(r"[\s>*_]+", "", text).casefold()


@dataclass(frozen=True, slots=True)
class _Mailed:
    """What one mail leads to."""

    case: Case
    kind: Kind
    sender: Sender
    stored: InboundMail

    def act(self) -> None:
        """Danger first, then keywords, then the answer; what is left goes to a person."""
        alerted = self._raise_danger()
        alerted = understand.doubt(self.case) or alerted
        if self.sender.patient is None:
            self._stranger(alerted)
        elif self.case.parsed.keyword is not None:
            self._keyword(self.sender.patient, self.case.parsed.keyword, alerted)
        elif not self._answers(self.sender.patient, alerted) and not alerted:
            self._for_a_person()
        self._show_the_rest()

    def _raise_danger(self) -> bool:
        """Open the alert that the words or the number call for, and only then send the fixed text."""
        case = self.case
        if not understand.alert_danger(case):
            return False
        template = understand.safety_template(case)
        if case.assessment.urgency is Urgency.EMERGENCY and self._may_answer(template):
            understand.say(case, template, Purpose.SAFETY)
        return True

    def _may_answer(self, template: str) -> bool:
        """Never a machine, and never the same twice within a day."""
        if self.kind is not Kind.PERSONAL or self.sender.patient is None:
            return False
        said = Message.objects.filter(patient=self.sender.patient, channel=Channel.EMAIL, template=template)
        return not said.filter(created_at__gt=self.case.said.now - ONE_ANSWER).exists()

    def _stranger(self, alerted: bool) -> None:
        """Whoever it is has not proven it: a person decides whose words these are."""
        shared = len(self.sender.owners) > 1
        conclude(self.case, Reply.Outcome.ALERT if self.sender.owners else Reply.Outcome.UNMATCHED)
        if alerted:
            return
        rule = "address shared by several patients" if shared else "sender not proven"
        if self.case.parsed.keyword is Keyword.STOP:
            rule = "no more messages, sender not proven"
        elif not self.sender.owners:
            rule = "unknown sender"
        alert(self.case, Alert.Urgency.ROUTINE, rule)

    def _keyword(self, patient: Patient, keyword: Keyword, alerted: bool) -> None:
        case = self.case
        if keyword is Keyword.STOP:
            understand.stop(case, alerted)
        elif keyword is Keyword.START and understand.wants_back(case):
            return
        elif keyword is Keyword.START:
            consent.opt_in(case.said.address_index, case.said.channel, source="reply", now=case.said.now)
            conclude(case, Reply.Outcome.OPT_IN)
        elif keyword is Keyword.HELP:
            conclude(case, Reply.Outcome.HELP)
            alert(case, Alert.Urgency.ROUTINE, "asked for help")
        elif case.parsed.keyword_language in {language.tag for language in offered(patient.clinic)}:
            wanted = str(case.parsed.keyword_language)
            change_language(patient, wanted, by="patient", source="reply", now=case.said.now)
            conclude(case, Reply.Outcome.LANGUAGE)
        else:
            alert(case, Alert.Urgency.ROUTINE, "asks for a language that we do not have")

    def _answers(self, patient: Patient, alerted: bool) -> bool:
        """Record a certain answer to a question that still waits for it, or waited too long."""
        case, asked = self.case, self.case.said.asked
        if self.kind is not Kind.PERSONAL or asked is None or case.parsed.answer is None:
            return False
        if not still_waits(asked, case.said.now):
            return False
        if is_late(asked, case.said.now):
            understand.record_late(case, patient, asked, alerted)
        else:
            understand.record_answer(case, patient, asked)
        return True

    def _for_a_person(self) -> None:
        rule = "asks for a call" if self.case.parsed.asks_call else "not understood"
        alert(self.case, Alert.Urgency.ROUTINE, rule if self.kind is Kind.PERSONAL else "perhaps automatic")

    def _show_the_rest(self) -> None:
        """Pictures, and what could not be read, are for a person, whatever else the mail said."""
        if self.case.reply.alerts.exists():
            return
        if self.stored.files:
            alert(self.case, Alert.Urgency.ROUTINE, "sent files")
        elif self.stored.damaged:
            alert(self.case, Alert.Urgency.ROUTINE, "mail cut or damaged")
