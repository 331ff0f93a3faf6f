"""One mail as bytes, taken apart: headers, readable words, reports. Whatever the bytes are, never an error.

What cannot be taken apart, or is more than anybody writes, is `damaged`: then a person looks at the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from campaigns.domain.mail_html import text_of

LONGEST_TEXT = 100_000
"""Characters of words that are read from one mail."""
MOST_PARTS = 300
"""Parts that are looked into. A mail with a dozen pictures has twenty."""
_MOST_BOUNDARIES = 2_000
_MOST_LINES = 400_000
_LONGEST_HEADER = 5_000
_MOST_HEADERS = 500

_CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?[lb]e)?|us-ascii|ascii|iso-?8859-\d+|latin-?1|windows-\d+|cp\d+|koi8-[rut]|gb2312|gbk|gb18030"
    r"|big5(-hkscs)?|euc-(kr|jp)|ks_c_5601-1987|shift_jis|iso-2022-(jp|kr)|hz-gb-2312|tis-620|mac-?roman"
)
"""Charsets that mail comes in. Python knows more, some of them no charsets at all, some very slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What one mail holds.

    `headers` are (name in lower case, value on one line), from the top. `text` is what a person reads first.
    `report` is the kind of a multipart/report (RFC 6522), `fields` are its machine-readable blocks, and
    `returned` is what it sends back of ours. `files` counts attachments.
    """

    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    files: int = 0
    damaged: bool = False
    report: str = ""
    fields: tuple[Mapping[str, str], ...] = ()
    returned: str = ""

    def all(self, name: str) -> list[str]:
        """Every value of a header as it stands, from the top."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        """The topmost value of a header, its encoded words read; empty where there is none."""
        return decoded(next(iter(self.all(name)), ""))


def take_apart(raw: bytes) -> Mail:
    """The mail in these bytes. Never raises; a mail that no parser understands is all text."""
    head, cut = _manageable(raw)
    try:
        message = BytesParser(policy=compat32).parsebytes(head)
        return _Taken(message, cut).mail()
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError):
        # The library's parser has rough edges: a nested or malformed mail is shown as it came.
        text = _readable(raw[: 2 * LONGEST_TEXT], "")[:LONGEST_TEXT]
        return Mail(headers=_plain_headers(raw), text=text, damaged=True)


def _manageable(raw: bytes) -> tuple[bytes, bool]:
    """The bytes up to where parts or lines become more than any mail program writes."""
    ends = [len(raw)]
    for pattern, most in ((rb"\n--", _MOST_BOUNDARIES), (rb"\n", _MOST_LINES)):
        found = re.finditer(pattern, raw)
        ends.append(next((one.start() for place, one in enumerate(found) if place == most), len(raw)))
    return raw[: min(ends)], min(ends) < len(raw)


def _plain_headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The headers, read by hand where the parser failed."""
    head = re.split(rb"\r?\n\r?\n", raw[:200_000], maxsplit=1)[0]
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head).decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines[:_MOST_HEADERS] if ":" in line)
    return tuple((name.strip().lower(), value.strip()[:_LONGEST_HEADER]) for name, _, value in pairs)


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape" if text.isascii() or _is_escaped(text) else "replace")


def _is_escaped(text: str) -> bool:
    """Whether every surrogate stands for one byte that was not ASCII."""
    return all("\udc80" <= char <= "\udcff" for char in text if "\ud800" <= char <= "\udfff")


def _unfolded(value: object) -> str:
    """A header on one line; bytes that were not ASCII are taken for UTF-8."""
    text = _bytes_of(str(value)[:_LONGEST_HEADER]).decode("utf-8", "replace")
    return re.sub(r"\s*[\r\n]+\s*", " ", text).replace("\x00", "").strip()


def decoded(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) read."""
    try:
        parts = decode_header(value)
    except (MessageError, ValueError):
        return value
    words = (_readable(part, charset or "") if isinstance(part, bytes) else part for part, charset in parts)
    return re.sub(r"\s+", " ", "".join(words)).strip()


def _readable(data: bytes, charset: str) -> str:
    """Bytes as text: in the charset they claim, else UTF-8, else as Western letters. Never raises."""
    for name in (charset.strip().strip("\"'").lower(), "utf-8"):
        if _CHARSETS.fullmatch(name):
            try:
                return data.decode(name)
            except (UnicodeError, LookupError):
                continue
    return data.decode("cp1252", "replace")


@dataclass(slots=True)
class _Taken:
    """Takes one parsed message apart, and counts how much was looked at."""

    message: Message
    damaged: bool
    parts: int = 0
    files: int = 0
    fields: list[Mapping[str, str]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    def mail(self) -> Mail:
        report = ""
        if self.message.get_content_type() == "multipart/report":
            report = str(self.message.get_param("report-type") or "").lower()
        text = "\n\n".join(filter(None, self._texts(self.message, bool(report))))
        pairs = list(self.message.raw_items())[:_MOST_HEADERS]
        return Mail(
            headers=tuple((name.lower(), _unfolded(value)) for name, value in pairs),
            text=text[:LONGEST_TEXT],
            files=self.files,
            damaged=self.damaged or len(text) > LONGEST_TEXT,
            report=report,
            fields=tuple(self.fields),
            returned="\n".join(self.returned)[:LONGEST_TEXT],
        )

    def _texts(self, part: Message, in_report: bool) -> Iterator[str]:
        self.parts += 1
        if self.parts > MOST_PARTS:
            self.damaged = True
            return
        kind = part.get_content_type()
        if in_report and self._is_of_report(part, kind):
            return
        if kind == "multipart/alternative":
            yield self._best_form(part)
        elif part.is_multipart() and not kind.startswith("message/"):
            for child in _children(part):
                yield from self._texts(child, in_report)
        elif _is_words(part, kind):
            yield self._words(part, kind)
        elif kind.startswith("message/") or not part.get("Content-ID"):
            self.files += 1

    def _best_form(self, part: Message) -> str:
        """One of several forms of the same words: the plain one, where it says anything."""
        forms = [(one.get_content_type(), one) for one in _children(part)][:20]
        for wanted in ("text/plain", "text/html"):
            for kind, one in forms:
                words = self._words(one, kind) if kind == wanted else ""
                if words.strip():
                    return words
        others = [one for kind, one in forms if kind.startswith("multipart/")]
        return "\n".join(text for one in others for text in self._texts(one, False))

    def _words(self, part: Message, kind: str) -> str:
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        charset = part.get_param("charset") or ""
        text = _readable(data, charset if isinstance(charset, str) else str(charset[2]))
        self.damaged |= len(text) > 4 * LONGEST_TEXT
        return text_of(text) if kind == "text/html" else text.replace("\r\n", "\n")

    def _is_of_report(self, part: Message, kind: str) -> bool:
        """Keep a report's fields and what it returns; neither was written by a person."""
        if kind in {"message/delivery-status", "message/feedback-report"}:
            blocks = [*_children(part)] or [part]
            self.fields += [{n.lower(): _unfolded(v) for n, v in one.raw_items()} for one in blocks]
            if kind == "message/feedback-report":
                self.fields += [_fields(_flat(part))]
            return True
        if kind in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}:
            self.returned.append(_flat(part))
            return True
        return False


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _is_words(part: Message, kind: str) -> bool:
    shown = (part.get_content_disposition() or "inline") != "attachment"
    return shown and kind in {"text/plain", "text/html"}


def _flat(part: Message) -> str:
    """A returned message as text: its headers, each on one line, and its words."""
    lines = [f"{name}: {_unfolded(value)}" for one in _children(part) for name, value in one.raw_items()]
    payload = part.get_payload()
    if isinstance(payload, str):
        lines.append(re.sub(r"\r?\n[ \t]+", " ", payload[:LONGEST_TEXT]))
    return "\n".join(lines)


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
