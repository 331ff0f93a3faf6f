"""How somebody at the desk changes something on a patient's pages: looks first, then presses the button."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

HIDDEN = re.compile(r'<input type="hidden" name="(key|shown|typed)" value="([^"]*)">')

DONE = "done"
TOGETHER = re.compile(r'<span class="together">([^<]*)</span>')


def plain(page: str) -> str:
    """A page without the marks that keep a number on one line."""
    return TOGETHER.sub(r"\1", page)


def looked(pages: Client, where: str, form: dict[str, Any] | None = None) -> tuple[str, dict[str, str]]:
    """The page with its dry run, and what its button sends along; nothing where it offers no button."""
    answer = pages.post(where, form) if form else pages.get(where)
    assert answer.status_code == 200
    page = answer.content.decode()
    sent = dict(HIDDEN.findall(page)) if 'name="confirm"' in page else {}
    return page, {**(form or {}), **sent, "confirm": "yes"} if sent else {}


def change(pages: Client, where: str, form: dict[str, Any] | None = None) -> None:
    """Look, then press the button: it is done."""
    _, button = looked(pages, where, form)
    assert button, "the page offers no button"
    assert press(pages, where, button) == DONE


def press(pages: Client, where: str, button: dict[str, str]) -> str:
    """Press the button that a page offered: `DONE`, or the page that says why not."""
    answer = pages.post(where, button)
    return DONE if answer.status_code == 302 else answer.content.decode()
