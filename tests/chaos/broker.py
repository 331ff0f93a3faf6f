"""Looks into the broker for what must not be there, and empties it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis

from tests.chaos.ground import DOMAIN, MARK

MARKS = re.compile(rf"{MARK}|{DOMAIN}|1\d{{3}}55501\d\d")
"""A name, an address, a phone of a patient."""


def connect(url: str) -> Any:
    """A client that does not wait for a broker that is away."""
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def empty(url: str) -> bool:
    """FLUSHALL; whether it answered."""
    with suppress(redis.RedisError), connect(url) as client:
        return bool(client.flushall())
    return False


def found(url: str) -> list[str]:
    """The keys that hold a mark of a patient, at this moment."""
    seen = []
    with suppress(redis.RedisError), connect(url) as client:
        for key in client.scan_iter(count=1000):
            words = " ".join([key.decode(errors="replace"), *_values(client, key)])
            seen += [f"{key!r} holds {mark}" for mark in MARKS.findall(words)]
    return seen


def _values(client: Any, key: bytes) -> Iterator[str]:
    match client.type(key):
        case b"list":
            some = client.lrange(key, 0, -1)
        case b"hash":
            some = [part for pair in client.hgetall(key).items() for part in pair]
        case b"set":
            some = client.smembers(key)
        case b"zset":
            some = client.zrange(key, 0, -1)
        case _:
            some = [client.get(key) or b""]
    for value in some:
        text = value.decode(errors="replace")
        yield text
        yield _body(text)


def _body(text: str) -> str:
    """The words of a task, which lie coded in its envelope."""
    with suppress(ValueError, KeyError, TypeError, binascii.Error):
        return base64.b64decode(json.loads(text)["body"]).decode(errors="replace")
    return ""
