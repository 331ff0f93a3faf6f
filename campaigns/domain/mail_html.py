"""The words of an HTML mail as lines of text; what it quotes is marked with `>`, as in plain mail.

Nothing of the mail is shown as HTML to anybody: only its words are kept. The standard library's parser takes
minutes for some hostile mails, and words need less: tags are cut out in one pass.
"""

from __future__ import annotations

import re
from html import unescape

LONGEST_HTML = 300_000
"""Characters of HTML that are read. A mail program's own styles take a few ten thousand."""

_SILENT = frozenset({"style", "script", "head", "title", "template", "noscript"})
_LINES = re.compile(r"p|div|br|tr|li|ul|ol|table|h[1-6]|hr|pre|blockquote|section|article")
_VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_QUOTES = re.compile(r"gmail_quote|yahoo_quoted|protonmail_quote|zmail_extra")
"""Classes in which webmail programs wrap the attribution line and what was quoted."""

_TAG = re.compile(r"(<[^<>]*>)")
_NAME = re.compile(r"<(/?)([a-z][a-z0-9]*)")
_CLASS = re.compile(r"""class\s*=\s*["']?([^"'>]*)""")
_DEEPEST = 2_000


def text_of(html: str) -> str:
    """The words of some HTML, whatever it is; never raises, in time that grows with its length only."""
    reader = _Reader()
    for piece in _TAG.split(_without_comments(html[:LONGEST_HTML])):
        reader.take(piece)
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.words).split("\n"))
    return re.sub(r"\n(?:>[> ]*)?(?:\n(?:>[> ]*)?){2,}(?=\n)", "\n", "\n".join(lines)).strip()


def _without_comments(html: str) -> str:
    """What stands between comments; an open one hides nothing."""
    words = []
    while html:
        before, opened, after = html.partition("<!--")
        words.append(before)
        comment, closed, html = after.partition("-->") if opened else ("", "", "")
        if opened and not closed:
            words.append(comment.replace("<!--", " "))
    return "".join(words)


class _Reader:
    """Collects words. `_open` is the path of open elements; `_depth` counts the quotes among them."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []
        self._depth = 0
        self._silent = 0

    def take(self, piece: str) -> None:
        """The next tag, or the words between two."""
        if not (piece.startswith("<") and piece.endswith(">")):
            self._say(piece)
            return
        named = _NAME.match(piece.lower())
        if named and named[1]:
            self._end(named[2])
        elif named:
            self._begin(named[2], piece)

    def _begin(self, tag: str, piece: str) -> None:
        if _LINES.fullmatch(tag):
            self._line()
        if _VOID.fullmatch(tag) or piece.endswith("/>") or len(self._open) > _DEEPEST:
            return
        kind = _CLASS.search(piece)
        quotes = tag == "blockquote" or bool(kind and _QUOTES.search(kind[1]))
        silent = tag in _SILENT
        self._open.append((tag, quotes, silent))
        self._depth += quotes
        self._silent += silent
        if quotes:
            self._line()

    def _end(self, tag: str) -> None:
        if any(one[0] == tag for one in self._open[-50:]):
            while self._close() != tag:
                pass
        if _LINES.fullmatch(tag):
            self._line()

    def _say(self, words: str) -> None:
        if words and not self._silent:
            self.words.append(re.sub(r"[ \t\r\n]+", " ", unescape(words)))

    def _close(self) -> str:
        tag, quotes, silent = self._open.pop()
        self._depth -= quotes
        self._silent -= silent
        return tag

    def _line(self) -> None:
        self.words.append("\n" + "> " * min(self._depth, 3))
