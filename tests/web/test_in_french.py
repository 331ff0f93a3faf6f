"""The staff site in two languages: nothing a page says is left out of the catalog, and staff choose."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from campaigns.domain import own_words as word_rules
from campaigns.domain import recipients
from campaigns.domain.languages import SUPPORTED
from campaigns.models import (
    Alert,
    Answer,
    Clinic,
    Installation,
    LexiconChange,
    Message,
    Patient,
    Reply,
    Staff,
)
from campaigns.queries import sequence_files
from campaigns.services import enroll, escalate, exchange, own_words, reword, sign_off, visits, word_files
from campaigns.services.standings import in_order
from campaigns.web import names
from campaigns.web.told import told
from tests.factories import NOON
from tests.services.wordings import HELLO, person, say
from tests.web import cast
from tests.web.test_enroll_page import send
from tests.web.test_routes import SIGNED_IN, address, objects

MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
SHOWN = ("aria-label", "title", "placeholder", "data-label", "alt")
SAID_BY_OTHERS = {"time", "code", "blockquote", "bdi", "script", "style"}
"""Elements with a time, a key, or what somebody wrote."""
NO_ELEMENTS_INSIDE = {"input", "link", "meta", "br", "img", "hr", "line", "circle", "polyline"}


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Begin and end in English: a request leaves its language behind in the thread."""
    with translation.override("en-ca"):
        yield


class Unmarked(HTMLParser):
    """Collects what a page says outside the marks of the pseudo-language and outside what others wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.within: list[bool] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Whoever wrote what is inside, and what the element says in its attributes."""
        known = dict(attrs)
        spoken = tag != "html" and ("lang" in known or known.get("dir") == "auto")
        self.found += [known[name] or "" for name in SHOWN if name in known and not spoken]
        if tag not in NO_ELEMENTS_INSIDE:
            self.within.append(spoken or tag in SAID_BY_OTHERS)

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        if tag not in NO_ELEMENTS_INSIDE:
            self.within.pop()

    def handle_data(self, data: str) -> None:
        """What is read."""
        if not any(self.within):
            self.found.append(data)


DATA = re.compile(
    r"Westside Pain Clinic|Westside Clinic|Test Patient|Coordinator|Clinician|Robin|Translator|Dr\. Example"
    r"|GSM-7|UCS-2|USD|DATABASE_URL|[a-z_]+(\.[a-z_]+)+|[\w.]+@[\w.]+example"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [A-Z][a-z]+\.? \d+|\d+:\d\d\s[ap]m"
    rf"|{'|'.join(language.name for language in SUPPORTED.values())}"
)
"""What is left of a page that is no sentence of ours: names, units, dates, the switch."""


def unmarked(html: str) -> list[str]:
    """The words of a page outside every mark."""
    parser = Unmarked()
    parser.feed(html)
    left = []
    for text in parser.found:
        while MARKED.search(text):
            text = MARKED.sub("", text)
        left.append(DATA.sub("", text).strip())
    return [text for text in left if re.search(r"[A-Za-z]{2}", text)]


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every text is in marks."""
    for name, pick in {
        "gettext": lambda text: text,
        "ngettext": lambda one, many, n: one if n == 1 else many,
        "pgettext": lambda context, text: text,
        "npgettext": lambda context, one, many, n: one if n == 1 else many,
    }.items():
        monkeypatch.setattr(
            f"django.utils.translation._trans.{name}", lambda *a, pick=pick: f"⟦{pick(*a)}⟧", raising=False
        )


def reply_of(patient: Patient, provider_id: str) -> Reply:
    """A reply with a danger sign in it."""
    return Reply.objects.create(
        provider_id=provider_id,
        clinic=patient.clinic,
        patient=patient,
        channel="sms",
        body="my chest hurts",
        received_at=NOON,
        outcome="alert",
    )


@pytest.fixture
def busy(patient: Patient, clinic: Clinic) -> Patient:
    """A patient with something of everything on the pages."""
    replies = [reply_of(patient, provider_id) for provider_id in ("SM1", "SM2")]
    for closed in (None, NOON):
        Alert.objects.create(
            clinic=clinic,
            patient=patient,
            reply=replies[0],
            urgency="emergency",
            rule="en.chest",
            matched=["chest"],
            opened_at=NOON,
            closed_at=closed,
            outcome="reached" if closed else "",
        )
    asked = Message.objects.filter(patient=patient)[0]
    for reply, question, value in zip(replies, ("pain", "ready"), ("7", "no"), strict=True):
        Answer.objects.create(
            reply=reply, patient=patient, message=asked, question=question, value=value, answered_at=NOON
        )
    planned = list(Message.objects.filter(patient=patient, state="planned").values_list("pk", flat=True))
    for key, state, reason in (
        (planned[0], "skipped", "cap_reached"),
        (planned[1], "cancelled", "visit_moved"),
    ):
        Message.objects.filter(pk=key).update(state=state, reason=reason, settled_at=NOON)
    Patient.objects.filter(pk=patient.pk).update(status="paused", interpreter="Cantonese")
    return patient


def every_page(client: Client, patient: Patient) -> Iterator[tuple[str, str]]:
    """Each page that staff can open, and some that answer a form: name and content."""
    known: dict[str, Any] = objects(patient)
    Alert.objects.filter(rule="free_text").update(rule="unknown number")
    texts = [
        {"sequence": "aftercare", "step": "next_day", "channel": "sms"},
        {"sequence": "patient", "step": "check_in", "channel": "page"},
    ]
    for name in SIGNED_IN:
        for more in ({}, *(texts if name.startswith("wording-") else ())):
            answer = client.get(address(name, **known | more))
            if answer.status_code == 200 and "html" in answer.headers["Content-Type"]:
                yield f"{name} {more}", answer.content.decode()
    for state in ("completed", "no_show", "cancelled"):
        yield state, client.get(address("visit-settle", **known | {"state": state})).content.decode()
    for act in ("withdraw", "retire"):
        yield act, client.get(address("wording-act", **known | {"act": act})).content.decode()
    yield from word_pages(client, known["change_id"])
    for state in ("draft", "approved", "comments"):
        yield state, client.get(f"/wording/ar?state={state}").content.decode()
    yield "enroll", send(client, "preview", given_name="", phone="", consent_evidence="")
    yield "enroll", send(client, "preview")
    moved = {"on_date": cast.on(12).isoformat(), "at_time": "10:00"}
    visit = known["visit_id"]
    yield "move", client.post(f"/visits/{visit}/move", moved).content.decode()
    past = moved | {"on_date": "2020-01-01", "confirm": "yes"}
    yield "move", client.post(f"/visits/{visit}/move", past).content.decode()
    yield "nothing", client.get("/nothing-here").content.decode()


def word_pages(client: Client, proposed: int) -> Iterator[tuple[str, str]]:
    """The pages of the word lists that answer a form, and those of a word in each state."""
    yield "words", client.get(f"/words/ar/decide?change={proposed}").content.decode()
    yield "words", client.get("/words/any").content.decode()
    said = {"text": "7, I can't breathe", "question": "pain"}
    yield "words", client.post("/words/en/try", said).content.decode()
    form = {"place": "en:negators", "kind": "add", "words": "the\nsorry", "reason": "?"}
    for more in ({}, {"words": "<x>\n7", "reason": ""}, {"place": "en:redflags.chest", "words": "<x>\n/"}):
        yield "words", client.post("/words/en/propose", form | more).content.decode()
    file = SimpleUploadedFile("x.yaml", b"language: en\nyes: [zorb, nope]\nremove: {yes: [yep]}\n")
    yield "words", client.post("/words/en/import", {"file": file}).content.decode()
    for state in ("approved", "retired"):
        LexiconChange.objects.update(state=state, approved_by="y", approved_at=NOON, reason="?")
        yield "words", client.get("/words/ar").content.decode()
    LexiconChange.objects.update(state="approved", word="<x>", entry="redflags.chest")
    yield "words", client.get("/words").content.decode()


OF_PATIENTS = {"mail", "consent-text", "wording-sample"}
"""Pages in a patient's language, in a frame or to print."""


def test_every_page_says_only_what_the_catalog_has(
    marked: None, clinic: Clinic, busy: Patient, client: Client
) -> None:
    clinician = person(clinic, Staff.Role.CLINICIAN)
    say(clinic, "ar", HELLO, "أهلا بكم،", person(clinic, Staff.Role.TRANSLATOR))
    paused = {"paused": True, "paused_reason": "Paused from the first page"}
    Installation.objects.update_or_create(pk=1, defaults=paused)
    client.force_login(clinician)
    found = {
        name: left
        for name, page in every_page(client, busy)
        if name.split()[0] not in OF_PATIENTS and (left := unmarked(page))
    }
    assert [f"{name}: {said}" for name, left in found.items() for said in left] == []


# --- what services say

REFUSALS = {"InvalidAddress", "InvalidEnrollment", "InvalidVisit", "NotAllowed"}
FACT = "7"


def said(node: ast.expr, module: ModuleType) -> str:
    """What an expression for a text says, with `7` for each fact in it."""
    match node:
        case ast.Constant():
            return str(node.value)
        case ast.JoinedStr():
            return "".join(said(part, module) for part in node.values)
        case ast.FormattedValue(value=ast.Call(func=ast.Attribute(attr="get"))):
            return ""
        case ast.FormattedValue(value=ast.Name(id=name)) if isinstance(getattr(module, name, None), str):
            return str(getattr(module, name))
        case _:
            return FACT


def refusals(module: ModuleType) -> Iterator[str]:
    """Every sentence with which a module refuses something, and those it picks from a table."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[text, *_]) if name in REFUSALS:
                yield said(text, module).strip()
            case ast.Dict(values=values):
                texts = (str(value.value) for value in values if isinstance(value, ast.Constant))
                yield from (text for text in texts if text.endswith("."))


@pytest.mark.parametrize(
    "module",
    [enroll, escalate, exchange, own_words, recipients, reword, sign_off, visits, word_files],
    ids=lambda m: m.__name__,
)
def test_whatever_a_service_refuses_is_said_in_the_language_of_the_page(
    module: ModuleType, marked: None
) -> None:
    found = list(refusals(module))
    assert found
    assert [text for text in found if unmarked(told(text))] == []


def test_whatever_refuses_a_word_is_said_in_the_language_of_the_page(marked: None) -> None:
    sentences = [
        said(node.value, word_rules)
        for node in ast.walk(ast.parse(inspect.getsource(word_rules)))
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant | ast.JoinedStr)
    ]
    found = [text for text in sentences if text.endswith(".")]
    assert len(found) > 8
    assert [text for text in found if unmarked(told(text))] == []


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "2026-10-01 14:00 has already passed at the clinic. Choose a later date or time.",
            "2026-10-01 14:00 est déjà passé à la clinique. Choisissez une date ou une heure ultérieure.",
        ),
        ("This visit is already no show.", "Cette visite est déjà manquée."),
        (
            "Only a clinician or translator may do this.",
            "Seul un clinicien ou un traducteur peut faire cela.",
        ),
        ("A reason of their own.", "A reason of their own."),
    ],
)
def test_facts_keep_their_place_and_what_is_not_known_stays(english: str, french: str) -> None:
    assert told(english) == english
    with translation.override("fr-ca"):
        assert told(english) == french


# --- names


def test_every_message_and_page_has_a_name_and_no_two_of_a_group_share_one() -> None:
    templates = {template for template, _channel in in_order()}
    assert set(names.TEXTS) == templates
    for language in ("en-ca", "fr-ca"):
        with translation.override(language):
            shown = {(template.partition("/")[0], names.text_name(template)) for template in templates}
        assert len(shown) == len(templates)


def test_sequences_and_purposes_are_said_in_french() -> None:
    with translation.override("fr-ca"):
        for key, sequence in sequence_files.load_all().items():
            assert names.sequence_title(key, sequence.title) != sequence.title
            for step in sequence.steps:
                assert names.purpose_of(f"{key}/{step.key}") not in {"", step.purpose}


def test_a_message_without_a_name_goes_by_its_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "TEXTS", {})
    assert names.text_name("aftercare/next_day_again") == "Ask once more when there was no answer."
    assert names.text_name("auto/no_such_text") == "no such text"
    assert names.folder_name("no_such_folder") == "no such folder"


def test_a_message_is_called_by_its_sequence_and_its_name(patient: Patient) -> None:
    message = Message.objects.filter(patient=patient, step="hello")[0]
    assert names.step(message) == "Welcome: Who writes, and how to stop"
    with translation.override("fr-ca"):
        assert names.step(message) == "Bienvenue\u00a0: Qui écrit, et comment arrêter"


# --- the switch


def test_staff_choose_the_language_and_stay_where_they_are(pages: Client, patient: Patient) -> None:
    path = f"/patients/{patient.pk}?mail=1"
    english = pages.get(path).content.decode()
    assert '<html lang="en-CA" dir="ltr">' in english
    assert f'name="next" value="{path}"' in english
    assert 'name="language" value="fr-CA" lang="fr-CA">Français</button>' in english
    answer = pages.post("/language", {"language": "fr-CA", "next": path})
    assert answer.headers["Location"] == path
    french = pages.get(path).content.decode()
    assert '<html lang="fr-CA" dir="ltr">' in french
    assert 'value="en-CA" lang="en-CA">English</button>' in french
    assert "Tous les messages, et pourquoi" in french


def test_the_sign_in_page_has_the_switch_before_and_after_a_wrong_password(client: Client, db: None) -> None:
    client.post("/language", {"language": "fr-CA", "next": "/sign-in"})
    for answer in (client.get("/sign-in?next=/alerts"), client.post("/sign-in", {"username": "a@b.example"})):
        page = answer.content.decode()
        assert "Ouvrir une session" in page
        assert 'action="/language"' in page


def test_a_page_that_answers_a_form_has_no_switch(pages: Client) -> None:
    assert 'action="/language"' in pages.get("/patients/new").content.decode()
    assert 'action="/language"' not in send(pages, "dates")


@pytest.mark.parametrize("elsewhere", ["https://far.example/", "//far.example/", "javascript:alert(1)"])
def test_the_switch_leads_to_no_other_site(elsewhere: str, client: Client, db: None) -> None:
    answer = client.post("/language", {"language": "fr-CA", "next": elsewhere})
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("language", ["", "xx", "ar", "../fr"])
def test_a_language_that_the_site_does_not_have_is_not_kept(language: str, client: Client, db: None) -> None:
    assert client.post("/language", {"language": language, "next": "/sign-in"}).status_code == 400
    assert not client.cookies
    assert '<html lang="en-CA"' in client.get("/sign-in").content.decode()


def test_the_switch_needs_a_post_and_its_token(client: Client, strict: Client) -> None:
    assert client.get("/language").status_code == 405
    assert strict.post("/language", {"language": "fr-CA"}).status_code == 403


def test_a_patient_s_page_does_not_follow_the_switch(pages: Client) -> None:
    pages.cookies["django_language"] = "fr-CA"
    assert 'lang="ar"' in pages.get("/consent/ar").content.decode()
