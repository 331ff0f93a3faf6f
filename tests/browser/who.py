"""Whom the jobs are about, in whatever clinic they are done."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from campaigns.models import Alert, Clinic, Patient
from campaigns.queries import clock
from tests.browser.jobs import Facts

NEWCOMERS = ("Demo Nadia", "Demo Salma", "Demo Laila")
"""Whom a test enrolls: one after the other, because somebody of a known name is asked about."""


def facts(clinic: Clinic, folder: Path) -> Facts:
    """Somebody for each job. Who left the clinic, and alerts that are taken, are nobody's job any more."""
    today = clock.now().date()
    worried = Alert.objects.filter(clinic=clinic, closed_at=None, acknowledged_at=None).exclude(patient=None)
    alert = worried.select_related("patient").order_by("-opened_at", "-pk").first()
    ahead = Patient.objects.filter(clinic=clinic, status="active", courses__visits__state="booked")
    ahead = ahead.filter(courses__visits__on_date__gt=today + timedelta(days=2))
    everybody = Counter(one.full_name for one in Patient.objects.filter(clinic=clinic))
    names = [one.full_name for one in ahead.distinct().order_by("created_at", "pk")]
    # A name that two people have would lead to either of them.
    names = [name for name in names if everybody[name] == 1]
    # A list of many is searched by a word of the name: a figure would be looked for among the numbers.
    names = [name for name in names if name.split()[1].isalpha()]
    free = [place for place, name in enumerate(NEWCOMERS) if f"{name} Example" not in everybody]
    new = free[0] if free else 0
    return Facts(
        newcomer=NEWCOMERS[new],
        number=f"604555017{7 + new}",
        first_visit=weekday(today + timedelta(days=14)).isoformat(),
        moved_to=weekday(today + timedelta(days=19)).isoformat(),
        moves=names[0],
        worries=alert.patient.full_name if alert and alert.patient else "",
        leaves=names[-1],
        file=_file(folder / "patients.csv", today - timedelta(days=1), weekday(today + timedelta(days=30))),
    )


def _file(path: Path, signed: date, day: date) -> Path:
    """Five hundred people as another program writes them, a visit each; numbers kept for fiction."""
    names = "Patient ID,First name,Last name,Email,Language,Consent SMS,Consent email,How agreed,Consent date"
    rows = [f"{names},Date,Time,Visit ID"]
    rows += [
        f"P{n},Demo {n},Example,p{n}@patients.example,English,no,yes,signed,{signed},{day},09:00,A{n}"
        for n in range(1, 501)
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def weekday(day: date) -> date:
    """That day, or the Monday after it."""
    return day + timedelta(days=(7 - day.weekday()) % 7 if day.weekday() > 4 else 0)
