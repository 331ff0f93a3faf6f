"""Who sent a mail, and whether our own receiving server says that it is so (RFC 8601, RFC 7489).

`From` is what anybody may write. Only the header that our own server put on top of a mail is believed: a
sender may write such a header too, but only below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@]+@[^\s<>()\[\],;:\\\"@]+")
_ANGLE = re.compile(r"[^<>,;:@]*<\s*(?P<address>[^<>\s]+)\s*>\s*")
_RESULT = re.compile(r"(?P<method>[a-z0-9-]+)(?:/\d+)?\s*=\s*(?P<result>[a-z]+)")
_PROPERTY = re.compile(r"([a-z0-9-]+\.[a-z0-9-]+)\s*=\s*(\S+)")

_DEEPEST = 10


def sender_of(values: Sequence[str]) -> str:
    """The one address of the one `From` header; nothing where there are several, or it cannot be read."""
    if len(values) != 1:
        return ""
    bare = _without_comments(_QUOTED.sub(" ", values[0])).strip()
    angle = _ANGLE.fullmatch(bare)
    address = angle["address"] if angle else bare
    return address if _ADDRESS.fullmatch(address) else ""


def _without_comments(text: str) -> str:
    for _ in range(_DEEPEST):
        shorter = _COMMENT.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    return text


def is_proven(address: str, results: Sequence[str], ours: str) -> bool:
    """Whether our server vouches for the domain of `address`.

    `results` are the values of `Authentication-Results` from the top; `ours` is the name that our server
    signs them with (authserv-id). DMARC must pass; where our server does not ask it, DKIM or SPF for that
    domain.
    """
    domain = address.rpartition("@")[2].lower().rstrip(".")
    if not ours or not domain:
        return False
    for value in results:
        who, _, rest = _without_comments(_QUOTED.sub(_quoted_word, value)).lower().partition(";")
        if (who.split() or [""])[0] == ours.lower():
            return _vouches(rest, domain)
    return False


def _quoted_word(found: re.Match[str]) -> str:
    """A quoted value without its quotes; one that could be taken for more than one word says nothing."""
    inside = found[0][1:-1]
    return inside if re.fullmatch(r"[\w.@-]*", inside) else "x"


def _vouches(text: str, domain: str) -> bool:
    methods = [(found, part) for part in text.split(";") if (found := _RESULT.match(part.strip()))]
    dmarc = [(found["result"], _properties(part)) for found, part in methods if found["method"] == "dmarc"]
    if dmarc:
        result, about = dmarc[0]
        return len(dmarc) == 1 and result == "pass" and about.get("header.from", domain) == domain
    passed = [(found["method"], _properties(part)) for found, part in methods if found["result"] == "pass"]
    return any(_aligned(method, about, domain) for method, about in passed)


def _properties(part: str) -> dict[str, str]:
    return {name: value.strip("<>") for name, value in _PROPERTY.findall(part)}


def _aligned(method: str, about: dict[str, str], domain: str) -> bool:
    """Whether a pass speaks of this very domain, or of one that it stands under."""
    if method == "dkim":
        signed = about.get("header.d") or about.get("header.i", "").rpartition("@")[2]
    elif method == "spf":
        signed = about.get("smtp.mailfrom", "").rpartition("@")[2]
    else:
        return False
    return bool(signed) and (domain == signed or ("." in signed and domain.endswith(f".{signed}")))
