"""Own words in a form, and a translator's file: shown first, saved only as it was shown."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.models import AuditEntry, Clinic, OwnWording, Staff
from campaigns.services import exchange
from tests.factories import make_patient
from tests.services.wordings import HELLO, person, say, ships

PATH = f"/wording/fr-CA/words/{HELLO}"
SAID = "Bonjour à vous,"


@pytest.fixture
def translator(clinic: Clinic) -> Staff:
    return person(clinic, Staff.Role.TRANSLATOR)


@pytest.fixture
def browser(translator: Staff) -> Client:
    """The translator's."""
    client = Client()
    client.force_login(translator)
    return client


def upload(browser: Client, content: bytes) -> str:
    """The page after a file was chosen."""
    answer = browser.post("/wording/fr-CA/import", {"file": SimpleUploadedFile("fr.po", content)})
    assert answer.status_code == 200
    return answer.content.decode()


def sealed(page: str) -> str:
    """The signed content of the dry run."""
    return page.partition('name="sealed" value="')[2].partition('"')[0]


def test_it_shows_every_finding_beside_the_field_and_saves_nothing(browser: Client) -> None:
    page = browser.post(PATH, {"action": "save", "checked": "<b>", "text": "<b>"}).content.decode()
    assert "These characters cannot be used: &lt; &gt;." in page
    assert 'aria-invalid="true"' in page
    assert not OwnWording.objects.exists()


def test_it_shows_who_is_affected_and_then_saves(browser: Client, clinic: Clinic) -> None:
    patient = make_patient(clinic, language="fr-CA", sequences=("welcome",)).patient
    page = browser.post(PATH, {"text": SAID, "back": "Good day to you,"}).content.decode()
    assert "must be approved again" in page
    assert "Test Patient" in page
    looked = AuditEntry.objects.filter(action="looked_at").values_list("object", "detail__page")
    assert list(looked) == [(f"patient {patient.pk}", "wording")]
    assert not OwnWording.objects.exists()
    come_from = "/wording/fr-CA/welcome/hello/email"
    form = {"text": SAID, "back": "Good day to you,", "checked": SAID, "action": "save"}
    answer = browser.post(f"{PATH}?from={come_from}", form)
    assert answer.headers["Location"] == come_from
    row = OwnWording.objects.get()
    assert (row.text, row.back) == (SAID, "Good day to you,")
    assert "Good day to you," in browser.get(come_from).content.decode()


def test_words_that_were_not_checked_are_shown_again(browser: Client) -> None:
    browser.post(PATH, {"text": SAID, "checked": "Bonjour,", "action": "save"})
    assert not OwnWording.objects.exists()


def test_it_leads_nowhere_else(browser: Client) -> None:
    form = {"text": SAID, "checked": SAID, "action": "save"}
    answer = browser.post(f"{PATH}?from=https://elsewhere.example/", form)
    assert answer.headers["Location"] == "/wording/fr-CA"


def test_the_shipped_text_comes_back(browser: Client, clinic: Clinic, translator: Staff) -> None:
    say(clinic, "fr-CA", HELLO, SAID, translator)
    page = browser.post(PATH, {"action": "shipped"}).content.decode()
    assert "The text goes back to what ships." in page
    assert OwnWording.objects.exists()
    browser.post(PATH, {"action": "restore"})
    assert not OwnWording.objects.exists()


def test_a_language_is_downloaded_with_the_own_words_in_it(
    pages: Client, clinic: Clinic, translator: Staff
) -> None:
    say(clinic, "fr-CA", HELLO, SAID, translator)
    answer = pages.get("/wording/fr-CA/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="patient-fr-CA.po"'
    assert f'msgstr "{SAID}"' in answer.content.decode()


def test_a_file_is_shown_first_and_then_saved(browser: Client, clinic: Clinic) -> None:
    content = exchange.exported(clinic, "fr-CA").replace(f'"{ships("fr-CA", HELLO)}"', f'"{SAID}"')
    page = upload(browser, content.encode())
    assert "1 entry changes" in page
    assert SAID in page
    assert not OwnWording.objects.exists()
    answer = browser.post("/wording/fr-CA/import", {"sealed": sealed(page)}, follow=True)
    assert "1 entry is saved." in answer.content.decode()
    assert OwnWording.objects.get().text == SAID


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "not in UTF-8"),
        (b"x" * (exchange.LARGEST + 2), "larger than 1 MB"),
        (b"hello", "line 1"),
        (b"", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_beside_the_field(
    content: bytes, why: str, browser: Client
) -> None:
    page = upload(browser, content)
    assert why in page
    assert 'aria-invalid="true"' in page


def test_only_what_was_shown_can_be_saved(browser: Client, clinic: Clinic) -> None:
    content = exchange.exported(clinic, "fr-CA").replace(f'"{ships("fr-CA", HELLO)}"', f'"{SAID}"')
    good = sealed(upload(browser, content.encode()))
    forged = browser.post("/wording/fr-CA/import", {"sealed": good[:-2] + "xx"}, follow=True)
    assert "Upload the file again" in forged.content.decode()
    assert browser.post("/wording/ar/import", {"sealed": good}).status_code == 404
    other = Client()
    other.force_login(person(clinic, Staff.Role.CLINICIAN))
    assert other.post("/wording/fr-CA/import", {"sealed": good}).status_code == 404
    assert not OwnWording.objects.exists()
