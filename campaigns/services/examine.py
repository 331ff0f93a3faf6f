"""Is this installation fit to send? Every fault by name, each with how to mend it; nothing is changed.

The same questions serve `campaigns doctor`, and the processes that refuse to start on unsafe settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import psycopg
import redis
from django.conf import settings
from django.core.checks import ERROR, CheckMessage, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from campaigns.delivery.pages import digest_of
from campaigns.domain.errors import CampaignsError
from campaigns.domain.lifecycle import State
from campaigns.domain.recipients import Channel
from campaigns.models import Attempt, Clinic, Installation
from campaigns.queries import clock, lexicons, sequence_files, zones
from campaigns.services import circuits, duties, go_live, on_call, sealing
from campaigns.services.compose import SOURCE_LANGUAGE, approvals
from campaigns.services.duties import Duty
from campaigns.services.grants import may_rewrite
from campaigns.services.standings import names

SYSTEM_CHECKS = "campaigns"
"""The tag under which campaigns/checks.py registers."""
SERVERS = range(15, 19)
"""Major versions of PostgreSQL that the tests run on."""
LEFT = timedelta(minutes=2)
"""So long may a try that its worker left wait for the reconciler, once its lease is over."""
NOT_RESTORED = "If no backup was restored, and this machine or database is only new here: `resume --anyway`."
"""For whoever moved an installation and meets the question what a restored database has forgotten."""
PATIENCE = 3
"""Seconds to wait for a server to answer."""


class Level(StrEnum):
    """How much a finding matters: an error means that nothing should be sent, or that nothing is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was found and, unless all is well, how to mend it."""

    level: Level
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.what} - {self.mend}" if self.mend else self.what


class NotFit(CampaignsError):
    """The settings are not safe to start with."""


Findings = Iterator[Finding]


def _ok(what: str) -> Finding:
    return Finding(level=Level.OK, what=what)


def _warning(what: str, mend: str) -> Finding:
    return Finding(level=Level.WARNING, what=what, mend=mend)


def _error(what: str, mend: str) -> Finding:
    return Finding(level=Level.ERROR, what=what, mend=mend)


def examine() -> list[Finding]:
    """Everything that `doctor` reports, worst first. A server that is down is a finding, not an exception."""
    findings = [*settings_findings(), *_broker(), *_files()]
    if settings.DATABASE_URL:
        findings += _database()
    return sorted(findings, key=lambda finding: list(Level)[::-1].index(finding.level))


def is_fit(findings: list[Finding]) -> bool:
    """Whether no finding is an error."""
    return all(finding.level is not Level.ERROR for finding in findings)


def refuse_unfit(*, needs_broker: bool = False) -> None:
    """Raise NotFit, one line for each unsafe setting, before a process serves or sends with them.

    `needs_broker` is for worker and beat, which are of no use without REDIS_URL. No server is asked: they may
    come up after us.
    """
    errors = [finding for finding in settings_findings() if finding.level is Level.ERROR]
    if needs_broker and not settings.REDIS_URL:
        errors.append(_error("REDIS_URL is not set", "Set it, or run `campaigns send-due --watch` instead."))
    if errors:
        raise NotFit("\n".join(map(str, errors)))


# --- settings


def settings_findings() -> list[Finding]:
    """What the start-up checks say."""
    messages = run_checks(tags=[SYSTEM_CHECKS], include_deployment_checks=True)
    return [_from_check(message) for message in messages] or [_ok("The settings are safe")]


def _from_check(message: CheckMessage) -> Finding:
    level = Level.ERROR if message.level >= ERROR else Level.WARNING
    return Finding(level=level, what=f"{message.msg} ({message.id})", mend=message.hint or "")


# --- servers


def _broker() -> Findings:
    if not settings.REDIS_URL:
        return
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            policy = client.info("memory").get("maxmemory_policy", "")
    except (redis.RedisError, ValueError, OSError) as error:
        yield _error(f"Redis does not answer: {_first_line(error)}", "Check REDIS_URL and start the server.")
        return
    if policy == "noeviction":
        yield _ok("Redis answers")
    else:
        mend = "Set maxmemory-policy to noeviction."
        yield _warning(f"Redis may throw work away when it is full (maxmemory-policy {policy})", mend)


def _database() -> Findings:
    """The server first; what is in it only if it answers and the tables are there."""
    try:
        # Not through the pool, which would wait its full time and then not say why.
        with psycopg.connect(settings.DATABASE_URL, connect_timeout=PATIENCE) as server:
            yield from _server(server)
    except psycopg.Error as error:
        mend = "Check DATABASE_URL and start the server."
        yield _error(f"The database does not answer: {_first_line(error)}", mend)
        return
    try:
        yield from _content()
    except DatabaseError as error:
        yield _error(f"The database refuses: {_first_line(error)}", "Run `campaigns migrate`.")


def _server(server: psycopg.Connection[tuple[object, ...]]) -> Findings:
    major = server.info.server_version // 10_000
    if major in SERVERS:
        yield _ok(f"The database answers (PostgreSQL {major})")
    else:
        mend = f"Use PostgreSQL {SERVERS[0]} to {SERVERS[-1]}."
        yield _error(f"The database is PostgreSQL {major}, which is not tested", mend)
    row = server.execute("SELECT current_setting('data_checksums')").fetchone()
    if row != ("on",):
        mend = "Stop the server and run pg_checksums --enable."
        yield _warning("The database keeps no data checksums: a failing disk goes unnoticed", mend)


def _content() -> Findings:
    if fault := clock.clock_fault():
        yield _warning(fault, "Set both by NTP.")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield _error("The database's tables are not up to date", "Run `campaigns migrate`.")
        return
    yield _ok("The tables are up to date")
    yield from _guard()
    yield from _sealed()
    yield from _trial()
    yield from _sending()
    clinics = list(Clinic.objects.order_by("name"))
    if not clinics:
        yield _error("There is no clinic yet", "Run `campaigns create-clinic`.")
    for clinic in clinics:
        yield from _zones(clinic)
        yield from _on_call(clinic)
        yield from _wording(clinic)
        yield from _own_words(clinic)


def _guard() -> Findings:
    if may_rewrite():
        mend = "Let the processes run as another role: docs/operations.md, Database roles."
        yield _warning("The processes' database role owns the audit table, so it could rewrite it", mend)
    else:
        yield _ok("The processes cannot rewrite the audit chain")


def _sealed() -> Findings:
    if number := sealing.open_values():
        mend = "Run `campaigns migrate` once more, when nothing of the release before runs any longer."
        yield _warning(f"An earlier release wrote {number} words about patients in the open", mend)


def _trial() -> Findings:
    if go_live.only_to() is not None:
        many = len(settings.TRIAL_RECIPIENTS)
        what = f"Not live yet: messages go to the {many} addresses of TRIAL_RECIPIENTS and to nobody else"
        yield _warning(what, "Run `campaigns go-live --by NAME` when patients may be written to.")


def _sending() -> Findings:
    row = Installation.objects.filter(pk=1).first() or Installation()
    if row.paused:
        yield _paused(row)
    if row.rehearsal_now and not settings.DEMO:
        mend = "Let the rehearsal end; it gives the clock back."
        yield _error("A rehearsal's clock is set: nothing is sent on the real one", mend)
    mend = "Start `campaigns worker` and `campaigns beat`, or `campaigns send-due --watch`."
    silent = duties.silent()
    if not duties.has_begun():
        yield _warning("Nothing has looked for due messages yet", mend)
    elif not silent:
        yield _ok("Due messages are being looked for, and every other duty is done")
    for duty in silent:
        yield _error(f"Nobody is {duties.NAMES[duty]} any more", _mend_of(duty, mend))
    if settling_stands_still():
        yield _error("Tries that a worker left are not being settled", mend)
    shut_ones = circuits.shut_for_long(clock.now()).select_related("clinic")
    for shut in shut_ones.order_by("clinic__name", "channel"):
        what = f"{shut.clinic.name}: nothing goes by {shut.channel} since {shut.since:%Y-%m-%d %H:%M} UTC"
        yield _error(f"{what} ({shut.why})", "Check the channel's settings and the provider's own status.")


def _paused(row: Installation) -> Finding:
    """What a restored database forgot comes before anything else."""
    why = f" ({row.paused_reason})" if row.paused_reason else ""
    if row.lost_since:
        mend = "Run `campaigns reconcile-restore`, then `campaigns resume`."
        return _error(f"All sending is paused{why}", f"{mend} {NOT_RESTORED}")
    return _warning(f"All sending is paused{why}", "Run `campaigns resume` when it may go on.")


def _mend_of(duty: Duty, mend: str) -> str:
    return "See why in the worker's log." if duty is Duty.FETCHING else mend


def settling_stands_still() -> bool:
    """Whether a try whose worker died waits for the reconciler, and nothing has taken it up for too long."""
    over = Now() - timedelta(seconds=settings.LEASE_SECONDS) - LEFT
    left = Attempt.objects.filter(message__state=State.ATTEMPTING, epoch=F("message__epoch"))
    return left.filter(leased_at__lt=over).exists()


def _zones(clinic: Clinic) -> Findings:
    """Patients by whose own clock nothing can go. Staff read their names on the first page."""
    if lost := zones.lost(clinic.pk):
        named = ", ".join(sorted({patient.time_zone for patient in lost}))
        what = f"{clinic.name}: {len(lost)} of its patients with a time zone that does not exist ({named})"
        mend = "Their messages go by the clinic's clock: put `patient.time_zone` right, or empty it."
        yield _warning(what, mend)


def _on_call(clinic: Clinic) -> Findings:
    """Who would be told of an alert, and by how many ways."""
    listed = [row for row in on_call.rows(clinic) if on_call.paths_of(row)]
    where = "An administrator sets it under Alerts, Who is told."
    if not listed:
        mend = f"{where} Until then alerts stand on the page alone."
        yield _warning(f"{clinic.name}: nobody is on the alert list", mend)
        return
    channels = {channel for row in listed for channel in on_call.paths_of(row)}
    if len(channels) < len(Channel):
        only = "e-mail" if Channel.EMAIL in channels else "text"
        yield _warning(f"{clinic.name}: alerts go out by {only} only", f"Add the other channel. {where}")
    if not on_call.on_duty(clinic, timezone.now()):
        yield _warning(f"{clinic.name}: nobody on the alert list is on duty now", where)
    else:
        yield _ok(f"{clinic.name}: {len(listed)} on the alert list")


# --- texts


def _files() -> Findings:
    """Sequences, and the catalogs of every language that some clinic could use."""
    yield from _attempt(lambda: f"{len(sequence_files.load_all())} sequences can be read", "Mend the file.")


def _attempt(read: Callable[[], str], mend: str) -> Findings:
    try:
        yield _ok(read())
    except CampaignsError as error:
        yield _error(str(error).rstrip("."), mend)


def _wording(clinic: Clinic) -> Findings:
    """How much of each language this clinic has approved, by what the texts say today."""
    known = approvals(clinic)
    for language in dict.fromkeys([SOURCE_LANGUAGE, *clinic.languages]):
        try:
            wanted = {(*name, digest_of(*name, known.own)) for name in names(language, known.own)}
        except CampaignsError as error:
            yield _error(f"{clinic.name}: {str(error).rstrip('.')}", "Then run `campaigns catalogs compile`.")
            continue
        yield _count(clinic, language, len(wanted & known.approved), len(wanted))


def _own_words(clinic: Clinic) -> Findings:
    """Approved words for replies that the lists of this release refuse. What ships is used all the same."""
    for change, why in lexicons.own(clinic).left_out:
        what = f"{clinic.name}: an approved word for {change.language} {change.entry} is left out: {why}"
        yield _error(what.rstrip(": ."), "Take it out of force, or propose it in another way, on /words.")


def _count(clinic: Clinic, language: str, approved: int, total: int) -> Finding:
    what = f"{clinic.name}: {approved} of {total} texts in {language} are approved"
    if approved == total:
        return _ok(what)
    if language == SOURCE_LANGUAGE and not approved:
        return _error(what, "Have a clinician approve the English texts: nothing can be sent without them.")
    if clinic.unapproved_policy == Clinic.UnapprovedPolicy.HOLD:
        return _warning(what, "Have them approved; until then those messages are held.")
    return _warning(what, "Have them approved; until then those messages go in English.")


def _first_line(error: Exception) -> str:
    """The first line of an error's text, without the address it may repeat."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
