"""State folders for servers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.local import embedded
from tests.local.places import reachable_folder


@pytest.fixture
def state() -> Iterator[Path]:
    """An empty state folder."""
    folder = reachable_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def servers() -> Iterator[embedded.Servers]:
    """Durable servers that the tests of a module share."""
    folder = reachable_folder()
    with embedded.start(folder) as running:
        yield running
    shutil.rmtree(folder)
