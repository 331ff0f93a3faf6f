"""Signing in and out: two proofs for everybody, and what happens to whoever has one."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from urllib.parse import unquote

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from campaigns.domain.errors import NotAllowed
from campaigns.models import AuditEntry, Guess, Patient, SignInLink, Staff, StaffSession
from campaigns.services import accounts, second_factor
from campaigns.services.sign_in import make_link
from tests.factories import make_staff
from tests.web.proofs import PASSWORD, SECRET, half_a_minute_later, is_in, shown, sign_in, with_app

REFUSED = "The e-mail address or the password is not right."


def said(client: Client, address: str = "/sign-in") -> str:
    return client.get(address).content.decode()


@pytest.fixture
def administrator(coordinator: Staff) -> Staff:
    staff = make_staff(coordinator.clinic, "ada@clinic.example")
    Staff.objects.filter(pk=staff.pk).update(role=Staff.Role.ADMINISTRATOR, name="Ada")
    staff.refresh_from_db()
    with_app(staff)
    return staff


# --- two proofs


def test_a_password_alone_opens_nothing_and_a_code_after_it_opens_once(
    client: Client, coordinator: Staff
) -> None:
    with_app(coordinator)
    first = {"login": "Robin@Clinic.example", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post("/sign-in", first).headers["Location"] == "/sign-in/code"
    assert not is_in(client)
    assert client.get("/alerts").headers["Location"].startswith("/sign-in?next=")
    answer = client.post("/sign-in/code", {"code": "000 000" if shown() != "000000" else "111111"})
    assert "This code is not right" in answer.content.decode()
    code = shown()
    spaced = f"{code[:3]} {code[3:]}"
    assert client.post("/sign-in/code", {"code": spaced}).headers["Location"] == "/", "never to another site"
    assert is_in(client)
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    again = Client()
    again.post("/sign-in", {"login": coordinator.email, "password": PASSWORD})
    again.post("/sign-in/code", {"code": code})
    assert not is_in(again), "the same code a second time"
    assert Authenticator.objects.get(user=coordinator, type="totp").data["last_step"] > 0
    assert SECRET not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_it_says_the_same_of_a_wrong_password_and_of_somebody_unknown(
    client: Client, coordinator: Staff
) -> None:
    with_app(coordinator)
    for login in (coordinator.email, "nobody@clinic.example"):
        answer = client.post("/sign-in", {"login": login, "password": "wrong"})
        assert REFUSED in answer.content.decode()
    Staff.objects.update(is_active=False)
    assert (
        REFUSED
        in client.post("/sign-in", {"login": coordinator.email, "password": PASSWORD}).content.decode()
    )
    assert not is_in(client)


def test_a_password_without_a_second_proof_leads_back_to_the_door(client: Client, coordinator: Staff) -> None:
    coordinator.set_password(PASSWORD)
    coordinator.save()
    client.post("/sign-in", {"login": coordinator.email, "password": PASSWORD})
    for address in ("/alerts", "/account/authenticator", "/account/passkeys", "/account/password"):
        assert client.get(address).headers["Location"].startswith("/sign-in"), address
        client.post("/sign-in", {"login": coordinator.email, "password": PASSWORD})
    client.get("/")
    assert "Ask your administrator for a sign-in link" in said(client)


def test_it_leads_on_to_where_somebody_was_going(client: Client, coordinator: Staff) -> None:
    with_app(coordinator)
    page = said(client, client.get("/call-list?x=1").headers["Location"])
    (there,) = re.findall(r'name="next" value="([^"]+)">\n  <div', page)
    client.post("/sign-in", {"login": coordinator.email, "password": PASSWORD, "next": there})
    assert client.post("/sign-in/code", {"code": shown()}).headers["Location"] == "/call-list?x=1"


def test_a_recovery_code_opens_once_and_a_waiting_sign_in_can_be_given_up(coordinator: Staff) -> None:
    code, *_ = with_app(coordinator)
    for is_right in (True, False):
        client = Client()
        client.post("/sign-in", {"login": coordinator.email, "password": PASSWORD})
        client.post("/sign-in/code", {"code": f"{code[:4]} {code[4:]}"})
        assert is_in(client) is is_right
    assert client.get("/sign-in").headers["Location"] == "/sign-in/code"
    assert client.get("/sign-in?again").status_code == 200
    assert second_factor.codes_left(coordinator) == 9
    assert AuditEntry.objects.filter(action="recovery_code_used").count() == 1


def test_a_session_ends_after_half_a_day_however_busy(pages: Client) -> None:
    session = pages.session
    session[AUTHENTICATION_METHODS_SESSION_KEY][0]["at"] = time.time() - 12 * 3600 - 1
    session.save()
    assert not is_in(pages)
    assert "half a day" in said(pages)


def test_it_signs_out_only_by_post(pages: Client) -> None:
    assert pages.get("/sign-out").status_code == 405
    assert is_in(pages)
    pages.post("/sign-out")
    assert not is_in(pages)


# --- guessing


def test_whoever_guesses_a_password_waits_and_nobody_else_does(client: Client, coordinator: Staff) -> None:
    with_app(coordinator)
    right = {"login": coordinator.email, "password": PASSWORD}
    for _ in range(5):
        client.post("/sign-in", right | {"password": "wrong"})
    assert "Too many tries" in client.post("/sign-in", right).content.decode()
    assert not client.get("/sign-in/code").headers["Location"].startswith("/sign-in/code")
    elsewhere = Client(REMOTE_ADDR="192.0.2.77")
    assert elsewhere.post("/sign-in", right).headers["Location"] == "/sign-in/code"
    Guess.objects.update(shut_until=timezone.now() - timedelta(seconds=1))
    assert client.post("/sign-in", right).headers["Location"] == "/sign-in/code"
    assert coordinator.email not in str(list(Guess.objects.values()))


def test_whoever_guesses_codes_waits_from_wherever(client: Client, coordinator: Staff) -> None:
    with_app(coordinator)
    for number in range(6):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        client.post("/sign-in", {"login": coordinator.email, "password": PASSWORD})
        answer = client.post("/sign-in/code", {"code": f"{number}" * 8})
    assert "Too many tries" in answer.content.decode()
    assert "Too many tries" in client.post("/sign-in/code", {"code": shown()}).content.decode()
    Guess.objects.update(shut_until=timezone.now() - timedelta(seconds=1))
    client.post("/sign-in/code", {"code": shown()})
    assert is_in(client)


# --- links


def test_a_link_leads_somebody_new_through_password_app_and_codes(client: Client, coordinator: Staff) -> None:
    link = f"/sign-in/{make_link(coordinator)}"
    assert "Sign in as Coordinator" in said(client, link)
    assert not is_in(client), "mail scanners open links"
    assert client.post(link).headers["Location"] == "/"
    for address in ("/", "/alerts", "/account", "/patients/new"):
        assert client.get(address).headers["Location"] == "/account/password", address
    short = client.post("/account/password", {"password": "short", "again": "short"})
    assert "too short" in short.content.decode()
    other = client.post("/account/password", {"password": PASSWORD, "again": f"{PASSWORD}x"})
    assert "The two are not the same." in other.content.decode()
    done = client.post("/account/password", {"password": PASSWORD, "again": PASSWORD})
    assert done.headers["Location"] == "/account/authenticator"
    page = said(client, "/account/authenticator")
    secret = re.sub(r"\s", "", re.findall(r'class="secret" dir="ltr">([^<]+)', page)[0])
    assert f"secret={secret}" in unquote(page)
    assert "<svg" in page
    wrong = client.post("/account/authenticator", {"code": "12345"})
    assert "This code is not right" in wrong.content.decode()
    answer = client.post("/account/authenticator", {"code": shown(secret)})
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", answer.content.decode())
    assert len(set(codes)) == 10
    assert is_in(client)
    assert codes[0] not in said(client, "/account"), "shown once"
    coordinator.refresh_from_db()
    assert coordinator.password.startswith("argon2$argon2id")
    assert Client().post(link).status_code == 404, "the link is used up"


def test_a_link_in_the_place_of_a_password_still_asks_for_the_code(
    client: Client, coordinator: Staff
) -> None:
    with_app(coordinator)
    assert client.post(f"/sign-in/{make_link(coordinator)}").headers["Location"] == "/sign-in/code"
    assert not is_in(client)
    assert client.get("/account/authenticator").status_code == 302
    client.post("/sign-in/code", {"code": shown()})
    assert is_in(client)


def test_a_link_that_is_too_old_or_replaced_or_of_somebody_who_left_opens_nothing(coordinator: Staff) -> None:
    replaced, left = make_link(coordinator), make_link(coordinator)
    answer = Client().post(f"/sign-in/{replaced}")
    assert "does not work any more" in answer.content.decode()
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().post(f"/sign-in/{left}").status_code == 404
    left = make_link(coordinator)
    Staff.objects.update(is_active=False)
    assert Client().post(f"/sign-in/{left}").status_code == 404


def test_only_the_demo_s_own_clinic_asks_for_no_second_proof(
    client: Client, coordinator: Staff, settings: pytest.FixtureRequest
) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    client.post(f"/sign-in/{make_link(coordinator)}")
    assert client.get("/").headers["Location"] == "/account/password", "a real clinic beside the demo"
    coordinator.clinic.is_demo = True
    coordinator.clinic.save()
    assert "Signing in asks for no second proof here." in said(client, "/")
    settings.DEMO = False  # type: ignore[attr-defined]
    assert client.get("/").headers["Location"] == "/account/password", "the demo's clinic anywhere else"


# --- sessions


def test_sessions_are_listed_and_end_one_by_one_or_all_others(coordinator: Staff) -> None:
    with_app(coordinator)
    here, there, far = (
        Client(headers={"User-Agent": f"{name}/1.0 (X11; Linux)"})
        for name in ("Firefox", "Chrome", "Opera OPR")
    )
    for one in (here, there, far):
        sign_in(coordinator, one)
    page = said(here, "/account")
    assert [name in page for name in ("Firefox, Linux", "Chrome, Linux", "Opera, Linux")] == [True] * 3
    ended = StaffSession.objects.get(session_key=there.session.session_key)
    here.post(f"/account/sessions/{ended.pk}/end")
    assert (is_in(here), is_in(there), is_in(far)) == (True, False, True)
    here.post("/account/sessions/end-others")
    assert (is_in(here), is_in(far)) == (True, False)
    sign_in(coordinator, there)
    here.post("/account/password", {"password": f"another {PASSWORD}", "again": f"another {PASSWORD}"})
    assert (is_in(here), is_in(there)) == (True, False)
    assert [row.session_key for row in StaffSession.objects.all()] == [here.session.session_key]
    assert AuditEntry.objects.filter(action="signed_in").latest("seq").detail == {"by": ["password", "totp"]}


def test_a_stolen_session_is_refused_once_its_account_is_closed_and_after_it_is_opened_again(
    administrator: Staff, coordinator: Staff
) -> None:
    with_app(coordinator)
    thief = sign_in(coordinator)
    link = make_link(coordinator)
    boss = sign_in(administrator)
    boss.post(f"/staff/{coordinator.pk}/do/close")
    assert not is_in(thief)
    assert not Session.objects.filter(session_key=thief.cookies["sessionid"].value).exists()
    boss.post(f"/staff/{coordinator.pk}/do/reopen")
    assert not is_in(thief)
    assert Client().post(f"/sign-in/{link}").status_code == 404
    sign_in(coordinator)


# --- what asks again


def test_exports_approvals_and_accounts_ask_again_after_a_while_and_keep_nothing_that_was_typed(
    administrator: Staff, patient: Patient
) -> None:
    boss = sign_in(administrator)
    late(boss)
    before = AuditEntry.objects.exclude(action="looked_at").count()
    back = f"/patients/{patient.pk}"
    asked = {
        f"{back}/export": {},
        f"{back}/forget": {"name": "Test Patient"},
        "/contactability": {},
        "/wording/ar/approve": {},
        "/words/ar/decide": {},
        "/wording/ar/welcome/hello/sms/do/approve": {},
        "/staff": {"name": "N", "email": "n@clinic.example", "role": "auditor"},
        "/account/recovery-codes": {},
        "/account/password": {"password": PASSWORD, "again": PASSWORD},
        "/account/authenticator": {"code": "123456"},
    }
    for address, typed in asked.items():
        answer = boss.post(address, typed, headers={"Referer": f"http://testserver{back}"})
        assert answer.status_code == 302, address
        assert unquote(answer.headers["Location"]).startswith("/confirm?next=/"), address
    assert AuditEntry.objects.exclude(action="looked_at").count() == before
    assert "Test Patient" not in str([row.get_decoded() for row in Session.objects.all()])
    evil = boss.post(f"{back}/export", headers={"Referer": "https://elsewhere.example/x"})
    assert evil.headers["Location"] == "/confirm?next=%2F"
    half_a_minute_later(administrator)
    assert boss.post("/confirm", {"code": "1", "next": back}).status_code == 200
    assert boss.post("/confirm", {"code": shown(), "next": back}).headers["Location"] == back
    assert boss.post(f"{back}/export").status_code == 200
    away = boss.post("/confirm", {"code": shown(ahead=1), "next": "https://elsewhere.example/"})
    assert away.headers["Location"] == "/"


def late(client: Client) -> None:
    """Sixteen minutes later."""
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= 16 * 60
    session.save()


def test_a_new_phone_takes_the_place_of_the_old_and_the_last_proof_stays(coordinator: Staff) -> None:
    with_app(coordinator)
    me = sign_in(coordinator)
    page = said(me, "/account/authenticator")
    secret = re.sub(r"\s", "", re.findall(r'class="secret" dir="ltr">([^<]+)', page)[0])
    assert me.post("/account/authenticator", {"code": shown(secret)}).headers["Location"] == "/account"
    assert second_factor.use_code(coordinator, shown()) is None, "the old phone"
    assert second_factor.use_code(coordinator, shown(secret, ahead=1)) is not None
    app = Authenticator.objects.get(user=coordinator, type="totp")
    me.post(f"/account/proofs/{app.pk}/remove")
    assert "This is your last way to prove who you are." in said(me, "/account")
    assert Authenticator.objects.filter(pk=app.pk).exists()
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", me.post("/account/recovery-codes").content.decode())
    assert len(codes) == 10


# --- who looks after accounts


def test_an_administrator_invites_helps_and_closes(administrator: Staff, stranger: Staff) -> None:
    boss = sign_in(administrator)
    new = {"name": "Noa", "email": "Noa@clinic.example", "role": "translator"}
    page = boss.post("/staff", new).content.decode()
    link = re.findall(r"https?://[^<\s]+(/sign-in/[\w-]+)<", page)[0]
    noa = Staff.objects.get(email="noa@clinic.example")
    assert (noa.role, noa.clinic_id, noa.has_usable_password()) == (
        "translator",
        administrator.clinic_id,
        False,
    )
    assert "already an account" in boss.post("/staff", new).content.decode()
    assert Client().post(link).headers["Location"] == "/"
    with_app(noa)
    theirs = sign_in(noa)
    page = boss.post(f"/staff/{noa.pk}/lost-phone").content.decode()
    assert not is_in(theirs)
    assert second_factor.kinds(noa) == set()
    theirs.post("/sign-in", {"login": noa.email, "password": PASSWORD})
    assert not is_in(theirs), "neither the password nor anything else but the link"
    anew = Client()
    anew.post(re.findall(r"https?://[^<\s]+(/sign-in/[\w-]+)<", page)[0])
    assert anew.get("/account/authenticator").status_code == 200
    boss.post(f"/staff/{noa.pk}/do/role", {"role": "auditor"})
    noa.refresh_from_db()
    assert (noa.role, noa.has_usable_password()) == ("auditor", False)
    for act in ("close", "role"):
        boss.post(f"/staff/{administrator.pk}/do/{act}", {"role": "auditor"})
        assert "Another administrator must do this for you." in said(boss, "/staff")
    assert boss.post(f"/staff/{noa.pk}/do/promote").status_code == 404
    for act in ("link", "lost-phone", "do/close"):
        assert boss.post(f"/staff/{stranger.pk}/{act}").status_code == 404, act
    with pytest.raises(NotAllowed):
        accounts.close(administrator, stranger)
    with pytest.raises(NotAllowed):
        accounts.close(noa, administrator)


def test_whoever_is_no_administrator_manages_nobody(pages: Client, administrator: Staff) -> None:
    assert "/staff" not in said(pages, "/")
    assert pages.get("/staff").status_code == 403
    for act in ("link", "lost-phone", "do/close", "do/reopen", "do/role"):
        assert pages.post(f"/staff/{administrator.pk}/{act}", {"role": "auditor"}).status_code == 403, act


def test_the_command_lets_an_administrator_back_in(
    administrator: Staff, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = sign_in(administrator)
    call_command("reset_second_factor", "--email", "ADA@clinic.example", "--by", "Dr. Example")
    link = re.findall(r"/sign-in/[\w-]+", capsys.readouterr().out)[0]
    assert not is_in(theirs)
    client = Client()
    client.post(link)
    assert client.get("/").headers["Location"] == "/account/password"
    assert AuditEntry.objects.get(action="second_factor_reset").actor == "Dr. Example"
    with pytest.raises(NotAllowed, match="no open account"):
        call_command("reset_second_factor", "--email", "nobody@clinic.example", "--by", "x")
