"""`campaigns gallery FOLDER`: every message in every language as patients see it, for reviewers."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from campaigns.delivery.gallery.content import Plan
from campaigns.delivery.gallery.site import site
from campaigns.domain.errors import NotAllowed
from campaigns.domain.languages import SUPPORTED, resolve
from campaigns.domain.steps import Sequence
from campaigns.management.commands.preview import PRICE_PER_SEGMENT
from campaigns.queries import sequence_files

ORDER = ("welcome", "previsit", "pretreatment", "aftercare", "missed_visit", "course_end")
"""The sequences as a patient lives them; one that is not named here comes after."""


class Command(BaseCommand):
    """Write a static site with every message and page, to be opened from the folder or sent as one."""

    help = "Write a static site with every message and page in every language, for reviewers."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to write, and in which languages."""
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--language", metavar="TAG", action="append", help="this one alone; repeatable")
        parser.add_argument(
            "--price", type=_price, default=PRICE_PER_SEGMENT, metavar="USD", help="of a segment"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files and say so, a line each."""
        chosen = list(dict.fromkeys(resolve(tag).tag for tag in options["language"] or SUPPORTED))
        plan = Plan(sequences=sequences(), questions=sequence_files.questions(), price=options["price"])
        folder: Path = options["folder"]
        made = dict(site(chosen, plan))
        for name, content in made.items():
            self._write(folder / name, content)
        self.stdout.write(
            f"{len(chosen)} languages. Open {folder / 'index.html'}, or send the folder as it is."
        )

    def _write(self, path: Path, content: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        except OSError as error:
            raise NotAllowed(f"{path} cannot be written: {error.strerror}. Name a folder of yours.") from None
        self.stdout.write(f"{path}  {len(content.encode()) // 1024} KiB")


def _price(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"US dollars such as 0.0083, not {text!r}") from None


def sequences() -> tuple[Sequence, ...]:
    """Every sequence, in the order a patient lives them."""
    found = sequence_files.load_all()
    first = [key for key in ORDER if key in found]
    return tuple(found[key] for key in [*first, *(key for key in found if key not in first)])
