"""Words that stand in nothing but one field of a patient, and the search for them in every place there is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import redis

MARKERS = {
    "given name": "Zqgivenzq",
    "family name": "Zqfamilyzq",
    "phone": "6045550163",
    "mailbox": "zqmailboxzq",
    "evidence": "Zqevidencezq",
    "interpreter": "Zqinterpreterzq",
    "reply": "zqreplyzq",
    "danger": "zqdangerzq",
    "form note": "zqformnotezq",
    "alert note": "zqalertnotezq",
    "call note": "zqcallnotezq",
    "told": "zqtoldzq",
    "mail subject": "zqsubjectzq",
    "mail words": "zqmailwordszq",
    "mail name": "Zqsendernamezq",
    "stranger": "6045550164",
    "stranger's words": "zqstrangerzq",
}
"""Field -> a word that stands in nothing but what was typed there."""

_VALUES = re.compile("|".join(map(re.escape, MARKERS.values())), re.IGNORECASE)
_FIELDS = {value.lower(): name for name, value in MARKERS.items()}

Found = dict[str, list[str]]


def fields_in(text: str) -> set[str]:
    """The fields whose word stands in a text, however it is escaped for an address."""
    plain = text.replace("%2B", "+").replace("%40", "@")
    return {_FIELDS[one.lower()] for one in _VALUES.findall(plain)}


def found_in(places: Iterable[tuple[str, str]]) -> Found:
    """Place -> the fields whose words stand there, for places that hold any."""
    found: dict[str, set[str]] = {}
    for place, text in places:
        if held := fields_in(text):
            found.setdefault(place, set()).update(held)
    return {place: sorted(held) for place, held in found.items()}


# --- the places


def logs(state: Path) -> Iterator[tuple[str, str]]:
    """What every process wrote, servers included, but not what the loopback providers took."""
    for path in sorted(state.rglob("*")):
        is_data = any(
            part in {"postgres", "postgresql", "pgdata", "data"}
            for part in path.relative_to(state).parts[:-1]
        )
        if (
            path.is_file()
            and path.name not in {"sms.log", "mail.log"}
            and (not is_data or path.suffix == ".log")
        ):
            yield f"file {path.name}", path.read_bytes().decode("utf-8", "replace")


def processes() -> Iterator[tuple[str, str]]:
    """Arguments and environment of every process of this machine that we may look at."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            for name in ("cmdline", "environ"):
                try:
                    yield f"process {name}", (folder / name).read_bytes().decode("utf-8", "replace")
                except OSError:
                    continue


def valkey(url: str) -> Iterator[tuple[str, str]]:
    """Every key and what it holds."""
    client = redis.Redis.from_url(url)
    for key in client.scan_iter("*", count=1000):
        yield "valkey key", key.decode("utf-8", "replace")
        yield "valkey value", (client.dump(key) or b"").decode("utf-8", "replace") + str(_value(client, key))
    client.close()


def _value(client: Any, key: bytes) -> object:
    reads: dict[bytes, Callable[[bytes], object]] = {
        b"string": client.get,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda name: client.zrange(name, 0, -1),
    }
    read = reads.get(client.type(key))
    return read(key) if read else b""


def columns() -> Iterator[tuple[str, str]]:
    """Every column of every table as the database has it."""
    from django.db import connection

    from tests.hostile.fingerprint import tables

    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608  a name from the catalog
            for (row,) in cursor.fetchall():
                for column, value in json.loads(row).items():
                    yield f"column {table}.{column}", _as_text(value)


def _as_text(value: object) -> str:
    if isinstance(value, str) and value.startswith("\\x"):
        return bytes.fromhex(value[2:]).decode("utf-8", "replace")
    return value if isinstance(value, str) else json.dumps(value)


def unsealed() -> list[str]:
    """Columns declared encrypted that hold a value which is not, and how many there are at all."""
    from django.apps import apps
    from django.conf import settings
    from django.db import connection

    from campaigns.models.encryption import EncryptedBytes, EncryptedText

    seal = settings.FIELD_KEYS.partition(":")[0] + ":"
    wrong = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("campaigns").get_models():
            for one in model._meta.concrete_fields:
                if not isinstance(one, (EncryptedText, EncryptedBytes)):
                    continue
                text = (
                    f'"{one.column}"'
                    if isinstance(one, EncryptedText)
                    else f"encode(\"{one.column}\", 'escape')"
                )
                table = f'"{model._meta.db_table}"'
                asked = f"SELECT count(*) FROM {table} WHERE {text} <> '' AND left({text}, %s) <> %s"  # noqa: S608
                cursor.execute(asked, [len(seal), seal])
                if cursor.fetchone()[0]:
                    wrong.append(f"{model._meta.db_table}.{one.column}")
    return wrong


def kept() -> set[str]:
    """The fields whose words the database has once its seals are opened: what was typed did come in."""
    from django.apps import apps
    from django.db.models import Model

    from campaigns.models.encryption import EncryptedBytes, EncryptedText

    found: set[str] = set()
    models: Iterable[type[Model]] = apps.get_app_config("campaigns").get_models()
    for model in models:
        sealed = [
            f.attname for f in model._meta.concrete_fields if isinstance(f, (EncryptedText, EncryptedBytes))
        ]
        for row in model._default_manager.values_list(*sealed) if sealed else ():
            opened = (one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in row)
            found |= fields_in("\n".join(opened))
    return found
