"""`python -m tests.visual.update [TAG]...`: what the e-mails and pages look like now is how they should."""

from __future__ import annotations

import sys

from campaigns.domain.languages import SUPPORTED
from tests.visual.browser import browser
from tests.visual.documents import documents, reference
from tests.visual.pictures import to_png


def main(tags: list[str]) -> None:
    """Write the pictures of these languages, or of all."""
    with browser() as shown:
        for tag in tags or SUPPORTED:
            if not shown.can_write(tag):
                print(f"{tag}: no font, left as it is")
                continue
            image = to_png(shown.pictures(tag, documents(tag)))
            reference(tag).parent.mkdir(exist_ok=True)
            reference(tag).write_bytes(image)
            print(f"{reference(tag).name}: {len(image) // 1024} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
