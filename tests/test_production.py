"""What an operator runs: containers that hold nothing open, and the same processes without containers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import urllib3
import yaml

from campaigns.__main__ import LAUNCHERS
from campaigns.local import children, embedded, postgres, secrets
from campaigns.services.examine import SERVERS
from tests.house.sources import ROOT, product
from tests.test_docs import settings_read

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SECRET = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "TWILIO_AUTH_TOKEN", "EMAIL_URL"}
SECRET |= {"MAIL_WEBHOOK_SECRET", "INBOUND_IMAP_URL"}

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
every_process = pytest.mark.parametrize("service", OURS.values(), ids=OURS)


# --- docker-compose.yml


def test_the_compose_file_has_the_processes_of_an_installation() -> None:
    assert set(OURS) == {"web", "worker", "alerts", "beat", "mail-in", "migrate", "doctor"}
    assert set(SERVICES) - set(OURS) == {"postgres", "valkey", "mail"}
    assert [name for name, service in SERVICES.items() if "mail" in service.get("profiles", [])] == ["mail"]


@every_service
def test_a_container_can_change_nothing_and_gain_nothing(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert str(service["user"]).partition(":")[0] not in {"root", "0", ""}


@every_service
def test_a_container_has_limits_and_says_whether_it_is_well(service: dict[str, Any]) -> None:
    assert {"mem_limit", "cpus", "pids_limit", "restart"} <= set(service)
    well = service.get("healthcheck") or ("HEALTHCHECK" in DOCKERFILE and service["command"][0] == "web")
    assert well, "neither a healthcheck of its own nor that of the image"


@every_service
def test_ports_are_published_to_this_machine_only(service: dict[str, Any]) -> None:
    assert [port for port in service.get("ports", []) if not str(port).startswith("127.0.0.1:")] == []


@every_service
def test_an_image_is_named_with_its_version(service: dict[str, Any]) -> None:
    _, _, tag = service["image"].rpartition(":")
    assert re.match(r"v?\d", tag)


@every_process
def test_a_process_gets_only_settings_that_exist_and_its_secrets_as_files(service: dict[str, Any]) -> None:
    names = set(service["environment"])
    known = settings_read(product())
    assert {name.removesuffix("_FILE") for name in names} <= known
    assert {f"{name}_FILE" for name in SECRET} <= names
    assert not SECRET & names
    files = {value for name, value in service["environment"].items() if name.endswith("_FILE")}
    assert files == {f"/run/secrets/{name}" for name in service["secrets"]}


@every_process
def test_a_process_runs_a_command_that_exists(service: dict[str, Any]) -> None:
    assert service["command"][0] in {*LAUNCHERS, "mail-in", "migrate", "doctor"}


@every_service
def test_every_secret_of_a_service_is_defined(service: dict[str, Any]) -> None:
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_every_secret_is_used_and_stays_out_of_the_image() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    assert all(secret["file"].startswith("./secrets/") for secret in COMPOSE["secrets"].values())


def test_the_operations_guide_makes_every_secret() -> None:
    guide = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"> (\w+)$", guide, re.MULTILINE)) >= set(COMPOSE["secrets"])


def test_the_servers_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert [SERVICES[name]["networks"] for name in ("postgres", "valkey")] == [["inside"], ["inside"]]


def test_the_servers_are_ones_that_we_test_on() -> None:
    assert int(re.findall(r"postgres:(\d+)", SERVICES["postgres"]["image"])[0]) in SERVERS
    assert "noeviction" in SERVICES["valkey"]["command"][-1]


# --- Dockerfile


def instructions(name: str) -> list[str]:
    """What stands behind each instruction of that name, lines joined."""
    return re.findall(rf"^{name} +(.+)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def test_the_image_runs_as_nobody_in_particular() -> None:
    user, _, group = instructions("USER")[-1].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert {service["user"] for service in OURS.values()} == {f"{user}:{group}"}


def test_the_image_is_built_from_a_named_python_and_the_locked_packages() -> None:
    [version] = instructions("ARG")
    assert re.match(r"PYTHON=3\.1[1-4]-slim-\w+$", version)
    assert {line.partition(" AS ")[0] for line in instructions("FROM")} == {"python:${PYTHON}"}
    assert "--require-hashes" in DOCKERFILE
    assert instructions("ADD") == []


def test_the_image_never_asks_the_system_for_zone_data() -> None:
    assert 'PYTHONTZPATH=""' in DOCKERFILE


def test_the_image_holds_only_what_it_needs() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    assert not {"secrets", ".env", ".git", "tests"} & set(allowed)


# --- the same processes without containers

SCRIPT = """
import django
django.setup()
import worker
from campaigns.tasks import reconcile
from tests import factories
factories.set_now(factories.NOON)
clinic = factories.make_clinic()
for number in range(5):
    email, phone = f"patient{number}@patients.example", f"+1604555012{number}"
    factories.make_patient(clinic, phone=phone, email=email, sequences=["welcome"])
reconcile.delay()
"""


def command(*words: object) -> list[str]:
    """A command of ours."""
    return [sys.executable, "-m", "campaigns", *map(str, words)]


def run(words: list[str], env: Mapping[str, str], timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        words, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout
    )


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[embedded.Servers]:
    """A PostgreSQL and a Valkey that listen on TCP and want passwords."""
    with embedded.start(tmp_path / "state", tcp=True, fast=True) as running:
        yield running


@pytest.fixture
def env(servers: embedded.Servers, tmp_path: Path) -> dict[str, str]:
    """What every machine of the installation is told."""
    return {
        **os.environ,
        **secrets.ensure(tmp_path / "state"),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "CAMPAIGNS_STATE": str(tmp_path / "state"),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{postgres.free_port()}",
        "ALLOWED_HOSTS": "",
    }


def messages(env: Mapping[str, str]) -> list[tuple[str, int]]:
    """State and number of tries of each message."""
    query = "SELECT state, (SELECT count(*) FROM attempt WHERE message_id = message.id) FROM message"
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        return connection.execute(query).fetchall()


def answer(env: Mapping[str, str], path: str) -> int:
    """The status that the site answers with; 0 when it does not."""
    try:
        url = env["PUBLIC_BASE_URL"] + path
        return int(urllib3.request("GET", url, redirect=False, retries=False, timeout=5).status)
    except urllib3.exceptions.HTTPError:
        return 0


def gone(pid: int) -> bool:
    """Whether nothing is left of a process group."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_strangers_are_refused_by_both_servers(servers: embedded.Servers) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(re.sub(r":\w+@", ":wrong@", servers.database_url))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(re.sub(r":\w+@", "", servers.redis_url)).ping()


@pytest.mark.slow
def test_site_two_workers_and_beat_send_over_tcp_and_stop_when_asked(
    env: dict[str, str], tmp_path: Path
) -> None:
    assert run(command("migrate", "--verbosity", "0"), env).returncode == 0
    port = env["PUBLIC_BASE_URL"].rpartition(":")[2]
    programs = {
        "web": command("web", "--port", port),
        "worker-1": command("worker", "--name", "one", "--concurrency", 1),
        "worker-2": command("worker", "--name", "two", "--concurrency", 1),
        "beat": command("beat"),
    }
    running = {
        name: children.spawn(words, log=tmp_path / f"{name}.log", env=env, cwd=ROOT)
        for name, words in programs.items()
    }

    def is_ready(name: str) -> bool:
        return " ready." in (tmp_path / f"{name}.log").read_text()

    try:
        enrolled = run([sys.executable, "-c", SCRIPT], env)
        assert enrolled.returncode == 0, enrolled.stderr
        done = [("accepted", 1)] * 10  # a text and an e-mail for each of five patients, tried once
        assert children.wait_until(lambda: messages(env) == done, 20, pause=0.2), messages(env)
        assert children.wait_until(lambda: answer(env, "/readyz") == 200, 15, pause=0.2)
        assert (answer(env, "/healthz"), answer(env, "/")) == (200, 302)
        # Celery answers signals in its own way only from then on.
        assert children.wait_until(lambda: all(map(is_ready, ("worker-1", "worker-2"))), 10)
        for child in running.values():
            child.send_signal(signal.SIGTERM)
        codes = {name: child.wait(15) for name, child in running.items()}
    finally:
        for child in running.values():
            children.stop(child, signal.SIGTERM, 5)
    assert codes == dict.fromkeys(programs, 0)
    assert all(gone(child.pid) for child in running.values())
    logs = {name: (tmp_path / f"{name}.log").read_text() for name in programs}
    assert [name for name, text in logs.items() if "Traceback" in text] == []
    assert [name for name, text in logs.items() if "patients.example" in text or "604555" in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_a_process_refuses_to_start_on_unsafe_settings(process: str) -> None:
    unsafe = {**os.environ, "SECRET_KEY": "", "ALLOWED_HOSTS": "*"}
    refused = run(command(process), unsafe, timeout=10)
    assert refused.returncode == 1
    assert "SECRET_KEY is not set" in refused.stderr
    assert "ALLOWED_HOSTS allows every host" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_doctor_says_in_one_line_each_that_both_servers_are_down() -> None:
    down = {"DATABASE_URL": "postgresql://a:b@127.0.0.1:9/c", "REDIS_URL": "redis://:b@127.0.0.1:9/0"}
    told = run(command("doctor"), {**os.environ, **down})
    assert told.returncode == 1
    assert [line.split(":")[0] for line in told.stdout.splitlines() if line.startswith("error")] == [
        "error    Redis does not answer",
        "error    The database does not answer",
    ]
    assert "Traceback" not in told.stdout + told.stderr
