"""Mail scanners and phones open every link before the patient does: nothing changes by looking.

Each link of each message that there is, with its real key, each page of a patient and each route of the site
for each role is fetched twice by GET and twice by HEAD, and the whole database is held against what it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.test import Client

from campaigns.delivery.channels import Outgoing
from campaigns.delivery.wording import templates
from campaigns.domain.lifecycle import Purpose
from campaigns.models import Clinic, HandWritten, Message, Patient, PatientLink, Staff, Visit
from campaigns.services import deliver, send
from campaigns.services.set_up import create_staff
from tests.factories import NOON, make_staff, set_now
from tests.hostile.conftest import PUBLIC
from tests.hostile.fingerprint import changed, fingerprint
from tests.mail.conftest import Caught
from tests.web import cast
from tests.web.test_routes import NAMES, address, objects

pytestmark = pytest.mark.load

_LINK = re.compile(r"https?://[^\s\"'<>]+|(?<=href=\")/[^\"]+")
MESSAGES = [(name, channel) for name, channel in templates() if channel in {"sms", "email"}]
NOT_ALONE = {"shared"}
"""Folders of what stands in other texts."""


def links_in(*texts: str) -> set[str]:
    """The addresses of ours in a text or page, without what stands after them."""
    found = {unescape(one).rstrip(".,;)") for text in texts for one in _LINK.findall(text)}
    ours = {one.removeprefix(PUBLIC) for one in found if one.startswith((PUBLIC, "/"))}
    return {one for one in ours if not one.startswith("/static/")}


def every_message(patient: Patient) -> None:
    """One row of each template and channel, due now, with whatever a text may ask for."""
    visit = cast.first_visit(patient)
    for name, channel in MESSAGES:
        if name.partition("/")[0] in NOT_ALONE:
            continue
        own = name == "replies/own"
        message = Message.objects.create(
            clinic=patient.clinic,
            patient=patient,
            sequence="auto",
            step=name.partition("/")[2][:40],
            template=name,
            visit=visit,
            visit_version=visit.version,
            channel=channel,
            purpose=Purpose.MANUAL if own else Purpose.SAFETY,
            topic="check_ins",
            asks="pain" if channel == "email" else "",
            capped=False,
            send_at=NOON,
            due_at=NOON,
            expires_at=NOON + timedelta(days=3),
            state="planned",
            stated={"date": "2026-11-05", "time": "09:00"},
        )
        if own:
            by, key = make_staff(patient.clinic, "writer@clinic.example"), uuid4()
            known = {"clinic": patient.clinic, "patient": patient, "by": by, "key": key, "at": NOON}
            HandWritten.objects.create(message=message, words="Please bring the form.", **known)


@pytest.fixture
def sent(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> list[Outgoing]:
    """Every message that there is, as it left."""
    caught = Caught()
    monkeypatch.setattr(deliver, "senders", lambda: {"sms": caught, "email": caught})
    Message.objects.filter(state="planned").update(state="cancelled", reason="superseded")
    Visit.objects.filter(course__patient=patient).update(version=1)
    every_message(patient)
    set_now(NOON)
    while send.drain():
        continue
    return caught.mails


def opened(paths: Iterable[str], client: Client) -> dict[str, int]:
    """Fetch each twice by both ways; what GET answered."""
    codes = {}
    for path in sorted(paths):
        for _ in range(2):
            codes[path] = client.get(path).status_code
            assert client.head(path).status_code == codes[path], path
    return codes


def test_no_link_of_any_message_and_nothing_behind_it_changes_anything_when_looked_at(
    patient: Patient, sent: list[Outgoing]
) -> None:
    went = set(Message.objects.exclude(sent_at=None).values_list("template", "channel"))
    missing = {(name, str(channel)) for name, channel in MESSAGES if name.partition("/")[0] not in NOT_ALONE}
    assert missing - went == set(), "each text left"
    said = [f"{one.text} {one.html} {one.unsubscribe_url} {one.reply_to}" for one in sent]
    first = {urlsplit(link)._replace(fragment="").geturl() for link in links_in(*said)}
    purposes = set(PatientLink.objects.values_list("purpose", flat=True))
    assert {"information", "unsubscribe", "preferences", "check_in"} <= purposes
    assert len(first) > 60
    scanner = Client(headers={"User-Agent": "a scanner of links"})
    before = fingerprint(frozenset())  # no session either: nobody is signed in
    codes = opened(first, scanner)
    assert set(codes.values()) == {200}
    pages = [scanner.get(path).content.decode() for path in first]
    behind = links_in(*pages) - first
    opened(behind, scanner)
    tricks = {
        f"{path}{more}"
        for path in list(first)[:20]
        for more in ("?confirm=yes", "?List-Unsubscribe=One-Click")
    }
    opened(tricks, scanner)
    over = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE"}
    opened(list(first)[:20], Client(headers=over))
    assert changed(before, fingerprint(frozenset())) == []


def test_the_check_sees_a_link_that_acts(patient: Patient, sent: list[Outgoing]) -> None:
    unsubscribe = next(one.unsubscribe_url for one in sent if one.unsubscribe_url).removeprefix(PUBLIC)
    before = fingerprint()
    Client().post(unsubscribe)
    assert "suppression" in changed(before, fingerprint())


ROLES = [*(role for role in Staff.Role.values if role != Staff.Role.COORDINATOR), ""]
"""Nobody among them; for the coordinator tests/web/test_routes.py does the same."""


def _browser(clinic: Clinic, role: str) -> Client:
    client = Client()
    if role:
        who = create_staff(
            email=f"{role}@clinic.example", name=role, role=Staff.Role(role), clinic=clinic, by="test"
        )
        client.force_login(who)
    return client


def test_no_route_changes_anything_by_a_look_of_anybody(patient: Patient, clinic: Clinic) -> None:
    known: dict[str, Any] = objects(patient)
    browsers = {role: _browser(clinic, role) for role in ROLES}
    before = fingerprint()
    for role, browser in browsers.items():
        for name in NAMES:
            browser.get(address(name, **known))
            if name == "home":
                path = address(name)
                opened(links_in(browser.get(path).content.decode()) - {"/sign-out"}, browser)
        assert changed(before, fingerprint()) == [], role
