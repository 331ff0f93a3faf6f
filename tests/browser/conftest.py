"""One site and one browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import site_map, world
from tests.browser.place import NO_CHROMIUM, Place, chromium_here
from tests.visual.browser import leave_out


@pytest.fixture(scope="package")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The place, and real things for every kind of id in a route."""
    path = chromium_here()
    if path is None:
        leave_out(NO_CHROMIUM)
    with django_db_blocker.unblock(), world.running(path) as found:
        yield found


@pytest.fixture
def place(stage: tuple[Place, dict[str, Any]]) -> Place:
    """A site that runs, and a browser."""
    return stage[0]


@pytest.fixture
def known(stage: tuple[Place, dict[str, Any]]) -> dict[str, Any]:
    """Real things of one patient."""
    return stage[1]


ROLES = ("administrator", "clinician", "translator", "coordinator", "auditor")


@pytest.fixture(scope="package")
def readers(stage: tuple[Place, dict[str, Any]]) -> dict[str, site_map.Reader]:
    """Somebody of each role without a browser."""
    return {role: site_map.Reader(stage[0].url, stage[0].sessions[role]) for role in ROLES}


@pytest.fixture(scope="package")
def walks(readers: dict[str, site_map.Reader]) -> dict[str, site_map.Walk]:
    """Where links lead each role."""
    return {role: site_map.walk(reader) for role, reader in readers.items()}


@pytest.fixture(scope="package")
def pages(
    stage: tuple[Place, dict[str, Any]],
    walks: dict[str, site_map.Walk],
    readers: dict[str, site_map.Reader],
) -> dict[str, site_map.Stop]:
    """Every page there is, by its route."""
    return site_map.pages(walks, readers, stage[1])
