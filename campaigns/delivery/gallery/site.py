"""The gallery as files that open from a folder: no server, no network, no script."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from campaigns.delivery import wording
from campaigns.delivery.checks import costs
from campaigns.delivery.formats import style
from campaigns.delivery.gallery.content import Plan, Review, review
from campaigns.domain.languages import SOURCE, SUPPORTED, Language

_RUNS = re.compile(r"(%\(\w+\)s|\d+(?:-\d+)+)")
"""Placeholders and numbers with hyphens: beside Arabic letters, 8-1-1 would be shown as 1-1-8."""

SESSIONS = 5
"""How many treatments the course has whose price is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One language in the list of all."""

    language: Language
    review: Review
    segments: int
    price: Decimal


def site(languages: Iterable[str], plan: Plan) -> Iterator[tuple[str, str]]:
    """Name and content of each file: a page a language, then the list. Raises TranslationMissing."""
    rows = []
    for tag in languages:
        found = review(tag, plan)
        rows.append(_row(found, plan))
        yield file_name(tag), _page("language.html", tag, row=rows[-1], mark=mark(found))
    yield "index.html", _page("index.html", SOURCE, rows=rows, plan=plan, sessions=SESSIONS)


def file_name(tag: str) -> str:
    """The file of a language."""
    return f"{tag}.html"


def mark(found: Review) -> str:
    """A short name for these very texts, so that notes on paper can be laid beside the right edition."""
    texts = [(line.context, line.texts, line.english) for line in found.lines]
    return hashlib.sha256(repr(texts).encode()).hexdigest()[:8]


def _row(found: Review, plan: Plan) -> Row:
    tag = found.language
    steps = costs.rows([tag], plan.sequences, SESSIONS)
    segments = costs.totals(steps, [tag])[tag]
    return Row(language=SUPPORTED[tag], review=found, segments=segments, price=segments * plan.price)


def _page(name: str, tag: str, **given: object) -> str:
    """A page of the gallery. It speaks English to the reviewer and shows the language that is reviewed."""
    template = wording.environment(SOURCE).get_template(f"gallery/{name}")
    fonts = {known: style(known).fonts for known in SUPPORTED}
    about = {"lang": tag, "dir": SUPPORTED[tag].direction, "fonts": fonts}
    return template.render(**about, file_name=file_name, pieces=_RUNS.split, **given)
