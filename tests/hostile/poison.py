"""Words and mails that nobody should write, drawn by seed: the same number gives the same bytes for ever."""

from __future__ import annotations

import base64
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from functools import cache

ALPHABETS = (
    (0x20, 0x7E),
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xA0, 0x24F),
    (0x300, 0x36F),
    (0x590, 0x6FF),
    (0x900, 0xA7F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2066, 0x2069),
    (0x3040, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xD800, 0xDFFF),
    (0xE000, 0xF8FF),
    (0xFE00, 0xFE0F),
    (0xFFF0, 0xFFFF),
    (0x1D400, 0x1D7FF),
    (0x1F300, 0x1FAFF),
    (0xE0000, 0xE007F),
    (0xF0000, 0xF00FF),
    (0x10FF00, 0x10FFFF),
)
"""Ranges of every plane: letters, controls, marks, both directions, halves of pairs, private use."""

SENSE = (
    "stop",
    "STOP",
    "STOP please",
    "start",
    "yes",
    "oui",
    "нет",
    "help",
    "arrêt",
    "توقف",
    "5",
    "11",
    "٧",
    "0/10",
    "my chest hurts",
    "je veux mourir",
    "no puedo respirar",
    "喘不过气",
    "call me",
    "wrong number",
    "cancel",
    "français",
    "language",
    "ok thanks",
    "who is this",
    "don't text me",
)
"""Words that mean something, so that what is odd stands beside what is understood."""

ODD = (
    "",
    " ",
    "\n",
    "\x00",
    "\ufeff",
    "\u202e",
    "\ud800",
    "\udfff",
    "\ud83d",
    "👩‍👩‍👧‍👦",
    "🏴\U000e0067\U000e0062",
    "﷽",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "\u0085",
    "\u2028",
    "%s%n%x",
    "{{7*7}}",
    "${7*7}",
    "<script>",
    "'; DROP TABLE reply;--",
    "=cmd|' /C calc'!A0",
    "\r\nBcc: x@y.example",
    "../../etc/passwd",
    "\x1b[2J",
    "null",
    "NaN",
    "-0",
    "1e999",
)


def words(rng: random.Random) -> str:
    """One body of a text."""
    shape = rng.random()
    if shape < 0.25:
        return "".join(rng.choice((*SENSE, *ODD, " ")) for _ in range(rng.choice((1, 1, 2, 6))))
    if shape < 0.85:
        return _letters(rng, rng.randint(1, 200))
    if shape < 0.95:
        return rng.choice(SENSE) + rng.choice(ODD) * rng.randint(1, 300) + rng.choice(SENSE)
    return _letters(rng, rng.randint(200, 1600)) * rng.randint(1, 4)


def _letters(rng: random.Random, count: int) -> str:
    chosen = rng.sample(ALPHABETS, rng.randint(1, 4))
    return "".join(chr(rng.randint(*rng.choice(chosen))) for _ in range(count))


@cache
def huge_words() -> tuple[str, ...]:
    """A few bodies that are nothing but large."""
    return (
        "x" * 10_000_000,
        "stop " * 400_000,
        "😀" * 500_000,
        "chest pain " * 100_000,
        "\u0301" * 1_000_000,
    )


# --- mails

Part = Callable[[random.Random], bytes]


def mail(rng: random.Random, to: str) -> bytes:
    """One mail: headers of some kind before a body of some kind."""
    body = rng.choice(_BODIES)(rng)
    head = _head(rng, to) + rng.choice(_HEADERS)(rng)
    raw = head + body
    if rng.random() < 0.1:
        raw = raw[: rng.randint(0, len(raw))]
    if rng.random() < 0.05:
        raw = raw.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\n\r\n", b"\x00\r\n")))
    return raw


def _head(rng: random.Random, to: str) -> bytes:
    number = rng.getrandbits(64)
    sender = rng.choice(
        ("patient@patients.example", "<>", "", "a@b@c", '"x\\"y" <q@z.example>', "é@ü.example")
    )
    return (
        f"From: {sender}\r\nTo: {to}\r\nMessage-ID: <{number:x}@fuzz.example>\r\nMIME-Version: 1.0\r\n"
    ).encode("utf-8", "surrogatepass")


def _plain_headers(rng: random.Random) -> bytes:
    return b"Subject: " + _bytes(words(rng)[:80].replace("\n", " ").replace("\r", " ")) + b"\r\n"


def _auto_reply(rng: random.Random) -> bytes:
    return b"Auto-Submitted: auto-replied\r\nPrecedence: bulk\r\nX-Loop: us\r\n" + _plain_headers(rng)


def _own_again(rng: random.Random) -> bytes:
    return b"X-Campaigns-Loop: 1\r\nReturn-Path: <>\r\n" + _plain_headers(rng)


def _many_headers(rng: random.Random) -> bytes:
    return b"".join(b"X-%d: y\r\n" % n for n in range(rng.choice((50, 600, 3_000))))


def _long_header(rng: random.Random) -> bytes:
    return b"Subject: " + b"a " * rng.choice((300, 300, 300, 100_000)) + b"\r\n"


def _folded_header(rng: random.Random) -> bytes:
    return b"Subject: x" + b"\r\n " * rng.choice((100, 20_000)) + b"y\r\n"


def _encoded_words(rng: random.Random) -> bytes:
    charset = rng.choice(_CHARSETS)
    return (
        b"Subject: "
        + b" ".join(
            b"=?%s?%s?%s?=" % (charset, rng.choice((b"B", b"Q", b"Z")), b"4pyT=AA") for _ in range(50)
        )
        + b"\r\n"
    )


_CHARSETS: Sequence[bytes] = (
    b"utf-8",
    b"utf-7",
    b"utf-16",
    b"utf-32",
    b"iso-2022-jp",
    b"hz-gb-2312",
    b"idna",
    b"punycode",
    b"rot13",
    b"unicode_escape",
    b"nonsense",
    b"",
    b"\xff",
    b"utf-8\x00",
    b"a" * 300,
    b"base64",
    b"mbcs",
    b"undefined",
)
_HEADERS: Sequence[Part] = (
    _plain_headers,
    _plain_headers,
    _plain_headers,
    _plain_headers,
    _auto_reply,
    _own_again,
    _many_headers,
    _long_header,
    _folded_header,
    _encoded_words,
)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(rng: random.Random) -> bytes:
    return b"Content-Type: text/plain; charset=" + rng.choice(_CHARSETS) + b"\r\n\r\n" + _bytes(words(rng))


def _html(rng: random.Random) -> bytes:
    inner = rng.choice(
        (
            b"<div>" * 5_000,
            b"<!--" * 3_000,
            b"<a href='" * 2_000,
            b"&#x110000;" * 500,
            b"<style>" * 500,
            b"<p",
        )
    )
    return b"Content-Type: text/html; charset=utf-8\r\n\r\n" + inner + _bytes(words(rng))


def _encoded(rng: random.Random) -> bytes:
    how = rng.choice((b"base64", b"quoted-printable", b"x-uuencode", b"8bit", b"nonsense"))
    data = rng.randbytes(rng.randint(0, 3_000))
    sent = base64.b64encode(data)[: rng.randint(0, 4_000)] if how == b"base64" else data
    return b"Content-Type: text/plain\r\nContent-Transfer-Encoding: " + how + b"\r\n\r\n" + sent


def _noise(rng: random.Random) -> bytes:
    return b"\r\n" + rng.randbytes(rng.randint(0, 5_000))


def _multipart(kind: bytes, parts: Sequence[bytes], boundary: bytes = b"b") -> bytes:
    inner = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return (
        b"Content-Type: "
        + kind
        + b'; boundary="'
        + boundary
        + b'"\r\n\r\n'
        + inner
        + b"--"
        + boundary
        + b"--"
    )


def _mixed(rng: random.Random) -> bytes:
    kind = rng.choice((b"multipart/mixed", b"multipart/alternative", b"multipart/related", b"multipart/x"))
    return _multipart(
        kind, [rng.choice((_text, _html, _encoded, _picture, _zip))(rng) for _ in range(rng.randint(0, 6))]
    )


def _nested(rng: random.Random) -> bytes:
    body = _text(rng)
    for depth in range(rng.choice((5, 5, 60, 400))):
        kind = rng.choice((b"multipart/mixed", b"multipart/alternative"))
        body = _multipart(kind, [body], b"n%d" % depth)
    return body


def _forwarded(rng: random.Random) -> bytes:
    body = _text(rng)
    for _ in range(rng.choice((3, 100))):
        body = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n" + body
    return body


def _crowd(rng: random.Random) -> bytes:
    return _multipart(b"multipart/mixed", [b"\r\nx"] * rng.choice((310, 400, 3_000)))


def _same_boundaries(rng: random.Random) -> bytes:
    inner = _multipart(b"multipart/mixed", [_text(rng)])
    return _multipart(b"multipart/mixed", [inner, _text(rng)], rng.choice((b"b", b"", b"b" * 200)))


def _picture(rng: random.Random) -> bytes:
    data = base64.b64encode(rng.randbytes(500))
    return b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + data


@cache
def _bombs() -> tuple[bytes, bytes]:
    """A megabyte of nothing in a kilobyte: nobody unpacks it, and this shows that nobody does."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"\0" * 1_000_000)
    return packed.getvalue(), gzip.compress(b"\0" * 1_000_000)


def _zip(rng: random.Random) -> bytes:
    head = b"Content-Type: application/zip\r\nContent-Encoding: gzip\r\nContent-Transfer-Encoding: base64\r\n"
    return (
        head
        + b'Content-Disposition: attachment; filename="../../x.zip"\r\n\r\n'
        + base64.b64encode(rng.choice(_bombs()))
    )


def _bounce(rng: random.Random) -> bytes:
    status = rng.choice((b"5.1.1", b"4.4.1", b"x", b"5" * 500))
    report = (
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        + b"Final-Recipient: rfc822; patient@patients.example\r\nAction: failed\r\nStatus: "
        + status
        + b"\r\n"
    )
    returned = (
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <"
        + rng.randbytes(8).hex().encode()
        + b"@clinic.example>\r\n"
    )
    return _multipart(b"multipart/report; report-type=delivery-status", [_text(rng), report, returned])


def _complaint(rng: random.Random) -> bytes:
    report = b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
    return _multipart(b"multipart/report; report-type=feedback-report", [_text(rng), report, _forwarded(rng)])


_BODIES: Sequence[Part] = (
    _text,
    _text,
    _text,
    _html,
    _encoded,
    _noise,
    _mixed,
    _mixed,
    _nested,
    _forwarded,
    _crowd,
    _same_boundaries,
    _picture,
    _zip,
    _bounce,
    _complaint,
)


@cache
def huge_mails() -> tuple[bytes, ...]:
    """A few mails that are nothing but large."""
    head = b"From: a@b.example\r\nMessage-ID: <huge-%d@fuzz.example>\r\n"
    return (
        head % 1 + b"\r\n" + b"x" * 10_000_000,
        head % 2 + _multipart(b"multipart/mixed", [b"\r\nx"] * 100_000),
        head % 3 + b"X: y\r\n" * 400_000 + b"\r\n",
        head % 4 + b"Content-Type: text/html\r\n\r\n" + b"<b>" * 3_000_000,
        head % 5 + b"Subject: " + b"=?utf-8?q?=41?= " * 300_000 + b"\r\n\r\nx",
    )
