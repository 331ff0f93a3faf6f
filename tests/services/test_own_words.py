"""A clinic's own words: who may do what, from which state, and when a reply is read by them."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import canonical
from campaigns.domain.measuring import CLASSES
from campaigns.models import AuditEntry, Clinic, LexiconChange, Reply, Staff
from campaigns.queries import lexicons
from campaigns.services import own_words, word_effects
from campaigns.services.examine import examine
from campaigns.services.own_words import Act, State
from campaigns.services.take_in import Inbound, receive_sms
from campaigns.services.word_effects import Concern
from tests.factories import NOON, make_clinic, make_patient
from tests.services.own_words import WORD, act, adding, in_force, proposed, reading, somebody, taking

Role = Staff.Role


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("what", list(Act))
def test_only_these_roles_may_do_it(role: str, what: Act) -> None:
    readers = {Role.TRANSLATOR, Role.CLINICIAN}
    wanted = {Role.CLINICIAN} if what in {Act.APPROVE, Act.RETIRE} else readers
    assert own_words.may(Staff(role=role), what) == (role in wanted)
    assert not own_words.may(Staff(role=role, is_active=False), what)


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.CLINICIAN])
def test_the_service_itself_refuses_the_wrong_role_and_other_clinics(clinic: Clinic, role: str) -> None:
    rows = proposed(clinic, adding())
    act(clinic, Act.REVIEW, *rows, by=somebody(clinic, Role.CLINICIAN))
    assert act(clinic, Act.APPROVE, *rows, by=somebody(clinic, role)) == "Only a clinician may do this."
    far = make_clinic(name="Far Clinic", approved=False)
    assert act(clinic, Act.APPROVE, *rows, by=somebody(far, Role.CLINICIAN))
    assert act(far, Act.APPROVE, *rows, by=somebody(far, Role.CLINICIAN))
    assert LexiconChange.objects.get().state == State.REVIEWED


WAYS = [
    (Act.REVIEW, {State.DRAFT}, State.REVIEWED, "lexicon_reviewed"),
    (Act.APPROVE, {State.REVIEWED}, State.APPROVED, "lexicon_approved"),
    (Act.REJECT, {State.DRAFT, State.REVIEWED}, State.RETIRED, "lexicon_rejected"),
    (Act.RETIRE, {State.APPROVED}, State.RETIRED, "lexicon_retired"),
]


@pytest.mark.parametrize("begin", list(State))
@pytest.mark.parametrize(("what", "allowed", "end", "audit"), WAYS)
def test_a_word_moves_only_along_its_way(
    clinic: Clinic, what: Act, begin: State, allowed: set[State], end: State, audit: str
) -> None:
    (row,) = proposed(clinic, adding(entry="yes"))
    LexiconChange.objects.filter(pk=row.pk).update(state=begin, approved_by="somebody else")
    doctor = somebody(clinic, Role.CLINICIAN)
    refused = act(clinic, what, row, by=doctor)
    assert bool(refused) == (begin not in allowed)
    assert LexiconChange.objects.get().state == (begin if refused else end)
    newest = AuditEntry.objects.latest("seq")
    assert (newest.action == audit and newest.actor == doctor.email) == (not refused)


def test_nobody_reviews_or_approves_their_own_proposal_not_even_past_the_service(clinic: Clinic) -> None:
    doctor, other = somebody(clinic, Role.CLINICIAN), somebody(clinic, Role.CLINICIAN, "second")
    (row,) = own_words.propose(clinic, [adding()], "", by=doctor, now=NOON)
    own = "You proposed this yourself: somebody else must decide."
    assert act(clinic, Act.REVIEW, row, by=doctor) == own
    assert not act(clinic, Act.REVIEW, row, by=other)
    assert act(clinic, Act.APPROVE, row, by=doctor) == own
    for by in (doctor.email, ""):
        with pytest.raises(IntegrityError), transaction.atomic():
            LexiconChange.objects.filter(pk=row.pk).update(state=State.APPROVED, approved_by=by)
    assert not act(clinic, Act.APPROVE, row, by=other)


def test_a_word_works_when_it_is_approved_and_never_before_or_after(clinic: Clinic) -> None:
    (row,) = proposed(clinic, adding("zorbly", "redflags.unwell"))
    doctor = somebody(clinic, Role.CLINICIAN)
    assert reading(clinic, "zorbly today").urgency == ""
    for what, urgency in ((Act.REVIEW, ""), (Act.APPROVE, "urgent"), (Act.RETIRE, "")):
        assert not act(clinic, what, row, by=doctor)
        assert reading(clinic, "zorbly today").urgency == urgency
    assert lexicons.of(Clinic.objects.get(pk=clinic.pk)) is lexicons.load()


def test_it_works_for_no_other_clinic(clinic: Clinic) -> None:
    far = make_clinic(name="Far Clinic", approved=False)
    in_force(clinic, adding())
    assert reading(clinic, WORD).urgency == "emergency"
    assert reading(far, WORD).urgency == ""
    assert lexicons.of(Clinic.objects.get(pk=far.pk)) is lexicons.load()


def test_a_word_that_ships_and_was_taken_away_comes_back(clinic: Clinic) -> None:
    (row,) = in_force(clinic, taking("yep", "yes"))
    assert reading(clinic, "yep", question="side_effects").answer == ""
    assert not act(clinic, Act.RETIRE, row, by=somebody(clinic, Role.CLINICIAN))
    assert reading(clinic, "yep", question="side_effects").answer == "yes"


def test_a_sign_of_an_emergency_of_our_own_goes_only_by_two_people_and_a_reason(clinic: Clinic) -> None:
    (row,) = in_force(clinic, adding())
    doctor = somebody(clinic, Role.CLINICIAN)
    assert act(clinic, Act.RETIRE, row, by=doctor).startswith("A sign of an emergency goes only by")
    with pytest.raises(NotAllowed, match="Say why"):
        proposed(clinic, taking(WORD, "redflags.chest"), reason=" ")
    (gone,) = in_force(clinic, taking(WORD, "redflags.chest"))
    assert reading(clinic, WORD).urgency == ""
    assert set(LexiconChange.objects.values_list("state", flat=True)) == {State.RETIRED}
    gone.refresh_from_db()
    assert gone.approved_by == doctor.email
    in_force(clinic, adding())
    assert reading(clinic, WORD).urgency == "emergency"


@pytest.mark.parametrize("entry", ["negators", "keep_phrases", "not_slips", "glue"])
def test_what_may_hide_a_danger_needs_a_reason(clinic: Clinic, entry: str) -> None:
    with pytest.raises(NotAllowed, match="Say why"):
        proposed(clinic, adding(entry=entry), reason="")
    assert proposed(clinic, adding(entry=entry))


def test_proposals_are_all_or_none_and_each_once(clinic: Clinic) -> None:
    with pytest.raises(NotAllowed, match="two things"):
        proposed(clinic, adding("zorb", "yes"), adding("zorb", "no"))
    assert not LexiconChange.objects.exists()
    proposed(clinic, taking("yep", "yes"))
    with pytest.raises(NotAllowed, match="It is not in this list"):
        proposed(clinic, taking("yep", "yes"))
    with pytest.raises(NotAllowed, match="It is in this list already"):
        proposed(clinic, adding("yup yup", "yes"), adding("yup yup", "yes"))


def test_what_was_sound_when_proposed_is_checked_again_when_approved(clinic: Clinic) -> None:
    (row,) = proposed(clinic, adding("zorb", "yes"))
    LexiconChange.objects.filter(pk=row.pk).update(entry="no", word="yes", state=State.REVIEWED)
    refused = act(clinic, Act.APPROVE, row, by=somebody(clinic, Role.CLINICIAN))
    assert refused.startswith("yes cannot be approved any more. One word would mean two things")


# --- replies


def text(body: str, provider_id: str = "SM1") -> Reply:
    """A text as it comes in, stored."""
    inbound = Inbound(provider_id=provider_id, sender="+16045550101", recipient="+16045550199", body=body)
    receive_sms(inbound)
    return Reply.objects.get(provider_id=provider_id)


def test_a_reply_is_read_by_the_words_in_force_and_keeps_their_version(clinic: Clinic) -> None:
    make_patient(clinic)
    first = text(WORD)
    in_force(clinic, adding())
    second = text(WORD, "SM2")
    assert (first.urgency, second.urgency) == ("", "emergency")
    assert second.alerts.get().rule == "en.chest"
    assert first.parser_version != second.parser_version
    assert second.parser_version.endswith(lexicons.of(Clinic.objects.get()).version)


def test_own_words_ask_the_database_nothing_until_they_change(
    clinic: Clinic, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    in_force(clinic, adding())
    row = Clinic.objects.get()
    with django_assert_num_queries(1):
        lexicons.of(row)
    with django_assert_num_queries(0):
        lexicons.of(row)
        lexicons.of(None)


def test_a_broken_row_is_left_out_loudly_and_what_ships_stands(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    """The row stands for a later release in which the set is gone, or for a hand in the database."""
    good, broken = in_force(clinic, adding("zorbly one"), adding("zorbly two"))
    LexiconChange.objects.filter(pk=broken.pk).update(word="<secretset> + x")
    with caplog.at_level(logging.ERROR):
        assert reading(clinic, "zorbly one").urgency == "emergency"
    assert reading(clinic, "I cannot breathe").urgency == "emergency"
    assert caplog.records[-1].__dict__["rows"] == [broken.pk]
    assert "secretset" not in caplog.text
    told = [finding for finding in examine() if "is left out" in finding.what]
    assert [finding.level for finding in told] == ["error"]
    assert good.word == "zorbly one"


PROBE = """
import sys
from campaigns.models import Clinic
from tests.services.own_words import reading
for _ in sys.stdin:
    print(f"read as: {reading(Clinic.objects.get(), 'zorbly').urgency}", flush=True)
"""


def test_another_process_that_is_running_reads_by_the_new_words_at_once(open_clinic: Clinic) -> None:
    (row,) = proposed(open_clinic, adding())
    doctor = somebody(open_clinic, Role.CLINICIAN)
    settings = connection.settings_dict
    start = (
        "import django\nfrom django.conf import settings\n"
        f"settings.DATABASES['default'].update({ {k: settings[k] for k in ('NAME', 'HOST', 'PORT')}!r})\n"
        "django.setup()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start + PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin
        assert other.stdout

        def asked() -> str:
            print(file=other.stdin, flush=True)
            return other.stdout.readline().strip() if other.stdout else ""

        assert asked() == "read as:"
        for what, urgency in ((Act.REVIEW, ""), (Act.APPROVE, "emergency")):
            assert not act(open_clinic, what, row, by=doctor)
            assert asked() == f"read as: {urgency}".strip()
        other.stdin.close()


# --- before anybody approves


def test_the_dry_run_shows_replies_that_would_be_read_differently_and_stores_nothing(clinic: Clinic) -> None:
    make_patient(clinic)
    for number in range(20):
        text(f"feeling zorbly {number}" if number < 5 else f"see you then {number} {number}", f"SM{number}")
    found = word_effects.effects(Clinic.objects.get(), [adding()])
    assert (found.past_changed, found.past_total) == (5, 20)
    assert {one.after.urgency for one in found.past} == {"emergency"}
    assert found.labelled_total > 40
    assert found.labelled_changed == 0
    common = [one for one in found.warnings if one.concern is Concern.COMMON]
    assert [(one.word, one.number, one.total) for one in common] == [(WORD, 5, 20)]
    assert not LexiconChange.objects.exists()


def test_the_dry_run_warns_of_collisions_and_of_what_gets_worse(clinic: Clinic) -> None:
    one = Clinic.objects.get()
    also = word_effects.effects(one, [adding("gracias", "fillers"), adding("sorry", "negators")])
    said = {(w.concern, w.word, w.entry) for w in also.warnings}
    assert (Concern.ALSO, "gracias", "polite") in said
    assert (Concern.HIDES, "sorry", "negators") in said
    worse = word_effects.effects(one, [adding("i", "redflags.chest"), adding("the", "redflags.chest")])
    assert Concern.FALSE_ALARMS in {w.concern for w in worse.warnings}
    assert len(worse.after.false_alarms) > len(worse.before.false_alarms)


def test_the_dry_run_of_a_word_in_force_shows_it_gone(clinic: Clinic) -> None:
    make_patient(clinic)
    (row,) = in_force(clinic, adding())
    text(WORD)
    found = word_effects.effects(Clinic.objects.get(), [lexicons.as_change(row)])
    assert [(one.before.urgency, one.after.urgency) for one in found.past] == [("emergency", "")]


@pytest.mark.parametrize("language", [one for one in lexicons.shipped() if one != "any"])
def test_each_language_ships_labelled_replies_to_try_changes_on(language: str) -> None:
    found = lexicons.samples(canonical(language))
    assert {one["class"] for one in found} <= set(CLASSES)
    assert sum(one["class"] == "emergency" for one in found) >= 10
