"""What a reviewer reads: every message and page of one language in the order a patient meets them.

Each text stands beside its English and what somebody put back into English, under the id that the catalogs
know it by. A text that several messages share is listed once, where it comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from campaigns.delivery import wording
from campaigns.delivery.checks import back
from campaigns.delivery.formats import format_weekday_time
from campaigns.delivery.gallery.sheets import Sheet, sheets
from campaigns.delivery.pages import page_texts
from campaigns.delivery.rendering import Rendered, calendar_words, render
from campaigns.delivery.translations import GSM_ENTRY, NO_OWN_WORDS, ROOT, gsm_edition, has_entry
from campaigns.delivery.wording import CALENDAR, SAMPLE, Entry, texts_in, texts_of
from campaigns.domain.languages import SOURCE
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import Segmented, segment
from campaigns.domain.steps import Sequence
from campaigns.domain.vocabulary import Question

Pairs = Iterable[tuple[Entry, list[str]]]
BackOf = Callable[[str, str], str]

_VISIT = datetime.fromisoformat("2026-09-30T12:30")
_PAGE_TITLES = {
    "consent": "Before anything is sent: the patient's consent",
    "preferences": "Choosing the language and the messages",
    "check_in": "A question",
    "checked_in": "After a question was answered",
    "closed": "A question that is closed",
    "call_us": "A page that cannot be shown now",
    "unsubscribe": "Stopping messages",
    "unsubscribed": "After messages were stopped",
    "gone_part": "A link that is too old or wrong",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One text: its id, its forms (several where a language counts), the English, and that put back."""

    context: str
    texts: tuple[str, ...]
    english: tuple[str, ...]
    back: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A text message on a phone and how it travels."""

    text: str
    cut: Segmented
    price: Decimal
    is_sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message or page. `known` are the ids of texts that an item before it has listed."""

    key: str
    title: str
    kind: str
    purpose: str = ""
    bubbles: tuple[Bubble, ...] = ()
    english: str = ""
    email: Rendered | None = None
    english_email: Rendered | None = None
    sheets: tuple[Sheet, ...] = ()
    calendar: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A sequence, the automatic answers, the pages."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything in one language."""

    language: str
    chapters: tuple[Chapter, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """Every message and page."""
        return tuple(item for chapter in self.chapters for item in chapter.items)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every text, once."""
        return tuple(line for item in self.items for line in item.lines)

    def count(self, kind: str) -> int:
        """How many items there are of a kind: `sms`, `email`, `page`."""
        return sum(len(item.sheets) or 1 for item in self.items if item.kind == kind)

    @property
    def backs(self) -> int:
        """How many texts somebody has put back into English, in all their forms."""
        return sum(all(line.back) for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the gallery needs besides the texts: sequences in order, questions, the price of a segment."""

    sequences: tuple[Sequence, ...]
    questions: Mapping[str, Question]
    price: Decimal


def review(language: str, plan: Plan) -> Review:
    """Every message and page of a language. Raises TranslationMissing where a text is not there yet."""
    put_back = _backs(language)
    first, *rest = _pages(language, plan, put_back)
    made = [
        Chapter(title="Before it begins", items=(first,)),
        *_messages(language, plan, put_back),
        Chapter(title="Pages that a patient opens", items=tuple(rest)),
    ]
    return Review(language=language, chapters=tuple(_listed_once(made)))


def _listed_once(chapters: Iterable[Chapter]) -> Iterator[Chapter]:
    """Each text where it comes first; later items name it only."""
    seen: set[str] = set()
    for chapter in chapters:
        items = []
        for item in chapter.items:
            known = tuple(line.context for line in item.lines if line.context in seen)
            lines = tuple({line.context: line for line in item.lines if line.context not in seen}.values())
            seen.update(line.context for line in lines)
            items.append(replace(item, lines=lines, known=tuple(dict.fromkeys(known))))
        yield replace(chapter, items=tuple(items))


def _backs(language: str) -> BackOf:
    """A look-up by id and translation; empty where nobody has put the text back into English."""
    path = ROOT / back.path(language)
    if language == SOURCE or not path.is_file():
        return lambda context, text: ""
    found = back.load(path.read_text(encoding="utf-8"))

    def put_back(context: str, text: str) -> str:
        message = found.get(text, context)
        return str(message.string) if message and message.string else ""

    return put_back


def _lines(pairs: Pairs, put_back: BackOf, suffix: str = "") -> tuple[Line, ...]:
    return tuple(
        Line(
            context=entry.context + suffix,
            texts=(texts := tuple(dict.fromkeys(forms))),
            english=tuple(text for text in (entry.text, entry.plural) if text),
            back=tuple(put_back(entry.context + suffix, text) for text in texts),
        )
        for entry, forms in pairs
    )


def _messages(language: str, plan: Plan, put_back: BackOf) -> Iterator[Chapter]:
    """A chapter for each folder of messages: the sequences in their order, then what no sequence plans."""
    titles = {sequence.key: sequence.title for sequence in plan.sequences}
    titles |= {"correction": "When a visit moves or is off", "auto": "Answers to what a patient writes"}
    titles |= {"replies": "Sent by hand"}
    places = _places(plan.sequences)
    templates = sorted(wording.templates(), key=lambda pair: places.get(pair[0]) or _after(pair[0], titles))
    purposes = {
        sequence.template(step): step.purpose for sequence in plan.sequences for step in sequence.steps
    }
    for folder, members in groupby(templates, key=lambda pair: pair[0].partition("/")[0]):
        items = [_message(template, channel, language, plan, put_back) for template, channel in members]
        named = (replace(item, purpose=item.purpose or purposes.get(item.key, "")) for item in items)
        yield Chapter(title=titles.get(folder, folder), items=tuple(named))


def _places(sequences: Iterable[Sequence]) -> dict[str, tuple[int, int, str]]:
    """Where each template of the sequences stands: by sequence, then by step; a late one after its step."""
    places: dict[str, tuple[int, int, str]] = {}
    for number, sequence in enumerate(sequences):
        for position, step in enumerate(sequence.steps):
            for template in (sequence.template(step), step.late.template):
                places.setdefault(template, (number, position, template))
    return places


def _after(template: str, titles: Mapping[str, str]) -> tuple[int, int, str]:
    """A template that no sequence plans: at the end of its chapter, and its chapter after the others."""
    folder = template.partition("/")[0]
    chapter = list(titles).index(folder) if folder in titles else len(titles)
    return (chapter, len(wording.templates()), template)


def _message(template: str, channel: Channel, language: str, plan: Plan, put_back: BackOf) -> Item:
    made = _sms if channel is Channel.SMS else _email
    item = made(template, language, plan, put_back)
    name = template.partition("/")[2].replace("_", " ").capitalize()
    noted = wording.notes(_source(template, channel), "TRANSLATORS:")
    purpose = noted[0][1].removeprefix("TRANSLATORS:").strip() if noted else ""
    return replace(item, title=name, purpose=purpose, lines=_own_first(item.lines, template))


def _source(template: str, channel: Channel) -> str:
    path = wording.TEMPLATES / wording.template_name(template, channel)
    return path.read_text(encoding="utf-8")


def _own_first(lines: Iterable[Line], template: str) -> tuple[Line, ...]:
    own = template.replace("/", ".") + "."
    return tuple(sorted(lines, key=lambda line: not line.context.startswith(own)))


def _sms(template: str, language: str, plan: Plan, put_back: BackOf) -> Item:
    pairs = texts_of(template, Channel.SMS, language)
    lines = _lines(pairs, put_back)
    editions = [language]
    if wording.has_gsm_variant(template, language):
        editions.append(gsm_edition(language))
        there = has_entry(language, NO_OWN_WORDS)
        varied = texts_of(template, Channel.SMS, gsm_edition(language))
        lines += _lines(
            [(e, texts) for e, texts in varied if there(e.context + GSM_ENTRY, e.text)], put_back, GSM_ENTRY
        )
    texts = [render(template, Channel.SMS, edition, SAMPLE).text for edition in editions]
    return Item(
        key=template,
        title="",
        kind="sms",
        bubbles=tuple(_bubbles(texts, plan.price)),
        english=render(template, Channel.SMS, SOURCE, SAMPLE).text,
        lines=lines,
    )


def _bubbles(texts: list[str], price: Decimal) -> Iterator[Bubble]:
    """The text and its variant; the variant is sent where it saves a segment, as the sender chooses."""
    cuts = [segment(text) for text in texts]
    sent = 1 if len(cuts) > 1 and cuts[1].segments < cuts[0].segments else 0
    for number, (text, cut) in enumerate(zip(texts, cuts, strict=True)):
        yield Bubble(text=text, cut=cut, price=price * cut.segments, is_sent=number == sent)


def _email(template: str, language: str, plan: Plan, put_back: BackOf) -> Item:
    english = None if language == SOURCE else render(template, Channel.EMAIL, SOURCE, SAMPLE)
    return Item(
        key=template,
        title="",
        kind="email",
        email=render(template, Channel.EMAIL, language, SAMPLE),
        english_email=english,
        lines=_lines(texts_of(template, Channel.EMAIL, language), put_back),
    )


def _pages(language: str, plan: Plan, put_back: BackOf) -> Iterator[Item]:
    """The pages, the one about consent first; the entry in the patient's calendar last."""
    for name, group in groupby(sheets(language, plan.questions), key=lambda sheet: sheet.name):
        short = name.removeprefix("patient/")
        yield Item(
            key=name,
            title=_PAGE_TITLES.get(short, short.replace("_", " ").capitalize()),
            kind="page",
            sheets=tuple(group),
            lines=_lines(page_texts(name, language), put_back),
        )
    yield Item(
        key="shared/calendar",
        title="The entry in the patient's calendar",
        kind="calendar",
        calendar=(
            *calendar_words(language, SAMPLE.clinic, SAMPLE.phone),
            format_weekday_time(_VISIT, language),
        ),
        lines=_lines(texts_in(CALENDAR, language), put_back),
    )
