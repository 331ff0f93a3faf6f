"""`campaigns rehearse SEQUENCE...`: what a patient would get, lived through on a fast clock.

Uses servers of its own and channels that end nowhere: it never touches an installation's database.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SUPPORTED
from campaigns.local import embedded
from campaigns.local.secrets import ensure

if TYPE_CHECKING:
    from campaigns.local.rehearsal import Rehearsal
    from campaigns.models import Clinic, Message
    from campaigns.services.enroll import Application

MOST_DAYS = 730


def main(words: list[str]) -> int:
    """Rehearse and print every message in order; 1 when something was refused."""
    options = _options(words)
    try:
        with tempfile.TemporaryDirectory(prefix="campaigns-rehearse-") as folder:
            return _rehearse(Path(folder), options)
    except CampaignsError as error:
        print(error, file=sys.stderr)
        return 1


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns rehearse", description=__doc__)
    parser.add_argument("sequences", nargs="+", metavar="SEQUENCE")
    parser.add_argument(
        "--language",
        required=True,
        metavar="TAG",
        action="append",
        help="repeatable, or `all`: a patient each",
    )
    parser.add_argument("--from", dest="start", type=date.fromisoformat, metavar="DATE", help="as 2026-12-01")
    parser.add_argument("--days", type=int, default=56, metavar="N")
    parser.add_argument("--sessions", type=int, metavar="N", help="at most; then the course is complete")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words[1:])
    options.languages = _languages(options.language)
    if not 1 <= options.days <= MOST_DAYS:
        parser.error(f"--days takes 1 to {MOST_DAYS}")
    if options.sessions is not None and options.sessions < 1:
        parser.error("--sessions takes 1 or more")
    return options


def _languages(asked: list[str]) -> list[str]:
    """Each language once, in the order asked for; `all` stands for every one that we have."""
    named = [tag for one in asked for tag in (SUPPORTED if one == "all" else [one])]
    return list(dict.fromkeys(named))


def _rehearse(state: Path, options: argparse.Namespace) -> int:
    with embedded.start(state, fast=True) as servers:
        os.environ.update(
            ensure(state),
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            CAMPAIGNS_STATE=str(state),
            CAMPAIGNS_DEMO="1",
            SMS_CHANNEL="simulator",
            EMAIL_CHANNEL="simulator",
            LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="campaigns.settings",
        )
        from campaigns.local.setting import clinic_of_the_demo, prepare_database

        prepare_database()
        clinic, _ = clinic_of_the_demo()
        _live(clinic, options)
        _print(clinic, options)
    return 0


def _application(options: argparse.Namespace, start: date, number: int) -> Application:
    """A first visit after a week, then a session every other week while the days and sessions last."""
    from campaigns.domain.visits import VisitKind
    from campaigns.services.enroll import Application, NewVisit

    most = None if options.sessions is None else options.sessions + 1
    days = range(7, options.days, 14)[:most]
    kinds = [VisitKind.CONSULTATION, *[VisitKind.SESSION] * len(days)]
    return Application(
        given_name="Demo",
        language=options.languages[number],
        phone=f"+160455501{number + 1:02}",
        email=f"demo{number + 1}@patients.example",
        consent_sms=True,
        consent_email=True,
        consent_evidence="rehearsal",
        visits=[
            NewVisit(kind=kind, on_date=start + timedelta(days=day), at_time=time(14))
            for day, kind in zip(days, kinds, strict=False)
        ],
        sequences=options.sequences,
    )


def _live(clinic: Clinic, options: argparse.Namespace) -> None:
    from campaigns.local.rehearsal import Rehearsal, set_clock
    from campaigns.services.enroll import enroll
    from campaigns.tasks import send_due

    zone = ZoneInfo(clinic.time_zone)
    start = datetime.combine(options.start or datetime.now(zone).date(), time(9), zone)
    set_clock(start)
    for number in range(len(options.languages)):
        enroll(clinic, _application(options, start.date(), number), by="rehearsal")
    rehearsal = Rehearsal(hint=send_due.apply, settled=lambda: True)
    _script(rehearsal, options, zone)
    rehearsal.run(start, start + timedelta(days=options.days))


def _script(rehearsal: Rehearsal, options: argparse.Namespace, zone: ZoneInfo) -> None:
    """Every visit takes place, but for the last but one where a missed visit is rehearsed; then it ends."""
    from campaigns.domain.timing import to_instant
    from campaigns.domain.visits import VisitState
    from campaigns.models import Course
    from campaigns.services.visits import complete_course, settle

    for course in Course.objects.prefetch_related("visits"):
        visits = sorted(course.visits.all(), key=lambda visit: visit.on_date)
        ends = [to_instant(visit.on_date, visit.at_time, zone) + timedelta(minutes=50) for visit in visits]
        missed = visits[-2:-1] if "missed_visit" in options.sequences else []
        for visit, end in zip(visits, ends, strict=True):
            state = VisitState.NO_SHOW if visit in missed else VisitState.COMPLETED
            rehearsal.at(end, partial(settle, visit.pk, state, by="rehearsal"))
        if "course_end" in options.sequences and options.sessions is not None and ends:
            complete = partial(complete_course, course.pk, by="rehearsal")
            rehearsal.at(ends[-1] + timedelta(days=1), complete)


def _print(clinic: Clinic, options: argparse.Namespace) -> None:
    from campaigns.models import Message

    zone = ZoneInfo(clinic.time_zone)
    order = {tag: number for number, tag in enumerate(SUPPORTED)}
    found = Message.objects.select_related("patient").order_by("send_at", "id")
    for message in sorted(found, key=lambda message: order[message.patient.language]):
        row = _row(message, zone)
        print(json.dumps(row, ensure_ascii=False) if options.json else _plain(row))


def _row(message: Message, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "at": message.send_at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M"),
        "language": message.patient.language,
        "step": f"{message.sequence}.{message.step}",
        "channel": message.channel,
        "state": message.state,
        "reason": message.reason,
        "segments": message.segments,
        "text": message.body,
    }


def _plain(row: dict[str, Any]) -> str:
    named = (row[name] for name in ("at", "language", "step", "channel"))
    head = "  ".join([*named, f"{row['state']} {row['reason']}".rstrip()])
    text = row["text"] if row["channel"] == "sms" else row["text"].partition("\n")[0]
    return f"{head}\n    {text}" if text else head
