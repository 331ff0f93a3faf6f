"""Real servers, started, stopped, raced and killed."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from campaigns.local import binaries, children, embedded, postgres
from campaigns.local.embedded import AlreadyRunning, ServersFailed
from tests.local.places import close, elsewhere, first_line, launch, processes_of

# The client otherwise tries a wrong password for several seconds.
AT_ONCE = Retry(NoBackoff(), 0)


def write_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")


def rows(url: str) -> list[tuple[int]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT number FROM kept").fetchall()


def setting(servers: embedded.Servers, name: str) -> str:
    with psycopg.connect(servers.database_url) as connection:
        answer = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert answer
    return str(answer[0])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def gone(pids: tuple[int, int]) -> bool:
    return children.wait_until(lambda: not any(children.command_line(pid) for pid in pids), 10)


# --- what a running pair is like


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timezone", "UTC"),
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("log_min_error_statement", "panic"),
        ("is_superuser", "off"),
    ],
)
def test_the_database_is_set_up_for_one_machine(servers: embedded.Servers, name: str, value: str) -> None:
    assert setting(servers, name) == value


def test_text_sorts_alike_on_every_machine(servers: embedded.Servers) -> None:
    question = "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = 'campaigns'"
    with psycopg.connect(servers.database_url) as connection:
        assert connection.execute(question).fetchone() == ("b", "C.UTF-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "0"), ("appendonly", "yes"), ("maxmemory-policy", "noeviction"), ("unixsocketperm", "700")],
)
def test_the_broker_keeps_what_it_is_given(servers: embedded.Servers, name: str, value: str) -> None:
    with redis.Redis.from_url(servers.redis_url, decode_responses=True) as client:
        assert client.config_get(name) == {name: value}


def test_both_ask_for_a_password(servers: embedded.Servers) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://campaigns:wrong@/campaigns?host={servers.site.sockets}")
    with (
        redis.Redis(unix_socket_path=f"{servers.site.sockets}/valkey.sock", retry=AT_ONCE) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_only_the_owner_reaches_sockets_data_and_passwords(servers: embedded.Servers) -> None:
    home = servers.site.home
    assert [mode(folder) for folder in (servers.site.sockets, home, home / "postgres", home / "valkey")] == [
        0o700
    ] * 4
    assert [mode(home / name) for name in ("passwords.json", "valkey.conf")] == [0o600] * 2
    assert mode(postgres.log_path(servers.site)) == 0o600


def test_no_password_is_in_a_process_list(servers: embedded.Servers) -> None:
    command_lines = [children.command_line(pid) for pid in processes_of(servers.site.home)]
    assert len(command_lines) >= 2
    assert not [line for line in command_lines for word in servers.site.passwords.values() if word in line]
    assert not [word for word in servers.site.passwords.values() if word in repr(servers)]


def test_the_socket_paths_are_short_enough_for_every_system(servers: embedded.Servers) -> None:
    assert len(os.fsencode(servers.site.sockets / ".s.PGSQL.65535.lock")) <= 103


def test_a_second_start_says_who_runs_the_servers(servers: embedded.Servers) -> None:
    state = servers.site.logs.parent
    with pytest.raises(AlreadyRunning, match=rf"already running \(pid {os.getpid()}\)"):
        embedded.start(state)
    other = launch(state)
    assert first_line(other) == ""
    assert close(other) == f"The servers of {state} are already running (pid {os.getpid()})."
    assert other.returncode == 1
    assert setting(servers, "timezone") == "UTC"


# --- start, stop and start again


def test_rows_and_keys_outlive_a_stop_and_no_process_does(state: Path) -> None:
    with embedded.start(state) as first:
        write_row(first.database_url)
        with redis.Redis.from_url(first.redis_url, decode_responses=True) as client:
            client.set("kept", "7")
    assert not any(children.command_line(pid) for pid in first.pids)
    assert not first.site.sockets.exists()
    assert not processes_of(state)
    first.stop()
    with (
        embedded.start(state) as second,
        redis.Redis.from_url(second.redis_url, decode_responses=True) as client,
    ):
        assert rows(second.database_url) == [(7,)]
        assert client.get("kept") == "7"


def test_two_cold_starts_at_once_give_one_pair_of_servers(state: Path) -> None:
    racers = [launch(state), launch(state)]
    lines = [first_line(racer) for racer in racers]
    winner, loser = racers if lines[0] else racers[::-1]
    assert close(loser) == f"The servers of {state} are already running (pid {winner.pid})."
    database_url = json.loads("".join(lines))[0]
    write_row(database_url)
    assert rows(database_url) == [(7,)]
    assert close(winner) == ""
    assert not processes_of(state)


def test_a_killed_database_is_revived_with_its_rows(state: Path) -> None:
    with embedded.start(state) as servers:
        write_row(servers.database_url)
        assert servers.revive() == []
        for pid in servers.pids:
            os.kill(pid, signal.SIGKILL)
        servers.postgres.wait()
        servers.valkey.wait()
        assert servers.revive() == ["PostgreSQL", "Valkey"]
        assert rows(servers.database_url) == [(7,)]


def test_the_servers_end_with_a_killed_supervisor(state: Path) -> None:
    with elsewhere(state) as other:
        write_row(other.database_url)
        other.process.kill()
        # At once: the old servers are still busy ending.
        with embedded.start(state) as servers:
            assert rows(servers.database_url) == [(7,)]
        assert gone(other.pids)
    assert not processes_of(state)


def test_a_start_after_a_power_cut_finds_the_rows(state: Path) -> None:
    with elsewhere(state) as other:
        write_row(other.database_url)
        with redis.Redis.from_url(other.redis_url) as client:
            client.set("kept", "7")
            client.waitaof(1, 0, 1000)
        for pid in (other.process.pid, *other.pids):
            os.kill(pid, signal.SIGKILL)
    traces = state / "servers" / "main" / "postgres" / "postmaster.pid"
    # After a restart of the machine the number belongs to another program.
    traces.write_text("\n".join([str(os.getpid()), *traces.read_text().splitlines()[1:], ""]))
    with embedded.start(state) as servers, redis.Redis.from_url(servers.redis_url) as client:
        assert rows(servers.database_url) == [(7,)]
        assert client.get("kept") == b"7"


def test_a_first_start_cut_short_is_made_good(state: Path) -> None:
    half_made = state / "servers" / "main" / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    account = children.server_account()
    if account:
        os.chown(half_made.parent, account.uid, account.gid)
    with embedded.start(state, fast=True) as servers:
        assert setting(servers, "timezone") == "UTC"
    assert not half_made.exists()


def test_fast_servers_give_up_durability(state: Path) -> None:
    with embedded.start(state, fast=True) as servers:
        assert [setting(servers, name) for name in ("fsync", "synchronous_commit")] == ["off", "off"]


def test_on_request_they_listen_on_this_machine_with_passwords(state: Path) -> None:
    with embedded.start(state, tcp=True, fast=True) as servers:
        port = servers.ports[0]
        assert f"@127.0.0.1:{port}/campaigns" in servers.database_url
        assert setting(servers, "listen_addresses") == "127.0.0.1"
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://campaigns:wrong@127.0.0.1:{port}/campaigns")
        with (
            redis.Redis(port=servers.ports[1], retry=AT_ONCE) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


def test_they_run_as_nobody_for_root_and_as_the_caller_otherwise(servers: embedded.Servers) -> None:
    account = children.server_account()
    expected = account.uid if account else os.geteuid()
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in servers.pids} == {expected}


def test_an_ordinary_user_starts_them_too(state: Path) -> None:
    programs = binaries.locate()
    account = children.server_account()
    arguments = []
    if account:
        programs = binaries.for_other_account(programs)
        os.chown(state, account.uid, account.gid)
        arguments = ["nobody", *(str(path) for path in (programs.initdb, programs.postgres, programs.valkey))]
    with elsewhere(state, *arguments) as other:
        expected = account.uid if account else os.geteuid()
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in other.pids} == {expected}
        write_row(other.database_url)
        assert rows(other.database_url) == [(7,)]
    assert gone(other.pids)


# --- when it cannot be


def test_a_damaged_database_is_one_clear_line_and_leaves_nothing_running(state: Path) -> None:
    with embedded.start(state, fast=True) as servers:
        version = servers.site.home / "postgres" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(ServersFailed, match="PostgreSQL did not start: FATAL") as failure:
        embedded.start(state, fast=True)
    assert "\n" not in str(failure.value)
    assert not processes_of(state)
    version.write_text("18\n")
    with embedded.start(state, fast=True) as servers:
        assert setting(servers, "timezone") == "UTC"


def test_a_state_folder_that_cannot_be_made_is_one_clear_line(state: Path) -> None:
    (state / "file").write_text("")
    with pytest.raises(ServersFailed, match=r"cannot start: .*file"):
        embedded.start(state / "file" / "below")
