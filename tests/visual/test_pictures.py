"""The comparison sees what a person would see, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from tests.visual.browser import Browser, leave_out
from tests.visual.documents import documents
from tests.visual.pictures import COLUMNS, Difference, Picture, compare, from_png, to_png

Change = Callable[[str], str]

WHITE, INK, TEAL, RED = b"\xff\xff\xff", b"\x80\x80\x80", b"\x0b\x5c\x55", b"\xb3\x26\x1e"
TAGS = ("en-CA", "ar")
CHOSEN = (
    "welcome/hello",
    "previsit/confirm",
    "pretreatment/avoid",
    "aftercare/same_day",
    "correction/moved",
    "patient/consent",
    "patient/check_in pain",
    "patient/check_in change",
    "patient/unsubscribe e-mail",
    "patient/checked_in with a danger sign",
)
"""One document of each build."""


def styled(css: str) -> Change:
    """The document with a rule more."""
    return lambda html: html.replace("</head>", f"<style>{css}</style></head>")


def without(pattern: str) -> Change:
    """The document without the first element that looks so."""
    return lambda html: re.sub(pattern, "", html, count=1, flags=re.DOTALL)


def flipped(html: str) -> str:
    """The document in the other direction, numbers and names apart."""
    new = {"ltr": "rtl", "rtl": "ltr"}
    return re.sub(r'(<(?!bdi)[^>]*dir=")(\w+)', lambda found: found[1] + new.get(found[2], found[2]), html)


def recoloured(html: str) -> str:
    """The document with buttons of another colour."""
    return html.replace("background-color: #0b5c55", "background-color: #b3261e").replace(
        "--brand: #0b5c55", "--brand: #b3261e"
    )


SEEN: Mapping[str, tuple[Change, str]] = {
    "the direction": (flipped, r'<body[^>]*>.*dir="|<html[^>]*dir="'),
    "a box with a warning gone": (without(r'<div class="callout.*?</div>'), "callout"),
    "a list gone": (without(r"<ul.*?</ul>"), "<ul"),
    "a heading gone": (without(r"<h1.*?</h1>"), "<h1"),
    "a question's scale gone": (without(r'<div class="scale">.*?</div>'), 'class="scale"'),
    "the colour of the button": (recoloured, 'class="button"|<button'),
    "the button gone": (without(r'<p class="action".*?</p>|<button>.*?</button>'), 'class="action"|<button'),
    "letters that are not drawn": (styled("* { color: transparent !important }"), "<p"),
    "a warning that is not red": (styled(".urgent { background: #fff !important }"), "urgent"),
}
"""What must show: the change, and which documents have the thing that is changed."""

UNSEEN: Mapping[str, Change] = {
    "nothing": str,
    "a font half a pixel larger": styled(
        "table.page td, table.page td * { font-size: calc(1em) } table.page td.main { font-size: 17.5px } "
        "table.page td.foot { font-size: 14.5px } main.patient { font-size: 18.9px }"
    ),
    "a font half a pixel smaller": styled(
        "table.page td.main { font-size: 16.5px } table.page td.foot { font-size: 13.5px } "
        "main.patient { font-size: 17.9px }"
    ),
    "letters a little apart": styled("* { letter-spacing: .1px }"),
}


@pytest.fixture(scope="module", params=TAGS)
def before(request: pytest.FixtureRequest, shown: Browser) -> tuple[str, dict[str, str], dict[str, Picture]]:
    """A language, its documents, and what they look like."""
    tag = str(request.param)
    if not shown.can_write(tag):
        leave_out(f"No font here can write {tag}.")
    found = {name: html for name, html in documents(tag).items() if name in CHOSEN}
    assert len(found) == len(CHOSEN)
    return tag, found, shown.pictures(tag, found)


Before = tuple[str, dict[str, str], dict[str, Picture]]


def changed(shown: Browser, before: Before, change: Change, which: str = "") -> dict[str, Difference]:
    """How each document that has the thing differs after the change."""
    tag, found, pictures = before
    new = {name: change(html) for name, html in found.items() if re.search(which, _body(html), re.DOTALL)}
    new = {name: html for name, html in new.items() if html != found[name] or not which}
    assert new, "no document has it"
    now = shown.pictures(tag, new)
    return {name: compare(pictures[name], now[name]) for name in new}


def _body(html: str) -> str:
    """The document without its styles, where every class has a rule."""
    return re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("what", SEEN)
def test_it_shows(shown: Browser, before: Before, what: str) -> None:
    change, which = SEEN[what]
    found = changed(shown, before, change, which)
    assert {name: str(one) for name, one in found.items() if not one.shows} == {}


@pytest.mark.parametrize("what", UNSEEN)
def test_it_does_not_show(shown: Browser, before: Before, what: str) -> None:
    found = changed(shown, before, UNSEEN[what])
    assert {name: str(one) for name, one in found.items() if one.shows} == {}


# --- without a browser


def picture(*rows: bytes) -> Picture:
    """Rows of one colour each, or of given blocks."""
    return Picture(b"".join(row if len(row) == 3 * COLUMNS else row * COLUMNS for row in rows))


def test_pictures_come_back_from_the_file_as_they_were() -> None:
    kept = {"welcome/hello": picture(WHITE, INK, TEAL), "patient/gone": picture(RED), "empty": picture()}
    assert from_png(to_png(kept)) == kept


def test_the_same_picture_does_not_differ() -> None:
    page = picture(*[WHITE, INK, INK, WHITE] * 10)
    assert compare(page, page) == Difference(missing=0, colour=0, ink=0, sides=0)


def test_rows_that_are_gone_are_counted_in_one_piece() -> None:
    head, box, foot = [INK, WHITE] * 10, [TEAL] * 8, [WHITE, INK, INK] * 10
    gone = compare(picture(*head, *box, *foot), picture(*head, *foot))
    assert gone.missing >= 7
    assert gone.shows
    assert compare(picture(*head, *foot), picture(*head, *box, *foot)).shows


def test_another_colour_shows_and_another_grey_of_one_line_does_not() -> None:
    head, foot = [INK, WHITE] * 10, [WHITE, INK] * 10
    page = picture(*head, *[TEAL] * 6, *foot)
    assert compare(page, picture(*head, *[RED] * 6, *foot)).shows
    assert not compare(page, picture(*head, *[TEAL] * 6, *foot[:-1], b"\x90\x90\x90")).shows


def test_a_page_turned_round_shows() -> None:
    left = INK * (COLUMNS - 3) + WHITE * 3
    page = picture(*[left, WHITE] * 12)
    assert compare(page, picture(*[left[::-1], WHITE] * 12)).sides > 0.2
