"""`cost`: segments and price of the texts of a whole course, by language, and what the GSM-safe variants
save.

No sending and no machine in it: the product's own count (`services/samples.course`), and the same with the
variants left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from bench import machine, seed
from bench.ground import Ground
from bench.report import Report, Sheet
from campaigns.local.progress import Advance

NAME = "cost"


def measure(place: Ground, *, seed: int, contenders: Sequence[str], advance: Advance) -> Report:
    """Run it."""
    facts = machine.facts()
    rows, figures, wrong = _languages(advance)
    heads = [
        "language",
        "texts",
        "segments",
        "price",
        "without the variants",
        "price",
        "saved",
        "all in UCS-2",
    ]
    return Report(
        benchmark=NAME,
        seed=seed,
        sizes={},
        machine=facts,
        sheets=[Sheet("The texts of a course: a consultation and five treatments", heads, rows)],
        figures=figures,
        notes=["Prices in USD at the clinic's price a segment; e-mails cost nothing here."],
        complaints=wrong,
    )


def _languages(advance: Advance) -> tuple[list[list[str]], dict[str, object], list[str]]:
    from campaigns.delivery.translations import NO_OWN_WORDS
    from campaigns.domain.languages import SUPPORTED
    from campaigns.models import Clinic
    from campaigns.services.samples import course

    seed.make_clinic()
    clinic, now = Clinic.objects.get(), datetime.now(UTC)
    rows: list[list[str]] = []
    figures: dict[str, object] = {}
    wrong = []
    for number, (tag, language) in enumerate(SUPPORTED.items(), start=1):
        found = course(clinic, tag, NO_OWN_WORDS, now)
        plain, wide = _without_variants(clinic, tag, now)
        if not found.segments or found.segments > plain:
            wrong.append(f"{tag}: {found.segments} segments, {plain} without the variants")
        price = Decimal(clinic.price_per_segment)
        saved = 1 - found.segments / plain if plain else 0
        rows.append(
            [
                f"{language.name} ({tag})",
                str(found.texts),
                str(found.segments),
                f"{found.price:.2f}",
                str(plain),
                f"{price * plain:.2f}",
                f"{saved:.0%}" if plain != found.segments else "-",
                str(wide),
            ]
        )
        figures[tag] = {"segments": found.segments, "without_variants": plain, "ucs2": wide}
        advance("languages", number, len(SUPPORTED))
    return rows, figures, wrong


def _without_variants(clinic: object, tag: str, now: datetime) -> tuple[int, int]:
    """Segments of the same course where only the texts as translated exist; and if all went as UCS-2."""
    from campaigns.delivery.checks import costs
    from campaigns.delivery.rendering import render
    from campaigns.delivery.translations import NO_OWN_WORDS
    from campaigns.domain.recipients import Channel
    from campaigns.domain.sms import Limits, segment
    from campaigns.models import Clinic
    from campaigns.queries import sequence_files
    from campaigns.services import samples
    from campaigns.services.compose import facts_of

    assert isinstance(clinic, Clinic)
    limits = Limits(**clinic.sms_limits)
    plain = wide = 0
    for row in costs.rows((), sequence_files.load_all().values(), samples.SESSIONS):
        if not row.times:
            continue
        subject = samples._subject((row.template, Channel.SMS.value, tag), now, days=10)
        facts = facts_of(subject, clinic, samples._TOKENS, now)
        text = render(row.template, Channel.SMS, tag, facts, NO_OWN_WORDS).text
        plain += row.times * segment(text, limits).segments
        wide += row.times * as_ucs2(text, limits.ucs_single, limits.ucs_part)
    return plain, wide


def as_ucs2(text: str, single: int, part: int) -> int:
    """Segments by plain division: what one letter outside GSM-7 makes of the whole text."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= single else -(-units // part)
