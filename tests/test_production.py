"""What an operator runs: containers that hold nothing open, and the same processes without containers."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import urllib3
import yaml

from campaigns.__main__ import LAUNCHERS
from campaigns.local import children, embedded, postgres, processes, secrets
from campaigns.local.folders import make_state
from campaigns.local.loopback_twilio import LoopbackTwilio
from campaigns.services.examine import SERVERS
from tests import factories
from tests.house.sources import ROOT, product
from tests.test_docs import settings_read

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SECRET = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "TWILIO_AUTH_TOKEN", "EMAIL_URL"}
SECRET |= {"ALERT_EMAIL_URL", "HEARTBEAT_URL", "MAIL_WEBHOOK_SECRET", "INBOUND_IMAP_URL"}

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
every_process = pytest.mark.parametrize("service", OURS.values(), ids=OURS)


# --- docker-compose.yml


def test_the_compose_file_has_the_processes_of_an_installation() -> None:
    assert set(OURS) == {"web", "worker", "alerts", "beat", "watch", "mail-in", "migrate", "doctor"}
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
    assert service["command"][0] in {*LAUNCHERS, "watch", "mail-in", "migrate", "doctor"}


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
from datetime import timedelta
from campaigns.models import Message
from tests import factories
factories.set_now(factories.NOON)
clinic = factories.make_clinic()
for number in range(15):
    email, phone = f"patient{number}@patients.example", f"+160455501{number + 20}"
    factories.make_patient(clinic, phone=phone, email=email, sequences=["welcome"])
Message.objects.update(due_at=factories.NOON + timedelta(hours=1))
"""
PATIENTS = 15
PHONES = [f"+160455501{number + 20}" for number in range(PATIENTS)]
"""A text and an e-mail for each, none of them due yet."""
LAST = 2
"""Of these, the text and the e-mail that are on the way when everything is asked to stop."""


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
    query += " ORDER BY id"
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


class Listener:
    """Everything that is said to Redis, bodies of tasks opened."""

    def __init__(self, url: str) -> None:
        self.heard: list[str] = []
        self._client = redis.Redis.from_url(url)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(redis.RedisError, OSError, ValueError), self._client.monitor() as monitor:  # type: ignore[no-untyped-call]
            for said in monitor.listen():
                self.heard.append(_opened(said["command"]))

    def close(self) -> None:
        self._thread.join(5)
        self._client.close()


def _opened(command: str) -> str:
    bodies = re.findall(r'"?body\W+([A-Za-z0-9+/=]{8,})', command)
    return " ".join([command, *(base64.b64decode(body).decode() for body in bodies)])


def release(env: Mapping[str, str], count: int) -> None:
    """Let so many messages more be due."""
    due = "SELECT id FROM message WHERE due_at > %(noon)s AND state = 'planned' ORDER BY id LIMIT %(count)s"
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        connection.execute(
            f"UPDATE message SET due_at = %(noon)s WHERE id IN ({due})",  # noqa: S608
            {"noon": factories.NOON, "count": count},
        )


@pytest.fixture
def twilio(env: dict[str, str]) -> Iterator[LoopbackTwilio]:
    """Where texts go. It never calls back."""
    with LoopbackTwilio(auth_token="token") as server:
        server.callbacks = False
        env |= {"SMS_CHANNEL": "twilio", "TWILIO_API_BASE_URL": server.base_url, "CAMPAIGNS_DEMO": "1"}
        env |= {"TWILIO_ACCOUNT_SID": server.account_sid, "TWILIO_AUTH_TOKEN": "token"}
        env |= {"TWILIO_FROM": "+16045550199"}
        yield server


@dataclass
class Machines:
    """Two of everything: `programs` by name, what they were told, and where they write."""

    one: dict[str, str]
    two: dict[str, str]
    logs: Path
    programs: dict[str, children.Child] = field(default_factory=dict)

    def start(self) -> None:
        """The first machine's by our commands, the second's by what those become: half of the time."""
        ports = [machine["PUBLIC_BASE_URL"].rpartition(":")[2] for machine in (self.one, self.two)]
        started: dict[str, tuple[Sequence[str | Path], dict[str, str]]] = {
            "web-one": (command("web", "--workers", 1, "--port", ports[0]), self.one),
            "worker-one": (command("worker", "--name", "one", "--concurrency", 1), self.one),
            "beat-one": (command("beat"), self.one),
            "web-two": (processes.web(int(ports[1]), workers=1).command, self.two),
            "worker-two": (processes.worker(name="two").command, self.two),
            "beat-two": (processes.beat(make_state(Path(self.two["CAMPAIGNS_STATE"]))).command, self.two),
        }
        for name, (words, told) in started.items():
            self.programs[name] = children.spawn(words, log=self.logs / f"{name}.log", env=told, cwd=ROOT)
        # Celery answers signals in its own way only from then on.
        assert children.wait_until(self._are_ready, 30)

    def _are_ready(self) -> bool:
        logs = [(self.logs / f"worker-{name}.log").read_text() for name in ("one", "two")]
        return all(" ready." in log for log in logs)

    def stop(self) -> dict[str, int]:
        """Ask all to end; their exit codes."""
        for child in self.programs.values():
            child.send_signal(signal.SIGTERM)
        return {name: child.wait(15) for name, child in self.programs.items()}


@pytest.fixture
def machines(env: dict[str, str], twilio: LoopbackTwilio, tmp_path: Path) -> Iterator[Machines]:
    """Two machines of one installation with patients to whom nothing is due yet."""
    site = f"http://127.0.0.1:{postgres.free_port()}"
    two = Machines(
        env, {**env, "CAMPAIGNS_STATE": str(tmp_path / "other"), "PUBLIC_BASE_URL": site}, tmp_path
    )
    assert run(command("migrate", "--verbosity", "0"), env).returncode == 0
    enrolled = run([sys.executable, "-c", SCRIPT], env)
    assert enrolled.returncode == 0, enrolled.stderr
    try:
        two.start()
        yield two
    finally:
        for child in two.programs.values():
            children.stop(child, signal.SIGTERM, 5)


def sent(env: Mapping[str, str], count: int, seconds: float) -> bool:
    """Whether so many messages have gone in time."""
    return children.wait_until(lambda: tried(env) == count, seconds, pause=0.1)


def empty_again_and_again(env: Mapping[str, str]) -> None:
    """Messages become due while Redis is emptied under the workers."""
    with redis.Redis.from_url(env["REDIS_URL"]) as broker:
        for number in range(4):
            release(env, 2)
            time.sleep(0.5)
            broker.flushall()
            release(env, 2)
            assert sent(env, 4 * (number + 1), 20), messages(env)


def kill_and_bring_back(servers: embedded.Servers, env: Mapping[str, str], log: Path) -> None:
    """Redis is killed, and what becomes due meanwhile goes by `send-due`; then it is back."""
    servers.valkey.kill()
    servers.valkey.wait()
    before = tried(env)
    release(env, 4)
    time.sleep(1)
    assert tried(env) == before
    alone = children.spawn(command("send-due", "--watch", "--every", "0.2"), log=log, env=env, cwd=ROOT)
    assert sent(env, before + 4, 20), messages(env)
    children.stop(alone, signal.SIGTERM, 10)
    release(env, PATIENTS * 2 - before - 4 - LAST)
    assert servers.revive() == ["Valkey"]
    assert sent(env, PATIENTS * 2 - LAST, 40), messages(env)


def stop_in_the_middle(machines: Machines, twilio: LoopbackTwilio) -> dict[str, int]:
    """All are asked to stop while the provider, which is slow, has a text in hand; their exit codes."""
    asked, taken = twilio.requests, twilio.count
    twilio.latency = 1.5
    release(machines.one, LAST)
    assert children.wait_until(lambda: twilio.requests > asked, 15)
    assert twilio.count == taken
    return machines.stop()


@pytest.mark.slow
def test_site_two_workers_and_beat_send_over_tcp_and_stop_when_asked(
    servers: embedded.Servers, machines: Machines, twilio: LoopbackTwilio
) -> None:
    """Two machines, each with a site, a worker and a beat. Redis is emptied under them again and again, then
    killed and away, while messages become due: each goes once, and nothing about anybody is said to Redis."""
    env, other = machines.one, machines.two
    listener = Listener(env["REDIS_URL"])
    empty_again_and_again(env)
    assert children.wait_until(lambda: answer(env, "/readyz") == answer(other, "/readyz") == 200, 15)
    assert (answer(env, "/healthz"), answer(other, "/")) == (200, 302)
    kill_and_bring_back(servers, env, machines.logs / "send-due.log")
    codes = stop_in_the_middle(machines, twilio)
    listener.close()
    # Who is asked to stop ends what it has in hand, and puts it on record.
    assert messages(env) == [("accepted", 1)] * PATIENTS * 2
    assert sorted(text.to for text in twilio.messages) == sorted(PHONES)
    assert codes == dict.fromkeys(machines.programs, 0)
    assert all(gone(child.pid) for child in machines.programs.values())
    logs = {path.stem: path.read_text() for path in machines.logs.glob("*.log")}
    assert [name for name, text in logs.items() if "Traceback" in text] == []
    assert [name for name, text in logs.items() if "patients.example" in text or "604555" in text] == []
    said = "\n".join(listener.heard)
    assert "send_due" in said
    assert '[[], {}, {"callbacks": null' in said  # the body of a task: no arguments
    assert [marker for marker in ("patients.example", "604555", "Test", "Patient") if marker in said] == []


def tried(env: Mapping[str, str]) -> int:
    """How many messages the provider has taken."""
    return sum(state == "accepted" for state, _ in messages(env))


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
