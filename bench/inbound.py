"""`inbound`: signed texts at a steady rate, to the real site and worker, until each has its outcome.

Counts what was answered and not stored (none may be), how long an answer took, and how long after it was sent
an emergency stood before the staff. The limit is a bare view with a signature check and one insert.
"""

from __future__ import annotations

import base64
import json
import random
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlencode

import psycopg
from rich.console import Console

from bench import ground, machine, seed
from bench.figures import LIMIT, OURS
from bench.ground import BenchFailed, Ground
from bench.report import Aim, Sheet, percentile, show_aims, show_facts, show_sheet
from campaigns.delivery.sms_twilio import sign
from campaigns.domain.languages import SUPPORTED
from campaigns.local import children
from campaigns.local.postgres import free_port
from campaigns.local.processes import ROOT, Processes, Program, beat, web, worker
from campaigns.local.progress import Advance

HALF = "campaigns, half the rate"
PATH = "/webhooks/twilio/inbound"
EMERGENCIES = 0.01
"""The share of texts that are emergencies; the rest are answers, questions and thanks."""
_REPLIES = ROOT / "tests" / "fixtures" / "replies" / "sets"
_TEXTS_A_PROCESS = 100.0
"""Texts a second that ask for one more process of the site, up to two: there are two cores."""
_LONGEST_DRAIN = 400.0
_LOOK_EVERY = 0.05
UNALERTED = """SELECT count(*) FROM reply r WHERE urgency = 'emergency'
AND NOT EXISTS (SELECT FROM alert a WHERE a.reply_id = r.id AND a.urgency = 'emergency')"""
BARE_TABLE = "CREATE TABLE bare_reply (provider_id text PRIMARY KEY, sender text, body text)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One storm over one contender. Seconds; `alerted` are each emergency's from sending to its alert."""

    contender: str
    sent: int
    refused: int
    lost: int
    unfinished: int
    doubled: int
    rate: float
    latency: Sequence[float]
    alerted: Sequence[float]
    unalerted: int
    drained: float
    cpu: Mapping[str, float]

    @property
    def complaints(self) -> list[str]:
        """What must not be."""
        wrong = {
            "answered and not stored": self.lost,
            "not answered": self.refused,
            "stored and not understood or shown": self.unfinished,
            "stored twice": self.doubled,
            "emergencies without an alert": self.unalerted,
        }
        return [f"{count} texts {what}" for what, count in wrong.items() if count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The storms, with what they depend on."""

    rate: float
    seconds: int
    seed: int
    machine: Mapping[str, str]
    runs: Sequence[Run]

    @property
    def complaints(self) -> list[str]:
        """What was wrong, with whose run."""
        return [f"{run.contender}: {one}" for run in self.runs for one in run.complaints]


def measure(
    place: Ground,
    *,
    rate: float,
    seconds: int,
    half: int,
    seed: int,
    contenders: Sequence[str],
    advance: Advance,
) -> Result:
    """Run it. Raises BenchFailed."""
    facts = machine.facts()
    patients = _make_patients(place, advance, int(rate * seconds))
    texts = _requests(patients, rate, seconds, seed)
    sites = 2 if rate > _TEXTS_A_PROCESS else 1
    chosen = [name for name in (OURS, LIMIT) if name in contenders]
    runs = [_storm(place, name, texts, rate, sites, advance) for name in chosen]
    if half and runs[0].contender == OURS:
        slow = runs[0].rate / 2
        again = _storm(place, OURS, texts[: int(slow * seconds)], slow, sites, advance)
        runs.insert(1, replace(again, contender=HALF))
    return Result(rate=rate, seconds=seconds, seed=seed, machine=facts, runs=runs)


# --- who texts, and what


@dataclass(frozen=True, slots=True)
class Text:
    """One request: its id, whether it is an emergency, and its bytes."""

    id: str
    is_emergency: bool
    content: bytes


def _make_patients(place: Ground, advance: Advance, texts: int) -> list[tuple[str, str]]:
    """Patients of every language, asked how the pain is an hour ago: one for twenty texts, and no more than
    there are numbers kept for fiction. (phone, language)"""
    seed.make_clinic()
    from campaigns.models import Installation, Message

    made = []
    phones = [seed.phone(number) for number in range(max(len(SUPPORTED), texts // 20))]
    for index, phone in enumerate(phones):
        language = list(SUPPORTED)[index % len(SUPPORTED)]
        patient = seed.enroll_one(language, phone=phone, email="")
        asked = Message.objects.filter(patient=patient).first()
        if asked is not None:
            sent_at = datetime.now(UTC) - timedelta(hours=1)
            Message.objects.filter(pk=asked.pk).update(asks="pain", state="delivered", sent_at=sent_at)
        made.append((phone, language))
        advance("patients", index + 1, len(phones))
        place.deadline.check()
    # Enrolled on the standing clock, for which their visits lie ahead; they text on the real one.
    Installation.objects.update(rehearsal_now=None)
    ground.leave_database()
    return made


def _requests(patients: list[tuple[str, str]], rate: float, seconds: int, seed: int) -> list[Text]:
    chance = random.Random(seed)
    said = {language: _said(language) for _, language in patients}
    texts = []
    for number in range(int(rate * seconds)):
        phone, language = chance.choice(patients)
        is_emergency = chance.random() < EMERGENCIES
        body = chance.choice(said[language][is_emergency])
        texts.append(_text(f"SM{number:032d}", phone, body, is_emergency))
    return texts


def _said(language: str) -> dict[bool, list[str]]:
    lines = (_REPLIES / f"{language}.tune.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    kinds = {"answer", "ambiguous", "other", "help"}
    return {
        True: [one["text"] for one in found if one["class"] == "emergency"],
        False: [one["text"] for one in found if one["class"] in kinds],
    }


def _text(sid: str, phone: str, body: str, is_emergency: bool) -> Text:
    form = {"MessageSid": sid, "AccountSid": ground.ACCOUNT, "From": phone, "To": ground.SENDER, "Body": body}
    content = urlencode(form).encode()
    head = [
        f"POST {PATH} HTTP/1.1",
        "Host: clinic.example",
        "X-Forwarded-Proto: https",
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
        f"X-Twilio-Signature: {sign('https://clinic.example' + PATH, form, ground.TOKEN)}",
        f"Content-Length: {len(content)}",
    ]
    return Text(sid, is_emergency, "\r\n".join([*head, "", ""]).encode() + content)


# --- the storm


def _storm(
    place: Ground, contender: str, texts: list[Text], rate: float, sites: int, advance: Advance
) -> Run:
    """One contender, with so many processes of the site."""
    port = free_port()
    with place.copy("storm") as database, psycopg.connect(database, autocommit=True) as connection:
        programs = _programs(contender, port, place.state, sites)
        env = {"DATABASE_URL": database, "ALLOWED_HOSTS": "clinic.example", "TRUSTED_PROXIES": "127.0.0.1"}
        if contender == LIMIT:
            connection.execute(BARE_TABLE)
        with Processes(place.state, programs, env, restart=False) as running:
            _wait(port)
            before = _cpu(place, running)
            with _watching(database, contender) as seen:
                results = _send(place, texts, port, rate, advance, contender)
                drained = _drain(connection, contender, place, advance)
            cpu = {name: used - before[name] for name, used in _cpu(place, running).items()}
        return _judge(connection, contender, texts, results, seen, drained, cpu)


def _programs(contender: str, port: int, state: Path, sites: int) -> list[Program]:
    if contender == OURS:
        return [web(port, workers=sites), worker(), beat(state)]
    command = [sys.executable, "-m", "gunicorn", "bench.peers.bare_view:application"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(sites)]
    command += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    return [Program(name="web", command=command)]


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/", headers={"Host": "clinic.example"})
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            connection.close()
            return
    raise BenchFailed("The site does not start.")


def _cpu(place: Ground, running: Processes) -> dict[str, float]:
    used = {name: machine.cpu_seconds(pid) for name, pid in running.pids().items()}
    return {**used, "postgresql": machine.cpu_seconds(place.servers.postgres.pid)}


def _send(
    place: Ground, texts: list[Text], port: int, rate: float, advance: Advance, contender: str
) -> list[tuple[str, float, float, float, int]]:
    requests, results = place.state / "requests", place.state / "results"
    lines = ({"id": text.id, "bytes": base64.b64encode(text.content).decode()} for text in texts)
    requests.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "bench.storm",
        requests,
        results,
        "--port",
        str(port),
        "--rate",
        str(rate),
    ]
    began = time.monotonic()
    child = children.spawn(command, log=place.state / "storm.log", cwd=ROOT)
    while child.poll() is None:
        advance(contender, min(len(texts), int((time.monotonic() - began) * rate)), len(texts))
        place.deadline.check()
        time.sleep(0.2)
    if child.returncode:
        raise BenchFailed(children.tail(place.state / "storm.log").strip()[-300:])
    return [tuple(json.loads(line)) for line in results.read_text().splitlines()]


@contextmanager
def _watching(database: str, contender: str) -> Iterator[dict[str, float]]:
    """When each emergency first stood among the alerts, as another connection sees them."""
    seen: dict[str, float] = {}
    over = threading.Event()
    query = (
        "SELECT a.id, r.provider_id FROM alert a JOIN reply r ON r.id = a.reply_id "
        "WHERE a.id > %s AND a.urgency = 'emergency' ORDER BY a.id"
    )

    def look() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            while not over.wait(_LOOK_EVERY):
                # Ids are given before they are committed: look a little behind the newest.
                for _, provider_id in connection.execute(query, [0]).fetchall():
                    seen.setdefault(provider_id, time.time())

    thread = threading.Thread(target=look, daemon=True)
    if contender == OURS:
        thread.start()
    try:
        yield seen
    finally:
        time.sleep(4 * _LOOK_EVERY)
        over.set()
        if contender == OURS:
            thread.join()


def _drain(connection: psycopg.Connection[Any], contender: str, place: Ground, advance: Advance) -> float:
    """Seconds after the storm until every text has its outcome."""
    began = time.monotonic()
    while contender == OURS and (left := _waiting(connection)):
        if time.monotonic() - began > _LONGEST_DRAIN:
            break
        advance("left to understand", 0, left)
        place.deadline.check()
        time.sleep(0.2)
    return time.monotonic() - began


def _waiting(connection: psycopg.Connection[Any]) -> int:
    return _count(connection, "SELECT count(*) FROM reply WHERE outcome IN ('', 'waiting')")


def _count(connection: psycopg.Connection[Any], query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _judge(
    connection: psycopg.Connection[Any],
    contender: str,
    texts: list[Text],
    results: list[tuple[str, float, float, float, int]],
    seen: Mapping[str, float],
    drained: float,
    cpu: Mapping[str, float],
) -> Run:
    table = "reply" if contender == OURS else "bare_reply"
    stored = [row[0] for row in connection.execute(f"SELECT provider_id FROM {table}").fetchall()]  # noqa: S608
    answered = {name for name, *_, status in results if 200 <= status < 300}
    sent = {name: at for name, at, *_ in results}
    emergencies = [text.id for text in texts if text.is_emergency] if contender == OURS else []
    ended = max(at for _, _, at, _, _ in results) - min(sent.values())
    return Run(
        contender=contender,
        sent=len(texts),
        refused=len(texts) - len(answered),
        lost=len(answered - set(stored)),
        unfinished=_waiting(connection) if contender == OURS else 0,
        doubled=len(stored) - len(set(stored)),
        rate=len(answered) / ended,
        latency=[latency for *_, latency, _ in results],
        alerted=[seen[name] - sent[name] for name in emergencies if name in seen],
        unalerted=_count(connection, UNALERTED) if contender == OURS else 0,
        drained=drained,
        cpu=cpu,
    )


# --- the figures

_HEADS = ("", "a second", "answered p50 ms", "p95", "p99", "alert p50 s", "p95", "drained s", "CPU us a text")


def as_dict(result: Result) -> dict[str, object]:
    """Everything but the single latencies, for a machine to read."""
    runs = [{**asdict(run), **_summary(run), "latency": None, "alerted": None} for run in result.runs]
    more = {
        "benchmark": "inbound",
        "sizes": {"rate": result.rate, "seconds": result.seconds},
        "sheets": [asdict(sheet(result))],
        "aims": [asdict(aim) for aim in aims(result)],
        "complaints": result.complaints,
    }
    return {**asdict(result), "runs": runs, **more}


def as_json(result: Result) -> str:
    """The same as text."""
    return json.dumps(as_dict(result), indent=1, ensure_ascii=False)


def _summary(run: Run) -> dict[str, float]:
    cuts = {f"answered_p{cut}_ms": round(percentile(run.latency, cut) * 1000, 1) for cut in (50, 95, 99)}
    alert = {f"alert_p{cut}_s": round(percentile(run.alerted, cut), 2) for cut in (50, 95)}
    return {"a_second": round(run.rate, 1), **cuts, **alert, "emergencies": len(run.alerted)}


def sheet(result: Result) -> Sheet:
    """The table."""
    rows = []
    for run in result.runs:
        cpu = ", ".join(f"{name} {used / run.sent * 1e6:,.0f}" for name, used in run.cpu.items())
        figures = [f"{one:,}" for one in list(_summary(run).values())[:6]]
        rows.append([run.contender, *figures, f"{run.drained:.1f}", cpu])
    return Sheet(f"inbound: {result.rate:g} texts a second for {result.seconds} s", _HEADS, rows)


def aims(result: Result) -> list[Aim]:
    """What a run at this rate can tell."""
    runs = {run.contender: run for run in result.runs}
    ours, bare, half = runs.get(OURS), runs.get(LIMIT), runs.get(HALF)
    found = []
    if ours and bare:
        ratio = ours.rate / bare.rate
        # A bare view that kept up could have answered more: then only a miss is certain.
        kept_up = bare.rate > 0.97 * result.rate
        measured = f"{ratio:.2f} of it" + (", which kept up" if kept_up else "")
        met = ratio >= 0.8
        found.append(
            Aim("texts answered", "0.8 of the bare view", measured, None if met and kept_up else met)
        )
    if half:
        slow = percentile(half.latency, 99) * 1000
        what = f"answer at {half.rate:,.0f} a second, p99"
        found.append(Aim(what, "under 100 ms at half the top rate", f"{slow:,.0f} ms", slow < 100))
    if ours and ours.alerted:
        alert = percentile(ours.alerted, 95)
        found.append(Aim("emergency to stored alert, p95", "under 1 s", f"{alert:.2f} s", alert < 1))
    return found


def show(result: Result, console: Console) -> None:
    """The table, for a person."""
    show_sheet(sheet(result), console)
    show_aims(aims(result), console)
    show_facts({**result.machine, "seed": str(result.seed)}, result.complaints, console)
