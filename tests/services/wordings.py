"""What the tests of approval share: people by role, and a text as it stands."""

from __future__ import annotations

from campaigns.domain.errors import NotAllowed
from campaigns.models import Clinic, Staff
from campaigns.queries.wordings import Text
from campaigns.services import reword, sign_off, standings
from campaigns.services.compose import approvals
from campaigns.services.entries import shipped
from campaigns.services.set_up import create_staff
from campaigns.services.sign_off import Act
from campaigns.services.standings import Stood
from tests.factories import NOON

SMS = ("pretreatment/avoid", "sms", "ar")
HELLO = "shared.email.hello"


def person(clinic: Clinic, role: str, name: str = "") -> Staff:
    """Somebody of the clinic with this role."""
    email = f"{name or role}.{clinic.pk.hex[:6]}@clinic.example"
    return create_staff(email=email, name=name or role.title(), role=role, clinic=clinic, by="test")


def stood(clinic: Clinic, text: Text) -> Stood:
    """The text as it stands now."""
    return standings.standing(clinic, text, approvals(clinic).own)


def act(clinic: Clinic, what: Act, text: Text, by: Staff) -> str:
    """Do it with today's digest; why it was refused, or nothing."""
    try:
        sign_off.change(clinic, what, {text: stood(clinic, text).digest}, by=by, now=NOON)
    except NotAllowed as error:
        return str(error)
    return ""


def say(clinic: Clinic, language: str, context: str, words: str | None, by: Staff) -> None:
    """Save own words, or take them back."""
    reword.save(clinic, reword.propose(clinic, language, {context: words}), by=by, now=NOON)


def ships(language: str, context: str) -> str:
    """What ships."""
    return shipped(language)[context][0].target
