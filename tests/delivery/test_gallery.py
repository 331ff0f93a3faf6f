"""The gallery shows every text once, where a patient meets it, and opens without anything else."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from campaigns.delivery import wording
from campaigns.delivery.gallery.content import Plan, Review, review
from campaigns.delivery.gallery.site import file_name, mark, site
from campaigns.delivery.pages import page_texts, pages
from campaigns.delivery.translations import gsm_edition
from campaigns.delivery.wording import has_gsm_variant, message_entries, templates
from campaigns.domain.errors import CampaignsError
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.management.commands.gallery import sequences
from campaigns.queries import sequence_files

PLAN = Plan(sequences=sequences(), questions=sequence_files.questions(), price=Decimal("0.01"))
TAGS = (SOURCE, "es", "fa", "zh-Hant")


class Reader(HTMLParser):
    """Languages and directions of a page, the files it asks for, the frames in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.directions: set[tuple[str, str]] = set()
        self.asked: list[str] = []
        self.frames: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.asked += [found[name] for name in ("href", "src") if name in found]
        if "lang" in found:
            self.directions.add((found["lang"], found.get("dir", "")))
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "iframe":
            assert "sandbox" in found, "a frame without a sandbox"
            self.frames.append(found["srcdoc"])


@pytest.fixture(scope="module", params=TAGS)
def seen(request: pytest.FixtureRequest) -> Review:
    """One language."""
    return review(str(request.param), PLAN)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The site in a few languages."""
    return dict(site(TAGS, PLAN))


def wanted(language: str) -> set[str]:
    """The id of every text there is."""
    messages = {entry.context for pair in templates() for entry in message_entries(*pair)}
    return messages | {entry.context for name in pages() for entry, _ in page_texts(name, language)}


def test_every_text_is_there_once(seen: Review) -> None:
    listed = [line.context for line in seen.lines if not line.context.endswith(".gsm")]
    assert sorted(listed) == sorted(wanted(seen.language))


def test_every_message_and_page_is_there_once(seen: Review) -> None:
    shown = [(item.key, item.kind) for item in seen.items if item.kind in {"sms", "email"}]
    assert sorted(shown) == sorted((template, channel.value) for template, channel in templates())
    assert next(item.key for item in seen.items if item.kind == "page") == "patient/consent"
    assert {item.key for item in seen.items if item.kind == "page"} == set(pages())


def test_messages_come_in_the_order_a_patient_meets_them(seen: Review) -> None:
    keys = [item.key for item in seen.items]
    order = ["patient/consent", "welcome/hello", "previsit/about", "previsit/confirm", "pretreatment/nsaids"]
    order += ["aftercare/same_day", "missed_visit/sorry", "course_end/pain", "correction/moved", "auto/help"]
    places = [keys.index(key) for key in order]
    assert places == sorted(places)
    assert keys.index("patient/consent") == 0


def test_a_text_that_comes_again_leads_to_where_it_was(seen: Review) -> None:
    met: set[str] = set()
    for item in seen.items:
        assert set(item.known) <= met
        met |= {line.context for line in item.lines}


def test_a_variant_is_shown_and_sent_where_it_saves_a_segment() -> None:
    items = {item.key: item for item in review("es", PLAN).items if item.kind == "sms"}
    varied = {key for key, item in items.items() if len(item.bubbles) == 2}
    assert varied == {t for t, c in templates() if c is Channel.SMS and has_gsm_variant(t, "es")}
    assert varied
    for key in varied:
        full, variant = items[key].bubbles
        assert variant.is_sent == (variant.cut.segments < full.cut.segments)
        assert full.is_sent != variant.is_sent
        assert variant.price == variant.cut.segments * PLAN.price
        assert any(line.context.endswith(".gsm") for line in items[key].lines), gsm_edition("es")


def test_what_was_put_back_into_english_stands_beside_its_text() -> None:
    found = review("zh-Hant", PLAN)
    assert found.backs > 200
    body = next(line for line in found.lines if line.context == "auto.stop.sms.body")
    assert all(re.search("[a-z]", text) for text in body.back)
    assert not any(line.back != ("",) * len(line.texts) for line in review(SOURCE, PLAN).lines)


def test_every_file_opens_without_network_or_script(files: dict[str, str]) -> None:
    for name, page in files.items():
        reader = Reader(page)
        assert "script" not in reader.tags
        local = [one for one in reader.asked if not one.startswith("#")]
        assert set(local) <= {*files, "index.html"}, name
        for frame in reader.frames:
            assert not re.search(r"<script|<link|<img|@import|url\(", frame), name


def test_each_language_is_marked_with_its_name_and_direction(files: dict[str, str]) -> None:
    for tag in TAGS:
        page = files[file_name(tag)]
        direction = SUPPORTED[tag].direction
        reader = Reader(page)
        assert page.startswith(f'<!DOCTYPE html>\n<html lang="en" dir="{direction}">')
        assert (tag, direction) in reader.directions
        assert {one for one in reader.directions if one[0] == tag} == {(tag, direction)}
        assert len(reader.ids) == len(set(reader.ids))


def test_placeholders_and_numbers_keep_their_direction(files: dict[str, str]) -> None:
    page = files["fa.html"]
    assert '<bdi dir="ltr">%(clinic)s</bdi>' in page
    rows = page.split('<table class="texts">')[1:]
    bare = [row for row in rows if re.search(r"8-1-1(?!</bdi>)", row.partition("</table>")[0])]
    assert not bare


def test_the_list_has_every_language_with_its_counts_and_price(files: dict[str, str]) -> None:
    page = files["index.html"]
    for tag in TAGS:
        assert f'<a href="{file_name(tag)}">{SUPPORTED[tag].name}</a>' in page
    prices = [Decimal(price) for price in re.findall(r"USD ([\d.]+)</td>", page)]
    assert len(prices) == len(TAGS)
    assert prices[0] == min(prices)


def test_the_edition_changes_with_the_wording() -> None:
    before = review("es", PLAN)
    assert mark(before) == mark(review("es", PLAN))
    first, *rest = before.chapters
    shorter = Review(language="es", chapters=tuple(rest))
    assert first.items
    assert mark(shorter) != mark(before)


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    said = StringIO()
    folder = tmp_path / "for reviewers"
    call_command("gallery", str(folder), "--language", "zh-HK", "--language", "fr", stdout=said)
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["fr-CA.html", "index.html", "zh-Hant.html"]
    assert all(str(folder / name) in said.getvalue() for name in written)
    assert "2 languages" in said.getvalue()


@pytest.mark.parametrize("wrong", [["--language", "tlh"], ["--price", "cheap"]])
def test_the_command_refuses_what_it_does_not_know(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises((CampaignsError, CommandError)):
        call_command("gallery", str(tmp_path / "out"), *wrong, stdout=StringIO())
    assert not (tmp_path / "out").exists()


def test_the_command_says_where_it_may_not_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CampaignsError, match="cannot be written"):
        call_command("gallery", str(tmp_path / "file"), "--language", "fr", stdout=StringIO())


def test_every_template_folder_has_a_chapter_with_a_name() -> None:
    folders = {template.partition("/")[0] for template, _ in wording.templates()}
    titles = {chapter.title for chapter in review(SOURCE, PLAN).chapters}
    assert not folders & titles
