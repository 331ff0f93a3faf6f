"""An import from the file to its end and back: what it makes, changes, asks, refuses, and takes back."""

from __future__ import annotations

from datetime import date, time, timedelta
from unittest.mock import patch

import pytest
from django.db import transaction

from campaigns.domain.import_terms import ImportRefused, Refusal
from campaigns.domain.recipients import Channel
from campaigns.domain.visits import VisitState
from campaigns.models import AuditEntry, Clinic, Consent, Import, ImportedKey, Message, Patient, Visit
from campaigns.models.encryption import blind_index
from campaigns.queries import clock
from campaigns.services import (
    consent,
    import_batches,
    import_files,
    import_patients,
    import_run,
    import_undo,
    visits,
)
from campaigns.services.forget import forget
from campaigns.services.record import broken_link
from tests.factories import NOON, make_clinic, make_patient, set_now
from tests.imports.files import (
    BY,
    HEADER,
    applied,
    brought,
    checked,
    faults,
    line,
    ran,
    rows,
    states,
    table,
    taken,
)

NEW, NOTHING = ("done", "new_patient"), ("nothing", "nothing")


def patient_of(number: str) -> Patient:
    key = ImportedKey.objects.get(kind="patient", key=blind_index(f"id\x1f{number}"))
    return key.patient


def test_it_brings_patients_with_their_visits_once(clinic: Clinic) -> None:
    """Two visits of one patient, a family on one phone, somebody who agreed to nothing; the same file again,
    and with what has changed."""
    lines = [
        line(1, language="Punjabi"),
        line(1, visit="V1b", on="2026-12-22", at="9:30 AM"),
        line(2, mobile="604-555-0101", sms="no"),
        line(3, email="p1@patients.example", first="=HYPERLINK(1)", status="Cancelled"),
    ]
    of = checked(taken(clinic, table(lines)))
    # The second row of the first patient says another language than the first.
    assert states(of)[1] == ("wrong", "")
    of = brought(clinic, table([lines[0], lines[1].replace("English", "pa"), *lines[2:]]))
    assert states(of) == [NEW, ("done", "new_visit"), NEW, NOTHING]
    assert faults(of) == {
        2: ["shared_phone"],
        3: ["shared_phone"],
        4: ["shared_phone", "no_consent"],
        5: ["over_before", "no_visit_ahead"],
    }
    first, second = patient_of("P1"), patient_of("P2")
    assert (first.full_name, first.language) == ("Test Patient 1", "pa")
    booked = Visit.objects.filter(course__patient=first).order_by("number")
    assert [(one.on_date, one.at_time) for one in booked] == [
        (date(2026, 12, 1), time(14, 30)),
        (date(2026, 12, 22), time(9, 30)),
    ]
    assert consent.granted(first, Channel.SMS) == set(consent.EVERY_TOPIC)
    line_of_ledger = Consent.objects.filter(patient=first).earliest("pk")
    assert (line_of_ledger.source, line_of_ledger.proof) == ("import", "signed form (2026-10-01)")
    assert consent.granted(second, Channel.SMS) == set()
    counted = rows(of)[0].effects
    assert counted is not None
    by_text = Message.objects.filter(patient=first, state="planned", channel="sms").count()
    assert counted["planned"] == by_text > 0
    # Planned as for everybody, and stopped by the gates: the dry run says that none goes.
    assert rows(of)[2].effects == {"skipped": Message.objects.filter(patient=second).count()}
    assert broken_link() is None
    again = checked(taken(clinic, table([lines[0], *lines[2:]])))
    assert {state for state, _ in states(again)} == {"nothing"}
    changed = [
        line(1, language="Punjabi", at="15:45"),
        line(1, language="Punjabi", visit="V1b", on="2026-12-22", status="Annulé"),
        line(2, mobile="604-555-0199", sms="no", visit="V2b", on="2027-01-05"),
    ]
    waiting = Message.objects.filter(state="planned").count()
    dry = checked(taken(clinic, table(changed)))
    assert [doing for _, doing in states(dry)] == ["move", "cancel", "new_visit"]
    assert faults(dry) == {4: ["differs"]}
    assert Message.objects.filter(state="planned").count() == waiting
    # Of those who were here before, consent is not asked: rather one too many is said than one too few.
    assert import_patients.recipients(dry.pk) == 2
    told = [row.effects for row in rows(dry)]
    applied(dry)
    assert [row.effects for row in rows(dry)] == told
    assert Visit.objects.get(pk=booked[0].pk).at_time == time(15, 45)
    assert Visit.objects.get(pk=booked[1].pk).state == VisitState.CANCELLED
    # What the file says of somebody whom we know changes nothing about them.
    assert second.contact_points.get(channel="sms").address == "+16045550101"


def test_a_visit_follows_its_file_through_its_states(clinic: Clinic) -> None:
    brought(clinic, table([line(1), line(2), line(3)]))
    unknown = line(4, status="no show", on="2026-10-01")
    set_now(NOON + timedelta(days=30))
    of = brought(
        clinic,
        table([line(1, status="Arrived"), line(2, status="no show"), line(3, status="cancelled"), unknown]),
    )
    assert states(of) == [("done", "complete"), ("done", "no_show"), ("done", "cancel"), NOTHING]
    of = brought(
        clinic,
        table(
            [
                line(1, on="2027-01-05"),
                line(2, status="arrived"),
                line(3, on="2027-01-05"),
                line(4, on="2027-01-05", status="completed"),
                line(3, visit="V3c", on="2026-11-30"),
                line(3, visit="V3d", on="2029-11-30"),
                line(3, on="2027-01-06"),
            ]
        ),
    )
    assert states(of)[:4] == [("wrong", ""), ("done", "complete"), ("done", "move"), NOTHING]
    found = faults(of)
    assert [found[number][-1] for number in (2, 6, 7, 8)] == ["is_over", "passed", "too_far", "twice_in_file"]
    rebooked = ImportedKey.objects.get(kind="visit", key=blind_index("visit\x1fV3")).visit
    assert rebooked is not None
    assert (rebooked.state, rebooked.on_date) == (VisitState.BOOKED, date(2027, 1, 5))


def test_it_asks_who_is_meant_and_remembers(clinic: Clinic) -> None:
    ours = make_patient(clinic, phone="+16045550101", visits=[]).patient
    make_patient(clinic, phone="+16045550102", visits=[])
    hers = {"first": "test", "last": "PATIENT", "email": ""}
    lines = [line(1, **hers), line(2, **hers), line(3)]
    of = checked(taken(clinic, table(lines)))
    assert [state for state, _ in states(of)] == ["asked", "asked", "ready"]
    with pytest.raises(ImportRefused) as stale:
        import_patients.answer(of.pk, 2, "same", version=of.version - 1)
    assert stale.value.why is Refusal.STALE
    import_patients.answer(of.pk, 2, "same", version=of.version)
    import_patients.answer(of.pk, 3, "new", version=of.version)
    import_files.check_again(of.pk, version=of.version)
    of = applied(ran(of))
    assert states(of) == [("done", "new_visit"), NEW, NEW]
    assert patient_of("P1") == ours
    assert patient_of("P2").pk not in {ours.pk}
    assert Patient.objects.count() == 4
    # The next file brings the same people without a question.
    assert {state for state, _ in states(checked(taken(clinic, table(lines))))} == {"nothing"}
    # Nobody who was forgotten comes back.
    forget(patient_of("P3").pk, by=BY)
    again = checked(taken(clinic, table([line(3)])))
    assert (states(again), faults(again)) == ([("wrong", "")], {2: ["not_in_care"]})


def test_it_needs_the_word_of_the_file_before_it_writes_to_anybody(clinic: Clinic) -> None:
    header = "Patient Number,Appointment Date,Start Time"
    of = checked(taken(clinic, table(["P9,2026-12-01,14:30"], header)))
    assert faults(of) == {2: ["no_consent_column", "no_name", "no_address", "no_language", "no_consent"]}
    with pytest.raises(ImportRefused) as refused:
        import_patients.apply(of.pk, by=BY)
    assert refused.value.why is Refusal.NOTHING_TO_DO
    of = taken(clinic, table([line(1, on="03/04/2027"), line(2, language="", on="03/05/2027")]))
    with pytest.raises(ImportRefused) as refused:
        checked(of)
    assert refused.value.why is Refusal.NEEDS_DATE_ORDER
    of = checked(of, order="day_first", language="fr-CA")
    assert [row.state for row in rows(of)] == ["ready", "ready"]
    applied(of)
    assert patient_of("P2").language == "fr-CA"
    assert Visit.objects.get(course__patient=patient_of("P1")).on_date == date(2027, 4, 3)
    with transaction.atomic():
        consent.opt_out(blind_index("+16045550107"), Channel.SMS, source="sms", now=clock.now())
    assert faults(checked(taken(clinic, table([line(7)])))) == {2: ["opted_out"]}


def test_what_dies_in_the_middle_is_taken_up_and_nothing_is_done_twice(clinic: Clinic) -> None:
    """Killed in each of its steps, with the step's work lost; two at once; a press of the button too many."""
    with patch.object(import_batches, "TOGETHER", 2):
        of = checked(taken(clinic, table(line(number) for number in range(1, 7))))
        import_patients.apply(of.pk, by=BY, version=of.version)
        import_patients.apply(of.pk, by=BY, version=of.version)
        seen = []
        while True:
            with transaction.atomic():
                import_run.step()
                transaction.set_rollback(True)
            before = Patient.objects.count()
            assert import_run.step()
            seen.append(Patient.objects.count())
            assert seen[-1] in {before, before + 2}
            of.refresh_from_db()
            if of.state == Import.State.DONE:
                break
    assert seen == [2, 4, 6, 6]
    assert not import_run.run()
    assert AuditEntry.objects.filter(action="import_applied").count() == 1
    assert AuditEntry.objects.filter(action="patient_enrolled").count() == 6
    per_patient = {Message.objects.filter(patient=one).count() for one in Patient.objects.all()}
    assert len(per_patient) == 1
    assert import_patients.apply(of.pk, by=BY).state == Import.State.DONE


def test_one_row_that_cannot_be_taken_stops_no_other(clinic: Clinic) -> None:
    brought(clinic, table([line(1), line(2), line(3)]))
    of = checked(taken(clinic, table([line(1, at="10:00"), line(2, at="10:00"), line(4)])))
    moved = ImportedKey.objects.get(kind="visit", key=blind_index("visit\x1fV1")).visit_id
    assert moved is not None
    visits.move(moved, date(2026, 12, 3), time(11, 0), by=BY)
    # Another import brings the same new patient first.
    brought(clinic, table([line(4)]))
    of = applied(of)
    assert [state for state, _ in states(of)] == ["wrong", "done", "wrong"]
    assert {found[-1] for found in faults(of).values()} == {"changed_since"}
    assert Visit.objects.get(pk=moved).at_time == time(11, 0)
    assert Patient.objects.count() == 4


def test_undoing_takes_back_what_nobody_has_touched(clinic: Clinic) -> None:
    """Of four new patients one was sent something, one was worked with; visits that moved go back."""
    first = brought(clinic, table(line(number) for number in range(1, 5)))
    # Both are there for another import to change.
    second = brought(clinic, table([line(1, at="10:00"), line(2, visit="V2b", on="2027-01-05")]))
    assert import_undo.would_undo(second) == import_undo.Undoing(gone=0, left=0, kept=0, back=2, stay=0)
    visit = ImportedKey.objects.get(kind="visit", key=blind_index("visit\x1fV2b")).visit_id
    assert visit is not None
    visits.move(visit, date(2027, 1, 6), time(10, 0), by=BY)
    assert import_undo.would_undo(second) == import_undo.Undoing(gone=0, left=0, kept=0, back=1, stay=1)
    import_undo.undo(second.pk, by=BY)
    assert states(ran(second)) == [("taken_back", "move"), ("kept", "new_visit")]
    sent, gone = patient_of("P3"), patient_of("P4")
    Message.objects.filter(pk=sent.messages.order_by("send_at")[0].pk).update(state="accepted", sent_at=NOON)
    assert import_undo.would_undo(first) == import_undo.Undoing(gone=1, left=1, kept=2, back=0, stay=0)
    import_undo.undo(first.pk, by=BY)
    import_undo.undo(first.pk, by=BY)
    assert [state for state, _ in states(ran(first))] == ["kept", "kept", "taken_back", "taken_back"]
    sent.refresh_from_db()
    gone.refresh_from_db()
    assert (sent.status, sent.full_name) == ("left", "Test Patient 3")
    assert set(sent.messages.values_list("state", flat=True)) == {"accepted", "cancelled"}
    assert (gone.full_name, gone.contact_points.count(), gone.courses.count()) == ("–", 0, 0)
    assert set(gone.messages.values_list("reason", flat=True)) == {"operator_cancelled"}
    assert consent.granted(gone, Channel.SMS) == set()
    assert AuditEntry.objects.filter(action="import_undone").count() == 2
    assert broken_link() is None
    # The right file brings them again, and they are written to.
    back = brought(clinic, table([line(4)]))
    assert states(back) == [NEW]
    assert patient_of("P4").messages.filter(state="planned").exists()


def test_old_files_are_erased_and_can_no_longer_be_undone(clinic: Clinic) -> None:
    of = brought(clinic, table([line(1)]))
    assert import_files.erase_old() == 0
    set_now(NOON + timedelta(days=31))
    assert import_files.erase_old() == 1
    of.refresh_from_db()
    assert [(row.cells, row.before) for row in rows(of)] == [("", "")]
    with pytest.raises(ImportRefused) as refused:
        import_undo.undo(of.pk, by=BY)
    assert refused.value.why is Refusal.ERASED
    waiting = taken(clinic, table([line(2)]))
    import_files.discard(waiting.pk, by=BY)
    assert rows(waiting)[0].cells == ""
    # The next file of this source begins with the columns of the last one.
    header = HEADER.replace("Treatment", "Colour of the door")
    assert taken(clinic, table([line(3)], header), source=" JANE ").columns[13] == ""
    known = taken(clinic, table([line(3)]))
    assert known.columns == of.columns


def calendar(*events: str) -> bytes:
    body = "\r\n".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}\r\nEND:VCALENDAR\r\n".encode()


def event(uid: str, start: str, more: str = "") -> str:
    return f"UID:{uid}\r\nDTSTART;TZID=America/Vancouver:{start}\r\n{more}"


def test_events_find_their_patients_or_wait(clinic: Clinic) -> None:
    mail = make_patient(clinic, phone="+16045550101", email="ada@patients.example", visits=[]).patient
    twin = make_patient(clinic, phone="+16045550102", email="", visits=[]).patient
    Patient.objects.filter(pk=twin.pk).update(given_name=twin.given_name)
    other = make_clinic(name="Far Clinic")
    make_patient(other, phone="+16045550103", email="far@patients.example")
    twin.given_name, twin.family_name = "Zoé", "Tremblay"
    twin.save()
    first = calendar(
        event("a", "20261201T140000", "ATTENDEE:mailto:ada@patients.example"),
        event("b", "20261202T140000", "SUMMARY:Treatment - TREMBLAY Zoe"),
        event("c", "20261203T140000", "SUMMARY:somebody 604-555-0103"),
        event("d", "20261204T140000", "STATUS:CANCELLED\r\nSUMMARY:never known"),
    )
    of = checked(taken(clinic, first, name="visits.ics"))
    assert states(of) == [("ready", "new_visit"), ("ready", "new_visit"), ("asked", ""), NOTHING]
    assert faults(of) == {1: ["matched"], 2: ["matched"]}
    for who, why in (("Nobody Known", Refusal.NO_SUCH_PATIENT), ("604-555-0103", Refusal.NO_SUCH_PATIENT)):
        with pytest.raises(ImportRefused) as refused:
            import_patients.answer(of.pk, 3, "same", version=of.version, who=who)
        assert refused.value.why is why
    import_patients.answer(of.pk, 3, "same", version=of.version, who="tremblay, zoé")
    import_files.check_again(of.pk, version=of.version)
    of = applied(ran(of))
    assert states(of)[:3] == [("done", "new_visit")] * 3
    assert Visit.objects.filter(course__patient=mail).get().on_date == date(2026, 12, 1)
    booked = Visit.objects.filter(course__patient=twin).order_by("on_date")
    assert [visit.on_date for visit in booked] == [date(2026, 12, 2), date(2026, 12, 3)]
    # Called off, then booked again under the same UID; a stale feed changes nothing; one file with both.
    gone = brought(
        clinic, calendar(event("c", "20261203T140000", "SEQUENCE:1\r\nSTATUS:CANCELLED")), name="x.ics"
    )
    assert states(gone) == [("done", "cancel")]
    both = calendar(
        event("c", "20261203T140000", "SEQUENCE:1\r\nSTATUS:CANCELLED"),
        event("c", "20261210T150000", "SEQUENCE:2"),
    )
    assert states(brought(clinic, both, name="x.ics")) == [NOTHING, ("done", "move")]
    stale = checked(taken(clinic, calendar(event("c", "20261203T140000", "SEQUENCE:1")), name="x.ics"))
    assert (states(stale), faults(stale)) == ([NOTHING], {1: ["older"]})
    rebooked = booked.get(on_date=date(2026, 12, 10))
    assert (rebooked.state, rebooked.at_time) == (VisitState.BOOKED, time(15, 0))
    assert Visit.objects.filter(course__patient=twin).count() == 2
