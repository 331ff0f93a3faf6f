"""What the texts are: the templates, the entries in them, their translations, and the facts they may state.

English is the source and lives in `templates/messages`; every other language is a gettext catalog in
`locales/<language>/LC_MESSAGES/patient.po`. Nothing here needs Django, and no language is ever "current":
it is an argument.
"""

from __future__ import annotations

import gettext
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Any

from jinja2 import (
    BytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    meta,
    nodes,
)
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment

from campaigns.delivery.formats import (
    format_date,
    format_phone,
    format_time,
    format_weekday_time,
    is_rtl,
    style,
)
from campaigns.delivery.translations import (
    GSM_ENTRY,
    NO_OWN_WORDS,
    ROOT,
    OwnWords,
    has_entry,
    translations,
)
from campaigns.domain.errors import RenderError, TemplateMissing
from campaigns.domain.languages import SOURCE, SUPPORTED
from campaigns.domain.recipients import Channel

TEMPLATES = ROOT / "templates"
LOCALES = ROOT / "locales"
SHARED = "shared"
CALENDAR = "messages/shared/calendar.txt"
"""The summary and the note of the calendar entry that goes with an e-mail about a visit, a line each."""

_SUFFIXES = {Channel.SMS: ".sms.txt", Channel.EMAIL: ".email.html"}
_NUMBERS = {
    "nsaid_days": "nsaid_days_before",
    "caffeine_days": "caffeine_days_before",
    "alcohol_days": "alcohol_days_before",
    "avoid_days": "avoid_days_before",
    "soreness_from": "soreness_days_from",
    "soreness_to": "soreness_days_to",
}
_STATED = frozenset(
    {
        "clinic",
        "phone",
        "address",
        "clinician",
        "fee",
        "link",
        "unsubscribe_url",
        "visit_number",
        "given_name",
    }
    | {"date", "time", "old_date", "old_time", "opens", "languages", "preferences_url", "words"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one message may state. Dates and times are wall clock at the clinic; `phone` is E.164.

    An empty fact is absent: a template that needs it refuses to render rather than leave a hole.
    """

    clinic: str
    phone: str
    address: str = ""
    clinician: str = ""
    fee: str = ""
    starts_on: date | None = None
    starts_at: time | None = None
    old_on: date | None = None
    old_at: time | None = None
    opens: datetime | None = None
    link: str = ""
    given_name: str = ""
    visit_number: int = 0
    settings: Mapping[str, int] = field(default_factory=dict)
    unsubscribe_url: str = ""
    preferences_url: str = ""
    languages: tuple[str, ...] = ()
    words: str = ""


SETTINGS = {
    "nsaid_days_before": 7,
    "caffeine_days_before": 2,
    "alcohol_days_before": 2,
    "avoid_days_before": 2,
    "soreness_days_from": 2,
    "soreness_days_to": 7,
}
SAMPLE = Facts(
    clinic="Westside Pain Clinic",
    phone="+16045550134",
    address="1200 Example Street, Unit 4, Vancouver BC",
    clinician="Dr. R. Example",
    fee="$250.00 a visit",
    starts_on=date(2026, 9, 30),
    starts_at=time(12, 30),
    old_on=date(2026, 9, 23),
    old_at=time(11, 45),
    opens=datetime.combine(date(2026, 9, 30), time(12, 30)),
    link="https://clinic.example/p/x7Kd3mQ9TBx7Kd3mQ9TBx7",
    given_name="Maximiliana",
    visit_number=10,
    settings=SETTINGS | {"soreness_days_to": 10},
    unsubscribe_url="https://clinic.example/u/x7Kd3mQ9TBx7Kd3mQ9TBx7",
    preferences_url="https://clinic.example/p/x7Kd3mQ9TBx7Kd3mQ9TBx7",
    languages=tuple(SUPPORTED),
    words="Please bring the form that we gave you.",
)
SAMPLE_SHORT = Facts(
    clinic="Elm Clinic",
    phone="+16045550134",
    starts_on=date(2026, 5, 1),
    starts_at=time(9, 0),
    old_on=date(2026, 5, 8),
    old_at=time(9, 0),
    opens=datetime.combine(date(2026, 5, 1), time(9, 0)),
    visit_number=1,
    settings={
        "nsaid_days_before": 1,
        "avoid_days_before": 1,
        "soreness_days_from": 1,
        "soreness_days_to": 2,
    },
    unsubscribe_url="https://clinic.example/u/a",
    languages=(SOURCE,),
    words="Please bring the form.",
)


def values(facts: Facts, channel: Channel, language: str) -> dict[str, str]:
    """The facts as the language writes them, short in SMS; what is absent is left out."""
    short = channel is Channel.SMS
    own = {
        "link": facts.link,
        "unsubscribe_url": facts.unsubscribe_url,
        "preferences_url": facts.preferences_url,
        "visit_number": str(facts.visit_number or ""),
        "given_name": "" if short else facts.given_name,
        "opens": format_weekday_time(facts.opens, language, short) if facts.opens else "",
        "words": facts.words,
    }
    return {
        **_of_clinic(facts.clinic, facts.phone, facts.address, facts.clinician, facts.fee),
        **_listed_languages(facts.languages, language),
        **_when("", facts.starts_on, facts.starts_at, language, short),
        **_when("old_", facts.old_on, facts.old_at, language, short),
        **_clean(own),
    }


def _clean(filled: dict[str, str]) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, value in filled.items() if value.strip()}


# What many messages have in common is written once. What is kept belongs to no patient.


@lru_cache(maxsize=256)
def _of_clinic(clinic: str, phone: str, address: str, clinician: str, fee: str) -> dict[str, str]:
    stated = {"clinic": clinic, "phone": format_phone(phone), "phone_link": phone}
    return _clean(stated | {"address": address, "clinician": clinician, "fee": fee})


@lru_cache(maxsize=64)
def _listed_languages(tags: tuple[str, ...], language: str) -> dict[str, str]:
    return _clean({"languages": ("، " if is_rtl(language) else ", ").join(SUPPORTED[t].name for t in tags)})


@lru_cache(maxsize=4096)
def _when(prefix: str, day: date | None, at: time | None, language: str, short: bool) -> dict[str, str]:
    stated = {f"{prefix}date": format_date(day, language, short) if day else ""}
    return _clean(stated | {f"{prefix}time": format_time(at, language) if at else ""})


def numbers(facts: Facts) -> dict[str, int]:
    """The clinic's settings that templates count with. 0 means that the rule is not in use."""
    found = {name: facts.settings.get(setting, 0) for name, setting in _NUMBERS.items()}
    return {name: number for name, number in found.items() if number}


@cache
def sample_values(channel: Channel) -> dict[str, str]:
    """What a translator is shown for each placeholder."""
    counted = {name: str(number) for name, number in numbers(SAMPLE).items()}
    named = {"num": "7", "language_name": "French"}
    return values(SAMPLE, channel, SOURCE) | counted | named


def language_values(language: str) -> dict[str, str]:
    """What a template needs to know about the language itself."""
    chosen = style(language)
    about = {
        "lang": language,
        "dir": SUPPORTED[language].direction,
        "start": "right" if is_rtl(language) else "left",
        "end": "left" if is_rtl(language) else "right",
        "font": chosen.fonts,
        "line_height": chosen.line_height,
    }
    return about | named_language(language)


def named_language(language: str) -> dict[str, str]:
    """The English name of a language other than English, for the operator of 9-1-1."""
    return {} if language == SOURCE else {"language_name": SUPPORTED[language].english_name}


def template_name(template: str, channel: Channel) -> str:
    """`welcome/hello` and SMS -> `messages/welcome/hello.sms.txt`; TemplateMissing where there is none."""
    name = f"messages/{template}{_SUFFIXES[channel]}"
    parts = template.split("/")
    if len(parts) != 2 or not all(part.isidentifier() for part in parts) or not (TEMPLATES / name).is_file():
        raise TemplateMissing(f"No {channel.value} template {template!r}: add templates/{name}.")
    return name


@cache
def templates() -> tuple[tuple[str, Channel], ...]:
    """Every (template, channel) that exists, sorted."""
    folder = TEMPLATES / "messages"
    found = [
        (path.relative_to(folder).as_posix().removesuffix(suffix), channel)
        for channel, suffix in _SUFFIXES.items()
        for path in folder.glob(f"*/*{suffix}")
    ]
    return tuple(sorted(pair for pair in found if not pair[0].startswith(SHARED + "/")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One translatable text: its context, the English, the English plural where it counts, its line."""

    context: str
    text: str
    plural: str = ""
    line: int = 0


class _CompiledOnce(BytecodeCache):
    """Compiled templates, shared by the sandboxes of a process: they differ in their texts, which are looked
    up when a template runs, and not in their code."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, where this template was compiled before; its source must be the same."""
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._known[bucket.key] = bucket.bytecode_to_string()


_compiled = _CompiledOnce()


@lru_cache(maxsize=64)
def environment(edition: str, own: OwnWords = NO_OWN_WORDS) -> ImmutableSandboxedEnvironment:
    """The sandbox of one edition: nothing but our own files, facts, and the words of that edition."""
    return sandbox(translations(edition, own))


def sandbox(found: gettext.NullTranslations) -> ImmutableSandboxedEnvironment:
    """A sandbox with any texts in it."""
    made: Any = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name and name.endswith(".html")),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_compiled,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(
        found.gettext, found.ngettext, newstyle=True, pgettext=found.pgettext, npgettext=found.npgettext
    )
    finished: ImmutableSandboxedEnvironment = made
    return finished


PARSER = ImmutableSandboxedEnvironment(loader=FileSystemLoader(TEMPLATES), extensions=["jinja2.ext.i18n"])


def parse(name: str) -> nodes.Template:
    """The syntax tree of one template file; RenderError names the file and line of a mistake."""
    try:
        source, _, _ = FileSystemLoader(TEMPLATES).get_source(PARSER, name)
        return PARSER.parse(source, name)
    except TemplateNotFound as error:
        raise TemplateMissing(f"No template file templates/{error.name}.") from None
    except TemplateSyntaxError as error:
        raise RenderError(f"templates/{name}:{error.lineno}: {error.message}") from None


def notes(source: str, tag: str) -> list[tuple[int, str]]:
    """The comments that begin with a tag, each on one line, with the line where it begins."""
    found = ((line, value.split()) for line, kind, value in PARSER.lex(source) if kind == "comment")
    return [(line, " ".join(words)) for line, words in found if words[:1] == [tag]]


def entries(tree: nodes.Template) -> Iterator[Entry]:
    """The translatable texts of one syntax tree, in the order they stand."""
    for call in tree.find_all(nodes.Call):
        function = getattr(call.node, "name", "")
        texts = [a.value for a in call.args if isinstance(a, nodes.Const) and isinstance(a.value, str)]
        if function == "pgettext" and len(texts) == 2:
            yield Entry(context=texts[0], text=texts[1], line=call.lineno)
        if function == "npgettext" and len(texts) == 3:
            yield Entry(context=texts[0], text=texts[1], plural=texts[2], line=call.lineno)


@cache
def _closure(name: str) -> Mapping[str, nodes.Template]:
    """A template and all it extends, includes and imports, by name."""
    found: dict[str, nodes.Template] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found[current] = parse(current)
            waiting += [ref for ref in meta.find_referenced_templates(found[current]) if ref]
    return found


@cache
def placeholders(template: str, channel: Channel) -> frozenset[str]:
    """The names of the facts a message states or may state."""
    trees = _closure(template_name(template, channel)).values()
    used = {name for tree in trees for name in meta.find_undeclared_variables(tree)}
    return frozenset(used & (_STATED | _NUMBERS.keys()))


@cache
def message_entries(template: str, channel: Channel) -> tuple[Entry, ...]:
    """Every text of a message, shared parts and the entry for the patient's calendar included."""
    trees = dict(_closure(template_name(template, channel)))
    if channel is Channel.EMAIL and placeholders(template, channel) & {"date", "time"}:
        trees |= _closure(CALENDAR)
    return _listed(trees)


def texts_of(
    template: str, channel: Channel, edition: str, own: OwnWords = NO_OWN_WORDS
) -> list[tuple[Entry, list[str]]]:
    """Each entry of a message with its words in that edition (one text, or a text for each plural form)."""
    return _said(message_entries(template, channel), edition, own)


def texts_in(name: str, edition: str, own: OwnWords = NO_OWN_WORDS) -> list[tuple[Entry, list[str]]]:
    """The same for one template file and what it builds on, such as a page that patients open."""
    return _said(_listed(_closure(name)), edition, own)


def _listed(trees: Mapping[str, nodes.Template]) -> tuple[Entry, ...]:
    return tuple(entry for name in sorted(trees) for entry in entries(trees[name]))


def _said(listed: Iterable[Entry], edition: str, own: OwnWords) -> list[tuple[Entry, list[str]]]:
    found = translations(edition, own)
    return [(entry, _translated(found, entry)) for entry in listed]


@lru_cache(maxsize=4096)
def has_gsm_variant(template: str, language: str, own: OwnWords = NO_OWN_WORDS) -> bool:
    """Whether a text message was written a second time, without letters outside GSM-7."""
    there = has_entry(language, own)
    return any(there(e.context + GSM_ENTRY, e.text) for e in message_entries(template, Channel.SMS))


@lru_cache(maxsize=8192)
def wording_digest(template: str, channel: Channel, edition: str, own: OwnWords = NO_OWN_WORDS) -> str:
    """SHA-256 (hex) of source, translation and placeholders: what an approval binds.

    The build of the message counts too (order, conditions), its comments, spaces and colours do not.
    """
    texts = [[e.context, e.text, e.plural, t] for e, t in texts_of(template, channel, edition, own)]
    parts = sorted(_closure(template_name(template, channel)))
    built = [_bare(part) for part in parts if part.startswith("messages/")]
    bound = [template, channel.value, edition, texts, sorted(placeholders(template, channel)), built]
    return hashlib.sha256(json.dumps(bound, ensure_ascii=False).encode()).hexdigest()


@cache
def _bare(name: str) -> str:
    """A template's source without comments and without regard to spaces."""
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    tokens = (value for _, kind, value in PARSER.lex(source) if "comment" not in kind)
    return " ".join("".join(tokens).split())


def _translated(found: gettext.NullTranslations, entry: Entry) -> list[str]:
    if entry.plural:
        return [found.npgettext(entry.context, entry.text, entry.plural, n) for n in (0, 1, 2, 3, 11, 100)]
    return [found.pgettext(entry.context, entry.text)]


def forget() -> None:
    """Read every template and catalog again when it is next asked for."""
    for known in (templates, environment, _closure, placeholders, message_entries, _bare):
        known.cache_clear()
    for answered in (sample_values, has_gsm_variant, wording_digest):
        answered.cache_clear()
