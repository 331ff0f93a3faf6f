"""Files of the import tests, and the way from a file to its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from campaigns.domain.import_terms import Column
from campaigns.models import Clinic, Import, ImportRow
from campaigns.services import import_files, import_patients, import_run
from campaigns.services.import_files import Said
from campaigns.services.import_look import problems_of

BY = "robin@clinic.example"
HEADER = (
    "Patient Number,First Name,Last Name,Mobile Phone,Email,Language,SMS consent,Email consent,"
    "Consent evidence,Consent date,Appointment ID,Appointment Date,Start Time,Treatment,Status"
)


def line(number: int, **change: str) -> str:
    """One good row; what differs is named by the first word of its column."""
    cells = {
        "patient": f"P{number}",
        "first": "Test",
        "last": f"Patient {number}",
        "mobile": f"604-555-01{number:02d}",
        "email": f"p{number}@patients.example",
        "language": "English",
        "sms": "yes",
        "email_consent": "no",
        "evidence": "signed form",
        "date": "2026-10-01",
        "visit": f"V{number}",
        "on": "2026-12-01",
        "at": "14:30",
        "kind": "Treatment",
        "status": "booked",
    }
    assert set(change) <= set(cells)
    return ",".join((cells | change).values())


def table(lines: Iterable[str], header: str = HEADER) -> bytes:
    """A file of these rows."""
    return "\r\n".join([header, *lines, ""]).encode()


def taken(clinic: Clinic, data: bytes, *, name: str = "patients.csv", source: str = "Jane") -> Import:
    """The file stored, with its columns guessed."""
    return import_files.take(clinic, data, name=name, source=source, by=BY)


def checked(
    of: Import, *, order: str = "", language: str = "", sequences: Sequence[str] = ("pretreatment",)
) -> Import:
    """After the dry run."""
    said = Said(
        columns=tuple(Column(name) if name else None for name in of.columns),
        order=order,
        language=language,
        sequences=sequences,
        version=of.version,
    )
    import_files.say(of.pk, said, by=BY)
    return ran(of)


def ran(of: Import) -> Import:
    """After all that was left to do."""
    while import_run.step():
        pass
    of.refresh_from_db()
    return of


def applied(of: Import) -> Import:
    """After it was carried out."""
    import_patients.apply(of.pk, by=BY, version=of.version)
    return ran(of)


def brought(clinic: Clinic, data: bytes, **how: str) -> Import:
    """From the file to its end."""
    return applied(checked(taken(clinic, data, **how)))


def faults(of: Import) -> dict[int, list[str]]:
    """What was found, by the number of the row."""
    return {row.number: [p.fault.value for p in problems_of(row)] for row in rows(of) if row.problems}


def rows(of: Import) -> list[ImportRow]:
    """The rows in the order of the file."""
    return list(of.lines.order_by("number"))


def states(of: Import) -> list[tuple[str, str]]:
    """(state, what it does) of each row."""
    return [(row.state, row.doing) for row in rows(of)]
