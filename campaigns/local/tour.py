"""`campaigns tour`: goes through every page of the demo with a browser, and keeps pictures of them.

With `--check` it looks at each page in every way instead: both languages, three widths, light and dark. What
does the work lies in tests/browser, which comes with the source.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from campaigns.domain.errors import CampaignsError
from campaigns.local import checkout, demo, stage


def main(words: list[str]) -> int:
    """Run it; 0 when all pictures are kept, or when no page has a fault."""
    parser = argparse.ArgumentParser(prog="campaigns tour", description=__doc__)
    parser.add_argument("--check", action="store_true", help="look at each page in every way; no pictures")
    parser.add_argument("--into", type=Path, default=Path("docs"), help="where tour.md and tour/ go (docs)")
    options = parser.parse_args(words[1:])
    return checkout.run(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    seat = checkout.load("tests.browser.place", "The tour runs")
    if seat.chromium_here() is None:
        raise CampaignsError(seat.NO_CHROMIUM)
    with (
        tempfile.TemporaryDirectory(prefix="campaigns-tour-") as folder,
        stage.set_up(Path(folder), stage.free_port(), throw_away=True) as place,
    ):
        demo.live(place, began).worry()
        # It needs models, and so a Django that is set up.
        tour = checkout.load("tests.browser.tour", "The tour runs")
        if options.check:
            return int(tour.check(place.base_url))
        return int(tour.take(place.base_url, options.into))
