"""A coordinator's hands: what is pressed and typed is done in a real browser, and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, TimeoutError

KEYSTROKE, POINTING, THINKING = 0.28, 1.3, 1.35
"""Seconds a person takes: for a key, for moving the mouse and pressing it, and for deciding before that.
Keystroke-level model of Card, Moran and Newell (1980), with the typist who types 40 words a minute."""
FARTHEST = 120
"""Presses of Tab after which a thing counts as out of reach."""
FOCUSED = """(wanted) => { const now = document.activeElement;
  return now === wanted || (now?.type === "radio" && wanted.type === "radio" && now.name === wanted.name
    && now.form === wanted.form); }"""


@dataclass(slots=True)
class Desk:
    """Somebody at a page. With `mouse` off everything is done with Tab, Enter, Space and the arrows."""

    page: Page
    url: str
    mouse: bool = True
    work: Callable[[], None] = lambda: None
    """What the workers would do meanwhile, where none run."""
    clicks: int = 0
    keys: int = 0
    decisions: int = 0
    pages: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """How long the machine took so far."""
        return time.perf_counter() - self._began

    @property
    def by_a_person(self) -> float:
        """How long somebody would take who knows the page, by the keystroke-level model."""
        return KEYSTROKE * self.keys + POINTING * self.clicks + THINKING * self.decisions

    def open(self, path: str = "/") -> None:
        """Come to the desk: what was open counts for nothing."""
        self.page.goto(self.url + path)
        self._began = time.perf_counter()

    def press(self, what: Locator) -> None:
        """A link, a button, a summary, a tick or one choice of several."""
        self.decisions += 1
        if self.mouse:
            self.clicks += 1
            what.click()
            return
        self._tab_to(what)
        kind = what.get_attribute("type") or ""
        self._key("Space" if kind == "checkbox" else "ArrowDown" if kind == "radio" else "Enter")
        for _ in range(FARTHEST):
            if kind != "radio" or what.is_checked():
                return
            self._key("ArrowDown")

    def type(self, what: Locator, text: str) -> None:
        """Write into a field: by Tab when it is the next one, else by a click."""
        self.decisions += 1
        self._into(what)
        if what.get_attribute("type") in {"date", "time"}:
            # Its order of day and month is the browser's own; so many digits are typed in any.
            what.fill(text)
        else:
            self.page.keyboard.type(text)
        self.keys += sum(character.isalnum() for character in text) if "-" in text else len(text)

    def enter(self) -> None:
        """Send the form that is typed into."""
        self._key("Enter")

    def choose(self, what: Locator, value: str) -> None:
        """One line of a list that opens."""
        self.decisions += 1
        self._into(what)
        what.select_option(value)
        self.keys += 1

    def attach(self, what: Locator, file: Path) -> None:
        """Choose a file: the button, the file in the window that opens, and its button."""
        self.decisions += 1
        self.clicks += 3
        what.set_input_files(file)

    def wait_for(self, what: Locator, seconds: int = 60) -> None:
        """Until the work behind the page is done; the page looks again by itself."""
        ends = time.perf_counter() + seconds
        while not what.is_visible():
            assert time.perf_counter() < ends, f"{what} does not come"
            self.work()
            with suppress(TimeoutError):
                what.wait_for(timeout=3_000)

    def _into(self, what: Locator) -> None:
        if not self.mouse:
            self._tab_to(what)
        elif not (self._is_focused(what) or self._is_next(what)):
            self.clicks += 1
            what.click()

    def _is_next(self, what: Locator) -> bool:
        self.page.keyboard.press("Tab")
        near = self._is_focused(what)
        self.keys += near
        return near

    def _is_focused(self, what: Locator) -> bool:
        return bool(what.evaluate(FOCUSED.replace("(wanted)", "wanted")))

    def _tab_to(self, what: Locator) -> None:
        what.wait_for()
        for _ in range(FARTHEST):
            if self._is_focused(what):
                return
            self._key("Tab")
        raise AssertionError(f"{FARTHEST} presses of Tab do not lead to {what}")

    def _key(self, name: str) -> None:
        self.keys += 1
        self.page.keyboard.press(name)
