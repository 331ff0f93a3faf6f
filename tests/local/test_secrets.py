"""Keys are made once and never remade."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from campaigns.local import secrets


def test_keys_are_made_once_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    keys = secrets.ensure(tmp_path / "state")
    assert secrets.ensure(tmp_path / "state") == keys
    assert (tmp_path / "state" / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["secrets.json"]


def test_the_field_key_has_a_name_and_32_bytes(tmp_path: Path) -> None:
    name, _, key = secrets.ensure(tmp_path)["FIELD_KEYS"].partition(":")
    assert name == "k1"
    assert len(base64.b64decode(key, validate=True)) == 32


def test_two_installations_share_no_key(tmp_path: Path) -> None:
    first, second = secrets.ensure(tmp_path / "a"), secrets.ensure(tmp_path / "b")
    assert not set(first.values()) & set(second.values())


def test_of_many_first_starts_at_once_one_makes_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: secrets.ensure(tmp_path), range(32)))
    assert all(keys == found[0] for keys in found)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"SECRET_KEY": "x"}'])
def test_a_damaged_file_is_reported_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(secrets.SecretsUnreadable, match=r"damaged\. Bring it back from a backup"):
        secrets.ensure(tmp_path)
    assert path.read_text() == content


def test_a_file_others_could_read_is_closed(tmp_path: Path) -> None:
    secrets.ensure(tmp_path)
    (tmp_path / "secrets.json").chmod(0o644)
    secrets.ensure(tmp_path)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
