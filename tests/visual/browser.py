"""One Chromium for many documents: each becomes a few hundred blocks of colour, too coarse for letters.

Every script is set in the Noto fonts, so that a picture is the same wherever those are installed. Tests are
left out where there is no Chromium, or no font for a script.
"""

from __future__ import annotations

import base64
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Page, sync_playwright

from campaigns.domain.languages import SUPPORTED
from tests.visual.pictures import COLUMNS, ROW, Picture

WIDTH = 390
SHRUNK = 4
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = {
    "Guru": "Noto Sans Gurmukhi",
    "Deva": "Noto Sans Devanagari",
    "Arab": "Noto Sans Arabic",
    "Hant": "Noto Sans CJK TC",
    "Hans": "Noto Sans CJK SC",
    "Kore": "Noto Sans CJK KR",
}

# All documents stand side by side in one tall page, at a quarter of their size but laid out at full width.
CELL = (
    '<div style="overflow:hidden;width:{small}px"><iframe scrolling="no" style="border:0;width:{width}px;'
    'height:100px;transform-origin:0 0;transform:scale({scale})" srcdoc="{html}"></iframe></div>'
)
GROW = """() => [...document.querySelectorAll("iframe")].map((frame) => {
  const height = frame.contentDocument.documentElement.scrollHeight;
  frame.style.height = `${height}px`;
  frame.parentNode.style.height = `${Math.ceil(height / SHRUNK)}px`;
  return height;
})""".replace("SHRUNK", str(SHRUNK))
PLACES = """() => [...document.querySelectorAll("div")].map((one) => {
  const box = one.getBoundingClientRect();
  return [box.x, box.y + scrollY, box.width, box.height];
})"""
AVERAGE = """async ([shot, places, columns, row]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + shot;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return places.map(([x, y, width, height]) => {
    const rows = Math.floor(height / row);
    const data = context.getImageData(x, y, width, rows * row).data;
    const sums = new Float64Array(rows * columns * 3), counts = new Uint32Array(rows * columns);
    for (let v = 0; v < rows * row; v++) for (let u = 0; u < Math.floor(width); u++) {
      const cell = Math.floor(v / row) * columns + Math.floor((u * columns) / Math.floor(width));
      const at = (v * Math.floor(width) + u) * 4;
      counts[cell]++;
      for (let c = 0; c < 3; c++) sums[cell * 3 + c] += data[at + c];
    }
    return btoa(String.fromCharCode(...sums.map((sum, index) => sum / counts[Math.floor(index / 3)])));
  });
}"""
TURNED = """() => [...document.querySelectorAll("iframe")].flatMap((frame, number) => {
  const page = frame.contentDocument, found = [];
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const box = (node, at) => {
    const range = page.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
  };
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    for (const match of node.data.matchAll(/[0-9]+(?:-[0-9]+)+/g)) {
      const first = box(node, match.index), last = box(node, match.index + match[0].length - 1);
      if (first.width) found.push([number, match[0], first.x < last.x && first.y === last.y]);
    }
  return found;
})"""
DRAWN = """(letters) => letters.map((letter) => {
  const context = Object.assign(document.createElement("canvas"), { width: 40, height: 40 }).getContext("2d");
  context.font = "24px sans-serif";
  context.fillText(letter, 4, 30);
  return context.canvas.toDataURL();
})"""


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium with one tab."""

    tab: Page

    def pictures(self, language: str, documents: Mapping[str, str]) -> dict[str, Picture]:
        """A picture of each document, by name."""
        self._lay_out(language, documents)
        places = self.tab.evaluate(PLACES)
        shot = base64.b64encode(self.tab.screenshot(full_page=True)).decode()
        blocks = self.tab.evaluate(AVERAGE, [shot, places, COLUMNS, ROW // SHRUNK])
        return {name: Picture(base64.b64decode(cells)) for name, cells in zip(documents, blocks, strict=True)}

    def numbers(self, language: str, documents: Mapping[str, str]) -> list[tuple[str, str, bool]]:
        """Each number with hyphens: document, number, and whether it runs from left to right on one line."""
        self._lay_out(language, documents)
        names = list(documents)
        return [(names[place], number, right) for place, number, right in self.tab.evaluate(TURNED)]

    def _lay_out(self, language: str, documents: Mapping[str, str]) -> None:
        cells = "".join(self._cell(html, language) for html in documents.values())
        self.tab.set_content(
            f'<body style="margin:0;display:flex;flex-wrap:wrap;align-items:flex-start">{cells}</body>'
        )
        self.tab.evaluate(GROW)

    def _cell(self, html: str, language: str) -> str:
        font = FONTS.get(SUPPORTED[language].script, "Noto Sans")
        fixed = f"<style>* {{ font-family: '{font}', 'Noto Sans' !important }}</style></head>"
        return CELL.format(
            small=WIDTH / SHRUNK, width=WIDTH, scale=1 / SHRUNK, html=escape(html.replace("</head>", fixed))
        )

    def can_write(self, language: str) -> bool:
        """Whether there is a font for the language: without one, all its letters are the same box."""
        line = SUPPORTED[language].help_line
        letters = [char for char in dict.fromkeys(line) if unicodedata.category(char)[0] == "L"]
        return len(set(self.tab.evaluate(DRAWN, letters))) > 1


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium; skips the test where there is none."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        leave_out("Chromium is not installed: nobody looked at the e-mails and pages.")
    with sync_playwright() as player:
        options: dict[str, Any] = {"executable_path": path, "args": ["--no-sandbox", "--hide-scrollbars"]}
        started = player.chromium.launch(**options)
        try:
            yield Browser(started.new_page(viewport={"width": 1600, "height": 1000}, color_scheme="light"))
        finally:
            started.close()


def leave_out(why: str) -> NoReturn:
    """This machine cannot show the pages."""
    pytest.skip(why)
