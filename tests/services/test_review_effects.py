"""Who is affected when a text is not approved, and that the sender then does what the dry run said."""

from __future__ import annotations

import pytest

from campaigns.domain.lifecycle import Reason, State
from campaigns.models import Clinic, Message, Staff
from campaigns.services import affected, sign_off, standings
from campaigns.services.affected import HELD, Effects
from campaigns.services.compose import approvals
from campaigns.services.send import send_batch
from campaigns.services.sign_off import Act
from tests.factories import NOON, make_patient, message, set_now
from tests.services.fakes import FakeSender
from tests.services.wordings import act, person, stood

WELCOME = ("welcome/hello", "sms", "ar")


def dry_run(clinic: Clinic, what: Act = Act.WITHDRAW) -> Effects:
    """What the act would do to planned messages."""
    words = approvals(clinic)
    after = sign_off.after(words, what, [stood(clinic, WELCOME)])
    return affected.effects(clinic, words, after, [WELCOME], NOON)


@pytest.mark.parametrize(
    ("policy", "fallback", "goes"),
    [
        ("english", {}, "en-CA"),
        ("english", {"ar": ["fr-CA"]}, "fr-CA"),
        ("english", {"ar": ["fa", "fr-CA"]}, "fr-CA"),
        ("hold", {}, HELD),
        ("hold", {"ar": ["fr-CA"]}, HELD),
    ],
)
def test_unapproving_one_language_for_one_step(
    clinic: Clinic, provider: FakeSender, policy: str, fallback: dict[str, list[str]], goes: str
) -> None:
    """The next send follows the policy, the ledger says why, and staff saw before who is affected."""
    clinic.unapproved_policy, clinic.fallback_languages = policy, fallback
    clinic.save(update_fields=["unapproved_policy", "fallback_languages"])
    arabic = make_patient(clinic, language="ar", email="", sequences=("welcome",))
    french = make_patient(clinic, language="fr-CA", phone="+16045550102", email="", sequences=("welcome",))
    told = dry_run(clinic)
    assert [(one.patient, one.before, one.after, one.count) for one in told.patients] == [
        (arabic.patient, "ar", goes, 1)
    ]
    assert (told.held, told.elsewhere) == ((1, 0) if goes == HELD else (0, 1))
    assert not act(clinic, Act.WITHDRAW, WELCOME, person(clinic, Staff.Role.CLINICIAN))

    send_batch()

    assert message(french, "hello").language == "fr-CA"
    mine = message(arabic, "hello")
    if goes == HELD:
        assert (mine.state, mine.reason) == (State.SKIPPED, Reason.TRANSLATION_NOT_APPROVED)
    else:
        assert (mine.state, mine.language) == (State.ACCEPTED, goes)


def test_the_list_says_who_waits_after_an_approval_has_gone(clinic: Clinic) -> None:
    enrolled = make_patient(clinic, language="ar", email="", sequences=("welcome",))
    act(clinic, Act.WITHDRAW, WELCOME, person(clinic, Staff.Role.CLINICIAN))
    words = approvals(clinic)
    listed = standings.standings(clinic, ["ar"], words.own)
    found = affected.lacking(clinic, words, listed, NOON)
    assert [(one.patient, one.after) for one in found.patients] == [(enrolled.patient, "en-CA")]
    assert found.languages == (("ar", 1),)


def test_approving_says_who_gets_their_own_language_again(clinic: Clinic) -> None:
    make_patient(clinic, language="ar", email="", sequences=("welcome",))
    act(clinic, Act.WITHDRAW, WELCOME, person(clinic, Staff.Role.CLINICIAN))
    told = dry_run(clinic, Act.APPROVE)
    assert (told.own, told.held, told.elsewhere) == (1, 0, 0)


def test_a_safety_text_is_never_held(clinic: Clinic, provider: FakeSender) -> None:
    clinic.unapproved_policy = Clinic.UnapprovedPolicy.HOLD
    clinic.save(update_fields=["unapproved_policy"])
    enrolled = make_patient(clinic, language="ar", email="", sequences=("welcome",))
    enrolled.patient.messages.update(purpose="safety")
    assert [one.after for one in dry_run(clinic).patients] == ["en-CA"]
    act(clinic, Act.RETIRE, WELCOME, person(clinic, Staff.Role.CLINICIAN))
    send_batch()
    assert message(enrolled, "hello").language == "en-CA"


def test_the_list_is_short_and_says_how_many_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affected, "SHOWN", 2)
    for number in range(3):
        make_patient(clinic, language="ar", phone=f"+1604555011{number}", email="", sequences=("welcome",))
    told = dry_run(clinic)
    assert (len(told.patients), told.total, told.more, told.elsewhere) == (2, 3, 1, 3)


def test_an_approval_that_many_wait_for_can_be_recalled_for_five_minutes(
    clinic: Clinic, provider: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_off, "HELD_ABOVE", 2)
    many = [
        make_patient(clinic, language="ar", phone=f"+160455501{n}", email="", sequences=("welcome",))
        for n in (81, 82, 83)
    ]
    ann, bea = (person(clinic, Staff.Role.CLINICIAN, name) for name in ("ann", "bea"))
    for what in (Act.WITHDRAW, Act.REVIEW):
        assert not act(clinic, what, WELCOME, ann)
    assert dry_run(clinic, Act.APPROVE).total == 3
    soon, *others = many
    Message.objects.filter(patient=soon.patient).update(expires_at=NOON + sign_off.HOLD / 2)
    assert not act(clinic, Act.APPROVE, WELCOME, bea)
    send_batch()
    # What would be too late by then is not lost to the wait.
    assert [len(provider.sent), message(soon, "hello").language] == [1, "ar"]
    assert not act(clinic, Act.WITHDRAW, WELCOME, bea)
    set_now(NOON + sign_off.HOLD)
    send_batch()
    assert {message(one, "hello").language for one in others} == {"en-CA"}
    # Fewer than that go at once, and many go after the five minutes.
    some = make_patient(clinic, language="ar", phone="+16045550184", email="", sequences=("welcome",))
    assert not act(clinic, Act.REVIEW, WELCOME, ann)
    assert not act(clinic, Act.APPROVE, WELCOME, bea)
    send_batch()
    assert message(some, "hello").language == "ar"
