"""Every page of the URL map, in both languages, wide and narrow, light and dark: axe finds nothing, nothing
scrolls sideways, the focus is seen, and no page breaks the site's own policy. What patients open too, in the
scripts that run from right to left.

This is the short form: each page twice. `campaigns tour --check` looks at every page in every way.
"""

from __future__ import annotations

import pytest

from campaigns.delivery.gallery.sheets import sheets
from campaigns.queries import sequence_files
from tests.browser import judge, site_map
from tests.browser.place import DESKTOP, HEIGHTS, PHONE, Place

pytestmark = [pytest.mark.load, pytest.mark.django_db]

SENT = {"mail", "wording-sample"}
"""Routes that show what a patient was sent: an e-mail has no landmarks, and its reader sizes its links."""
FAULTY = """<!doctype html><html><head><title></title><style>a:focus { outline: none }</style></head><body>
<h1>One</h1><h1>Two</h1><img src="data:,"><p style="color: #bbb">pale</p><a href="#x">unseen</a>
<div style="width: 900px">wide</div><button style="width: 9px; height: 9px"></button></body></html>"""


@pytest.mark.parametrize(("language", "width"), [("en-ca", DESKTOP), ("fr-ca", PHONE)])
def test_every_page_is_for_everybody(
    place: Place, pages: dict[str, site_map.Stop], language: str, width: int
) -> None:
    wrong: list[str] = []
    for role in sorted({stop.role for stop in pages.values()}):
        with place.tab(role, language=language, width=width) as page:
            for stop in (stop for stop in pages.values() if stop.role == role):
                judge.show(page, place.url, stop)
                found = judge.everything(page, width=width, is_sent=stop.name in SENT)
                wrong += [f"{stop.name}: {one}" for one in found]
    assert not (wrong + place.heard), "\n".join([*wrong, *place.heard])
    assert len(pages) > 30


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_what_patients_open_is_for_everybody_from_right_to_left(place: Place, language: str) -> None:
    wrong: list[str] = []
    with place.tab("", width=PHONE) as page:
        for sheet in sheets(language, sequence_files.questions()):
            page.set_content(sheet.html)
            assert page.locator("[dir=rtl]").first.is_visible()
            wrong += [f"{sheet.name} {sheet.state}: {one}" for one in judge.everything(page, width=PHONE)]
    assert not wrong, "\n".join(wrong)


def test_a_stranger_s_pages_are_for_everybody(place: Place) -> None:
    with place.tab("", language="fr-ca", width=PHONE) as page:
        for path in ("/sign-in", "/sign-in/no-such-link", "/u/no-such-link", "/p/no-such-link"):
            page.goto(place.url + path)
            assert judge.everything(page, width=PHONE) == []
    # The browser itself says of the last three that they are not there.
    place.heard[:] = [said for said in place.heard if "404" not in said]


def test_each_fault_is_seen(place: Place) -> None:
    with place.tab("") as page:
        page.set_content(FAULTY)
        page.set_viewport_size({"width": PHONE, "height": HEIGHTS[PHONE]})
        found = judge.everything(page, width=PHONE)
    seen = {one.removeprefix("dark ").partition(":")[0] for one in found}
    own = {"one-h1", "title", "lang", "focus", f"sideways at {PHONE} px", "sideways at 640 px"}
    assert own <= seen
    assert {"image-alt", "color-contrast", "html-has-lang", "document-title", "button-name"} <= seen


def test_a_page_that_breaks_the_policy_is_heard(place: Place) -> None:
    with place.tab() as page:
        page.goto(f"{place.url}/")
        page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
        page.wait_for_function("() => document.querySelectorAll('p').length > 0")
    assert any("Content Security Policy" in said for said in place.heard)
    place.heard.clear()
