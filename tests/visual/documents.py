"""Every e-mail and every page of a language, by name, as patients get them."""

from __future__ import annotations

from pathlib import Path

from campaigns.delivery import wording
from campaigns.delivery.gallery.sheets import sheets
from campaigns.delivery.rendering import render
from campaigns.delivery.wording import SAMPLE
from campaigns.domain.recipients import Channel
from campaigns.queries import sequence_files

REFERENCES = Path(__file__).with_name("references")


def documents(language: str) -> dict[str, str]:
    """Name -> HTML."""
    emails = {
        template: render(template, channel, language, SAMPLE).html
        for template, channel in wording.templates()
        if channel is Channel.EMAIL
    }
    pages = {
        f"{sheet.name} {sheet.state}".strip(): sheet.html
        for sheet in sheets(language, sequence_files.questions())
    }
    return emails | pages


def reference(language: str) -> Path:
    """Where the pictures of a language are kept."""
    return REFERENCES / f"{language}.png"
