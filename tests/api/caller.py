"""A program that asks the API, and a clinic with one patient to ask about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.test import Client

from campaigns.domain.scopes import SCOPES
from campaigns.models import Clinic, Visit
from campaigns.services import api_keys
from tests.factories import make_patient

_names = count(1)


@dataclass(slots=True)
class Caller:
    """Asks with one key. Bodies and answers are JSON; `last` is the response."""

    secret: str
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))
    last: Any = None

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """The status and the document. A write gets a fresh Idempotency-Key unless it brings one."""
        if method != "GET":
            headers.setdefault("Idempotency-Key", f"test-{next(_names)}")
        if self.secret:
            headers.setdefault("Authorization", f"Bearer {self.secret}")
        self.last = self.client.generic(
            method,
            f"/api/v1/{path}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={name: value for name, value in headers.items() if value},
        )
        return self.last.status_code, json.loads(self.last.content)

    def get(self, path: str) -> Any:
        """The document, which must be there."""
        status, document = self.ask("GET", path)
        assert status == 200, document
        return document

    def post(self, path: str, body: object = None, status: int = 200) -> Any:
        """The document of a write that must be done."""
        found, document = self.ask("POST", path, body)
        assert found == status, document
        return document


def caller(clinic: Clinic, *scopes: str) -> Caller:
    """A program with a key for these scopes; with every scope where none is named."""
    return Caller(api_keys.create(clinic, "test", scopes or SCOPES, by="test")[1])


def enrolled(clinic: Clinic) -> Visit:
    """The visit of a patient who was enrolled at the desk."""
    return make_patient(clinic).course.visits.get()
