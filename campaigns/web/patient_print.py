"""One patient on paper: what belongs in a chart, in one column, made to be printed or kept as PDF."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.queries.timeline import Story
from campaigns.web.patients import facts, read


@require_safe
def page(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The page. The browser's own printing makes the PDF: nothing is kept here."""
    found, now = read(request, patient_id, "print")
    known = facts(found, now)
    story: Story = known["story"]
    said = sorted([*story.phone, *story.letters], key=lambda bubble: bubble.at)
    return render(request, "web/patient_print.html", {**known, "said": said})
