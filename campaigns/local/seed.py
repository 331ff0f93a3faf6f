"""`campaigns seed`: fills an empty installation with made-up patients, to try the site at size.

All or nothing: it is one transaction. It refuses where anybody could be written to, or where somebody's
patients are. The rows come from bench/population.py, which the benchmarks use too.
"""

from __future__ import annotations

import argparse
import math
import os
from types import ModuleType
from typing import Any

from campaigns.domain.errors import CampaignsError
from campaigns.local import checkout
from campaigns.local.joining import join
from campaigns.local.progress import Advance, progress


def main(words: list[str]) -> int:
    """Fill it; 0 when it is filled."""
    return checkout.run(lambda: _seed(_options(words)))


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaigns seed", description=__doc__)
    parser.add_argument("--patients", type=int, default=50_000, help="how many (50000)")
    parser.add_argument(
        "--messages", type=int, default=0, help="at least so many in all, seven a visit; unset: 42 a patient"
    )
    parser.add_argument("--alerts", type=int, default=50, help="how many of them wait for a person (50)")
    options = parser.parse_args(words[1:])
    if options.patients < 1 or min(options.messages, options.alerts) < 0:
        parser.error("There is nothing to fill with.")
    return options


def _seed(options: argparse.Namespace) -> int:
    """Raises CampaignsError where it must not, and psycopg's errors as one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaigns.settings")
    join()
    import django
    import psycopg
    from django.db import Error

    django.setup()
    try:
        refuse()
        with progress() as advance:
            people = _fill(options, advance)
    except (Error, psycopg.Error) as error:
        raise CampaignsError(f"The database refused: {str(error).splitlines()[0]}") from None
    print(f"{people.patients:,} made-up patients with {people.messages:,} messages are here.")
    return 0


def refuse() -> None:
    """Say why this is no place for made-up patients, if it is none. Raises CampaignsError."""
    from django.conf import settings

    from campaigns.models import Clinic, Patient, WebhookEndpoint

    if {settings.SMS_CHANNEL, settings.EMAIL_CHANNEL} != {"simulator"} and not settings.DEMO:
        raise CampaignsError(
            "Messages of this installation reach people: seed only where both channels are the simulator."
        )
    if Patient.objects.exists():
        raise CampaignsError("There are patients here already. Seed an installation of its own.")
    if Clinic.objects.count() != 1:
        raise CampaignsError("Made-up patients need one clinic. Make it first: create-clinic.")
    if WebhookEndpoint.objects.filter(removed_at=None).exists():
        raise CampaignsError("Another program is told of what happens here. Remove its webhook first.")


def _fill(options: argparse.Namespace, advance: Advance) -> Any:
    """Write them, and put on record that it was done."""
    from django.db import connection, transaction

    from campaigns.queries import clock
    from campaigns.services.record import record

    population = checkout.load("bench.population", "Made-up patients come")
    now = clock.now()
    people = population.People(
        patients=options.patients, now=now, alerts=options.alerts, visits=_visits(options, population)
    )
    with transaction.atomic():
        connection.ensure_connection()
        raw = connection.connection
        population.prepare(raw)
        for _ in population.write(raw, people, advance):
            pass
        detail = {"patients": people.patients, "messages": people.messages}
        record("seeded", "installation", actor="command line", now=now, detail=detail)
    advance("tidying up", 0, 1)
    _tidy()
    return people


def _tidy() -> None:
    """What autovacuum would have done on an installation that grew to this."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _visits(options: argparse.Namespace, population: ModuleType) -> int:
    """As many visits a patient as the messages take, and no fewer."""
    if not options.messages:
        return int(population.VISITS)
    a_patient: float = options.messages / options.patients
    visits: int = math.ceil(a_patient / population.MESSAGES_A_VISIT)
    return max(1, visits)
