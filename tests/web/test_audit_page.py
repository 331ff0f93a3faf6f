"""The audit page: whose entries it shows, how one finds one, and what is taken away."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.models import AuditCheck, AuditEntry, Clinic, Patient, Staff
from campaigns.queries import audit_log
from campaigns.queries.audit_log import Asked
from campaigns.services import check_chain
from campaigns.services.record import broken_link, record
from campaigns.web import audit_words
from tests.factories import NOON
from tests.house.sources import texts
from tests.services.test_check_chain import write_as_before
from tests.web import cast


@pytest.fixture
def auditor(coordinator: Staff) -> Staff:
    coordinator.role = Staff.Role.AUDITOR
    coordinator.save(update_fields=["role"])
    return coordinator


def lines(client: Client, asked: str = "") -> list[list[str]]:
    """When, who, what and about what, entry by entry."""
    page = client.get(f"/audit{asked}").content.decode()
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        for row in body.split("</tr>")[:-1]
    ]


def whats(client: Client, asked: str = "") -> list[str]:
    return [line[2] for line in lines(client, asked)]


ACTION = re.compile(
    r'(?<!def )\b_?record\(\s*f?"([a-z_]+)"|[ (]"((?:lexicon|wording)_[a-z]+ed)"[,)]|'
    r'_go_on\("([a-z_]+)"|LOOKED_AT = "([a-z_]+)"'
)


def written() -> set[str]:
    """Every action that the source names."""
    found = set()
    for path, source in texts():
        if re.match(r"campaigns/(services|web|models)/\w+\.py", path) and "audit_words.py" not in path:
            found |= {name for match in ACTION.findall(source) for name in match if name}
    return found


def test_every_action_that_is_written_has_words() -> None:
    named = written()
    assert {
        "visit_moved",
        "lexicon_retired",
        "wording_approved",
        "resumed",
        "looked_at",
        "webhook_given_up",
    } <= named
    assert sorted(named - set(audit_words.KNOWN) - {"consent_", "visit_"}) == []
    assert set(audit_words.ACTIONS) | {"other"} == set(audit_words.GROUPS)
    assert audit_words.action("something_new") == "something new"


def test_it_shows_a_clinic_its_own_entries_and_what_concerns_all(
    pages: Client, auditor: Staff, stranger: Staff, patient: Patient
) -> None:
    far = cast.new_patient(stranger.clinic, phone="+16045550112")
    far_visit = cast.first_visit(far)
    for subject in (f"patient {far.pk}", f"visit {far_visit.pk}", f"patient {uuid4()}"):
        write_as_before(subject, "kit@far.example")
        record("visit_moved", subject, actor="kit@far.example", now=NOON)
    mine = write_as_before(f"visit {cast.first_visit(patient).pk}")
    record("paused", "installation", actor="kit@far.example", now=NOON)
    shown = lines(pages)
    assert shown[0][1:] == ["kit@far.example", "Paused all sending", shown[0][3]]
    assert shown[1][1:] == ["old@clinic.example", "Moved a visit", f"Test Patient entry {mine.seq}"]
    assert {line[1] for line in shown[1:]}.isdisjoint({"kit@far.example"})
    assert "Far Clinic" not in pages.get("/audit").content.decode()
    everything = [line for asked in ("", f"?patient={far.pk}") for line in lines(pages, asked)]
    assert not any("kit@" in line[1] and "visit" in line[2] for line in everything)


def test_filters_are_links_and_pages_follow_each_other(
    pages: Client, auditor: Staff, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    record("x_happened", "import 7", actor=auditor.email, now=NOON + timedelta(days=2), detail={"rows": 3})
    record("looked_at", "2 patients", actor="other@clinic.example", now=NOON, detail={
        "page": "alerts", "patients": [str(patient.pk), str(uuid4())]
    })  # fmt: skip
    [line] = lines(pages, "?kind=other")
    assert line[1:3] == [auditor.name, "x happened rows: 3"]
    assert whats(pages, "?from=2026-11-04&to=2026-11-04") == ["x happened rows: 3"]
    assert lines(pages, "?from=2026-11-05") == []
    about = [line[2] for line in lines(pages, f"?patient={patient.pk}")]
    assert "Looked at the alerts" in about
    assert any(said.startswith("Enrolled a patient") for said in about)
    assert not any(said.startswith("Set the clinic up") for said in about)
    assert {line[1] for line in lines(pages, f"?who={auditor.pk}")} == {auditor.name}
    assert whats(pages, "?who=999&kind=no&from=x&patient=y&after=z")
    monkeypatch.setattr(audit_log, "LOOSE", 3)
    monkeypatch.setattr(audit_log.page, "__defaults__", (None, 4))
    for number in range(5):
        write_as_before(f"patient {patient.pk if number % 2 else uuid4()}")
    assert [entry.seq for entry in audit_log.every(Asked(clinic=auditor.clinic_id))] == _by_pages(pages)


def _by_pages(pages: Client) -> list[int]:
    """The numbers of all entries, following the links to older ones."""
    found, address = [], "/audit"
    while address:
        page = pages.get(address).content.decode()
        found += [int(number) for number in re.findall(r"<small>entry (\d+)</small>", page)]
        older = re.search(r'href="(\?[^"]*after=\d+)">Older', page)
        address = f"/audit{older[1].replace('&amp;', '&')}" if older else ""
    assert len(found) == len(set(found)) > 8
    return found


def test_it_asks_the_database_as_often_for_twenty_entries_as_for_two(
    pages: Client, auditor: Staff, patient: Patient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record("visit_moved", f"visit {cast.first_visit(patient).pk}", actor="x", now=NOON)
    pages.get("/audit")  # who looks is on record from here on
    for _more in range(2):
        with django_assert_num_queries(11):
            pages.get("/audit")
        for _number in range(10):
            record("visit_moved", f"visit {cast.first_visit(patient).pk}", actor="x", now=NOON)


def test_the_chain_is_checked_at_the_press_of_a_button(pages: Client, auditor: Staff) -> None:
    assert "has not been checked yet" in pages.get("/audit").content.decode()
    for _twice in range(2):
        assert pages.post("/audit/check").headers["Location"] == "/audit"
    assert AuditCheck.objects.count() == 1
    page = pages.get("/audit").content.decode()
    assert "<progress" in page
    assert "Check the whole record" not in page
    check_chain.check_chain()
    assert "entries checked" in pages.get("/audit").content.decode()
    AuditCheck.objects.update(broken=7)
    assert "entry 7 does not fit" in pages.get("/audit").content.decode()


def test_what_is_taken_away_is_on_record_and_can_be_checked_elsewhere(
    pages: Client, auditor: Staff, clinic: Clinic
) -> None:
    record("x", "import 1", actor=auditor.email, now=NOON, detail={"name": "=1+1"})
    rows = [json.loads(line) for line in _streamed(pages, "json").splitlines()]
    newest = AuditEntry.objects.latest("seq")
    assert (newest.action, newest.actor, newest.detail) == ("audit_exported", auditor.email, {"form": "json"})
    assert rows[0]["seq"] == newest.seq
    assert rows[0]["digest"] == newest.digest
    assert {row["clinic"] for row in rows} == {str(clinic.pk)}
    table = list(csv.DictReader(io.StringIO(_streamed(pages, "csv").removeprefix("\ufeff"))))
    assert [int(row["seq"]) for row in table[1:]] == [row["seq"] for row in rows]
    assert len(_streamed(pages, "csv", kind="other").splitlines()) == 2
    assert broken_link() is None


def _streamed(pages: Client, form: str, **asked: str) -> str:
    answer = pages.post("/audit/export", {"form": form, **asked})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="audit.{form}"'
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
