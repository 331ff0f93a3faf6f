"""The pages of the site, found as a person finds them: by following links from the first page.

Nothing here names a page. A new route is looked at because it stands in the URL map and a link leads to it.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import urllib3
from django.urls import Resolver404, resolve, reverse

from campaigns.urls import urlpatterns

HREF = re.compile(r"<(?:a|iframe)\b[^>]*?\b(?:href|src)=\"([^\"]*)\"")
MOST = 3
"""Addresses followed of one route with the same questions: two of a kind may differ, twenty do not."""
LEADS_OUT = frozenset({"sign-out"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one address."""

    code: int
    kind: str
    is_file: bool
    html: str
    scripts: bool = True
    """Whether scripts may run in it: in what patients were sent none may, not even those of a test."""

    @property
    def is_page(self) -> bool:
        """Whether a browser shows it: a document, not a file or an error."""
        return self.code == 200 and self.kind.startswith("text/html") and not self.is_file


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a running site with somebody's session, without a browser."""

    url: str
    session: str

    def get(self, path: str, method: str = "GET") -> Answer:
        """One answer; what it leads to is not followed."""
        headers = {"Cookie": f"sessionid={self.session}"} if self.session else {}
        with urllib3.PoolManager() as once:
            answer = once.request(method, self.url + path, headers=headers, redirect=False, timeout=30)
        kind = answer.headers.get("Content-Type", "")
        html = answer.data.decode() if kind.startswith("text/html") else ""
        policy = answer.headers.get("Content-Security-Policy", "")
        is_file = "Content-Disposition" in answer.headers
        return Answer(answer.status, kind, is_file, html, "sandbox" not in policy)


@dataclass(frozen=True, slots=True)
class Stop:
    """One address of one route."""

    name: str
    path: str
    scripts: bool = True
    role: str = ""


@dataclass(slots=True)
class Walk:
    """Where a walk came by: the pages, in the order in which they were found, and what each answered."""

    pages: dict[str, list[Stop]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    found_on: dict[str, str] = field(default_factory=dict)


def links_of(html: str, path: str) -> list[str]:
    """The addresses of this site that a page leads to, without what stands after a `#`."""
    found = (urljoin(path, unescape(link)) for link in HREF.findall(html))
    ours = (urlsplit(link) for link in found)
    kept = [
        one._replace(fragment="").geturl()
        for one in ours
        if not (one.scheme or one.netloc or one.path.startswith("/static/"))
    ]
    return list(dict.fromkeys(kept))


def route_of(path: str) -> str:
    """The name of the route that answers an address; nothing for one that nobody answers."""
    try:
        return str(resolve(urlsplit(path).path).url_name)
    except Resolver404:
        return ""


def _kind(path: str) -> tuple[str, frozenset[str]]:
    return route_of(path), frozenset(parse_qs(urlsplit(path).query, keep_blank_values=True))


def walk(reader: Reader, start: str = "/") -> Walk:
    """Follow every link from the first page on, breadth first, as far as links lead."""
    done = Walk()
    waiting, seen = deque([start]), Counter([_kind(start)])
    while waiting:
        path = waiting.popleft()
        answer = reader.get(path)
        done.codes[path] = answer.code
        if not answer.is_page:
            continue
        name = route_of(path)
        done.pages.setdefault(name, []).append(Stop(name, path, answer.scripts))
        for link in links_of(answer.html, path):
            kind = _kind(link)
            if link in done.found_on or kind[0] in LEADS_OUT or seen[kind] >= MOST:
                continue
            seen[kind] += 1
            done.found_on[link] = path
            waiting.append(link)
    return done


def addresses(known: Mapping[str, Any]) -> dict[str, str]:
    """Every route whose address can be made from what is known."""
    found = {}
    for route in urlpatterns:
        wanted = route.pattern.converters
        if wanted.keys() <= known.keys():
            found[str(route.name)] = reverse(str(route.name), kwargs={key: known[key] for key in wanted})
    return found


def pages(
    walks: Mapping[str, Walk], readers: Mapping[str, Reader], known: Mapping[str, Any]
) -> dict[str, Stop]:
    """Every page there is, by its route: found by links, as the first role that they lead there; else made of
    what is known."""
    found: dict[str, Stop] = {}
    for role, walked in walks.items():
        for name, stops in walked.pages.items():
            found.setdefault(name, replace(stops[0], role=role))
    for name, path in addresses(known).items():
        if name in found or name in LEADS_OUT:
            continue
        for role, reader in readers.items():
            answer = reader.get(path)
            if answer.is_page:
                found[name] = Stop(name, path, answer.scripts, role)
                break
    return found
