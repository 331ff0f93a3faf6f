"""The inbound benchmark, as small as it can be: every text is answered, stored and settled."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.load


def test_every_text_is_stored_and_has_its_outcome(whole: dict[str, Any]) -> None:
    inbound = whole["benchmarks"]["inbound"]
    assert [(run["contender"], run["sent"], run["refused"], run["lost"]) for run in inbound["runs"]] == [
        ("campaigns", 20, 0, 0),
        ("limit", 20, 0, 0),
    ]
    assert inbound["complaints"] == []
