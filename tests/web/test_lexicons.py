"""The pages of the word lists: what everybody reads, who may act, and that nothing works before approval."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import AuditEntry, Clinic, LexiconChange, LexiconComment, Reply, Staff
from campaigns.queries import lexicons
from campaigns.services import word_files
from campaigns.services.own_words import Act
from tests.factories import NOON, make_patient
from tests.services.own_words import WORD, act, adding, in_force, proposed, reading, somebody, taking

Role = Staff.Role
Browser = Callable[[str], Client]
FORM = {"place": "en:redflags.chest", "kind": "add", "words": f"{WORD}\nzorb + pain", "reason": ""}
CHECKED = f"add en:redflags.chest {WORD}\nadd en:redflags.chest zorb + pain"


@pytest.fixture
def browser(clinic: Clinic) -> Browser:
    """A browser with somebody of this role signed in."""

    def signed_in(role: str) -> Client:
        client = Client()
        client.force_login(somebody(clinic, role))
        return client

    return signed_in


def page(client: Client, path: str) -> str:
    """The page at a path."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def reply(clinic: Clinic, body: str, provider_id: str) -> Reply:
    """A stored reply."""
    return Reply.objects.create(
        provider_id=provider_id,
        clinic=clinic,
        channel="sms",
        body=body,
        received_at=NOON,
        language="en-CA",
        outcome="alert",
    )


@pytest.mark.parametrize("path", ["/words", "/words/fa", "/words/any"])
def test_a_page_asks_as_little_however_many_words_there_are(
    pages: Client, clinic: Clinic, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    in_force(clinic, *(adding(f"زورب {n}", "redflags.chest", "fa") for n in "abcdefgh"))
    proposed(clinic, *(adding(f"zorb {n}", "polite", "any") for n in "abcdefgh"))
    page(pages, path)
    with django_assert_max_num_queries(10):
        page(pages, path)


def test_the_list_names_every_language_its_state_and_what_waits(pages: Client, clinic: Clinic) -> None:
    proposed(clinic, adding())
    found = page(pages, "/words")
    assert found.index("/words/en") < found.index("/words/fr") < found.index("/words/any")
    assert found.count(">Draft<") == len(lexicons.shipped())
    assert 'href="/words/en#waiting"' in found


def test_the_lists_of_a_language_hold_its_keywords_and_say_where_they_come_from(pages: Client) -> None:
    found = page(pages, "/words/fr")
    for word in ("oui", "désabonnez-moi", "essouf*", "quatre", "Sources: "):
        assert word in found
    assert "отписаться" not in found
    assert page(pages, "/words/ar").count("<bdi>نعم</bdi>") >= 1
    assert pages.get("/words/xx").status_code == 404


def test_the_search_shows_only_the_words_that_hold_it(pages: Client) -> None:
    found = page(pages, "/words/fr?q=Désabonnez")
    assert "désabonnez-moi" in found
    assert "quatre" not in found
    assert "No list of this language has such a word." in page(pages, "/words/fr?q=zorbly")


def test_a_reply_is_tried_and_not_kept(pages: Client) -> None:
    answer = pages.post("/words/en/try", {"text": "no fever but I can't breathe", "question": "pain"})
    found = answer.content.decode()
    assert '<mark dir="auto">cant breathe</mark>' in found
    assert "en.breathing" in found
    assert not Reply.objects.exists()
    answered = pages.post("/words/en/try", {"text": "about a 7, thanks", "question": "pain"}).content.decode()
    assert "Answer: 7" in answered


# --- proposing and deciding


@pytest.mark.parametrize("role", Role.values)
def test_only_translators_and_clinicians_propose(browser: Browser, role: str) -> None:
    client, allowed = browser(role), role in {Role.TRANSLATOR, Role.CLINICIAN}
    assert ("Propose words</a>" in page(client, "/words/en")) == allowed
    form = FORM | {"checked": CHECKED, "action": "save"}
    assert client.post("/words/en/propose", form).status_code == (302 if allowed else 403)
    assert LexiconChange.objects.exists() == allowed


def test_faults_are_said_by_line_and_nothing_is_saved(browser: Browser) -> None:
    form = FORM | {"words": "fine one\n\n<x> + pain\nmisspelt!", "action": "save"}
    found = browser(Role.TRANSLATOR).post("/words/en/propose", form).content.decode()
    assert "Line 3, \u2068&lt;x&gt; + pain\u2069: This cannot be read: there is no set &lt;x&gt;." in found
    assert "Line 4, \u2068misspelt!\u2069: Nothing that a patient types" in found
    assert not LexiconChange.objects.exists()


def test_what_it_would_do_is_shown_before_it_is_saved(browser: Browser, clinic: Clinic) -> None:
    reply(clinic, f"so {WORD} today", "SM1")
    client = browser(Role.CLINICIAN)
    found = client.post("/words/en/propose", FORM | {"action": "check"}).content.decode()
    assert f"so {WORD} today" in found
    assert CHECKED in found
    assert not LexiconChange.objects.exists()
    changed = FORM | {"action": "save", "checked": CHECKED, "words": "something else"}
    client.post("/words/en/propose", changed)
    assert not LexiconChange.objects.exists()
    client.post("/words/en/propose", FORM | {"action": "save", "checked": CHECKED})
    assert set(LexiconChange.objects.values_list("word", "state")) == {
        (WORD, "draft"),
        ("zorb + pain", "draft"),
    }
    assert reading(clinic, WORD).urgency == ""


@pytest.mark.parametrize("role", Role.values)
def test_only_clinicians_and_coordinators_read_what_patients_wrote(
    browser: Browser, clinic: Clinic, role: str
) -> None:
    written = reply(clinic, f"so {WORD} today", "SM1")
    written.patient = make_patient(clinic).patient
    written.save()
    (row,) = proposed(clinic, adding())
    found = page(browser(role), f"/words/en/decide?change={row.pk}")
    reads = role in {Role.CLINICIAN, Role.COORDINATOR}
    assert ("so zorbly today" in found) is reads
    assert "<b>1</b> / 1" in found
    # Who reads a patient's words has looked at the patient.
    looks = AuditEntry.objects.filter(action="looked_at").values_list("object", "detail__page")
    assert list(looks) == ([(f"patient {written.patient.pk}", "words")] if reads else [])


def test_two_people_bring_a_word_into_force_and_the_page_tells_who(browser: Browser, clinic: Clinic) -> None:
    (row,) = proposed(clinic, adding())
    client, form = browser(Role.CLINICIAN), {"change": [row.pk]}
    client.post("/words/en/decide", form | {"act": "review"})
    assert reading(clinic, WORD).urgency == ""
    done = client.post("/words/en/decide", form | {"act": "approve"}, follow=True).content.decode()
    assert "1 change is in force." in done
    assert "Approved: <bdi>Clinician</bdi>" in done
    assert '<span class="state good">your own</span>' in done
    assert reading(clinic, WORD).urgency == "emergency"


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.CLINICIAN])
def test_only_a_clinician_decides(browser: Browser, clinic: Clinic, role: str) -> None:
    (row,) = proposed(clinic, adding())
    act(clinic, Act.REVIEW, row, by=somebody(clinic, Role.CLINICIAN))
    client = browser(role)
    assert 'value="approve"' not in page(client, f"/words/en/decide?change={row.pk}")
    for what in ("approve", "retire"):
        assert client.post("/words/en/decide", {"change": [row.pk], "act": what}).status_code == 403
    assert LexiconChange.objects.get().state == "reviewed"


def test_somebody_s_own_proposal_waits_for_another(browser: Browser, clinic: Clinic) -> None:
    client = browser(Role.CLINICIAN)
    client.post("/words/en/propose", FORM | {"action": "save", "checked": CHECKED})
    row = LexiconChange.objects.earliest("pk")
    found = page(client, f"/words/en/decide?change={row.pk}")
    assert "You proposed this yourself: somebody else must decide." in found
    assert 'value="review"' not in found
    refused = client.post("/words/en/decide", {"change": [row.pk], "act": "review"}, follow=True)
    assert "You proposed this yourself" in refused.content.decode()


def test_a_comment_stands_beside_the_word(browser: Browser, clinic: Clinic) -> None:
    (row,) = proposed(clinic, adding("زورب", "redflags.chest", "fa"))
    path = f"/words/changes/{row.pk}/comment"
    assert browser(Role.TRANSLATOR).post(path, {"said": "who says so?"}).headers["Location"] == "/words/fa"
    assert "who says so?" in page(browser(Role.AUDITOR), "/words/fa")
    assert browser(Role.AUDITOR).post(path, {"said": "x"}).status_code == 403
    assert LexiconComment.objects.count() == 1


def test_a_word_of_another_clinic_is_neither_shown_nor_decided(
    browser: Browser, clinic: Clinic, stranger: Staff
) -> None:
    (row,) = proposed(stranger.clinic, adding())
    client = browser(Role.CLINICIAN)
    assert WORD not in page(client, "/words/en")
    assert client.get(f"/words/en/decide?change={row.pk}").status_code == 302
    client.post("/words/en/decide", {"change": [row.pk], "act": "reject"})
    assert LexiconChange.objects.get().state == "draft"


def test_a_word_that_can_no_longer_be_used_is_told_on_the_page(pages: Client, clinic: Clinic) -> None:
    in_force(clinic, adding())
    LexiconChange.objects.update(word="<gone> + x")
    for path in ("/words", "/words/en"):
        found = page(pages, path)
        assert "Approved words that cannot be used any more" in found
        assert "there is no set &lt;gone&gt;" in found


# --- files


def upload(client: Client, content: str, language: str = "fr") -> str:
    """The page after a file was chosen."""
    file = SimpleUploadedFile("words.yaml", content.encode())
    answer = client.post(f"/words/{language}/import", {"file": file})
    assert answer.status_code == 200
    return answer.content.decode()


MANY = ", ".join("z" + "a" * (n % 15) + "b" * (n // 15) for n in range(201))
FILE = """\
language: fr
redflags:
  chest:
    group: resp
    urgency: emergency
    terms:
      - ça zorble
yes: [ouin ouin, non]
numbers: [[zorb], [], [], [], [], [], [], [], [], [], []]
stop:
  fr-CA: [lâchez-moi]
remove:
  yes: [ouais]
"""


def test_a_file_is_shown_first_with_its_lines_and_then_proposed(browser: Browser, clinic: Clinic) -> None:
    client = browser(Role.TRANSLATOR)
    found = upload(client, FILE)
    assert "5 new words" in found
    assert "Line 8" in found
    assert "it is also in the list No." in found
    assert not LexiconChange.objects.exists()
    sealed = found.partition('name="sealed" value="')[2].partition('"')[0]
    client.post("/words/fr/import", {"sealed": sealed[:-2] + "xx", "reason": "said so"})
    client.post("/words/fr/import", {"sealed": sealed, "reason": ""})
    assert not LexiconChange.objects.exists()
    client.post("/words/fr/import", {"sealed": sealed, "reason": "said so"})
    assert set(LexiconChange.objects.values_list("language", "entry", "word", "kind")) == {
        ("fr", "redflags.chest", "ça zorble", "add"),
        ("fr", "yes", "ouin ouin", "add"),
        ("fr", "numbers.0", "zorb", "add"),
        ("any", "stop.fr-CA", "lâchez-moi", "add"),
        ("fr", "yes", "ouais", "remove"),
    }


def test_what_is_exported_can_be_read_and_changes_nothing(pages: Client, clinic: Clinic) -> None:
    in_force(clinic, adding("ça zorble", "redflags.chest", "fr"), taking("ouais", "yes", "fr"))
    proposed(clinic, adding("zéro pointé", "numbers.0", "fr"), adding("lâchez-moi", "stop.fr-CA", "any"))
    answer = pages.get("/words/fr/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="words-fr.yaml"'
    content = answer.content.decode()
    assert "- ça zorble" in content
    found = word_files.read(clinic, "fr", content)
    assert (found.new, found.refused, found.unchanged) == ((), (), 4)


def test_a_list_that_ships_can_be_read_as_a_file(clinic: Clinic) -> None:
    content = (lexicons.FOLDER / "fr.yaml").read_text(encoding="utf-8")
    found = word_files.read(clinic, "fr", content.replace("agree: [", "agree: [zorb, "))
    assert [line.change.word for line in found.new] == ["zorb"]
    assert not found.refused


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("language: fr\nyes: [a\n", "is not YAML"),
        ("language: fr\nyes: oui\n", "Line 2 is not what a list of ours has there."),
        ("language: fr\nnonsense: [oui]\n", "Line 2 is not what a list of ours has there."),
        ("language: fr\nsets:\n  a: [b]\nyes:\n  - [x]\n", "Line 5 is not what a list of ours has there."),
        ("language: fr\nyes: &a [x]\nno: *a\n", "Line 3 is not what a list of ours has there."),
        ("language: fr\nyes: " + "[" * 40 + "]" * 40, "Line 2 is not what a list of ours has there."),
        ("- yes\n", "Line 1 is not what a list of ours has there."),
        ("language: es\nyes: [vale]\n", "The file says that its language is es; this page is for fr."),
        ("language: fr\nyes: [a\x00]\n", "is not YAML"),
        (f"language: fr\nyes: [{MANY}]\n", "201 words are new"),
        (" ", "The file is empty."),
        ("#" * 200_001, "larger than 200 kB"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_beside_the_field(
    browser: Browser, content: str, why: str
) -> None:
    found = upload(browser(Role.CLINICIAN), content)
    assert why in found
    assert 'aria-invalid="true"' in found
    assert not LexiconChange.objects.exists()


def test_a_patient_s_reply_is_read_by_a_word_that_came_in_a_file(browser: Browser, clinic: Clinic) -> None:
    make_patient(clinic, language="fr-CA")
    client = browser(Role.TRANSLATOR)
    sealed = upload(client, FILE).partition('name="sealed" value="')[2].partition('"')[0]
    client.post("/words/fr/import", {"sealed": sealed, "reason": "said so"})
    ids = list(LexiconChange.objects.values_list("pk", flat=True))
    doctor = browser(Role.CLINICIAN)
    for what in ("review", "approve"):
        doctor.post("/words/fr/decide", {"change": ids, "act": what})
    assert reading(clinic, "Lâchez-moi!", language="fr-CA").keyword == "stop"
    assert reading(clinic, "ça zorble", language="fr-CA").urgency == "emergency"
