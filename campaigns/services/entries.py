"""Every entry of a text beside its English: the words today, who wrote them, what they say back in English,
and what the checks find in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError

from campaigns.delivery import catalogs
from campaigns.delivery.checks import back, catalog, size
from campaigns.delivery.checks.findings import Text as Checked
from campaigns.delivery.checks.findings import base
from campaigns.delivery.checks.run import subject_of
from campaigns.delivery.pages import PAGE, page_texts, pages
from campaigns.delivery.translations import GSM_ENTRY, ROOT, OwnWords, language_of
from campaigns.delivery.wording import Entry, message_entries, templates
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.models import Clinic, OwnWording
from campaigns.queries import wordings
from campaigns.queries.wordings import Text

MOST = 1_000
"""Characters of one text in a clinic's own words. The longest that ships has a third of that."""

_MARKUP = re.compile(r"[<>{}&]")
_ENGLISH = ("characters", "edges", "opt-out", "segments", "claims", "links", "glossary")
"""The checks that say something about an English text as it ships: it has no other text beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry of a text: the English that ships, and the words today, one for each plural form.

    `findings` are what the checks say about them; while there is one, the text cannot be approved.
    """

    context: str
    source: str
    words: tuple[str, ...]
    findings: tuple[str, ...] = ()
    backs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    counts: bool = False
    is_shared: bool = False
    own: OwnWording | None = None
    shipped: tuple[str, ...] = field(default=())


def lines(clinic: Clinic, text: Text, own: OwnWords) -> list[Line]:
    """The entries of one text as they stand today, in the order they stand in it. One query."""
    language = language_of(text[2])
    rows = wordings.own(clinic.pk, language)
    return [_line(entry, text, own, rows) for entry in unique(entries_of(text[0], text[1]))]


def _line(entry: Entry, text: Text, own: OwnWords, rows: Mapping[str, OwnWording]) -> Line:
    language = language_of(text[2])
    context = context_in(entry.context, text, own)
    today = words_today(language, context, own)
    row = rows.get(context)
    return Line(
        context=context,
        source=entry.plural or entry.text,
        words=tuple(dict.fromkeys(one.target for one in today)),
        findings=(*findings(today, is_own=row is not None), *stale_variant(text, entry.context, own)),
        backs=(row.back,) if row else backs(language, today),
        notes=tuple(notes().get(entry.context, ())),
        counts=bool(entry.plural),
        is_shared=len({template for template, _ in users().get(entry.context, ())}) > 1,
        own=row,
        shipped=tuple(dict.fromkeys(one.target for one in shipped(language).get(context, ()))),
    )


def unique(entries: Sequence[Entry]) -> list[Entry]:
    """Each entry once: some stand twice in a text, behind conditions."""
    return list({entry.context: entry for entry in entries}.values())


def entries_of(template: str, channel: str) -> Sequence[Entry]:
    """What stands in a message or page. Raises TemplateMissing."""
    if channel == PAGE:
        return page_entries(template)
    return message_entries(template, Channel(channel))


@cache
def page_entries(name: str) -> tuple[Entry, ...]:
    """The entries of a page that patients open."""
    return tuple(entry for entry, _ in page_texts(name, SOURCE))


@cache
def users() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """The (template, channel) that each entry stands in, by context."""
    found: dict[str, list[tuple[str, str]]] = {}
    everything = [(template, channel.value) for template, channel in templates()]
    for template, channel in [*everything, *((name, PAGE) for name in pages())]:
        for entry in unique(entries_of(template, channel)):
            found.setdefault(entry.context, []).append((template, channel))
    return {context: tuple(texts) for context, texts in found.items()}


@cache
def source_of(context: str) -> Entry | None:
    """The English entry of a context, that of a variant being the one it stands in for; None if none."""
    wanted = base(context)
    if wanted not in users():
        return None
    template, channel = users()[wanted][0]
    return next(entry for entry in entries_of(template, channel) if entry.context == wanted)


def context_in(context: str, text: Text, own: OwnWords) -> str:
    """The context whose words an edition says: its own where a variant was written."""
    language = language_of(text[2])
    variant = context + GSM_ENTRY
    if text[2] != language and (variant in shipped(language) or variant in own.of(language)):
        return variant
    return context


# --- the words


def words_today(language: str, context: str, own: OwnWords) -> tuple[Checked, ...]:
    """What a context says today: the clinic's own words, else what ships, in all its plural forms."""
    said = own.of(language).get(context)
    if said is None:
        return shipped(language).get(context, ())
    return (in_own_words(language, context, said),)


def in_own_words(language: str, context: str, said: str) -> Checked:
    """A clinic's words for a context, ready to be checked. The context must be one of ours."""
    entry = source_of(context)
    source = entry.text if entry else ""
    comments = " ".join(notes().get(base(context), ()))
    return Checked(context=context, source=source, target=said, language=language, comments=comments)


def shipped(language: str) -> Mapping[str, tuple[Checked, ...]]:
    """The texts that ship in a language, by context. Read once a process, as what is sent is."""
    return _english() if language == SOURCE else _read(language)


@cache
def _template() -> Catalog:
    return catalogs.extract()


@cache
def _english() -> Mapping[str, tuple[Checked, ...]]:
    found = {}
    for message in list(_template())[1:]:
        context = message.context or ""
        found[context] = tuple(
            Checked(context=context, source=source, target=source, language=SOURCE)
            for source in catalog.sources_of(message)
        )
    return found


@cache
def _read(language: str) -> Mapping[str, tuple[Checked, ...]]:
    subject = subject_of(language, _template())
    found: dict[str, tuple[Checked, ...]] = {}
    try:
        for _, text in catalog.texts(subject, catalog.read(subject)):
            found[text.context] = (*found.get(text.context, ()), text)
    except PoFileError:
        return {}
    return found


def _changed_at(path: str) -> int:
    """When a file of the project last changed (ns); 0 where there is none."""
    file = ROOT / path
    return file.stat().st_mtime_ns if file.is_file() else 0


@cache
def notes() -> Mapping[str, tuple[str, ...]]:
    """What the templates tell translators, by context."""
    return {message.context or "": tuple(message.auto_comments) for message in list(_template())[1:]}


# --- back into English


def backs(language: str, today: Sequence[Checked]) -> tuple[str, ...]:
    """What shipped words say in English, as far as somebody has put them back."""
    if language == SOURCE:
        return ()
    known = _backs(language, _changed_at(back.path(language)))
    told = (known.get(one.target, one.context) for one in today) if known else ()
    return tuple(dict.fromkeys(str(found.string) for found in told if found and found.string))


@lru_cache(maxsize=32)
def _backs(language: str, changed_at: int) -> Catalog | None:
    if not changed_at:
        return None
    try:
        return back.load((ROOT / back.path(language)).read_text(encoding="utf-8"))
    except PoFileError:
        return None


# --- the checks


def findings(today: Sequence[Checked], *, is_own: bool) -> tuple[str, ...]:
    """What the checks find in one entry; a missing translation is a finding too."""
    if not today:
        return ("not translated",)
    return tuple(dict.fromkeys(what for text in today for what in _findings(text, is_own)))


@lru_cache(maxsize=20_000)
def _findings(text: Checked, is_own: bool) -> tuple[str, ...]:
    if not text.target:
        return ("empty",)
    if is_own and len(text.target) > MOST:  # the other checks take long for what is long
        return (f"{len(text.target)} characters; {MOST} is the most",)
    found = [*_markup(text.target)] if is_own else []
    names = _ENGLISH if text.is_source and not is_own else None
    # English in a clinic's own words shares words with the English that ships: that is no finding.
    left_out = {"untranslated"} if text.is_source else set()
    for name, what in catalog.problems(text):
        if name not in left_out and (names is None or name in names):
            found.append(what)
    if text.context.endswith(GSM_ENTRY):
        found += size.variant(text, _standard(text))
    return tuple(found)


def _standard(variant: Checked) -> str:
    known = shipped(variant.language).get(base(variant.context), ())
    return known[0].target if known else variant.target


def _markup(said: str) -> Iterator[str]:
    """A clinic's own words are words alone: the template decides on markup."""
    if strange := sorted(set(_MARKUP.findall(said))):
        yield f"these characters cannot be used: {' '.join(strange)}"


def stale_variant(text: Text, context: str, own: OwnWords) -> Iterator[str]:
    """A shipped variant beside words of the clinic's own would still say what the clinic no longer says."""
    language = language_of(text[2])
    ours, variant = own.of(language), context + GSM_ENTRY
    if text[2] != language and context in ours and variant not in ours and variant in shipped(language):
        yield "stands in for words that the clinic has changed: write the variant in your own words too"


def faults(text: Text, own: OwnWords) -> list[tuple[str, str]]:
    """Everything the checks find in one text: (context, what). Nothing of the clinic's is read."""
    language = language_of(text[2])
    ours = own.of(language)
    found = []
    for entry in unique(entries_of(text[0], text[1])):
        context = context_in(entry.context, text, own)
        told = findings(words_today(language, context, own), is_own=context in ours)
        found += [(context, what) for what in (*told, *stale_variant(text, entry.context, own))]
    return found


def shown_in(context: str) -> list[tuple[str, str]]:
    """The (template, channel) whose patients read this entry; of a variant, the texts alone."""
    texts = users().get(base(context), ())
    return [text for text in texts if not context.endswith(GSM_ENTRY) or text[1] == Channel.SMS]


def with_words(own: OwnWords, language: str, changed: Mapping[str, str | None]) -> OwnWords:
    """The clinic's words with some of one language changed; None is back to what ships."""
    kept = {entry for entry in own.entries if entry[0] != language or entry[1] not in changed}
    new = {(language, context, said) for context, said in changed.items() if said is not None}
    return replace(own, entries=frozenset(kept | new))
