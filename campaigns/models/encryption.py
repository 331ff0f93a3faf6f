"""Columns that only the application can read, and the keyed index that finds a row by such a value.

AES-256-GCM from `cryptography`; the stored text is `key id : base64(nonce + ciphertext)`, so keys can be
rotated while old rows stay readable. A wrong key is an error, never ciphertext shown as text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

NONCE_BYTES = 12


class Undecipherable(Exception):
    """A stored value cannot be read with the keys in FIELD_KEYS: no such key, or the row was altered."""


@lru_cache(maxsize=4)
def _keys(configured: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for part in filter(None, (word.strip() for word in configured.split(","))):
        key_id, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if len(key) != 32 or not key_id:
            raise ImproperlyConfigured("FIELD_KEYS must be `id:base64 of 32 bytes`, several with commas")
        keys[key_id] = key
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is empty: no address can be stored or read")
    return keys


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


@lru_cache(maxsize=4)
def _index_key(configured: str) -> bytes:
    # The index key comes from the oldest key, so that adding a newer one leaves every index as it is.
    oldest = list(_keys(configured).values())[-1]
    return hashlib.sha256(b"campaigns blind index" + oldest).digest()


def encrypt(text: str) -> str:
    """`text` under the newest key; the same text never looks the same twice."""
    key_id, sealed = _seal(text.encode("utf-8", "surrogatepass"))
    return f"{key_id}:{base64.b64encode(sealed).decode()}"


def _seal(data: bytes) -> tuple[str, bytes]:
    """The newest key's id, and nonce and ciphertext under it."""
    keys = _keys(settings.FIELD_KEYS)
    key_id = next(iter(keys))
    nonce = os.urandom(NONCE_BYTES)
    return key_id, nonce + _cipher(keys[key_id]).encrypt(nonce, data, key_id.encode())


def decrypt(stored: str) -> str:
    """The text that `encrypt` was given. Raises `Undecipherable`."""
    key_id, _, encoded = stored.partition(":")
    return _open(key_id, base64.b64decode(encoded)).decode("utf-8", "surrogatepass")


def _open(key_id: str, data: bytes) -> bytes:
    key = _keys(settings.FIELD_KEYS).get(key_id)
    if key is None:
        raise Undecipherable(f"FIELD_KEYS has no key {key_id!r}")
    try:
        return _cipher(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], key_id.encode())
    except InvalidTag:
        raise Undecipherable("a stored value was altered or its key replaced") from None


def encrypt_bytes(data: bytes) -> bytes:
    """Like `encrypt`, for bytes and without the third that base64 adds: `key id : nonce + ciphertext`."""
    key_id, sealed = _seal(data)
    return key_id.encode() + b":" + sealed


def decrypt_bytes(stored: bytes) -> bytes:
    """The bytes that `encrypt_bytes` was given. Raises `Undecipherable`."""
    key_id, _, sealed = bytes(stored).partition(b":")
    return _open(key_id.decode("ascii", "replace"), sealed)


def blind_index(value: str) -> str:
    """A keyed hash of an address: equal addresses meet, nothing can be read back."""
    return hmac.new(_index_key(settings.FIELD_KEYS), value.casefold().encode(), hashlib.sha256).hexdigest()


def search_keys(clinic: UUID, terms: Iterable[str]) -> list[int]:
    """Keyed hashes of what a patient of one clinic is found by, sorted: the same word at another clinic has
    another hash. Signed 64 bits, so two words may meet by chance; whoever searches compares in the open."""
    key, salt = _search_key(settings.FIELD_KEYS), clinic.bytes
    digests = (hmac.digest(key, salt + term.encode("utf-8", "surrogatepass"), "sha256") for term in terms)
    return sorted({int.from_bytes(digest[:8], "big", signed=True) for digest in digests})


def search_key_id() -> str:
    """Names the key of `search_keys` without giving it away: hashes under another are made anew."""
    return hashlib.sha256(b"name of" + _search_key(settings.FIELD_KEYS)).hexdigest()[:8]


@lru_cache(maxsize=4)
def _search_key(configured: str) -> bytes:
    return hashlib.sha256(b"campaigns search" + _index_key(configured)).digest()


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
    _BinaryField = models.BinaryField[bytes, bytes]
else:
    _TextField = models.TextField
    _BinaryField = models.BinaryField


class EncryptedText(_TextField):
    """A text column that the database sees only as ciphertext. It cannot be searched or sorted."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value in (None, "") else encrypt(str(value))

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return value if value in (None, "") else decrypt(str(value))


class EncryptedBytes(_BinaryField):
    """A column of bytes that the database sees only as ciphertext."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: Any = False) -> Any:
        sealed = None if value is None else encrypt_bytes(bytes(value))
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: Any, expression: object, connection: object) -> bytes | None:
        return None if value is None else decrypt_bytes(bytes(value))
