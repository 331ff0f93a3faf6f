"""`campaigns test`: the test suite. Arguments go to pytest."""

from __future__ import annotations

import os

from campaigns.local.processes import ROOT


def main(words: list[str]) -> int:
    """Run pytest in the checkout; its exit code."""
    import pytest

    os.chdir(ROOT)
    return int(pytest.main(words[1:]))
