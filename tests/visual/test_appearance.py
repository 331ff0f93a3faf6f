"""Every e-mail and every page in every language looks as it did when somebody last looked."""

from __future__ import annotations

import pytest

from campaigns.domain.languages import SUPPORTED
from tests.visual.browser import Browser, leave_out
from tests.visual.documents import REFERENCES, documents, reference
from tests.visual.pictures import compare, from_png

LARGEST = 2_000_000
UPDATE = "Look at them with `campaigns gallery`; if they are right: `python -m tests.visual.update"


@pytest.mark.parametrize("tag", SUPPORTED)
def test_it_looks_as_it_did(shown: Browser, tag: str) -> None:
    if not shown.can_write(tag):
        leave_out(f"No font here can write {tag}: nobody looked at its e-mails and pages.")
    known = from_png(reference(tag).read_bytes())
    now = shown.pictures(tag, documents(tag))
    changed = [f"{name}: new" for name in now.keys() - known.keys()]
    changed += [f"{name}: gone" for name in known.keys() - now.keys()]
    found = {name: compare(known[name], now[name]) for name in known.keys() & now.keys()}
    changed += [f"{name}: {difference}" for name, difference in found.items() if difference.shows]
    assert not changed, "\n".join([f"{UPDATE} {tag}`.", *sorted(changed)])


@pytest.mark.parametrize("tag", [tag for tag in SUPPORTED if SUPPORTED[tag].direction == "rtl"])
def test_no_number_is_turned_round_or_broken(shown: Browser, tag: str) -> None:
    found = shown.numbers(tag, documents(tag))
    assert {name for name, _, _ in found} == documents(tag).keys()
    assert [(name, number) for name, number, right in found if not right] == []


def test_a_number_that_is_turned_round_is_seen(shown: Browser) -> None:
    bare = '<html dir="rtl"><head></head><body>اتصلوا بالرقم 8-1-1</body></html>'
    held = bare.replace("8-1-1", '<bdi dir="ltr">8-1-1</bdi>')
    assert shown.numbers("ar", {"bare": bare, "held": held}) == [
        ("bare", "8-1-1", False),
        ("held", "8-1-1", True),
    ]


def test_every_language_has_pictures_and_all_of_them_are_small() -> None:
    files = list(REFERENCES.iterdir())
    assert {path.stem for path in files} == set(SUPPORTED)
    assert sum(path.stat().st_size for path in files) < LARGEST
