"""Act on one stored text: what it leads to is decided in one transaction.

Whatever is not certainly an answer or a keyword becomes an alert that a person sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from campaigns.domain.dialogue import OPEN_FOR
from campaigns.domain.lifecycle import Purpose
from campaigns.domain.recipients import Channel
from campaigns.domain.replies import EXPECTED, Expects, Keyword, Parsed
from campaigns.domain.triage import Urgency
from campaigns.models import Alert, Clinic, Message, Patient, Reply
from campaigns.services import binding, consent, understand
from campaigns.services.binding import Read
from campaigns.services.compose import is_staffed
from campaigns.services.prefer import change_language, offered
from campaigns.services.understand import Case, Said, alert, conclude, say

RETRY_TEMPLATES = {
    Expects.NRS: "auto/retry_nrs",
    Expects.YES_NO: "auto/retry_yes_no",
    Expects.CHANGE: "auto/retry_change",
}


def act_on(reply: Reply) -> None:
    """Understand a text that waits, and do what follows. Call inside the transaction that locked it.

    Its own time counts and not that of the reading: what was open when it came is what it answers.
    """
    # Two texts of one patient at the same moment come one after the other: a question has one answer.
    owners = list(
        Patient.objects.select_for_update(of=("self",), no_key=True)
        .filter(contact_points__address_index=reply.address_index, contact_points__channel=Channel.SMS)
        .select_related("clinic")
        .order_by("pk")
    )
    said = Said(
        provider_id=reply.provider_id,
        channel=Channel.SMS,
        address_index=reply.address_index,
        body=reply.body,
        clinic=clinic_of(reply, owners),
        patient=owners[0] if len(owners) == 1 else None,
        asked=None,
        now=reply.received_at,
    )
    read = binding.read(said, owners)
    read = replace(read, parsed=_as_provider_heard(read.parsed, reply.opt_out_type))
    case = understand.store(read.said, read.parsed, read.assessment, reply)
    _Texting(reply, case, owners, read).act()


def _as_provider_heard(parsed: Parsed, opt_out_type: str) -> Parsed:
    """A provider that has answered STOP or HELP itself acted on it, whatever our own lists say of the word.

    Its START is not taken over: providers count YES as one, and a yes to a question brings nobody back. Nor
    does anything of theirs undo a STOP of ours.
    """
    if opt_out_type == "STOP" and parsed.keyword is not Keyword.STOP:
        return replace(parsed, keyword=Keyword.STOP, keyword_language=None, in_free_words=False)
    if opt_out_type == "HELP" and parsed.keyword is None:
        return replace(parsed, keyword=Keyword.HELP, answer=None)
    return parsed


def clinic_of(reply: Reply, owners: list[Patient]) -> Clinic | None:
    """Whose text this is: the number it was sent to decides, then the sender's clinic, then the only clinic
    there is. None where several could be meant: then the staff of all of them see it."""
    clinic = Clinic.objects.filter(sms_number=reply.sent_to).order_by("created_at").first()
    if clinic:
        return clinic
    theirs = {owner.clinic for owner in owners} or set(Clinic.objects.all()[:2])
    return theirs.pop() if len(theirs) == 1 else None


def _expects(said: Said) -> Expects:
    return EXPECTED.get(said.question, Expects.NONE)


@dataclass(frozen=True, slots=True)
class _Texting:
    """What one text leads to. `owners` are the patients who have the number."""

    text: Reply
    case: Case
    owners: list[Patient]
    read: Read

    def act(self) -> None:
        """Do what the words ask for. A picture may say more than they do: a person looks at it."""
        self._follow_words()
        if self.text.files and not self.text.alerts.exists():
            alert(self.case, Alert.Urgency.ROUTINE, "sent files")

    def _follow_words(self) -> None:
        """Danger first, then keywords, then the answer; what is left goes to a person."""
        case, patient = self.case, self.case.said.patient
        alerted = self._raise_danger()
        alerted = understand.doubt(case) or alerted
        if case.parsed.keyword is Keyword.STOP:
            source = consent.PROVIDER if self.text.opt_out_type else "reply"
            is_new = understand.stop(case, alerted, source=source)
            self._confirm("auto/stop" if is_new else "", Purpose.OPT_OUT_CONFIRMATION)
        elif case.parsed.keyword is Keyword.START:
            self._start()
        elif patient is None:
            self._stranger(alerted)
        elif case.parsed.keyword is Keyword.HELP:
            conclude(case, Reply.Outcome.HELP)
            alert(case, Alert.Urgency.ROUTINE, "asked for help")
            self._say_unless_said("auto/help")
        elif case.parsed.keyword is Keyword.LANGUAGE:
            self._choose_language(patient)
        elif case.parsed.answer is not None and case.said.asked is not None:
            self._answer(patient, case.said.asked, alerted)
        elif not alerted:
            self._for_a_person()

    def _raise_danger(self) -> bool:
        """Open the alert that the words or the number call for, and only then send the fixed text."""
        case = self.case
        if not understand.alert_danger(case):
            return False
        if case.assessment.urgency is Urgency.EMERGENCY:
            say(self.voice, understand.safety_template(case), Purpose.SAFETY)
        elif case.parsed.keyword is None and not self.read.answers_somebody:
            say(self.voice, self._worried_words(), Purpose.AUTO_REPLY)
        return True

    @property
    def voice(self) -> Case:
        """The case as it is answered. On a shared phone one of those who have it is written to, and no text
        names anybody."""
        said = self.case.said
        return replace(self.case, said=replace(said, patient=said.patient or self.read.spokesman))

    def _worried_words(self) -> str:
        """What to say to words or a number that a person must look at the same day."""
        if set(self.case.assessment.rules) <= set(understand.NOT_READY):
            return "auto/not_ready"
        return "auto/high" if self._is_staffed() else "auto/closed"

    def _is_staffed(self) -> bool:
        said = self.case.said
        return said.clinic is not None and is_staffed(said.clinic, said.now)

    def _say_unless_said(self, template: str, purpose: Purpose = Purpose.AUTO_REPLY) -> None:
        """Answer a keyword, unless the provider has done so."""
        if template and not self.text.opt_out_type:
            say(self.voice, template, purpose)

    def _start(self) -> None:
        """Only the word itself brings a patient back, and only if they had left."""
        said = self.case.said
        if understand.wants_back(self.case):
            return
        came_back = consent.opt_in(said.address_index, said.channel, source="reply", now=said.now)
        conclude(self.case, Reply.Outcome.OPT_IN)
        self._confirm("auto/start" if came_back else "", Purpose.AUTO_REPLY)

    def _confirm(self, template: str, purpose: Purpose) -> None:
        """Answer STOP or START, also on a number that several patients share: the words name nobody."""
        said = self.case.said
        sharing = (owner for owner in self.owners if said.clinic and owner.clinic_id == said.clinic.pk)
        patient = said.patient or next(sharing, None)
        if template and patient and not self.text.opt_out_type:
            say(replace(self.case, said=replace(said, patient=patient)), template, purpose)

    def _choose_language(self, patient: Patient) -> None:
        """The name of a language of this clinic changes the patient's; any other wish goes to a person.

        The bare word "language" is answered with the names there are.
        """
        case = self.case
        wanted = case.parsed.keyword_language
        if wanted is None:
            conclude(case, Reply.Outcome.LANGUAGE)
            self._say_unless_said("auto/languages")
        elif wanted in {language.tag for language in offered(patient.clinic)}:
            change_language(patient, wanted, by="patient", source="reply", now=case.said.now)
            conclude(case, Reply.Outcome.LANGUAGE)
            self._say_unless_said("auto/language")
        else:
            alert(case, Alert.Urgency.ROUTINE, "asks for a language that we do not have")

    def _stranger(self, alerted: bool) -> None:
        """An unknown number, or one that several patients share: a person decides whose words these are."""
        conclude(self.case, Reply.Outcome.ALERT if self.owners else Reply.Outcome.UNMATCHED)
        if not alerted:
            rule = "number shared by several patients" if self.owners else "unknown number"
            alert(self.case, Alert.Urgency.ROUTINE, rule)
        if self.read.answers_somebody and self.case.assessment.urgency is not Urgency.EMERGENCY:
            self._say_unless_said("auto/which_patient")

    def _answer(self, patient: Patient, asked: Message, alerted: bool) -> None:
        if self.read.is_late:
            understand.record_late(self.case, patient, asked, alerted)
        else:
            understand.record_answer(self.case, patient, asked)
        if not alerted:
            self._say_unless_said("auto/ok")

    def _for_a_person(self) -> None:
        """Not understood: a person sees it; and if a question is open, it is asked once more."""
        case = self.case
        rule = "asks for a call" if case.parsed.asks_call else "not understood"
        alert(case, Alert.Urgency.ROUTINE, rule)
        template = RETRY_TEMPLATES.get(_expects(case.said), "")
        if case.parsed.asks_call:
            say(case, "auto/call", Purpose.AUTO_REPLY)
        elif case.parsed.problem and template and not self._asked_again(template):
            say(case, template, Purpose.AUTO_REPLY)
        elif case.said.clinic and not self._is_staffed():
            say(case, "auto/closed", Purpose.AUTO_REPLY)

    def _asked_again(self, template: str) -> bool:
        said = self.case.said
        again = Message.objects.filter(patient=said.patient, template=template)
        return again.filter(created_at__gt=said.now - OPEN_FOR).exists()
