"""Every message in every language, with the longest and the shortest facts."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from jinja2 import DictLoader
from jinja2.exceptions import SecurityError

from campaigns.delivery import rendering, translations, wording
from campaigns.delivery.email_html import wrap
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.rendering import Rendered, help_line, render
from campaigns.delivery.translations import gsm_edition
from campaigns.delivery.wording import SAMPLE, SAMPLE_SHORT, Facts, has_gsm_variant, templates
from campaigns.domain.errors import RenderError, TemplateMissing, TranslationMissing
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.recipients import Channel
from campaigns.domain.sms import segment
from campaigns.queries import sequence_files

SMS = [name for name, channel in templates() if channel is Channel.SMS]
EMAIL = [name for name, channel in templates() if channel is Channel.EMAIL]
LANGUAGES = list(SUPPORTED)
CHECK_INS = [
    sequence.template(step)
    for sequence in sequence_files.load_all().values()
    for step in sequence.steps
    if step.asks and step.topic == "check_ins"
]
FACTS = {"long": SAMPLE, "short": SAMPLE_SHORT}
MANY_SCRIPTS = {"auto/languages"}  # the names of all languages take three segments in any of them
ISOLATES = re.compile("[\u2066-\u2069]")
NUMERIC_DATE = re.compile(r"\b\d{1,4}[/.]\d{1,2}[/.]\d{1,4}\b|\b\d{4}-\d{2}-\d{2}\b")


class Words(HTMLParser):
    """The words that a reader of the page sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.skipped = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipped = self.skipped or tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self.skipped = self.skipped and tag not in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.seen += data.split()


@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_whole_and_clean(language: str, facts: Facts) -> None:
    for template, channel in templates():
        assert_whole_and_clean(template, channel, language, facts)


def assert_whole_and_clean(template: str, channel: Channel, language: str, facts: Facts) -> None:
    message = render(template, channel, language, facts)
    for part in (message.subject, message.text, message.html):
        assert not zone_names(language).search(part)
        assert not re.search(r"%\(|\{\{|\{%|[\ue000\ue001]", part)
        assert "\u202f" not in part
        assert "None" not in part
    for part in (message.subject, message.text):
        assert not NUMERIC_DATE.search(part)
        assert not re.search(r"\b(?:CANCEL|END|QUIT)\b", part)
        assert ".." not in part
        assert "  " not in part.replace("\n  ", "\n")
    assert message.language == language
    assert len(message.wording_digest) == 64


@cache
def zone_names(language: str) -> re.Pattern[str]:
    """The names of Canada's zones, such as "Pacific Standard Time" and "HNP": wrong where a government has
    moved the clocks for good. "CT" and its like are left out: they are examinations too."""
    names = set()
    for zones in (Locale.parse(tag, sep="-").meta_zones for tag in (language, "en-CA")):
        for zone in ("Pacific", "Mountain", "Central", "Eastern"):
            forms = zones[f"America_{zone}"]
            names |= {name for width in forms.values() for name in width.values() if len(name) > 2}
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(map(re.escape, sorted(names)))})(?![A-Za-z])")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_stays_within_its_segments(language: str) -> None:
    table = {name: least_segments(name, language, SAMPLE) for name in SMS if name not in MANY_SCRIPTS}
    assert {name: used for name, used in table.items() if used > budget(language, name)} == {}


def least_segments(name: str, language: str, facts: Facts) -> int:
    """What a text takes, in its GSM-safe variant where that is shorter."""
    editions = [language, *([gsm_edition(language)] if has_gsm_variant(name, language) else [])]
    return min(segment(render(name, Channel.SMS, one, facts).text).segments for one in editions)


PLAIN_WORDS_FIRST = {
    ("es", "aftercare/same_day"),  # "días" has an í whatever one does
    ("fr-CA", "aftercare/side_effects"),  # and every plain word for a headache an ê or an â
    ("fr-CA", "aftercare/side_effects_again"),
}
"""Texts on danger signs that cost a segment more than their language's budget, for want of an honest word."""


def budget(language: str, name: str) -> int:
    """Segments: one in English, two in Latin letters, three in others."""
    return 3 if (language, name) in PLAIN_WORDS_FIRST else glossary(language).segments


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unused", ["caffeine_days_before", "alcohol_days_before"])
def test_a_rule_that_the_clinic_does_not_have_is_not_stated(language: str, unused: str) -> None:
    terms = glossary(language).terms
    words = {"caffeine_days_before": terms["caffeine"], "alcohol_days_before": terms["alcohol"]}
    facts = replace(SAMPLE, settings={**SAMPLE.settings, unused: 0})
    neither = replace(SAMPLE, settings={**SAMPLE.settings, **dict.fromkeys(words, 0)})
    for name in ("pretreatment/avoid", "pretreatment/day_before", "pretreatment/morning"):
        for channel in Channel:
            text = render(name, channel, language, facts).text
            assert not words[unused].search(text)
            assert text != render(name, channel, language, neither).text  # the other rule still stands
        assert least_segments(name, language, facts) <= budget(language, name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_holds_no_name_and_no_other_markup(language: str) -> None:
    for template in SMS:
        message = render(template, Channel.SMS, language, SAMPLE)
        assert (message.subject, message.html) == ("", ""), template
        assert SAMPLE.given_name not in message.text, template
        assert not ISOLATES.search(message.text), template
        assert SAMPLE.clinic in message.text, template


JOINTS = {
    "en-CA": "knee|shoulder|elbow|ankle",
    "fr-CA": "genou|épaule|coude|cheville",
    "pa": "ਗੋਡੇ|ਗੋਡਾ|ਮੋਢ|ਕੂਹਣੀ|ਗਿੱਟ",
    "zh-Hant": "膝|肩|肘|踝",
    "zh-Hans": "膝|肩|肘|踝",
    "fil": "tuhod|balikat|siko|bukung-bukong",
    "ko": "무릎|어깨|팔꿈치|발목",
    "fa": "زانو|شانه|آرنج|مچ پا",
    "es": "rodilla|hombro|codo|tobillo",
    "vi": "đầu gối|bả vai|khuỷu|mắt cá",
    "ar": "ركبة|كتف|مرفق|كاحل",
    "hi": "घुटन|कंधे|कंधा|कोहनी|टखन",
    "ru": "колен|плеч|локт|локот|лодыжк",
    "uk": "колін|плеч|лікт|лікот|щиколот",
}
"""Where a clinic like this treats."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_says_nothing_of_the_treatment(language: str) -> None:
    """Whoever sees the screen learns that there is a visit, and not for what: that stands in the e-mails."""
    terms = glossary(language).terms
    treatment = (terms["prolotherapy"], terms["injection"], re.compile(JOINTS[language], re.IGNORECASE))
    for facts in FACTS.values():
        texts = {name: render(name, Channel.SMS, language, facts).text for name in SMS}
        assert {n: t for n, t in texts.items() if any(word.search(t) for word in treatment)} == {}
    mails = "".join(render(name, Channel.EMAIL, language, SAMPLE).text for name in EMAIL)
    assert all(word.search(mails) for word in treatment[:2])  # the words that we look for are the right ones


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_email_says_who_sends_it_why_and_how_to_stop(language: str) -> None:
    for template in EMAIL:
        message = render(template, Channel.EMAIL, language, SAMPLE)
        told = (SAMPLE.unsubscribe_url, "604-555-0134", SAMPLE.address, "911", "8-1-1")
        for part in (message.html, ISOLATES.sub("", message.text)):
            assert [each for each in told if each not in part] == [], template
        assert "http-equiv" not in message.html, template
        assert not re.search(r"<(?:script|img|link)\b", message.html), template
        # A check-in's subject is its question; programs cut it, and the heading has it whole.
        assert 0 < len(message.subject) <= (150 if template in CHECK_INS else 70), template


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_part_has_the_words_of_the_page(language: str) -> None:
    for template in EMAIL:
        message = render(template, Channel.EMAIL, language, SAMPLE)
        bare = re.sub(r"https?://\S+|\n[=-]+\n|\n- ", "", ISOLATES.sub("", message.text))
        shown = "".join(Words(message.html).seen)
        assert re.sub(r"[\s:：]", "", bare) == re.sub(r"[\s:：]", "", shown), template


@pytest.mark.parametrize("template", EMAIL)
def test_an_arabic_email_is_a_right_to_left_document_with_its_numbers_held(template: str) -> None:
    message = render(template, Channel.EMAIL, "ar", SAMPLE)
    assert re.match(r'<!DOCTYPE html><html lang="ar" dir="rtl">', message.html)
    outer = re.search(r'<table class="page"[^>]*>', message.html)
    assert outer
    assert {'dir="rtl"', 'lang="ar"'} <= set(outer.group().split())
    assert "margin-left" not in message.html
    body = message.html.partition("<body")[2]
    assert re.search(r'<bdi dir="ltr"[^>]*>604-555-0134</bdi>', body)
    assert re.search(r'<bdi dir="auto">Westside Pain Clinic</bdi>', body)
    assert "\u2068604-555-0134\u2069" in message.text
    assert "\u20688-1-1\u2069" in message.text
    assert message.text.count("\u2068") == message.text.count("\u2069")


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_other_emails_are_left_to_right_with_their_language_named(language: str) -> None:
    message = render("previsit/about", Channel.EMAIL, language, SAMPLE)
    assert re.match(rf'<!DOCTYPE html><html lang="{language}" dir="ltr">', message.html)
    assert "<bdi" not in message.html
    assert not ISOLATES.search(message.text)


def test_an_email_has_its_styles_on_the_elements_and_a_dark_mode() -> None:
    html = render("previsit/confirm", Channel.EMAIL, "en-CA", SAMPLE).html
    assert "prefers-color-scheme: dark" in html
    assert 'content="light dark"' in html
    assert re.search(r'<a class="button" href="tel:\+16045550134" style="[^"]*background-color', html)
    assert len(html) < 20_000


@pytest.mark.parametrize("template", SMS)
def test_an_arabic_sms_reads_right_to_left_and_no_number_is_turned_round(template: str) -> None:
    text = render(template, Channel.SMS, "ar", SAMPLE).text
    assert text[0] == "م"
    for match in re.finditer(r"\d+-\d+", text):
        assert text[: match.start()].rstrip("-0123456789")[-1] == "\u200e"


def test_a_number_after_latin_letters_needs_no_mark() -> None:
    facts = replace(SAMPLE, clinic="شفاء")
    assert "\u200e604" in render("auto/ok", Channel.SMS, "ar", facts).text
    assert rendering._keep_numbers_in_order("من Elm 604-555-0134") == "من Elm 604-555-0134"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_emergency_text_names_the_patients_language_for_the_operator(language: str) -> None:
    text = render("auto/emergency", Channel.SMS, language, SAMPLE).text
    assert (SUPPORTED[language].english_name in text) is (language != "en-CA")
    assert "911" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", ["auto/stop", "auto/help"])
def test_answers_to_stop_and_help_are_short_enough_for_carriers(template: str, language: str) -> None:
    assert len(render(template, Channel.SMS, language, SAMPLE).text) <= 160


def test_values_are_escaped_in_the_page_and_plain_in_the_text() -> None:
    facts = replace(SAMPLE, clinic="<b>A & B</b>", given_name='"><script>', fee="{{ 7*7 }} %(x)s")
    message = render("previsit/prepare", Channel.EMAIL, "en-CA", facts)
    assert "<script" not in message.html
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in message.html
    assert "<b>A & B</b>" in message.text
    assert "{{ 7*7 }} %(x)s" in message.text


def test_a_value_cannot_add_a_line_to_the_subject() -> None:
    facts = replace(SAMPLE, clinic="A\r\nBcc: x@clinic.example")
    message = render("auto/ok", Channel.SMS, "en-CA", facts)
    assert message.text.startswith("A Bcc: x@clinic.example: ")


def test_a_missing_fact_is_one_clear_line() -> None:
    with pytest.raises(RenderError) as caught:
        render("pretreatment/morning", Channel.SMS, "fr-CA", replace(SAMPLE, starts_at=None))
    assert str(caught.value) == (
        "messages/pretreatment/morning.sms.txt (fr-CA): 'time' is undefined; give this fact, or test for it."
    )


def test_a_missing_number_of_days_is_one_clear_line_too() -> None:
    with pytest.raises(RenderError, match="nsaid_days"):
        render("pretreatment/nsaids", Channel.EMAIL, "en-CA", replace(SAMPLE, settings={}))
    with pytest.raises(RenderError, match=r"pretreatment/nsaids\.email\.html \(ar\)"):
        render("pretreatment/nsaids", Channel.EMAIL, "ar", replace(SAMPLE, settings={}))


@pytest.mark.parametrize("name", ["welcome/nothing", "shared/risks", "../etc/passwd", "welcome", "a/b/c"])
def test_a_missing_template_is_one_clear_line(name: str) -> None:
    with pytest.raises(TemplateMissing, match="No sms template"):
        render(name, Channel.SMS, "en-CA", SAMPLE)


def test_a_language_without_a_catalog_is_refused() -> None:
    with pytest.raises(TranslationMissing, match=r"no catalog for ja: add locales/ja/.*\.po"):
        render("welcome/hello", Channel.SMS, "ja", SAMPLE)


def test_a_text_that_is_not_translated_is_refused_and_never_sent_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "locales/fr_CA/LC_MESSAGES"
    folder.mkdir(parents=True)
    whole = (translations.ROOT / translations.catalog_path("fr-CA")).read_text(encoding="utf-8")
    entry = r'(msgctxt "auto\.ok\.sms\.body"\n(?:msgid .*\n(?:".*"\n)*))msgstr .*\n(?:".*"\n)*'
    cut = re.sub(entry, r'\1msgstr ""\n', whole)
    assert cut != whole
    (folder / "patient.po").write_text(cut, encoding="utf-8")
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    rendering.reload()
    try:
        assert "Clinic" in render("auto/stop", Channel.SMS, "fr-CA", SAMPLE).text
        with pytest.raises(TranslationMissing, match=r"auto\.ok\.sms\.body is not translated into fr-CA"):
            render("auto/ok", Channel.SMS, "fr-CA", SAMPLE)
    finally:
        monkeypatch.undo()
        rendering.reload()


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(RenderError, match="1600 is the most"):
        render("auto/ok", Channel.SMS, "en-CA", replace(SAMPLE, clinic="x" * 1_600))
    with pytest.raises(RenderError, match="200000 is the most"):
        render("welcome/hello", Channel.EMAIL, "en-CA", replace(SAMPLE, address="x" * 200_000))


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ clinic.__init__.__globals__ }}"])
def test_templates_run_in_a_sandbox(source: str) -> None:
    sandbox = wording.environment("en-CA").overlay(loader=DictLoader({"t": source}))
    with pytest.raises(SecurityError):
        sandbox.get_template("t").render(clinic="x")


def test_the_language_is_an_argument_and_nothing_else() -> None:
    first = [render("auto/ok", Channel.SMS, language, SAMPLE).text for language in LANGUAGES]
    second = [render("auto/ok", Channel.SMS, language, SAMPLE).text for language in reversed(LANGUAGES)]
    assert first == second[::-1]
    assert len(set(first)) == len(LANGUAGES)


def test_one_message_does_not_leak_into_the_next() -> None:
    render("previsit/about", Channel.EMAIL, "en-CA", SAMPLE)
    other = render("previsit/about", Channel.EMAIL, "en-CA", replace(SAMPLE, given_name="Other"))
    assert SAMPLE.given_name not in other.html + other.text
    assert isinstance(other, Rendered)


def test_the_help_line_is_in_the_patients_language() -> None:
    assert help_line("en-CA") == "Call us for help in your language."
    for language in LANGUAGES:
        assert help_line(language) == SUPPORTED[language].help_line
    assert help_line("ja") == help_line("en-CA")


def test_lines_are_wrapped_but_a_link_and_an_isolated_run_stay_whole() -> None:
    url = "https://clinic.example/u/" + "x" * 80
    assert url in wrap("Stop these e-mails: " + url).split("\n")
    assert max(map(len, wrap("word " * 60).split("\n"))) <= 72
    name = "\u2068" + "Long Name " * 9 + "\u2069"
    assert name in wrap("من " * 10 + name + " ثم")
