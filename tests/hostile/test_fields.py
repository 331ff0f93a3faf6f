"""Every field that staff or patients type into, found in the pages themselves: what is typed stays words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve

from campaigns.models import Clinic, Message, Patient, Staff
from campaigns.services import send
from campaigns.services.receive_mail import Delivered, receive_mail
from campaigns.services.set_up import create_staff
from campaigns.services.take_in import Inbound, receive_sms
from tests.hostile.forms import Form, forms_of
from tests.hostile.payloads import PRODUCT, SEEDS, broken_out
from tests.hostile.test_get import links_in
from tests.patient.conftest import Link
from tests.web.test_routes import NAMES, address, objects

pytestmark = pytest.mark.load

ROLES = (Staff.Role.ADMINISTRATOR, Staff.Role.CLINICIAN)
EACH = 3
"""Payloads for one field and button; the next field takes the next ones."""
KNOWN = {
    "given_name",
    "family_name",
    "interpreter_language",
    "phone",
    "email",
    "consent_evidence",
    "evidence",
    "note",
    "said",
    "text",
    "back",
    "words",
    "reason",
    "file",
}
"""Fields that there are; should one be missing, the search for fields is blind."""
NOT_POSTED = {"sign-out", "site-language", "pause"}


def signed_in(clinic: Clinic, role: str) -> Client:
    """A browser of somebody of the clinic."""
    who = create_staff(email=f"{role}@clinic.example", name=role, role=role, clinic=clinic, by="test")
    client = Client(raise_request_exception=True)
    client.force_login(who)
    return client


def typed_in(form: Form, words: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The form with these words in one field after the other, and in all of them, by each of its buttons."""
    for (button, value), name in itertools.product(form.buttons[:2] or [("", "")], [*form.typed, "*"]):
        filled: dict[str, Any] = dict(form.values) | ({button: value} if button else {})
        for one, kind in form.typed.items():
            if name in {one, "*"}:
                data = words.encode("utf-8", "replace")
                filled[one] = SimpleUploadedFile("a\u202e<xq7>.po", data) if kind == "file" else words
            elif kind == "file":
                filled.pop(one, None)
        yield name, filled


def looked_at(client: Client, paths: set[str]) -> dict[str, Form | list[str]]:
    """What breaks out of each page, by its path; empty where nothing does."""
    found: dict[str, Any] = {}
    for path in sorted(paths):
        answer = client.get(path)
        if answer.get("Content-Type", "").startswith("text/html") and (
            bad := broken_out(answer.content.decode())
        ):
            found[path] = bad
    return found


def test_what_staff_type_into_any_field_stays_words(clinic: Clinic, patient: Patient) -> None:
    known = objects(patient)
    paths = {address(name, **known) for name in NAMES if name != "sign-out"}
    words = itertools.cycle(SEEDS)
    tried: set[tuple[str, str]] = set()
    for role in ROLES:
        client = signed_in(clinic, role)
        for path in sorted(paths):
            answer = client.get(path)
            html = answer.content.decode() if answer.get("Content-Type", "").startswith("text/html") else ""
            for form in forms_of(html, path):
                route = str(resolve(form.action.partition("?")[0]).url_name)
                names = {(route, name) for name in form.typed}
                if route in NOT_POSTED or not names - tried:
                    continue
                tried |= names
                for said in itertools.islice(words, EACH):
                    for name, filled in typed_in(form, said):
                        done = client.post(form.action, filled)
                        assert done.status_code < 500, (route, name, said)
                        shown = done.content.decode("utf-8", "replace") if not done.streaming else ""
                        assert "text/html" not in done.get("Content-Type", "") or not broken_out(shown), (
                            route,
                            name,
                            said,
                            broken_out(shown),
                        )
        assert looked_at(client, paths | {"/patients/new"}) == {}
    assert {name for _, name in tried} >= KNOWN, KNOWN - {name for _, name in tried}
    assert len(tried) >= 20


def test_what_patients_write_stays_words(clinic: Clinic, patient: Patient, link: Link) -> None:
    """By text, by mail, in the note of a form; then staff look, and what goes out is looked at too."""
    note = link(patient, "l")
    for place, words in enumerate(SEEDS[::2]):
        sender = "+16045550111" if place % 2 else "+16045550188"
        receive_sms(Inbound(provider_id=f"SM{place}", sender=sender, recipient="+16045550199", body=words))
        head = words.replace("\r", " ").replace("\n", " ").encode("utf-8", "replace")
        raw = b"From: " + head + b" <patient@patients.example>\r\nSubject: " + head + b"\r\n\r\n"
        receive_mail(Delivered(raw=raw + words.encode("utf-8", "replace"), way="smtp", sender="a@b.example"))
        if place % 5 == 0:
            answer = Client().post(note, {"answer": words, "note": words, "switch": words, "language": words})
            assert answer.status_code < 500
            assert broken_out(answer.content.decode()) == []
    client = signed_in(clinic, Staff.Role.CLINICIAN)
    page = f"/patients/{patient.pk}"
    behind = links_in(*(client.get(path).content.decode() for path in ("/alerts", page)))
    assert (
        looked_at(client, {"/", page, "/alerts", "/call-list", "/readiness"} | behind - {"/sign-out"}) == {}
    )
    send.drain()
    for message in Message.objects.filter(patient=patient):
        assert PRODUCT not in message.body + message.html + message.subject
        assert broken_out(message.html) == []
