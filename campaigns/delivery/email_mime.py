"""One e-mail as the bytes that leave, put together by hand.

The library builds a tree of objects for each mail and then writes it out, which takes fifty times as long as
the words need. Ours always have the same shape, so it is written straight down. The tests hold the result
against what the library makes of the same message.

Everything is ASCII: no server needs to know 8BITMIME or SMTPUTF8, and none has a reason to recode a part.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Mapping
from email.utils import format_datetime, formataddr
from functools import lru_cache

from django.utils.encoding import punycode

from campaigns.delivery.channels import Outgoing

_LINE = 76  # characters a line of a header or a body
_LONGEST_WORD = 900  # characters; a line of mail may hold 998, and headers fold only between words
_ENCODED_WORD = "=?utf-8?b?{}?="

_LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_LOCAL}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
_METHOD = re.compile(r"[A-Z]+")
_ASCII = bytes(range(128))


def is_address(address: str) -> bool:
    """Whether this is one plain e-mail address, without a name."""
    return _ADDRESS.fullmatch(address) is not None


def envelope_address(address: str) -> str:
    """The address as SMTP takes it, the domain in ASCII. ValueError for anything but one plain address."""
    if not is_address(address):
        raise ValueError("not one plain e-mail address")
    local, _, domain = address.rpartition("@")
    return f"{local}@{punycode(domain)}"


def message_bytes(outgoing: Outgoing, from_address: str) -> bytes:
    """The whole message, ready for DATA. ValueError where a header would not be one line.

    Nothing in it is random: every try of one message has the same bytes.
    """
    headers = _headers(outgoing)
    _refuse_control(outgoing.from_name, *headers.values())
    lines = [_from(outgoing.from_name, from_address)]
    lines += [_header(name, value) for name, value in headers.items()]
    lines.append("MIME-Version: 1.0\r\n")
    return "".join(lines).encode("ascii") + _content(outgoing)


def _headers(outgoing: Outgoing) -> dict[str, str]:
    """Everything but From.

    Auto-Submitted (RFC 3834) and the Exchange header keep absence notices away. There is no `Precedence`:
    `bulk` moves a reminder out of sight at some hosts, and Auto-Submitted already says what it would.
    """
    headers = {
        "To": envelope_address(outgoing.to),
        "Subject": outgoing.subject,
        "Date": format_datetime(outgoing.now),
        "Content-Language": outgoing.language,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if outgoing.reply_to:
        headers["Reply-To"] = outgoing.reply_to
    if outgoing.message_id:
        headers["Message-ID"] = outgoing.message_id
    if outgoing.unsubscribe_url:
        headers["List-Unsubscribe"] = _unsubscribe(outgoing)
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return headers | _extra(outgoing.headers, headers) if outgoing.headers else headers


_OWN = {"from", "mime-version", "content-type", "content-transfer-encoding"}


def _extra(headers: Mapping[str, str], ours: dict[str, str]) -> dict[str, str]:
    """Further headers. None may stand twice, and none may change what the bytes below them are."""
    taken = {name.lower() for name in ours.keys() - headers.keys()} | _OWN
    for name in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in taken:
            raise ValueError("not a header name")
        taken.add(name.lower())
    return dict(headers)


def _unsubscribe(outgoing: Outgoing) -> str:
    """The link, and the reply address with its token where the installation receives mail."""
    link = f"<{outgoing.unsubscribe_url}>"
    return f"{link}, <mailto:{outgoing.reply_to}?subject=unsubscribe>" if outgoing.reply_to else link


def _refuse_control(*values: str) -> None:
    if any(_CONTROL.search(value) for value in values):
        raise ValueError("a control character in a header")


@lru_cache(maxsize=64)
def _from(name: str, address: str) -> str:
    """The From line: the same for every mail of a clinic."""
    address = envelope_address(address)
    if _is_plain(name):
        return _header("From", formataddr((name, address)))
    return f"From: {_encoded(name, len('From: '))}\r\n <{address}>\r\n"


def _header(name: str, value: str) -> str:
    """One header with its line end, folded where it is long, encoded where it is not plain ASCII."""
    line = f"{name}: {value}\r\n"
    if not _is_plain(value):
        return f"{name}: {_encoded(value, len(name) + 2)}\r\n"
    return line if len(line) <= _LINE + 2 else _folded(name, value)


def _is_plain(value: str) -> bool:
    """Whether a reader gets this text back from a header as it stands, folded between its words."""
    if not value.isascii() or ("=?" in value and "?=" in value):
        return False
    if not value:
        return True
    words = value.split(" ")
    return all(words) and (len(value) < _LONGEST_WORD or max(map(len, words)) < _LONGEST_WORD)


def _folded(name: str, value: str) -> str:
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1].strip() != f"{name}:":
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"


def _encoded(text: str, used: int) -> str:
    """The text as encoded words of RFC 2047, a line each; no character is cut in two.

    `used` is what already stands on the first line.
    """
    words, held = [], b""
    for char in text:
        data = char.encode()
        if held and len(held) + len(data) > _room(used):
            words.append(held)
            held, used = b"", 1
        held += data
    words.append(held)
    return "\r\n ".join(_ENCODED_WORD.format(b2a_base64(word, newline=False).decode()) for word in words)


def _room(used: int) -> int:
    """How many bytes of text one encoded word may hold on a line of which so much is used."""
    return (_LINE - used - len(_ENCODED_WORD.format(""))) // 4 * 3


def _content(outgoing: Outgoing) -> bytes:
    """The entity: text, or text and HTML as two forms of it, with the calendar file beside them."""
    content = _text_part("plain", outgoing.text)
    if outgoing.html:
        content = _multipart("alternative", content, _text_part("html", outgoing.html))
    if outgoing.calendar is not None:
        content = _multipart("mixed", content, _calendar_part(outgoing.calendar, outgoing.calendar_method))
    return content


def _multipart(kind: str, *parts: bytes) -> bytes:
    """Parts between boundaries. `=_` stands in no body: neither of the two encodings can write it."""
    boundary = b"=_" + kind.encode()
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (kind.encode(), boundary)
    return head + b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


def _text_part(kind: str, text: str) -> bytes:
    """Text in the encoding that takes less room: legible for Latin letters, base64 for other scripts."""
    data = _lines(text).encode()
    foreign = len(data.translate(None, _ASCII)) + data.count(b"=")
    # Quoted, such a byte takes two more; base64 makes four bytes of any three, and line ends.
    if 6 * foreign > len(data):
        name, coded = b"base64", _base64(data)
    else:
        name, coded = b"quoted-printable", _quoted(data)
    return b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: %b\r\n\r\n%b' % (
        kind.encode(),
        name,
        coded,
    )


def _lines(text: str) -> str:
    """The text with the line ends of mail, whatever its own are."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return unix.replace("\n", "\r\n")


def _quoted(data: bytes) -> bytes:
    """Quoted-printable. Without a line end to copy, the encoder would break lines in the Unix way."""
    coded = b2a_qp(data)
    return coded if b"\r\n" in data else coded.replace(b"\n", b"\r\n")


def _base64(data: bytes) -> bytes:
    coded = b2a_base64(data, newline=False)
    return b"\r\n".join(coded[start : start + _LINE] for start in range(0, len(coded), _LINE))


def _calendar_part(content: bytes, method: str) -> bytes:
    if not _METHOD.fullmatch(method):
        raise ValueError("not a calendar method")
    return (
        b'Content-Type: text/calendar; charset="utf-8"; method="%b"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="visit.ics"\r\n\r\n%b'
    ) % (method.encode(), _base64(content))
