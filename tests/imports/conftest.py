"""A clinic in Vancouver at noon on a working day, and the sink that nothing may reach here."""

from __future__ import annotations

import pytest

from campaigns.models import Clinic, Staff
from tests.factories import NOON, make_clinic, make_staff, set_now


@pytest.fixture
def clinic(db: None) -> Clinic:
    set_now(NOON)
    return make_clinic()


@pytest.fixture
def coordinator(clinic: Clinic) -> Staff:
    return make_staff(clinic, "robin@clinic.example")
