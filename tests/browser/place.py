"""A site that runs and a Chromium in front of it: where the tests and the tour sit down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connections
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox",  # root may not start it otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
NO_CHROMIUM = "Chromium is not installed: nobody went through the pages."
DESKTOP = 1280
ZOOMED = 640
"""What is left of a desktop's width at a zoom of 200 %."""
PHONE = 390
HEIGHTS = {DESKTOP: 900, ZOOMED: 450, PHONE: 844}
WAITS = 10_000
"""Milliseconds that a tab waits for what should be there."""


@dataclass(slots=True)
class Place:
    """A site at `url`, the session of somebody of each role, a browser, and what pages complained of."""

    url: str
    browser: Browser
    sessions: Mapping[str, str]
    work: Callable[[], None] = lambda: None
    heard: list[str] = field(default_factory=list)

    @contextmanager
    def tab(
        self,
        role: str = "coordinator",
        *,
        language: str = "en-ca",
        width: int = DESKTOP,
        scripts: bool = True,
    ) -> Iterator[Page]:
        """A browser of its own in which somebody of that role is signed in; nobody where it is empty."""
        context = self.browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            java_script_enabled=scripts,
            color_scheme="light",
            reduced_motion="reduce",
            locale="en-CA",
        )
        cookies = {"django_language": language} | ({"sessionid": self.sessions[role]} if role else {})
        context.add_cookies([_cookie(self.url, name, value) for name, value in cookies.items()])
        page = context.new_page()
        page.set_default_timeout(WAITS)
        page.on("console", lambda said: self._hear(page, said))
        page.on("pageerror", lambda error: self.heard.append(f"{page.url}: {error}"))
        try:
            yield page
        finally:
            context.close()

    def _hear(self, page: Page, said: ConsoleMessage) -> None:
        """What a browser writes in red: a policy that was broken, a missing file, a script's error."""
        if said.type == "error":
            self.heard.append(f"{page.url.removeprefix(self.url)}: {said.text}")


def _cookie(url: str, name: str, value: str) -> SetCookieParam:
    return cast(SetCookieParam, {"name": name, "value": value, "url": url})


def chromium_here() -> str | None:
    """The system's own browser, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """It runs, and Django knows that this thread is none of Playwright's asynchronous ones."""
    before: Mapping[str, Any] = dict(os.environ)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as player:
            started = player.chromium.launch(executable_path=path, args=list(SWITCHES))
            try:
                yield started
            finally:
                started.close()
                # What this thread opened while it passed for an asynchronous one, nobody else would close.
                connections.close_all()
    finally:
        if "DJANGO_ALLOW_ASYNC_UNSAFE" not in before:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
