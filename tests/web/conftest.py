"""Fixtures of the page tests: made once a test, inside its transaction."""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.models import Clinic, Patient, Staff
from tests.factories import make_staff
from tests.web import cast


@pytest.fixture
def clinic(db: None) -> Clinic:
    return cast.new_clinic()


@pytest.fixture
def coordinator(clinic: Clinic) -> Staff:
    return make_staff(clinic, "robin@clinic.example")


@pytest.fixture
def stranger(db: None) -> Staff:
    """Somebody with an account at another clinic."""
    return make_staff(cast.new_clinic("Far Clinic"), "kit@far.example")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return cast.new_patient(clinic)


@pytest.fixture
def pages(coordinator: Staff) -> Client:
    """A browser with the coordinator signed in."""
    client = Client()
    client.force_login(coordinator)
    return client


@pytest.fixture
def strict(coordinator: Staff) -> Client:
    """The same, and forms need their CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(coordinator)
    return client
