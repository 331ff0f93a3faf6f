"""From one rendered HTML page: styles inlined, right-to-left runs isolated, and the plain-text part.

All of it works on text with holes (`holes.py`), once a template and language; a message only fills them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

from css_inline import CSSInliner

from campaigns.delivery.holes import HOLE, Holed

WIDTH = 72
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"

_MARKUP = re.compile(r"(<style.*?</style>|<title.*?</title>|<[^>]+>)", re.DOTALL)
_DATES = frozenset({"date", "time", "old_date", "old_time", "opens"})
_ALWAYS_LTR = frozenset({"phone", "link", "unsubscribe_url"})
_HYPHENATED = r"\+?\d+(?:-\d+)+"
_HTML_RUN = re.compile(f"{HOLE.pattern}|({_HYPHENATED})")
_NO_BREAK = ' style="white-space: nowrap;"'
_LATIN_RUN = r"[A-Za-z][\w'.-]*(?: [A-Za-z][\w'.-]*)*"
_TEXT_RUN = re.compile(rf"{HOLE.pattern}|(https?://\S+|{_HYPHENATED}|{_LATIN_RUN})")
_WORD = re.compile(f"{FIRST_STRONG_ISOLATE}[^{POP_ISOLATE}]*{POP_ISOLATE}\\S*|\\S+")
_BLOCKS = frozenset({"h1", "h2", "p", "li", "tr", "td", "div"})


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def inline(html: str) -> str:
    """The page with its styles on the elements; media queries (dark mode) stay in the head."""
    inlined: str = _inliner().inline(html)
    return inlined


def subject_of(html: str) -> str:
    """The words of `<title>`, with holes, not escaped."""
    walker = _Walker()
    walker.feed(html)
    return " ".join(walker.title.split())


def hold_runs(html: str, rtl: bool) -> str:
    """Keep each phone number on one line; right to left, put it and each name and link in its own `<bdi>`."""
    pieces = _MARKUP.split(html)
    pieces[::2] = [_HTML_RUN.sub(_bdi if rtl else _unbroken, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _unbroken(match: re.Match[str]) -> str:
    number = match.group(1) in {None, "phone"}
    return f"<span{_NO_BREAK}>{match.group()}</span>" if number else match.group()


def _bdi(match: re.Match[str]) -> str:
    name = match.group(1)
    if name in _DATES:
        return match.group()
    direction = "ltr" if name is None or name in _ALWAYS_LTR else "auto"
    held = _NO_BREAK if name in {None, "phone"} else ""
    return f'<bdi dir="{direction}"{held}>{match.group()}</bdi>'


def _isolate_text(text: str) -> str:
    def wrap(match: re.Match[str]) -> str:
        if match.group(1) in _DATES:
            return match.group()
        return f"{FIRST_STRONG_ISOLATE}{match.group()}{POP_ISOLATE}"

    return _TEXT_RUN.sub(wrap, text)


@dataclass(frozen=True, slots=True)
class _Block:
    tag: str
    text: str


class _Walker(HTMLParser):
    """Collects the blocks of text of a page: headings, paragraphs, list items, rows of facts."""

    def __init__(self, colon: str = ": ") -> None:
        super().__init__(convert_charrefs=True)
        self._colon = colon
        self.blocks: list[_Block] = []
        self.title = ""
        self._open: list[str] = []
        self._text: list[str] = []
        self._link = ""
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"title", "style"}:
            self._hidden = tag
        elif tag == "br":
            self._text.append("\n")
        elif tag == "a":
            self._link = dict(attrs).get("href") or ""
        elif tag in _BLOCKS and not (tag == "td" and self._label_open()):
            self._end_block()
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        elif tag == "th":
            self._text.append(self._colon)
        elif tag == "a":
            if self._link and not self._link.startswith("tel:"):
                self._text.append(self._colon + self._link)
            self._link = ""
        elif tag in _BLOCKS:
            self._end_block(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden == "title":
            self.title += data
        elif not self._hidden:
            self._text.append(re.sub(r"\s+", " ", data))

    def _label_open(self) -> bool:
        return "".join(self._text).endswith(self._colon)

    def _end_block(self, closed: str = "") -> None:
        lines = [" ".join(line.split()) for line in "".join(self._text).split("\n")]
        text = "\n".join(line for line in lines if line)
        if text:
            self.blocks.append(_Block(self._open[-1] if self._open else "p", text))
        self._text = []
        if closed and closed in self._open:
            while self._open.pop() != closed:
                pass


class PlainText:
    """The plain-text part of a page, ready to be filled and wrapped."""

    __slots__ = ("_lines",)

    def __init__(self, html: str, rtl: bool, colon: str = ": ") -> None:
        walker = _Walker(colon)
        walker.feed(html)
        self._lines: list[tuple[str, str | Holed]] = []
        last = ""
        for block in walker.blocks:
            close = block.tag == last and block.tag in {"li", "tr"}
            gap = "" if not self._lines or close else "\n"
            text = _isolate_text(block.text) if rtl else block.text
            holed = Holed(text)
            self._lines.append((gap, _lay_out(block.tag, text) if holed.whole else holed))
            if not holed.whole and block.tag == "li":
                self._lines[-1] = (gap + "- ", holed)
            last = block.tag

    def fill(self, facts: Mapping[str, str]) -> str:
        """The text part for one message."""
        out = []
        for lead, text in self._lines:
            if isinstance(text, Holed):
                filled = text.fill(facts)
                indent = "  " if lead.endswith("- ") else ""
                out.append(lead + "\n".join(wrap(line, indent) for line in filled.split("\n")))
            else:
                out.append(lead + text)
        return "\n".join(out) + "\n"


def _lay_out(tag: str, text: str) -> str:
    if tag == "li":
        return "- " + wrap(text, "  ")
    laid = "\n".join(wrap(line) for line in text.split("\n"))
    rule = {"h1": "=", "h2": "-"}.get(tag)
    return f"{laid}\n{rule * min(columns(text), WIDTH)}" if rule else laid


def columns(text: str) -> int:
    """The width of a text in a fixed font: Chinese and Korean letters take two columns, marks none."""
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me", "Cf"} else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def wrap(text: str, indent: str = "") -> str:
    """Lines of 72 characters at most; a link or an isolated run is never broken."""
    if len(text) + len(indent) <= WIDTH:
        return text
    lines, room = [""], WIDTH - len(indent)
    for word in _WORD.findall(text):
        line = lines[-1]
        if line and len(line) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{line} {word}" if line else word
    return f"\n{indent}".join(lines)
