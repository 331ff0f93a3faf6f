"""One POST to somebody else's server, and nothing more: no redirect, no second address, little time.

The host is looked up once and the connection goes to what was looked up and allowed, so that a name cannot
point elsewhere in between.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from campaigns.domain.errors import NotAllowed
from campaigns.domain.webhooks import Network, check_url, may_reach

TIME_OUT = 5.0
"""Seconds to connect, and as many between two bytes of the answer's head; its body is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Where words may go in this installation: networks of the operator's own beside the public internet, or
    in the demo this machine alone."""

    own: Collection[Network] = ()
    demo: bool = False


def networks(words: Collection[str]) -> tuple[Network, ...]:
    """The networks of a setting. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(word) for word in words)


def allowed_address(url: str, rules: Rules) -> str:
    """The machine behind an address, by number. Raises NotAllowed where one of those it has is forbidden,
    and OSError where it has none."""
    host, plain = check_url(url)
    port = urlsplit(url).port or (80 if plain else 443)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = [str(entry[4][0]).partition("%")[0] for entry in found]
    for number in numbers:
        if not may_reach(ipaddress.ip_address(number), rules.own, demo=rules.demo, plain=plain):
            raise NotAllowed("This address leads to a machine that webhooks must not reach.")
    return numbers[0]


def post(url: str, content: bytes, headers: Mapping[str, str], rules: Rules) -> str:
    """Say it once; what went wrong in a few words without the address, or nothing."""
    try:
        number = allowed_address(url, rules)
        return _ask(url, number, content, headers)
    except NotAllowed:
        return "forbidden address"
    except (UnicodeError, socket.gaierror):
        return "no such host"
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return type(error).__name__


def _ask(url: str, number: str, content: bytes, headers: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    sent = {**headers, "Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "campaigns"}
    options: dict[str, object] = {
        "timeout": urllib3.Timeout(connect=TIME_OUT, read=TIME_OUT),
        "retries": False,
    }
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "http":
        pool = urllib3.HTTPConnectionPool(number, parts.port or 80, **options)  # type: ignore[arg-type]
    else:
        pool = urllib3.HTTPSConnectionPool(
            number,
            parts.port or 443,
            server_hostname=host,
            assert_hostname=host,
            **options,  # type: ignore[arg-type]
        )
    with pool:
        answer = pool.urlopen("POST", path, body=content, headers=sent, redirect=False, preload_content=False)
        answer.close()
    return "" if 200 <= answer.status < 300 else f"answered {answer.status}"
