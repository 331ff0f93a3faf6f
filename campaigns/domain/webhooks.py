"""Webhooks as they go out: which addresses are allowed, how a word is signed, when a failed one is repeated.

Signed as the Standard Webhooks specification 1.0 says (standardwebhooks.com), for which most languages have a
library: HMAC-SHA256 over `id.timestamp.body`, base64, in the header `webhook-signature`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from campaigns.domain.errors import NotAllowed

KINDS = ("alert", "answer", "message")
"""What an endpoint can be told of."""
SECRET_MARK = "whsec_"  # noqa: S105  a mark, not a secret
LONGEST_URL = 500
USEFUL = timedelta(days=3)
"""A word that could not be said for so long is given up."""
PATIENCE = USEFUL - timedelta(hours=2)
"""An endpoint that has taken nothing for so long is given up: just before the first word it did not take, so
that no old failure is held against it later."""
KEPT = timedelta(days=30)
"""How long what was said, or given up, can be looked up."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def body(event_id: str, kind: str, at: datetime, data: Mapping[str, object]) -> bytes:
    """What goes over the wire: ids and states. JSON with sorted keys; `at` is UTC."""
    said = {"id": event_id, "type": kind, "at": at.isoformat(), "data": dict(data)}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def signature(secret: str, event_id: str, timestamp: int, content: bytes) -> str:
    """The value of `webhook-signature`. `timestamp` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(SECRET_MARK))
    signed = f"{event_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def backoff(failures: int) -> timedelta:
    """How long an endpoint is left alone after so many failures in a row: ten seconds, doubled up to an
    hour."""
    return min(timedelta(hours=1), timedelta(seconds=10 * 2.0 ** min(failures - 1, 12)))


def check_url(url: str) -> tuple[str, bool]:
    """The host, and whether the address is plain http, which only this machine itself may have. Raises
    NotAllowed with what to mend."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise NotAllowed("This is not an address of a web service.") from None
    if parts.scheme not in {"https", "http"} or not host or len(url) > LONGEST_URL:
        raise NotAllowed("Give an address that begins with https:// and has 500 characters at most.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed("The address must hold no user name, no password and no #.")
    if not url.isascii() or any(sign <= " " or sign in '"<>\\^`{|}' for sign in url):
        raise NotAllowed("The address holds a character that must be written in % form.")
    return host, parts.scheme == "http"


def may_reach(address: Address, own: Collection[Network], *, demo: bool, plain: bool) -> bool:
    """Whether a word may go to this machine: to the public internet, or where the operator says so (`own`).

    What is neither could be a router, a database or a cloud's store of keys, and whoever has a key could
    make us ask it. The demo reaches this machine alone; plain http goes nowhere else.
    """
    address = getattr(address, "ipv4_mapped", None) or address
    if demo:
        return address.is_loopback
    if plain and not address.is_loopback:
        return False
    if any(address in network for network in own if network.version == address.version):
        return True
    return address.is_global and not address.is_multicast and not _in_disguise(address)


def _in_disguise(address: Address) -> bool:
    """An IPv6 address behind which an IPv4 one stands: 6to4, Teredo and NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return False
    return bool(address.sixtofour or address.teredo) or address in ipaddress.IPv6Network("64:ff9b::/96")
