"""Keys of other programs: shown once, kept as a digest, each for one clinic with a few scopes.

Keys live on the real clock, even while a rehearsal runs on another.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from campaigns.domain.errors import CampaignsError, NotAllowed
from campaigns.domain.scopes import SCOPES, unknown
from campaigns.models import ApiKey, Clinic
from campaigns.queries import clock
from campaigns.services.compose import token_hash
from campaigns.services.record import record

MARK = "cmp_"
"""How every key begins, so that a search for keys that got into a repository finds ours."""
SHOWN = 12
"""Characters of a key that stay visible, by which people tell keys apart."""
PER_MINUTE = 600


class UnknownKey(CampaignsError):
    """There is no such key, or it was revoked."""


class ScopeMissing(CampaignsError):
    """The key may not do this."""


class TooMany(CampaignsError):
    """The key asks too often. `wait` is in whole seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"This key may ask again in {wait} s.")
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who asks: the key and its clinic. `name` stands in the audit."""

    key: UUID
    clinic: UUID
    name: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raises ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(f"This key lacks the scope {scope}.")


@transaction.atomic
def create(
    clinic: Clinic, name: str, scopes: Sequence[str], *, by: str, per_minute: int = PER_MINUTE
) -> tuple[ApiKey, str]:
    """A new key, and the secret that is shown this once. Raises NotAllowed for a scope that does not exist,
    for none at all, and for a name that is empty."""
    if wrong := unknown(scopes):
        raise NotAllowed(f"There is no scope {wrong[0]}. There are: {', '.join(SCOPES)}.")
    if not scopes or not name.strip() or per_minute < 1:
        raise NotAllowed("A key needs a name, at least one scope and at least one request a minute.")
    secret = MARK + secrets.token_urlsafe(32)
    now = clock.real_now()
    key = ApiKey.objects.create(
        clinic=clinic,
        name=name.strip()[:80],
        prefix=secret[:SHOWN],
        digest=token_hash(secret),
        scopes=sorted(set(scopes)),
        per_minute=per_minute,
        left=per_minute,
        left_at=now,
        created_at=now,
        created_by=by,
    )
    detail = {"clinic": str(clinic.pk), "scopes": key.scopes}
    record("api_key_created", f"api_key {key.pk}", actor=by, now=clock.now(), detail=detail)
    return key, secret


@transaction.atomic
def revoke(prefix: str, *, by: str) -> ApiKey:
    """End a key at once, named by its visible beginning or its id. Raises UnknownKey."""
    found = [key for key in ApiKey.objects.filter(revoked_at=None) if prefix in (key.prefix, str(key.pk))]
    if len(found) != 1:
        raise UnknownKey("There is no such key, or it was revoked already.")
    [key] = found
    key.revoked_at = clock.real_now()
    key.save(update_fields=["revoked_at"])
    record("api_key_revoked", f"api_key {key.pk}", actor=by, now=clock.now())
    return key


def listed() -> list[ApiKey]:
    """Every key, the newest first; those that were revoked too."""
    return list(ApiKey.objects.select_related("clinic").order_by("-created_at", "pk"))


def of_clinic(clinic_id: UUID) -> list[ApiKey]:
    """The keys of one clinic: those that open something first, then the newest."""
    rows = ApiKey.objects.filter(clinic=clinic_id)
    return list(rows.order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "pk"))


_TAKE_ONE = """
UPDATE api_key SET
    left_at = clock_timestamp(), last_used_at = clock_timestamp(),
    "left" = greatest(-1, least(per_minute,
        "left" + greatest(0, extract(epoch FROM clock_timestamp() - left_at)) * per_minute / 60.0) - 1)
WHERE digest = %s AND revoked_at IS NULL
RETURNING id, clinic_id, prefix, name, scopes, per_minute, "left"
"""


def admit(secret: str) -> Holder:
    """Who holds this key; counts the request. One statement that commits by itself.

    Whoever goes on asking while nothing is left waits no longer for it: the debt is one request at most.
    Raises UnknownKey, and TooMany when the key has asked more than it may in a minute.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_ONE, [token_hash(secret)])
        row = cursor.fetchone()
    if row is None:
        raise UnknownKey
    key, clinic, prefix, name, scopes, per_minute, left = row
    if left < 0:
        raise TooMany(max(1, math.ceil(-left * 60 / per_minute)))
    return Holder(key=key, clinic=clinic, name=f"key {prefix} ({name})", scopes=frozenset(_listed(scopes)))


def _listed(scopes: object) -> list[str]:
    """A JSON column as this connection hands it over: read, or as text."""
    found = json.loads(scopes) if isinstance(scopes, str) else scopes
    return [str(one) for one in found] if isinstance(found, list) else []
