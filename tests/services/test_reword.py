"""A clinic's own words: what is refused, where they show, and that they can never break or mark up a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.delivery.pages import page
from campaigns.delivery.translations import OwnWords
from campaigns.domain.errors import NotAllowed
from campaigns.domain.recipients import Channel
from campaigns.models import AuditEntry, Clinic, OwnWording, Staff, Wording
from campaigns.services import reword, samples
from campaigns.services.compose import Composed, approvals, compose
from campaigns.services.entries import findings, in_own_words, lines
from campaigns.services.review import approve_language
from campaigns.services.send import send_batch
from campaigns.services.standings import Standing
from campaigns.services.subjects import subject_of
from tests.factories import NOON, make_patient, message
from tests.services.fakes import FakeSender
from tests.services.wordings import HELLO, person, say, ships, stood

BODY = "auto.ok.sms.body"
ENGLISH = "page.consent.free"


@pytest.fixture
def translator(clinic: Clinic) -> Staff:
    return person(clinic, Staff.Role.TRANSLATOR)


def refused(clinic: Clinic, language: str, context: str, words: str) -> str:
    """What the checks find in the words, all in one line."""
    return "; ".join(reword.propose(clinic, language, {context: words}).findings.get(context, ()))


@pytest.mark.parametrize(
    ("add", "why"),
    [
        ("<b>", "cannot be used: < >"),
        ("&amp;", "cannot be used: &"),
        ("{{ clinic }}", "cannot be used: { }"),
        ("%(phone_link)s", "is not in the English"),
        (" 100%", "a placeholder is broken"),
        ("\ue000clinic\ue001", "an invisible character"),
        ("\u202eabc", "an invisible character"),
        (" x" * 600, "is the most"),
        ("", "empty"),
    ],
)
def test_it_refuses(clinic: Clinic, add: str, why: str) -> None:
    words = ships("fr-CA", HELLO) + add if add else ""
    assert why in refused(clinic, "fr-CA", HELLO, words)


def test_english_is_checked_like_a_translation_of_itself(clinic: Clinic) -> None:
    ships_so = ships("en-CA", ENGLISH)
    assert not refused(clinic, "en-CA", ENGLISH, ships_so.replace("Your care stays", "Your treatment stays"))
    assert refused(clinic, "en-CA", "welcome.hello.sms.body", "Hello.")


@pytest.mark.parametrize(
    ("language", "context", "why"),
    [
        ("fr-CA", "no.such.entry", "No text has an entry"),
        ("fr-CA", "shared.help_line", "No text has an entry"),
        ("fr-CA", "pretreatment.nsaids.email.window", "stays as it ships"),
        ("ar", "welcome.hello.sms.body.gsm", "no variant"),
        ("fr-CA", "shared.email.hello.gsm", "No text has an entry"),
    ],
)
def test_it_refuses_what_cannot_be_said_otherwise(
    clinic: Clinic, language: str, context: str, why: str
) -> None:
    with pytest.raises(NotAllowed, match=why):
        reword.propose(clinic, language, {context: "x"})


def test_it_is_stored_with_its_writer_and_an_audit_entry(clinic: Clinic, translator: Staff) -> None:
    say(clinic, "fr-CA", HELLO, "  Bonjour à vous, ", translator)
    row = OwnWording.objects.get(clinic=clinic)
    assert (row.language, row.context, row.text) == ("fr-CA", HELLO, "Bonjour à vous,")
    assert (row.written_by, row.written_at) == (translator.email, NOON)
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.detail["entries"]) == ("wording_reworded", [HELLO])


def test_it_refuses_to_save_for_the_wrong_role_or_with_findings(clinic: Clinic, translator: Staff) -> None:
    with pytest.raises(NotAllowed):
        say(clinic, "fr-CA", HELLO, "Bonjour à vous,", person(clinic, Staff.Role.COORDINATOR))
    with pytest.raises(NotAllowed):
        say(clinic, "fr-CA", HELLO, "Bonjour <b>,", translator)
    assert not OwnWording.objects.exists()


def test_the_shipped_words_are_no_own_words(clinic: Clinic, translator: Staff) -> None:
    say(clinic, "fr-CA", HELLO, "Bonjour à vous,", translator)
    say(clinic, "fr-CA", HELLO, ships("fr-CA", HELLO), translator)
    assert not OwnWording.objects.exists()


def test_own_words_are_in_the_preview_and_in_what_is_sent(
    clinic: Clinic, translator: Staff, provider: FakeSender
) -> None:
    enrolled = make_patient(clinic, language="en-CA", sequences=("welcome",))
    context = "shared.email.footer.watched"
    said = ships("en-CA", context).replace("all the time", "around the clock")
    say(clinic, "en-CA", context, said, translator)
    approve_language(clinic, "en-CA", by="Dr. Example", now=NOON)
    mail = message(enrolled, "hello", Channel.EMAIL)
    preview = compose(subject_of(mail), clinic, approvals(clinic), NOON)
    assert isinstance(preview, Composed)
    assert "around the clock" in preview.rendered.text
    send_batch()
    mail.refresh_from_db()
    assert "around the clock" in mail.html
    assert "around the clock" in mail.body


def test_own_words_are_in_the_text_and_on_the_page(clinic: Clinic, translator: Staff) -> None:
    text = ("welcome/hello", "sms", "fr-CA")
    said = ships("fr-CA", "welcome.hello.sms.body").replace("rappels", "nos rappels")
    say(clinic, "fr-CA", "welcome.hello.sms.body", said, translator)
    own = approvals(clinic).own
    assert "nos rappels" in samples.samples(clinic, text, own, NOON)[0].text
    line = lines(clinic, text, own)[0]
    assert line.own is not None
    assert line.words == (said,)
    say(clinic, "en-CA", ENGLISH, "You may say no. Your treatment stays the same.", translator)
    facts = {"clinic": "x", "phone": "+16045550134", "stylesheet": ""}
    assert "Your treatment stays" in page("patient/consent", "en-CA", facts, own=approvals(clinic).own)


def test_before_saving_it_says_which_texts_lapse_and_for_whom(clinic: Clinic) -> None:
    enrolled = make_patient(clinic, language="fr-CA", sequences=("welcome",))
    proposal = reword.propose(clinic, "fr-CA", {HELLO: "Bonjour à vous,"})
    assert ("welcome/hello", "email", "fr-CA") in reword.lapsed_by(proposal)
    told = reword.effects_of(clinic, proposal, NOON)
    assert [(one.patient, one.after) for one in told.patients] == [(enrolled.patient, "en-CA")]
    assert not OwnWording.objects.exists()


def test_a_variant_never_says_what_the_clinic_says_no_longer(clinic: Clinic, translator: Staff) -> None:
    """The shipped variant stands in for the shipped text: beside other words it would say the old ones."""
    context, text = "auto.emergency.sms.body", ("auto/emergency", "sms", "fr-CA-x-gsm")
    assert stood(clinic, text).standing == Standing.APPROVED
    said = ships("fr-CA", context).replace("avons prévenu", "avons déjà prévenu")
    say(clinic, "fr-CA", context, said, translator)
    assert stood(clinic, text).standing == Standing.DRAFT
    found = lines(clinic, text, approvals(clinic).own)
    assert any("stands in for words" in what for line in found for what in line.findings)
    ours = ships("fr-CA", context + ".gsm").replace("avons prévenu", "avons aussi prévenu")
    say(clinic, "fr-CA", context + ".gsm", ours, translator)
    assert not [what for line in lines(clinic, text, approvals(clinic).own) for what in line.findings]
    assert "aussi" in samples.samples(clinic, text, approvals(clinic).own, NOON)[0].text


FRAGMENTS = [
    " ",
    "é",
    "’",
    '"',
    "'",
    "%",
    "%%",
    "%(clinic)s",
    "%(given_name)s",
    "<b>",
    "&lt;",
    "{%",
    "}}",
    "\u00a0",
    "\u200f",
    "\ue000",
    "😀",
    ",",
    ".",
    "\\",
    "/",
    "(x)",
    "`",
    "$",
    "#",
    "[",
    "|safe",
    "à vous",
    "chers",
    "\n",
    "ك",
    "0",
]
PLACES = st.lists(st.tuples(st.integers(0, 400), st.sampled_from(FRAGMENTS)), max_size=3)


def changed(words: str, edits: list[tuple[int, str]]) -> str:
    """The words with fragments put in."""
    for place, fragment in edits:
        at = place % (len(words) + 1)
        words = words[:at] + fragment + words[at:]
    return words


def tags(html: str) -> list[str]:
    """The markup of a page, without what it says."""
    return [re.sub(r'(href|content|title)="[^"]*"', "", tag) for tag in re.findall(r"<[^>]*>", html)]


@pytest.mark.parametrize(
    ("language", "context", "text"),
    [
        ("fr-CA", "welcome.hello.sms.body", ("welcome/hello", "sms", "fr-CA")),
        ("fr-CA", "shared.email.footer.why", ("welcome/hello", "email", "fr-CA")),
        ("en-CA", "shared.email.hello_name", ("welcome/hello", "email", "en-CA")),
    ],
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=PLACES)
def test_whatever_is_accepted_renders_and_adds_no_markup(
    clinic: Clinic, language: str, context: str, text: tuple[str, str, str], edits: list[tuple[int, str]]
) -> None:
    words = changed(ships(language, context), edits)
    found = findings([in_own_words(language, context, reword.clean(words))], is_own=True)
    if found:
        return
    own = OwnWords(frozenset({(language, context, reword.clean(words))}))
    before = {one.state: one for one in samples.samples(clinic, text, OwnWords(), NOON)}
    for one in samples.samples(clinic, text, own, NOON):
        assert not one.error
        assert tags(one.html) == tags(before[one.state].html)
        assert "\ue000" not in one.text


def test_something_other_than_the_shipped_text_is_accepted(clinic: Clinic) -> None:
    """The set-up of the test above: there, everything could otherwise be refused."""
    assert not refused(
        clinic,
        "fr-CA",
        "shared.email.footer.why",
        ships("fr-CA", "shared.email.footer.why").replace("courriel", "courriel-ci"),
    )


def test_words_back_at_what_ships_leave_no_trace_in_the_digest(clinic: Clinic, translator: Staff) -> None:
    text = ("welcome/hello", "email", "fr-CA")
    before = stood(clinic, text).digest
    say(clinic, "fr-CA", HELLO, "Bonjour à vous,", translator)
    assert stood(clinic, text).digest != before
    say(clinic, "fr-CA", HELLO, None, translator)
    assert stood(clinic, text).digest == before
    assert Wording.objects.filter(clinic=clinic, digest=before, state="approved").exists()
