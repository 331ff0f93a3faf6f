"""The pages of an import as a coordinator goes through them: in two languages, twice, too late."""

from __future__ import annotations

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import AuditEntry, Clinic, Import, Patient, Staff
from tests.factories import make_clinic, make_staff
from tests.imports.files import checked, line, ran, table, taken


def text(answer: Any) -> str:
    """A page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def upload(pages: Client, data: bytes, key: str) -> Any:
    file = SimpleUploadedFile("monday.csv", data)
    return pages.post("/imports", {"key": key, "source": "Jane", "file": file})


def test_a_coordinator_brings_a_file_to_its_end(clinic: Clinic, coordinator: Staff) -> None:
    pages, french = Client(), Client()
    for browser in (pages, french):
        browser.force_login(coordinator)
    french.cookies["django_language"] = "fr-ca"
    assert "No file was imported yet" in text(pages.get("/imports"))
    assert "names the columns" in text(upload(pages, b"604-555-0101,x\nb,c\n", "k0"))
    lines = [line(1), line(2, first="=HYPERLINK(1)", language="Klingon", on="03/04/2027"), line(3)]
    came = upload(pages, table(lines), "k1")
    assert upload(pages, table(lines), "k1").headers["Location"] == came.headers["Location"]
    of = Import.objects.get()
    where = came.headers["Location"]
    form = {
        "version": of.version,
        "sequences": ["pretreatment"],
        **{f"column-{place}": name for place, name in enumerate(of.columns)},
    }
    assert "look at each" in text(pages.get(where))
    assert "can be read in two ways" in text(pages.post(f"{where}/columns", form))
    assert pages.post(f"{where}/columns", {**form, "order": "day_first"}).status_code == 302
    page = pages.get(where)
    assert "0 of 3 rows" in text(page)
    assert "data-progress" in page.content.decode()
    # The other tab still shows the columns: what it sends now is refused.
    assert "has changed since" in text(pages.post(f"{where}/columns", form, follow=True))
    of = ran(of)
    assert "2 patients would be written to." in text(pages.get(where))
    assert "Klingon" in text(french.get(where))
    assert "Nous n'avons pas de textes en" in french.get(where).content.decode().replace("&#39;", "'")
    errors = pages.post(f"{where}/errors")
    [head, wrong] = errors.content.decode().removeprefix("\ufeff").splitlines()
    assert head.endswith(",What is wrong")
    assert wrong.startswith("3,P2,'=HYPERLINK(1),")
    assert AuditEntry.objects.latest("seq").action == "import_errors_exported"
    pages.post(f"{where}/apply", {"version": of.version - 1})
    assert Import.objects.get().state == "checked"
    for _ in range(2):
        pages.post(f"{where}/apply", {"version": of.version})
    ran(of)
    assert Patient.objects.count() == 2
    assert "What this import changed" in text(pages.get(where))
    assert "2 patients go: nothing was sent" in text(pages.get(f"{where}/undo"))
    pages.post(f"{where}/undo")
    ran(of)
    assert not Patient.objects.exclude(forgotten_at=None).filter(status="active").exists()
    assert "Undone" in text(pages.get(where))


def test_only_who_may_sees_an_import_and_only_at_its_clinic(clinic: Clinic, coordinator: Staff) -> None:
    of = checked(taken(clinic, table([line(1)])))
    far = make_staff(make_clinic(name="Far Clinic"), "kit@far.example")
    browser = Client()
    browser.force_login(far)
    for act in ("", "/undo"):
        assert browser.get(f"/imports/{of.pk}{act}").status_code == 404
    for act in ("columns", "check", "answer", "apply", "errors", "undo", "discard"):
        assert browser.post(f"/imports/{of.pk}/{act}", {"version": of.version}).status_code == 404
    browser.force_login(coordinator)
    for role, status in (("auditor", 403), ("translator", 403), ("clinician", 200), ("administrator", 200)):
        Staff.objects.filter(pk=coordinator.pk).update(role=role)
        assert {browser.get("/imports").status_code, browser.get(f"/imports/{of.pk}").status_code} == {status}
    of.refresh_from_db()
    assert of.state == "checked"


def test_the_page_asks_the_database_as_often_for_many_rows_as_for_two(
    clinic: Clinic, coordinator: Staff
) -> None:
    pages = Client()
    pages.force_login(coordinator)
    asked = []
    for number in (2, 20):
        of = checked(taken(clinic, table(line(one) for one in range(number))))
        pages.get(f"/imports/{of.pk}")
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert pages.get(f"/imports/{of.pk}").status_code == 200
        asked.append(len(found))
    assert asked[0] == asked[1] < 15
