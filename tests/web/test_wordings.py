"""The wording pages: what everybody reads, who may act, and what an act shows before it is done."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import Clinic, Staff, Wording, WordingComment
from campaigns.services.compose import approvals
from campaigns.services.samples import samples
from campaigns.services.standings import names
from tests.factories import NOON, make_patient
from tests.services.wordings import HELLO, person, say, ships, stood

SMS = ("welcome/hello", "sms", "ar")
MAIL = ("welcome/hello", "email", "ar")
AT_SMS, AT_MAIL = "/wording/ar/welcome/hello/sms", "/wording/ar/welcome/hello/email"
Browser = Callable[[str], Client]


@pytest.fixture
def browser(clinic: Clinic) -> Browser:
    """A browser with somebody of this role signed in."""

    def signed_in(role: str) -> Client:
        client = Client()
        client.force_login(Staff.objects.filter(clinic=clinic, role=role).first() or person(clinic, role))
        return client

    return signed_in


def text_of(client: Client, path: str) -> str:
    """The page at a path."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        """What is read."""
        self.words += data.split()


def words_of(html: str) -> str:
    """What a page says, without its markup."""
    parser = _Words()
    parser.feed(html)
    return " ".join(parser.words)


def withdrawn(clinic: Clinic, text: tuple[str, str, str], state: str = "draft") -> str:
    """A text in this state; its digest."""
    template, channel, edition = text
    rows = Wording.objects.filter(clinic=clinic, template=template, channel=channel, language=edition)
    rows.update(state=state)
    return stood(clinic, text).digest


# --- what everybody reads


def test_the_list_has_every_language_with_english_first(pages: Client, clinic: Clinic) -> None:
    page = words_of(text_of(pages, "/wording"))
    places = [page.index(word) for word in ("English", "French", "Punjabi", "Ukrainian")]
    assert places == sorted(places)
    assert "segments" in page
    assert "USD" in page


@pytest.mark.parametrize("path", ["/wording", "/wording/ar"])
def test_the_lists_cost_a_fixed_number_of_queries(
    path: str, pages: Client, clinic: Clinic, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        make_patient(clinic, phone=f"+1604555012{number}", language="ar", sequences=("welcome",))
    withdrawn(clinic, SMS)
    pages.get(path)
    with django_assert_max_num_queries(16):
        pages.get(path)


def test_it_says_which_approvals_have_lapsed_and_who_waits(pages: Client, clinic: Clinic) -> None:
    make_patient(clinic, language="ar", sequences=("welcome",))
    say(clinic, "ar", HELLO, "أهلا بكم،", person(clinic, Staff.Role.TRANSLATOR))
    for path in ("/wording", "/wording/ar"):
        page = words_of(text_of(pages, path))
        assert "1 patient waits" in page
        assert "Test Patient" in page


@pytest.mark.parametrize(
    ("wanted", "shown", "hidden"),
    [("draft", AT_SMS, AT_MAIL), ("approved", AT_MAIL, AT_SMS), ("comments", AT_MAIL, AT_SMS)],
)
def test_the_texts_can_be_filtered(
    wanted: str, shown: str, hidden: str, pages: Client, clinic: Clinic
) -> None:
    withdrawn(clinic, SMS)
    WordingComment.objects.create(
        clinic=clinic, template=MAIL[0], channel="email", language="ar", text="?", by="x", at=NOON
    )
    page = text_of(pages, f"/wording/ar?state={wanted}")
    assert f'"{shown}"' in page
    assert f'"{hidden}"' not in page


def test_the_texts_stand_in_the_order_patients_meet_them(pages: Client) -> None:
    page = text_of(pages, "/wording/ar")
    order = [
        "welcome",
        "previsit",
        "pretreatment",
        "aftercare",
        "course_end",
        "auto",
        "correction",
        "patient",
    ]
    places = [page.index(f'id="{folder}"') for folder in order]
    assert places == sorted(places)


def test_a_text_stands_beside_its_english_and_what_it_costs(pages: Client) -> None:
    page = words_of(text_of(pages, AT_SMS))
    assert ships("en-CA", "welcome.hello.sms.body").split()[1] in page
    assert ships("ar", "welcome.hello.sms.body").split()[-2] in page
    assert "UCS-2" in page
    assert "Put back into English" in page


@pytest.mark.parametrize("tag", ["en-CA", "fr-CA", "ar"])
def test_every_text_and_every_sample_of_it_can_be_opened(tag: str, pages: Client, clinic: Clinic) -> None:
    own = approvals(clinic).own
    for text in names(tag, own):
        found = samples(clinic, text, own, NOON, "/static/site.css")
        assert found
        assert not [one.error for one in found if one.error], text
    for text in list(names(tag, own))[::9]:
        assert text_of(pages, f"/wording/{text[2]}/{text[0]}/{text[1]}")


def test_an_e_mail_is_locked_into_a_sandbox(pages: Client) -> None:
    answer = pages.get(f"{AT_MAIL}/sample/normal")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert 'dir="rtl"' in answer.content.decode()
    page = pages.get("/wording/ar/patient/consent/page/sample/normal")
    assert page.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'; style-src 'self'")


@pytest.mark.parametrize(
    "path",
    [
        "/wording/xx",
        "/wording/tlh/welcome/hello/sms",
        "/wording/ar/no/such/sms",
        "/wording/ar/welcome/hello/fax",
        "/wording/ar-x-gsm/welcome/hello/sms",
        f"{AT_SMS}/do/destroy",
        f"{AT_SMS}/sample/normal",
        "/wording/ar/words/no.such",
    ],
)
def test_what_is_not_there_is_not_found(path: str, pages: Client) -> None:
    assert pages.get(path).status_code == 404


def test_a_language_the_clinic_does_not_write_is_not_found(pages: Client, clinic: Clinic) -> None:
    clinic.languages = ["en-CA", "fr-CA"]
    clinic.save(update_fields=["languages"])
    assert pages.get("/wording/ar").status_code == 404
    assert "Arabic" not in text_of(pages, "/wording")


# --- who may act


@pytest.mark.parametrize(
    ("path", "form", "allowed"),
    [
        (f"{AT_SMS}/do/review", {}, {"translator", "clinician"}),
        (f"{AT_SMS}/do/withdraw", {}, {"clinician"}),
        (f"{AT_SMS}/do/retire", {}, {"clinician"}),
        (f"{AT_SMS}/do/approve", {}, {"clinician"}),
        ("/wording/ar/approve", {}, {"clinician"}),
        (f"{AT_SMS}/comment", {"said": "?"}, {"translator", "clinician"}),
        (f"/wording/ar/words/{HELLO}", {"text": "x"}, {"translator", "clinician"}),
        ("/wording/ar/import", {}, {"translator", "clinician"}),
    ],
)
def test_only_these_roles_may_post(
    path: str, form: dict[str, str], allowed: set[str], browser: Browser
) -> None:
    answers = {role: browser(role).post(path, form).status_code for role in Staff.Role.values}
    assert {role for role, answer in answers.items() if answer != 403} == allowed


@pytest.mark.parametrize("role", ["coordinator", "auditor", "administrator"])
def test_who_only_reads_gets_no_buttons(role: str, browser: Browser, clinic: Clinic) -> None:
    for path in (AT_SMS, f"{AT_SMS}/do/withdraw", f"/wording/ar/words/{HELLO}", "/wording/ar/import"):
        page = text_of(browser(role), path)
        assert page.count("<button") == 2, path  # for the other language, and to sign out


def test_a_comment_of_another_clinic_is_not_there(stranger: Staff, clinic: Clinic) -> None:
    Staff.objects.filter(pk=stranger.pk).update(role=Staff.Role.CLINICIAN)
    made = WordingComment.objects.create(
        clinic=clinic, template=SMS[0], channel="sms", language="ar", text="?", by="x", at=NOON
    )
    outsider = Client()
    outsider.force_login(Staff.objects.get(pk=stranger.pk))
    assert outsider.post(f"/wording/comments/{made.pk}/settle").status_code == 404


# --- acts


def test_withdrawing_shows_first_who_is_affected(browser: Browser, clinic: Clinic) -> None:
    make_patient(clinic, language="ar", sequences=("welcome",))
    doctor = browser("clinician")
    page = words_of(text_of(doctor, f"{AT_SMS}/do/withdraw"))
    assert "1 patient gets the next message in another language." in page
    assert stood(clinic, SMS).standing == "approved"
    doctor.post(f"{AT_SMS}/do/withdraw", {"digest": stood(clinic, SMS).digest})
    assert stood(clinic, SMS).standing == "draft"


def test_reviewing_leads_to_the_next_text(browser: Browser, clinic: Clinic) -> None:
    withdrawn(clinic, MAIL)
    digest = withdrawn(clinic, SMS)
    answer = browser("translator").post(f"{AT_SMS}/do/review", {"digest": digest})
    assert answer.headers["Location"] == AT_MAIL


def test_another_digest_than_today_s_does_nothing_and_says_so(browser: Browser, clinic: Clinic) -> None:
    withdrawn(clinic, SMS, "reviewed")
    answer = browser("clinician").post(f"{AT_SMS}/do/approve", {"digest": "0" * 64}, follow=True)
    assert "says something else by now" in answer.content.decode()
    assert stood(clinic, SMS).standing == "reviewed"


def test_all_that_is_reviewed_is_approved_in_one_click_after_a_list(browser: Browser, clinic: Clinic) -> None:
    seen = [f"{' '.join(text)} {withdrawn(clinic, text, 'reviewed')}" for text in (SMS, MAIL)]
    doctor = browser("clinician")
    page = text_of(doctor, "/wording/ar/approve")
    assert all(f'value="{one}"' in page for one in seen)
    answer = doctor.post("/wording/ar/approve", {"seen": seen}, follow=True)
    assert "2 texts are approved." in answer.content.decode()
    assert {stood(clinic, text).standing for text in (SMS, MAIL)} == {"approved"}


@pytest.mark.parametrize("seen", ["x", "a b c d", f"{SMS[0]} sms fr-CA abc", f"no/such sms ar {'0' * 64}"])
def test_a_list_that_nobody_was_shown_is_refused(seen: str, browser: Browser) -> None:
    assert browser("clinician").post("/wording/ar/approve", {"seen": [seen]}).status_code == 404


def test_the_page_shows_the_difference_since_the_approval(pages: Client, clinic: Clinic) -> None:
    Wording.objects.filter(clinic=clinic).update(approved_by="Dr. Example", approved_at=NOON)
    say(clinic, "ar", HELLO, "أهلا بكم،", person(clinic, Staff.Role.TRANSLATOR))
    page = text_of(pages, AT_MAIL)
    assert "<ins>" in page
    assert "<del>" in page
    assert "Changed since the last approval" in page


def test_a_comment_is_shown_and_settled(browser: Browser, clinic: Clinic) -> None:
    translator = browser("translator")
    translator.post(f"{AT_SMS}/comment", {"said": "Is <this> right?"})
    assert "Is &lt;this&gt; right?" in text_of(translator, AT_SMS)
    made = WordingComment.objects.get()
    browser("clinician").post(f"/wording/comments/{made.pk}/settle")
    assert "settled by" in words_of(text_of(translator, AT_SMS))


def test_an_empty_comment_is_refused_beside_its_field(browser: Browser) -> None:
    answer = browser("translator").post(f"{AT_SMS}/comment", {"said": " "})
    assert answer.status_code == 200
    assert 'aria-invalid="true"' in answer.content.decode()
