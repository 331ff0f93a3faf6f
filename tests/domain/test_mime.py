"""A mail taken apart: which words of it a person reads first, in whatever form and charset they came."""

from __future__ import annotations

import pytest

from campaigns.domain.mail_html import text_of
from campaigns.domain.mail_trust import sender_of
from campaigns.domain.mime import take_apart


def two_forms(plain: str, html: str) -> bytes:
    """A mail with the same words in two forms."""
    return (
        'Content-Type: multipart/alternative; boundary="x"\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n'
        f"{plain}\r\n--x\r\nContent-Type: text/html\r\n\r\n{html}\r\n--x--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (two_forms("plain", "<p>html</p>"), "plain"),
        (two_forms(" \r\n", "<p>html</p>"), "html"),
        (b"Content-Type: text/plain; charset=gb2312\r\n\r\n" + "疼痛".encode("gb2312"), "疼痛"),
        (b"Content-Type: text/plain; charset=koi8-r\r\n\r\n" + "боль".encode("koi8-r"), "боль"),
        (b"Content-Type: text/plain; charset=euc-kr\r\n\r\n" + "통증".encode("euc-kr"), "통증"),
        (b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + "درد".encode(), "درد"),
        (b"Content-Type: text/plain; charset=utf-8\r\n\r\ntr\xe8s mal", "très mal"),
        (b"Content-Type: text/plain; charset=rot13\r\n\r\nmal", "mal"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nNw==", "7"),
        (b"no header at all", "no header at all"),
        (b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx", ""),
        (b"", ""),
    ],
)
def test_the_words_are_found(raw: bytes, text: str) -> None:
    assert take_apart(raw).text.strip() == text


def test_encoded_words_of_a_subject_are_read() -> None:
    raw = b"Subject: =?utf-8?b?0LHQvtC70Yw=?= =?iso-8859-1?q?tr=E8s?=\r\n mal\r\n\r\n"
    assert take_apart(raw).get("subject") == "больtrès mal"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<br>b</p><style>c</style><!-- d --><script>e</script>", "a\nb"),
        ("7<blockquote>how <b>bad</b>?<p>now</blockquote>x", "7\n> how bad?\n> now\nx"),
        ('7<div class="gmail_quote">On 2026, x wrote:<blockquote>y</blockquote></div>', None),
        ("&lt;b&gt; &amp; &#55296; &nbsp;x", "<b> & \ufffd x"),
        ("<" * 1000, "<" * 1000),
    ],
)
def test_html_becomes_lines_with_what_it_quotes_marked(html: str, text: str | None) -> None:
    found = [line for line in text_of(html).split("\n") if line.strip("> ")]
    if text is None:
        assert found == ["7", "> On 2026, x wrote:", "> > y"]
    else:
        assert "\n".join(found) == text


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (["ann@home.example"], "ann@home.example"),
        (["Ann Lee <ann@home.example>"], "ann@home.example"),
        (['"Lee, Ann" <ann@home.example> (home)'], "ann@home.example"),
        (["ann@home.example (evil@x.example)"], "ann@home.example"),
        (["ann@home.example, evil@x.example"], ""),
        (["<ann@home.example> <evil@x.example>"], ""),
        (["ann@home.example <evil@x.example>"], ""),
        (["Ann: ann@home.example;"], ""),
        (["ann@home.example", "evil@x.example"], ""),
        (['"ann@home.example"'], ""),
        ([], ""),
    ],
)
def test_a_sender_is_one_address_or_nobody(values: list[str], address: str) -> None:
    assert sender_of(values) == address
