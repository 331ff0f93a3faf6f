"""What the texts say: plain, honest, safe."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from campaigns.delivery import wording
from campaigns.delivery.checks import reading
from campaigns.delivery.glossaries import glossary
from campaigns.delivery.rendering import reload, render
from campaigns.delivery.translations import translations
from campaigns.delivery.wording import SAMPLE, message_entries, placeholders, templates, wording_digest
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.recipients import Channel

LANGUAGES = list(SUPPORTED)
EMAIL = [name for name, channel in templates() if channel is Channel.EMAIL]
ENGLISH = {pair: render(*pair, "en-CA", SAMPLE).text for pair in templates()}
BOTH = {"sms", "email"}
EXPECTED = {
    "welcome/hello": BOTH,
    "previsit/about": BOTH,
    "previsit/late_booking": BOTH,
    "previsit/prepare": BOTH,
    "previsit/confirm": BOTH,
    "pretreatment/nsaids": BOTH,
    "pretreatment/avoid": BOTH,
    "pretreatment/day_before": BOTH,
    "pretreatment/morning": BOTH,
    "aftercare/same_day": BOTH,
    "aftercare/plan_next": BOTH,
    "aftercare/plan_next_again": BOTH,
    "missed_visit/sorry": BOTH,
    "missed_visit/rebook": BOTH,
    "correction/moved": BOTH,
    "correction/cancelled": BOTH,
    **{f"aftercare/{step}": BOTH for step in ("next_day", "next_day_again", "side_effects", "midway")},
    **{f"aftercare/{step}": BOTH for step in ("side_effects_again", "week_pain", "week_nsaids", "change")},
    **{f"course_end/{s}": BOTH for s in ("pain", "change", "three_months", "three_months_change")},
    "auto/emergency": BOTH,
    "auto/emergency_unread": BOTH,
    "auto/crisis_unread": BOTH,
    "auto/crisis": BOTH,
    **{f"auto/{s}": {"sms"} for s in ("high", "ok", "closed", "stop", "start", "help")},
    **{f"auto/{s}": {"sms"} for s in ("language", "languages", "which_patient", "call", "not_ready")},
    **{f"auto/{s}": {"sms"} for s in ("retry_nrs", "retry_yes_no", "retry_change")},
    **{f"replies/{s}": BOTH for s in ("will_call", "passed_on", "please_call", "tried", "thanks", "visit")},
    "replies/confirmed": BOTH,
    "replies/own": {"email"},
}


def names_pills(text: str, language: str) -> bool:
    """Whether a text speaks of anti-inflammatory pills."""
    named = re.search(r"ibuprof|naprox", text, re.IGNORECASE)
    return bool(named) or said("anti_inflammatory", text, language)


def said(term: str, text: str, language: str) -> bool:
    """Whether a text has a term of the glossary in that language."""
    return bool(glossary(language).terms[term].search(" ".join(text.split())))


def test_every_step_has_its_templates() -> None:
    found: dict[str, set[str]] = {}
    for name, channel in templates():
        found.setdefault(name, set()).add(channel.value)
    assert found == EXPECTED


@pytest.mark.parametrize("template", EMAIL)
def test_an_email_reads_at_grade_six_or_lower(template: str) -> None:
    found = reading.read(ENGLISH[template, Channel.EMAIL]).grade
    print(f"{template}: grade {found:.1f}")
    assert found <= 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_pills_are_named_the_text_says_not_to_stop_prescribed_ones(language: str) -> None:
    for template, channel in templates():
        text = " ".join(render(template, channel, language, SAMPLE).text.split())
        said = not names_pills(text, language) or glossary(language).keep_taking.search(text)
        assert said, f"{template} {channel.value}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_pills_are_named_where_they_must_be(language: str) -> None:
    for template, channel in (
        ("pretreatment/nsaids", Channel.SMS),
        ("pretreatment/nsaids", Channel.EMAIL),
        ("pretreatment/avoid", Channel.SMS),
        ("aftercare/same_day", Channel.EMAIL),
        ("aftercare/week_nsaids", Channel.SMS),
    ):
        assert names_pills(render(template, channel, language, SAMPLE).text, language)


@pytest.mark.parametrize("pair", ENGLISH, ids=lambda pair: f"{pair[0]}-{pair[1].value}")
def test_no_text_promises_frightens_or_goes_stale(pair: tuple[str, Channel]) -> None:
    text = " ".join(ENGLISH[pair].split())
    assert not re.search(r"\b(?:cure|permanent|guarantee|tomorrow|yesterday|may cause)", text, re.IGNORECASE)
    assert not re.search(r"\d+ ?%", text)
    assert "text 911" not in text.lower()
    for match in re.finditer("911", text):
        assert re.search(r"[Cc]all $|Tell $", text[: match.start()])
    if pair != ("pretreatment/morning", Channel.EMAIL):
        assert "today" not in text.lower()


def test_the_doctor_is_named_only_as_the_one_who_prescribes() -> None:
    for text in ENGLISH.values():
        for match in re.finditer(r"[Dd]octor", text):
            nearby = text[max(0, match.start() - 90) : match.end() + 60]
            assert re.search(r"gave|prescribed|aspirin", nearby)


def test_figures_of_the_clinic_are_settings() -> None:
    settings = {name: 11 + index for index, name in enumerate(SAMPLE.settings)}
    facts = replace(SAMPLE, settings=settings)
    email = render("pretreatment/nsaids", Channel.EMAIL, "en-CA", facts).text
    after = render("aftercare/same_day", Channel.SMS, "en-CA", facts).text
    assert "For 11 days before your visit" in " ".join(email.split())
    assert "Sore for 15 to 16 days" in after


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("en-CA", "1 day before", "11 days before"),
        ("fr-CA", "1 jour avant", "les 11 jours qui précèdent"),
        ("ar", "يوم واحد قبل", "11 يومًا قبل"),
    ],
)
def test_days_are_counted_as_the_language_does(language: str, one: str, many: str) -> None:
    for days, expected in ((1, one), (11, many)):
        facts = replace(SAMPLE, settings={**SAMPLE.settings, "alcohol_days_before": days})
        text = render("pretreatment/avoid", Channel.EMAIL, language, facts).text
        assert expected in " ".join(text.split())


def test_the_sheet_after_a_treatment_holds_every_danger_sign() -> None:
    text = " ".join(ENGLISH["aftercare/same_day", Channel.EMAIL].split())
    for sign in ("sudden chest pain", "hard to breathe", "throat swells", "weak or numb", "stiff neck"):
        assert text.index("Call 911 now if") < text.index(sign) < text.index("Go to Emergency now if")
    for sign in ("fever or chills", "pus", "headache that is worse when you sit"):
        assert text.index(sign) > text.index("Call us the same day if")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", ["aftercare/same_day", "aftercare/next_day", "aftercare/next_day_again"])
def test_the_first_texts_after_a_treatment_carry_the_chest_warning(template: str, language: str) -> None:
    text = render(template, Channel.SMS, language, SAMPLE).text
    assert said("chest_pain", text, language)
    assert "911" in text


def test_placeholders_are_the_facts_that_a_text_may_state() -> None:
    assert placeholders("correction/moved", Channel.SMS) == {
        "clinic", "phone", "date", "time", "old_date", "old_time",
    }  # fmt: skip
    assert {"date", "time"} <= placeholders("pretreatment/morning", Channel.SMS)
    assert {"nsaid_days", "unsubscribe_url", "address"} <= placeholders("pretreatment/nsaids", Channel.EMAIL)
    assert "link" in placeholders("aftercare/same_day", Channel.SMS)
    assert "given_name" not in placeholders("welcome/hello", Channel.SMS)


def test_a_context_begins_with_the_step_and_channel_or_is_shared() -> None:
    for template, channel in templates():
        own = f"{template.replace('/', '.')}.{channel.value}."
        for entry in message_entries(template, channel):
            assert entry.context.startswith((own, "shared."))


def test_digests_differ_and_are_stable() -> None:
    seen = {(*pair, tag): wording_digest(*pair, tag) for pair in templates() for tag in LANGUAGES}
    assert len(set(seen.values())) == len(seen)
    reload()
    assert seen == {key: wording_digest(*key) for key in seen}


def test_a_digest_changes_with_the_translation_and_with_the_build_but_not_with_a_comment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = ("auto/ok", Channel.SMS)
    before = wording_digest(*pair, "fr-CA")
    plain = translations("fr-CA")

    def digest() -> str:
        return wording_digest.__wrapped__(*pair, "fr-CA")

    assert digest() == before
    with monkeypatch.context() as patch:
        patch.setattr(plain, "pgettext", lambda context, message: "autre")
        assert digest() != before
    bare = wording._bare
    with monkeypatch.context() as patch:
        patch.setattr(wording, "_bare", lambda name: bare(name) + " {% if x %}{% endif %}")
        assert digest() != before
    assert wording._bare("messages/auto/ok.sms.txt").startswith("{{")
