"""Red flags are found, and nothing in a text talks them away."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.lexicon import build
from campaigns.domain.matching import parse_sets, parse_term
from campaigns.domain.slips import one_slip_apart
from campaigns.domain.triage import Assessment, Thresholds, Urgency, assess, report
from campaigns.domain.word_index import Vocabulary, build_index
from campaigns.queries.lexicons import load

LEXICON = load()
EMERGENCIES = {
    "en-CA": [
        "chest pain",
        "I can't breathe",
        "my legs are numb",
        "fever and chills",
        "my face is swollen",
        "suicidal",
        "won't stop bleeding",
    ],
    "fr-CA": [
        "douleur à la poitrine",
        "je ne peux plus respirer",
        "jambe engourdie",
        "j'ai de la fièvre",
        "gorge enflée",
        "me tuer",
        "ça saigne",
    ],
    "ar": [
        "ألم في صدري",
        "لا أستطيع التنفس",
        "تنميل في ساقي",
        "عندي حرارة",
        "انتفاخ في وجهي",
        "أفكر في الانتحار",
        "نزيف قوي",
    ],
}
ALL = [(tag, text) for tag, texts in EMERGENCIES.items() for text in texts]


def look(text: str, language: str = "en-CA", **given_: Any) -> Assessment:
    """Assess with the shipped lexicon."""
    return assess(text, language=language, lexicon=LEXICON, **given_)


@pytest.mark.parametrize("patient", EMERGENCIES)
@pytest.mark.parametrize(("language", "text"), ALL)
def test_an_emergency_is_seen_in_every_language_for_every_patient(
    language: str, text: str, patient: str
) -> None:
    found = look(text, patient)
    assert found.urgency is Urgency.EMERGENCY
    assert found.matched
    assert found.rule.startswith(language[:2])


@given(st.sampled_from(ALL), st.text(max_size=30), st.text(max_size=30))
def test_more_words_never_silence_an_emergency(case: tuple[str, str], before: str, after: str) -> None:
    language, text = case
    assert look(f"{before} {text} {after}", language).urgency is not None


@given(
    st.sampled_from(ALL),
    st.sampled_from(["", "no", "not", "pas de", "sans", "لا", "بدون", "no thanks 7 and", "stop"]),
)
def test_a_negation_lowers_at_most_to_urgent(case: tuple[str, str], negation: str) -> None:
    language, text = case
    assert look(f"{negation} {text}", language).urgency is not None


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    assert look(text).urgency in (None, *Urgency)


@pytest.mark.parametrize(
    "bit", ["\x00", "\ud800", "\u202e", "👩‍👩‍👧", "chest pain ", "no fever ", "a", "صدري ", "7 "]
)
def test_ten_thousand_characters_are_read_in_time(bit: str) -> None:
    text = (bit * 10_000)[:10_000]
    started = time.perf_counter()
    assert look(text, "ar").urgency in (None, *Urgency)
    assert report(text, language="ar", expects="nrs", lexicon=LEXICON)["answer"] is None
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("text", "language", "urgency"),
    [
        ("no fever", "en-CA", "urgent"),
        ("pas de fièvre", "fr-CA", "urgent"),
        ("لا يوجد حرارة", "ar", "urgent"),
        ("No, fever", "en-CA", "emergency"),
        ("no fever but numb", "en-CA", "emergency"),
        ("no fever no chills", "en-CA", "emergency"),
        ("no pus and fever", "en-CA", "emergency"),
        ("fever not going away", "en-CA", "emergency"),
        ("no chest pain", "en-CA", "emergency"),
        ("not short of breath", "en-CA", "emergency"),
        ("not suicidal", "en-CA", "emergency"),
        ("pas évanoui", "fr-CA", "emergency"),
        ("plus de fièvre", "fr-CA", "emergency"),
        ("pas de fièvre", "en-CA", "emergency"),
        ("no headache", "en-CA", "urgent"),
    ],
)
def test_a_denied_sign_is_still_looked_at(text: str, language: str, urgency: str) -> None:
    found = look(text, language)
    assert found.urgency == urgency
    assert found.matched


def test_it_shows_what_was_denied() -> None:
    found = look("no fever")
    assert (found.matched, found.denied) == (("fever",), ("fever",))
    assert look("fever").denied == ()


@pytest.mark.parametrize(
    "text",
    [
        "brething trouble and chest",
        "infectoin",
        "fevrish",
        "numbnes",
        "suiciadl",
        "bleedng",
        "convulsons",
        "anafilaxis anaphlaxis",
    ],
)
def test_one_slip_of_the_thumb_hides_nothing(text: str) -> None:
    assert look(text).urgency is Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("my injection is tomorrow, what number do I call?", "en-CA"),
        ("pushing the pushchair, weekend was fine", "en-CA"),
        ("a contusion from the ladder after painting", "en-CA"),
        ("a bit chilly and cooking soup", "en-CA"),
        ("j'ai bien été soigné, l'injection va bien, je peux courir", "fr-CA"),
        ("شكرا على الخدمة، قدمي أحسن الآن", "ar"),
        ("أنا في انتظار الموعد بعد الحقنة", "ar"),
        ("هل يمكنني أخذ مضاد للالتهاب", "ar"),
        ("thanks, see you Tuesday at 2", "en-CA"),
    ],
)
def test_everyday_words_raise_no_alarm(text: str, language: str) -> None:
    assert look(text, language) == Assessment()


def test_the_gravest_finding_comes_first() -> None:
    found = look("fever, and I want to die")
    assert (found.group, found.groups[:2]) == ("crisis", ("crisis", "infect"))
    assert found.rules[0] == "en.crisis"


@pytest.mark.parametrize(
    ("question", "answer", "previous", "rule"),
    [
        ("pain", 7, None, ""),
        ("pain", 8, None, "answer.pain_high"),
        ("pain", 8, 8, "answer.pain_high"),
        ("pain", 6, 3, "answer.pain_rise"),
        ("pain", 5, 3, ""),
        ("pain", 2, 9, ""),
        ("function", 0, 9, ""),
        ("function", 10, 1, ""),
        ("change", 6, None, ""),
        ("change", 7, None, "answer.much_worse"),
        ("side_effects", "yes", None, "answer.side_effects"),
        ("side_effects", "no", None, ""),
        ("ready", "no", None, "answer.not_ready"),
        ("confirm", "no", None, "answer.not_confirm"),
        ("ready", "yes", None, ""),
        ("nsaids_taken", "yes", None, ""),
        ("", 9, None, ""),
        ("pain", None, None, ""),
    ],
)
def test_answers_have_thresholds(
    question: str, answer: int | str | None, previous: int | None, rule: str
) -> None:
    found = look("", question=question, answer=answer, previous_answer=previous)
    assert (found.rule, found.urgency) == (rule, Urgency.URGENT if rule else None)


def test_the_clinic_may_move_a_threshold() -> None:
    assert look("6", question="pain", answer=6, thresholds=Thresholds(pain=6)).rule == "answer.pain_high"


def test_an_answer_never_hides_a_red_flag() -> None:
    found = look("no, chest pain", question="side_effects", answer="yes")
    assert found.urgency is Urgency.EMERGENCY
    assert found.rules[-1] == "answer.side_effects"


def test_it_reports_what_the_contract_names() -> None:
    found = report("CANCEL chest pain", language="fr", expects="nrs", lexicon=LEXICON)
    assert (found["keyword"], found["answer"], found["urgency"]) == (None, None, "emergency")
    found = report("ARRET", language="en", expects="yes_no", question="screen", lexicon=LEXICON)
    assert (found["keyword"], found["language"], found["matched"]) == ("stop", "fr-CA", [])
    found = report("9", language="ar", expects="nrs", lexicon=LEXICON)
    assert (found["answer"], found["urgency"]) == (9, "urgent")
    assert set(found) >= {"keyword", "answer", "language", "urgency", "matched", "parser"}


@pytest.mark.parametrize(
    ("question", "text", "answer", "urgency"),
    [
        ("screen", "ok", None, None),
        ("ready", "ok", "yes", None),
        ("screen", "Y", "yes", "urgent"),
        ("ready", "N", "no", "urgent"),
        ("", "ok", None, None),
    ],
)
def test_the_question_decides_what_ok_means(
    question: str, text: str, answer: str | None, urgency: str | None
) -> None:
    found = report(text, language="en-CA", expects="yes_no", question=question, lexicon=LEXICON)
    assert (found["answer"], found["urgency"]) == (answer, urgency)


def test_an_unknown_kind_of_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        report("7", language="en-CA", expects="colour", lexicon=LEXICON)


def test_a_long_text_is_read_to_its_end_in_time() -> None:
    text = "j'ai bien dormi et mangé des fraises " * 300 + "mais douleur à la poitrine"
    started = time.perf_counter()
    assert look(text, "fr-CA").urgency is Urgency.EMERGENCY
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("one", "two", "near"),
    [
        ("fever", "fever", True),
        ("fever", "fevr", True),
        ("fever", "feever", True),
        ("fever", "fefer", True),
        ("fever", "feevr", True),
        ("fever", "fervers", False),
        ("fever", "lover", False),
        ("abc", "", False),
        ("ab", "ba", True),
        ("abcd", "badc", False),
    ],
)
def test_a_slip_is_one_letter(one: str, two: str, near: bool) -> None:
    assert one_slip_apart(one, two) is near
    assert one_slip_apart(two, one) is near


@pytest.mark.parametrize("label", ["", "chest + ", "pain||ache", "* + chest"])
def test_a_broken_term_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        parse_term(label, inside=False)


def test_a_lexicon_with_an_unknown_urgency_is_refused() -> None:
    keywords = {
        "language": "any",
        "redflags": {"odd": {"group": "resp", "urgency": "soon", "terms": ["x"]}},
        **{name: {} for name in ("stop", "start", "help", "call", "language_names")},
        **{name: [] for name in ("stop_or_visit", "language_words", "polite")},
    }
    with pytest.raises(ValueError, match=r"any\.odd"):
        build(keywords, [])


def test_every_language_of_the_lexicon_covers_every_group() -> None:
    groups = {"resp", "neuro", "infect", "allergy", "bleed", "crisis", "distress", "headache", "unwell"}
    for language in ("en", "fr", "ar"):
        assert {rule.group for rule in LEXICON.rules if rule.id.startswith(f"{language}.")} == groups


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("icantbreathe", "en-CA"),
        ("mychesthurts", "en-CA"),
        ("i cnt breathe", "en-CA"),
        ("heeelp i cant breatheee", "en-CA"),
        ("chst pian", "en-CA"),
        ("jarrivepasarespirer", "fr-CA"),
        ("ألممممم في صدري", "ar"),
    ],
)
def test_hurried_thumbs_hide_nothing(text: str, language: str) -> None:
    assert look(text, language).urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("patient", SUPPORTED)
@pytest.mark.parametrize(
    "text", ["胸口好痛", "가슴이 아파요", "seene mein dard", "مرگ می‌خوام بمیرم", "боль в груди"]
)
def test_every_patient_may_write_in_any_language(text: str, patient: str) -> None:
    assert look(text, patient).urgency is Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("बुखार नहीं है", "hi"),
        ("ਬੁਖਾਰ ਨਹੀਂ", "pa"),
        ("没有发烧", "zh-Hans"),
        ("冇發燒", "zh-Hant"),
        ("열은 없어요", "ko"),
        ("تب ندارم", "fa"),
        ("không sốt", "vi"),
        ("sin fiebre", "es"),
        ("нет температуры", "ru"),
        ("немає температури", "uk"),
        ("walang lagnat", "fil"),
    ],
)
def test_each_language_denies_on_its_own_side(text: str, language: str) -> None:
    found = look(text, language)
    assert found.urgency is Urgency.URGENT
    assert found.denied


@given(st.sampled_from([*SUPPORTED]), st.text(max_size=40))
def test_a_denied_breath_or_crisis_stays_an_emergency(language: str, around: str) -> None:
    assert look(f"no chest pain {around}", language).urgency is Urgency.EMERGENCY


def test_the_accents_of_a_lone_vietnamese_word_count() -> None:
    assert look("sốt", "vi").urgency is look("sot", "vi").urgency is Urgency.EMERGENCY
    assert look("sót", "vi").urgency is not Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("label", "text", "stands"),
    [
        ("go on / carry on + not", "i will not carry on", True),
        ("go on / carry on + not", "carry this on not", False),
        ("<cannot> + walk", "not able to walk", True),
        ("<cannot> + walk", "able to walk", False),
        ("walk*", "walking", True),
    ],
)
def test_the_notation(label: str, text: str, stands: bool) -> None:
    sets = parse_sets({"cannot": ["cant", "not able"]}, inside=False)
    term = parse_term(label, inside=False, sets=sets)
    index = build_index([Vocabulary("xx", (term,))])
    assert bool(index.search(index.read(text, ("xx",)), ("xx",))) is stands


@pytest.mark.parametrize("language", ["en-CA", "ar", "zh-Hans", "vi", "ru", "hi"])
def test_a_text_message_is_judged_in_milliseconds(language: str) -> None:
    text = "مرحبا my knee 膝盖有一点 sore but otherwise все хорошо, ठीक है, " * 3
    look(text, language)
    started = time.perf_counter()
    for number in range(10):
        look(f"{text} {number}", language)
    assert (time.perf_counter() - started) / 10 < 0.05, "ten times what it takes on an idle machine"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("br3athing hurts", "en-CA"),
        ("неможудышать", "ru"),
        ("ледведихаю", "uk"),
        ("norespirobien", "es"),
        ("saansnahiaarahi", "hi"),
        ("температурa 39, знoбит", "ru"),
        ("塊面腫晒", "zh-Hans"),
        ("块面肿晒", "zh-Hant"),
        ("숨이 안 쉬어저요", "ko"),
    ],
)
def test_spelling_and_spacing_hide_nothing(text: str, language: str) -> None:
    assert look(text, language).urgency is Urgency.EMERGENCY


def test_a_harmless_phrase_hides_nothing_but_itself() -> None:
    assert look("a chest of drawers").urgency is None
    assert look("a chest of drawers fell on my chest and it hurts").urgency is Urgency.EMERGENCY
    assert look("playoff fever, and a fever of 39").urgency is Urgency.EMERGENCY
