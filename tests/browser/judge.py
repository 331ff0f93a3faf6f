"""What every page must be, whoever reads it and on whatever: asked in the open page.

axe-core knows the rules that a program can check: names, contrast, roles, the order of headings. What it does
not ask is asked here: nothing to scroll sideways, one heading of the first level, a title, and a focus that
is seen.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

from tests.browser.place import HEIGHTS, PHONE, ZOOMED
from tests.browser.site_map import Stop

OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    # axe leaves it out unless asked; WCAG 2.2 wants it.
    "rules": {"target-size": {"enabled": True}},
    # What patients were sent stands in frames without scripts, and is asked as pages of its own.
    "iframes": False,
}
SENT: dict[str, Any] = OPTIONS | {
    "rules": {name: {"enabled": False} for name in ("landmark-one-main", "region", "page-has-heading-one")}
}
"""An e-mail is no page of a site: it has no landmarks, and the program that shows it sizes its links."""
COLOURS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "iframes": False,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""All that another colour scheme can change."""
RUN = """async (options) => (await axe.run(document, options)).violations.flatMap((rule) => rule.nodes.map(
  (node) => [rule.id, node.target.join(" "), node.html.slice(0, 160), node.any[0]?.message ?? ""]))"""
OWN = """() => {
  const found = [];
  // A page for strangers says the same in every language: one heading in each.
  const headings = [...document.querySelectorAll("h1")].map((one) => one.closest("[lang]")?.lang);
  if (!headings.length || new Set(headings).size < headings.length)
    found.push(["one-h1", `${headings.length} headings of the first level`]);
  if (!document.title.trim()) found.push(["title", "no title"]);
  if (!document.documentElement.lang) found.push(["lang", "no language"]);
  return found;
}"""
SIDEWAYS = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const out = (one) => one.getBoundingClientRect().right > wide + 1 || one.getBoundingClientRect().left < -1;
  const held = (one) => { for (let up = one.parentElement; up && up !== document.body; up = up.parentElement)
    if (getComputedStyle(up).overflowX !== "visible") return true; return false; };
  const culprits = [...document.body.querySelectorAll("*")].filter((one) => out(one) && !held(one));
  return [[`${document.documentElement.scrollWidth} of ${wide} px`,
    culprits.slice(-3).map((one) => one.outerHTML.slice(0, 120)).join(" / ")]];
}"""
FOCUS = """() => {
  const can = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const look = (one) => { const s = getComputedStyle(one);
    return [s.outline, s.boxShadow, s.borderColor, s.backgroundColor].join(); };
  const seen = (one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0;
  const unseen = [];
  for (const one of [...document.querySelectorAll(can)].filter(seen).slice(0, 400)) {
    document.activeElement.blur();
    const before = look(one);
    one.focus({ preventScroll: true });
    if (document.activeElement === one && look(one) === before) unseen.push(one.outerHTML.slice(0, 120));
  }
  document.activeElement.blur();
  return unseen;
}"""


@cache
def axe() -> str:
    """The engine, as the package brings it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *, options: dict[str, Any] = OPTIONS) -> list[str]:
    """What axe finds in the open page, one line a place."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe())
    return [f"{rule}: {place} {html} {why}" for rule, place, html, why in page.evaluate(RUN, options)]


def faults(page: Page) -> list[str]:
    """What axe does not ask: heading, title, language, and a focus that is seen."""
    found = [f"{rule}: {why}" for rule, why in page.evaluate(OWN)]
    page.keyboard.press("Tab")  # from now on the browser shows the focus
    return found + [f"focus: nothing shows it on {html}" for html in page.evaluate(FOCUS)]


def sideways(page: Page) -> list[str]:
    """Whether anything has to be scrolled sideways, on a phone or at a zoom of 200 %. Leaves a phone's."""
    found = []
    for width in (ZOOMED, PHONE):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        found += [f"sideways at {width} px: {size} {html}" for size, html in page.evaluate(SIDEWAYS)]
    return found


def dark(page: Page) -> list[str]:
    """The colours of the dark scheme. Leaves the page in it."""
    page.emulate_media(color_scheme="dark")
    return [f"dark {one}" for one in violations(page, options=COLOURS)]


def show(page: Page, url: str, stop: Stop) -> None:
    """Open it. What may run no script, not even ours, is read and shown as a document of its own."""
    if stop.scripts:
        page.goto(url + stop.path)
    else:
        page.goto("about:blank")
        page.set_content(page.request.get(url + stop.path).text())


def everything(page: Page, *, width: int, is_sent: bool = False) -> list[str]:
    """All that is wrong with the open page at that width; at a phone's in the dark too."""
    found = ([] if is_sent else faults(page)) + sideways(page)
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    found += violations(page, options=SENT if is_sent else OPTIONS)
    if width == PHONE:
        found += dark(page)
        page.emulate_media(color_scheme="light")
    return found
