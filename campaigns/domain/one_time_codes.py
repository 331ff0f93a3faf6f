"""Codes of authenticator apps: six digits for each half minute, from a secret that app and site share."""

from __future__ import annotations

import base64
import hashlib
import hmac

PERIOD = 30
"""Seconds that a code stands for (RFC 6238, section 4.1, and what every app assumes)."""
DIGITS = 6
DRIFT = 1
"""Steps that the phone's clock may be off either way, as RFC 6238, section 5.2, recommends."""


def step_at(seconds: float) -> int:
    """Which half minute since 1970 (UTC) this instant is in."""
    return int(seconds // PERIOD)


def code(secret: str, step: int) -> str:
    """The code of one step, for a secret in base32 (RFC 4226, section 5.3: HMAC-SHA-1, cut to 31 bits)."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    mac = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def typed(text: str) -> str:
    """What somebody typed without the spaces and dashes that people and apps put between the digits."""
    return "".join(text.split()).replace("-", "")


def matching_step(secret: str, text: str, *, now: float, after: int) -> int | None:
    """The step whose code `text` is, or None. Only steps later than `after`: a code counts once.

    `now` is in seconds since 1970 (UTC). Every candidate is compared, in constant time.
    """
    near = range(step_at(now) - DRIFT, step_at(now) + DRIFT + 1)
    given = typed(text).encode()
    found = [step for step in near if hmac.compare_digest(code(secret, step).encode(), given)]
    return next((step for step in found if step > after), None)
