"""What happens to the demo patients: staff enroll and settle visits, patients answer."""

from __future__ import annotations

import email
import email.policy
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import urllib3

from campaigns.domain.lifecycle import State
from campaigns.domain.timing import to_instant
from campaigns.domain.visits import VisitKind, VisitState
from campaigns.local.cast import CAST, WHOLE_COURSE, DemoPatient, Event
from campaigns.local.rehearsal import Rehearsal
from campaigns.local.stage import Stage
from campaigns.models import Alert, Clinic, Course, Message, Patient, Staff, Visit
from campaigns.services import escalate, visits
from campaigns.services.enroll import Application, NewVisit, enroll
from campaigns.services.send import message_id_header

STAFF = "demo rehearsal"
ANSWER_AFTER = timedelta(minutes=7)
READ_AFTER = timedelta(minutes=12)
VISIT_TAKES = timedelta(minutes=50)
BUTTON = re.compile(r'<a\b[^>]*href="([^"]+/p/[\w-]+)"')
"""The first page of ours that an e-mail links to; in one that asks, its form."""
ONE_CLICK = re.compile(rb"List-Unsubscribe: <([^>]+)>", re.IGNORECASE)

ONCE = {"Connection": "close"}
"""Nobody's browser stays on the page: a site that stops would wait for it."""
A_FORM = {**ONCE, "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Story:
    """Writes the script of a rehearsal that starts on `first_day` (wall date at the clinic)."""

    stage: Stage
    clinic: Clinic
    staff: Staff
    rehearsal: Rehearsal
    first_day: date
    replies_sent: int = 0
    refused: list[int] = field(default_factory=list)
    _patients: dict[object, DemoPatient] = field(default_factory=dict)
    _answered: set[int] = field(default_factory=set)
    _asked: dict[tuple[object, str], int] = field(default_factory=lambda: defaultdict(int))
    _seen_alerts: set[int] = field(default_factory=set)

    def prepare(self) -> None:
        """Put everybody's enrollment into the script; the rest follows from there."""
        for demo in CAST:
            self.rehearsal.at(self._at(demo.enrolled, time(9, 5)), partial(self._enroll, demo))
        self.rehearsal.after_each = self._react

    def _at(self, day: int, clock: time) -> datetime:
        zone = ZoneInfo(self.clinic.time_zone)
        return to_instant(self.first_day + timedelta(days=day), clock, zone)

    def _enroll(self, demo: DemoPatient) -> None:
        days = ([(demo.consultation, VisitKind.CONSULTATION)] if demo.consultation is not None else []) + [
            (day, VisitKind.SESSION) for day in demo.sessions
        ]
        enrolled = enroll(
            self.clinic,
            Application(
                given_name=demo.name,
                family_name=demo.family,
                language=demo.language,
                phone=demo.phone,
                email=demo.email,
                consent_sms=bool(demo.phone),
                consent_email=bool(demo.email),
                consent_evidence="demo data",
                visits=[
                    NewVisit(kind=kind, on_date=self.first_day + timedelta(days=day), at_time=demo.at)
                    for day, kind in days
                ],
                sequences=WHOLE_COURSE,
            ),
            by=STAFF,
        )
        self._patients[enrolled.patient.pk] = demo
        self._script_visits(demo, enrolled.course)
        self._script_life(demo, enrolled.patient, enrolled.course)

    def _script_visits(self, demo: DemoPatient, course: Course) -> None:
        changes = {event.visit: event for event in demo.events}
        for visit in Visit.objects.filter(course=course):
            event = changes.get(visit.number)
            if event and event.kind != "miss":
                self._script_change(visit, event)
            else:
                self._script_end(visit, missed=event is not None)

    def _starts(self, visit: Visit) -> datetime:
        return to_instant(visit.on_date, visit.at_time, ZoneInfo(self.clinic.time_zone))

    def _script_change(self, visit: Visit, event: Event) -> None:
        when = self._starts(visit) - timedelta(days=event.days_before, hours=3)
        if event.kind == "cancel":
            self.rehearsal.at(when, partial(visits.settle, visit.pk, VisitState.CANCELLED, by=STAFF))
            return
        moved_to = visit.on_date + timedelta(days=event.days_later)

        def move() -> None:
            visits.move(visit.pk, moved_to, visit.at_time, by=STAFF)
            self._script_end(Visit.objects.get(pk=visit.pk), missed=False)

        self.rehearsal.at(when, move)

    def _script_end(self, visit: Visit, *, missed: bool) -> None:
        state = VisitState.NO_SHOW if missed else VisitState.COMPLETED
        when = self._starts(visit) + VISIT_TAKES
        self.rehearsal.at(when, partial(visits.settle, visit.pk, state, by=STAFF))

    def _script_life(self, demo: DemoPatient, patient: Patient, course: Course) -> None:
        for day, words in demo.says.items():
            self.rehearsal.at(self._at(day, time(12, 40)), partial(self._say, demo, words))
        if demo.course_ends is not None:
            self.rehearsal.at(
                self._at(demo.course_ends, time(12)),
                partial(visits.complete_course, course.pk, by=STAFF),
            )
        if demo.clicks_unsubscribe is not None:
            self.rehearsal.at(self._at(demo.clicks_unsubscribe, time(20, 15)), partial(self._click, demo))

    def _say(self, demo: DemoPatient, words: str) -> None:
        """Text the clinic, as the provider would bring it: signed, over HTTP, to the running site."""
        status = self.stage.twilio.reply(demo.phone, words, to=self.clinic.sms_number)
        self.replies_sent += 1
        if status not in {200, 204}:
            self.refused.append(status)

    def _click(self, demo: DemoPatient) -> None:
        """One-click unsubscribe, as a mailbox provider does it: a POST without cookies (RFC 8058)."""
        mails = [mail for mail in self.stage.smtp.mails if demo.email in mail.recipients]
        found = ONE_CLICK.search(mails[-1].raw.replace(b"\r\n ", b" ")) if mails else None
        if found is None:
            self.refused.append(0)
            return
        url = found[1].decode()
        answer = urllib3.request(
            "POST",
            url,
            body="List-Unsubscribe=One-Click",
            headers={**A_FORM, "Host": urlsplit(url).netloc},
            timeout=10,
            redirect=False,
        )
        if answer.status != 200:
            self.refused.append(answer.status)

    def _react(self, now: datetime) -> None:
        """After each jump: patients answer what they were asked, staff read what needs a person."""
        asked = Message.objects.filter(state__in=[State.ACCEPTED, State.DELIVERED])
        asked = asked.exclude(asks="").exclude(pk__in=self._answered)
        for message in asked.only("patient_id", "asks", "channel"):
            self._answered.add(message.pk)
            self._script_answer(self._patients[message.patient_id], message, now)
        for alert in Alert.objects.filter(closed_at=None, part_of=None).exclude(pk__in=self._seen_alerts):
            self._seen_alerts.add(alert.pk)
            self.rehearsal.at(now + READ_AFTER, partial(self._close, alert.pk))

    def _script_answer(self, demo: DemoPatient, message: Message, now: datetime) -> None:
        """Who has a phone answers texts; who has none answers by the form in the e-mail."""
        replies = demo.answers.get(message.asks)
        if not replies or (message.channel == "sms") != bool(demo.phone):
            return
        turn = self._asked[message.patient_id, message.asks]
        self._asked[message.patient_id, message.asks] += 1
        words = replies[min(turn, len(replies) - 1)]
        act = partial(self._say, demo, words) if demo.phone else partial(self._fill_in, message.pk, words)
        self.rehearsal.at(now + ANSWER_AFTER, act)

    def _fill_in(self, message_id: int, words: str) -> None:
        """Press the button in the e-mail and send the form. `words` are the choice and, perhaps, a note."""
        url = self._form_in(message_id)
        if not url:
            self.refused.append(0)
            return
        choice, _, note = words.partition(" ")
        page = urllib3.request("GET", url, headers=ONCE, timeout=10, redirect=False)
        answer = urllib3.request(
            "POST",
            url,
            body=urlencode({"answer": choice, "note": note}),
            headers=A_FORM,
            timeout=10,
            redirect=False,
        )
        self.replies_sent += 1
        self.refused += [status for status in (page.status, answer.status) if status != 200]

    def _form_in(self, message_id: int) -> str:
        wanted = message_id_header(self.clinic, message_id).strip("<>")
        for mail in self.stage.smtp.mails:
            if mail.message_id == wanted:
                read = email.message_from_bytes(mail.raw, policy=email.policy.default)
                page = read.get_body(("html",))
                found = BUTTON.search(page.get_content()) if page else None
                return found[1] if found else ""
        return ""

    def read_the_rest(self) -> None:
        """What came in the last minutes of the rehearsal is read too: nothing ends without a name on it."""
        for alert_id in Alert.objects.filter(closed_at=None).values_list("pk", flat=True):
            self._close(alert_id)

    def _close(self, alert_id: int) -> None:
        alert = Alert.objects.get(pk=alert_id)
        if alert.closed_at is None:
            routine = alert.urgency == Alert.Urgency.ROUTINE
            outcome = Alert.Outcome.NOT_URGENT if routine else Alert.Outcome.REACHED
            escalate.close(alert_id, self.staff, outcome)

    def worry(self) -> None:
        """One more text, after the rehearsal: whoever opens the site finds an alert to look at."""
        writer = next(demo for demo in CAST if demo.name == "Demo Ada")
        self._say(writer, "Sharp pain in my chest since this morning and it is hard to breathe")
