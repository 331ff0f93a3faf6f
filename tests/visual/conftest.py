"""The browser of the tests that look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.visual.browser import Browser, browser


@pytest.fixture(scope="module")
def shown() -> Iterator[Browser]:
    """Closed after each file: while it is open, Django takes the thread for an asynchronous one."""
    with browser() as found:
        yield found
