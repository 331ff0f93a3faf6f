"""Review, approval, withdrawal and retirement: who may, from which state, and of which words."""

from __future__ import annotations

import pytest

from campaigns.domain.errors import NotAllowed
from campaigns.models import AuditEntry, Clinic, OwnWording, Staff, Wording, WordingComment
from campaigns.services import changes, sign_off
from campaigns.services.compose import approvals
from campaigns.services.sign_off import Act
from campaigns.services.standings import Standing
from tests.factories import NOON, make_clinic
from tests.services.wordings import HELLO, SMS, act, person, say, ships, stood

Role = Staff.Role
MAIL = ("welcome/hello", "email", "ar")


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("what", list(Act))
def test_only_these_roles_may_do_it(role: str, what: Act) -> None:
    readers = {Role.TRANSLATOR, Role.CLINICIAN}
    wanted = readers if what in {Act.COMMENT, Act.REWORD, Act.REVIEW} else {Role.CLINICIAN}
    assert sign_off.may(Staff(role=role), what) == (role in wanted)


def test_an_account_that_is_closed_may_do_nothing() -> None:
    assert not sign_off.may(Staff(role=Role.CLINICIAN, is_active=False), Act.APPROVE)


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.CLINICIAN])
def test_the_service_itself_refuses_the_wrong_role(clinic: Clinic, role: str) -> None:
    assert act(clinic, Act.WITHDRAW, SMS, person(clinic, role)) == "Only a clinician may do this."
    assert stood(clinic, SMS).standing == Standing.APPROVED


def test_the_service_refuses_a_clinician_of_another_clinic(clinic: Clinic) -> None:
    other = person(make_clinic(name="Far Clinic", approved=False), Role.CLINICIAN)
    assert act(clinic, Act.WITHDRAW, SMS, other)
    assert stood(clinic, SMS).standing == Standing.APPROVED


WAYS = [
    (Act.REVIEW, {Standing.DRAFT, Standing.RETIRED}, Standing.REVIEWED, "wording_reviewed"),
    (Act.APPROVE, {Standing.REVIEWED}, Standing.APPROVED, "wording_approved"),
    (Act.WITHDRAW, {Standing.REVIEWED, Standing.APPROVED}, Standing.DRAFT, "wording_withdrawn"),
    (
        Act.RETIRE,
        {Standing.DRAFT, Standing.REVIEWED, Standing.APPROVED},
        Standing.RETIRED,
        "wording_retired",
    ),
]


@pytest.mark.parametrize("begin", [Standing.DRAFT, Standing.REVIEWED, Standing.APPROVED, Standing.RETIRED])
@pytest.mark.parametrize(("what", "allowed", "end", "audit"), WAYS)
def test_a_text_moves_only_along_its_way(
    clinic: Clinic, what: Act, begin: Standing, allowed: set[Standing], end: Standing, audit: str
) -> None:
    Wording.objects.filter(clinic=clinic, template=SMS[0], channel="sms", language="ar").update(
        state=begin.value
    )
    doctor = person(clinic, Role.CLINICIAN)
    refused = act(clinic, what, SMS, doctor)
    assert bool(refused) == (begin not in allowed)
    assert stood(clinic, SMS).standing == (begin if refused else end)
    newest = AuditEntry.objects.latest("seq")
    assert (newest.action == audit and newest.actor == doctor.email) == (not refused)


def test_approval_names_the_clinician_and_keeps_the_words_that_were_read(clinic: Clinic) -> None:
    doctor = person(clinic, Role.CLINICIAN)
    act(clinic, Act.WITHDRAW, SMS, doctor)
    assert not act(clinic, Act.REVIEW, SMS, person(clinic, Role.TRANSLATOR))
    assert not act(clinic, Act.APPROVE, SMS, doctor)
    row = stood(clinic, SMS).row
    assert row is not None
    assert (row.approved_by, row.approved_at) == (doctor.email, NOON)
    assert row.reviewed_by.startswith("translator")
    stored = Wording.objects.get(pk=row.pk).texts
    assert ships("ar", stored[0][0]) == stored[0][2]


def test_it_refuses_words_that_are_not_the_ones_on_the_screen(clinic: Clinic) -> None:
    doctor = person(clinic, Role.CLINICIAN)
    with pytest.raises(NotAllowed, match="something else by now"):
        sign_off.change(clinic, Act.WITHDRAW, {SMS: "0" * 64}, by=doctor, now=NOON)


def test_all_or_nothing(clinic: Clinic) -> None:
    doctor = person(clinic, Role.CLINICIAN)
    seen = {SMS: stood(clinic, SMS).digest, MAIL: "0" * 64}
    with pytest.raises(NotAllowed):
        sign_off.change(clinic, Act.WITHDRAW, seen, by=doctor, now=NOON)
    assert stood(clinic, SMS).standing == Standing.APPROVED


def test_new_words_let_the_approval_lapse_in_every_text_they_stand_in(clinic: Clinic) -> None:
    say(clinic, "ar", HELLO, "أهلا بكم،", person(clinic, Role.TRANSLATOR))
    assert stood(clinic, MAIL).standing == Standing.LAPSED
    assert stood(clinic, ("aftercare/same_day", "email", "ar")).standing == Standing.LAPSED
    assert stood(clinic, SMS).standing == Standing.APPROVED
    assert stood(clinic, ("welcome/hello", "email", "fr-CA")).standing == Standing.APPROVED


def test_it_tells_what_changed_since_the_last_approval(clinic: Clinic) -> None:
    say(clinic, "ar", HELLO, "أهلا بكم،", person(clinic, Role.TRANSLATOR))
    since = changes.since_approval(clinic, stood(clinic, MAIL), approvals(clinic).own)
    assert since is not None
    (entry,) = since.entries
    assert (since.by, entry.context, entry.english) == ("Dr. Example", HELLO, ())
    assert "".join(said for kind, said in entry.words if kind != "gone") == "أهلا بكم،"
    assert "".join(said for kind, said in entry.words if kind != "new") == ships("ar", HELLO)


def test_the_shipped_text_is_approved_again_by_itself_but_not_when_it_was_retired(clinic: Clinic) -> None:
    doctor, translator = person(clinic, Role.CLINICIAN), person(clinic, Role.TRANSLATOR)
    say(clinic, "ar", HELLO, "أهلا بكم،", translator)
    say(clinic, "ar", HELLO, None, translator)
    assert stood(clinic, MAIL).standing == Standing.APPROVED
    say(clinic, "ar", HELLO, "أهلا بكم،", translator)
    assert not act(clinic, Act.RETIRE, MAIL, doctor)
    say(clinic, "ar", HELLO, None, translator)
    assert stood(clinic, MAIL).standing == Standing.RETIRED


def test_nobody_approves_words_of_their_own(clinic: Clinic) -> None:
    writer, other = person(clinic, Role.CLINICIAN, "writer"), person(clinic, Role.CLINICIAN, "other")
    say(clinic, "ar", HELLO, "أهلا بكم،", writer)
    assert not act(clinic, Act.REVIEW, MAIL, writer)
    assert "You wrote some of these words yourself" in act(clinic, Act.APPROVE, MAIL, writer)
    assert not act(clinic, Act.APPROVE, MAIL, other)


def test_what_the_checks_find_wrong_is_never_approved(clinic: Clinic) -> None:
    doctor = person(clinic, Role.CLINICIAN)
    OwnWording.objects.create(
        clinic=clinic, language="ar", context=HELLO, text="Hello,", written_by="x", written_at=NOON
    )
    assert not act(clinic, Act.REVIEW, MAIL, doctor)
    assert "The checks find something wrong in shared.email.hello" in act(clinic, Act.APPROVE, MAIL, doctor)


def test_a_comment_is_open_until_somebody_settles_it(clinic: Clinic) -> None:
    translator = person(clinic, Role.TRANSLATOR)
    made = sign_off.comment(clinic, SMS, "  Is this the word? ", by=translator, now=NOON)
    assert WordingComment.objects.get(settled_at=None).text == "Is this the word?"
    sign_off.settle(made, by=person(clinic, Role.CLINICIAN), now=NOON)
    assert not WordingComment.objects.filter(settled_at=None).exists()
    with pytest.raises(NotAllowed):
        sign_off.comment(clinic, SMS, "  ", by=translator, now=NOON)
    with pytest.raises(NotAllowed):
        sign_off.comment(clinic, SMS, "x", by=person(clinic, Role.AUDITOR), now=NOON)
