"""What replies are understood as, and that nothing is ever guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.answering import Problem
from campaigns.domain.folding import fold, plain, words
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.replies import Expects, Keyword, Parsed, parse, version
from campaigns.queries.lexicons import load

LEXICON = load()
LANGUAGES = set(SUPPORTED)
TAGS = st.sampled_from(["en-CA", "fr-CA", "ar", "pa", "zh-Hant", "", "xx"])
KINDS = st.sampled_from(list(Expects))
QUESTIONS = st.sampled_from(["", "pain", "function", "change", "side_effects", "ready", "confirm", "no such"])
NASTY = st.one_of(
    st.text(max_size=80),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "So", "Mn", "Nd", "No", "Zs"]), max_size=60),
    st.text(alphabet="0123456789/.,-+ ٣٧۴७⑦⁷½%:°n\n\x00\u202e\ud800", max_size=12),
    st.sampled_from(["7", "stop", "yes", "لا", "fever", "\ud83d", "\u202e", "😀"]).map(
        lambda piece: piece * 2500
    ),
)


def read(text: str, expects: Expects, language: str = "en-CA", question: str = "") -> Parsed:
    """Parse with the shipped lexicon."""
    return parse(text, language=language, expects=expects, question=question, lexicon=LEXICON)


@given(NASTY, TAGS, KINDS, QUESTIONS)
def test_any_text_gives_an_answer_in_range_or_none(
    text: str, language: str, expects: Expects, question: str
) -> None:
    parsed = read(text, expects, language, question)
    allowed: dict[Expects, set[object]] = {
        Expects.NRS: set(range(11)),
        Expects.CHANGE: set(range(1, 8)),
        Expects.YES_NO: {"yes", "no"},
        Expects.NONE: set(),
    }
    assert parsed.answer is None or parsed.answer in allowed[expects]
    assert parsed.answer is None or parsed.problem is None


@given(st.integers(0, 10**9), st.sampled_from(["{}", " {} ", "{}!", "{}/10", "pain {}", "{} out of 10"]))
def test_a_number_out_of_range_is_never_an_answer(number: int, shape: str) -> None:
    parsed = read(shape.format(number), Expects.NRS)
    assert parsed.answer == (number if number <= 10 else None)
    assert (parsed.problem is Problem.OUT_OF_RANGE) == (number > 10)


@given(st.integers(0, 10), st.integers(0, 10), st.sampled_from([" ", "-", " or ", ",", " to ", ".", ":"]))
def test_two_numbers_are_never_an_answer(one: int, two: int, between: str) -> None:
    assert read(f"{one}{between}{two}", Expects.NRS).answer is None


@given(
    st.integers(0, 10),
    st.sampled_from(["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "੦੧੨੩੪੫੬੭੮੯", "०१२३४५६७८९", "０１２３４５６７８９"]),
)
def test_digits_of_every_script_count(number: int, digits: str) -> None:
    typed = "".join(digits[int(digit)] for digit in str(number))
    assert read(typed, Expects.NRS, "ar").answer == number


@pytest.mark.parametrize("language", ["en-CA", "fr-CA", "ar"])
@pytest.mark.parametrize(
    "text", ["5 Advil", "7 am", "7am", "b12", "007", "+5", "<5", ">5", "5%", "$5", "5°", "#5", "5+"]
)
def test_a_number_with_something_else_is_asked_again(text: str, language: str) -> None:
    assert read(text, Expects.NRS, language).problem is Problem.NOT_UNDERSTOOD


@pytest.mark.parametrize("text", ["⑦⓪", "1⁰", "1⓪", "7²", "½", "10/7", "5/5", "7/10/2026"])
def test_digits_that_only_look_joined_stay_apart(text: str) -> None:
    assert read(text, Expects.NRS).problem is Problem.AMBIGUOUS


@pytest.mark.parametrize(("text", "answer"), [("４/7", 4), ("4 out of 7", 4), ("four", 4), ("4/10", None)])
def test_the_change_question_runs_from_1_to_7(text: str, answer: int | None) -> None:
    assert read(text, Expects.CHANGE).answer == answer


@pytest.mark.parametrize("text", ["lO", "O", "oo", "l", "sevn", "seven eight", "maybe", "", "?", "…"])
def test_it_never_repairs_an_answer(text: str) -> None:
    assert read(text, Expects.NRS).answer is None


def test_a_word_with_two_meanings_is_asked_again() -> None:
    assert read("Neuf", Expects.NRS, "fr-CA").problem is Problem.AMBIGUOUS
    assert read("nine", Expects.NRS, "fr-CA").answer == 9


@pytest.mark.parametrize(
    ("text", "language"), [("ok", "en-CA"), ("d'accord", "fr-CA"), ("تمام", "ar"), ("👍", "ar")]
)
@pytest.mark.parametrize(
    ("question", "answer"), [("ready", "yes"), ("confirm", "yes"), ("side_effects", None), ("", None)]
)
def test_ok_is_a_yes_only_where_nothing_is_at_stake(
    text: str, language: str, question: str, answer: str | None
) -> None:
    assert read(text, Expects.YES_NO, language, question).answer == answer


NUMBER = st.integers(0, 10)
EXTRAS = {
    "range": [
        "{}-{}",
        "{} to {}",
        "{} or {}",
        "{}~{}",
        "{}至{}",
        "{}到{}",
        "{} à {}",
        "من {} إلى {}",
        "{}에서 {}",
    ],
    "unit": [
        "{} mg",
        "{}mg",
        "{} Advil",
        "{} jours",
        "{}天",
        "{}分钟",
        "{}시간",
        "{}일",
        "{} дней",
        "{} दिन",
    ],
    "time": ["{} am", "{}pm", "{}:30", "{}h", "{}h30", "{} o'clock", "{}點", "{}点", "{}시", "{} بعد الظهر"],
    "sign": ["-{}", "+{}", "{}%", "<{}", ">{}", "{}°", "${}", "#{}", "{}+", "{}½", "{}.5", "{},5", "{}٫5"],
}


@given(
    NUMBER,
    NUMBER,
    st.sampled_from([shape for shapes in EXTRAS.values() for shape in shapes]),
    st.sampled_from(sorted(LANGUAGES)),
)
def test_a_range_a_unit_a_time_or_a_sign_is_never_an_answer(
    one: int, two: int, shape: str, language: str
) -> None:
    assert read(shape.format(one, two), Expects.NRS, language).answer is None


@given(NUMBER, NUMBER, st.text(max_size=12), st.text(max_size=12), st.sampled_from(sorted(LANGUAGES)))
def test_two_different_numbers_in_any_text_are_never_an_answer(
    one: int, two: int, between: str, after: str, language: str
) -> None:
    parsed = read(f"{one} {between} {two} {after}", Expects.NRS, language)
    assert one == two or parsed.answer is None or two == 10


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("7分", "zh-Hans", 7),
        ("七分", "zh-Hant", 7),
        ("七", "zh-Hans", 7),
        ("大概7分左右", "zh-Hans", 7),
        ("10分之7", "zh-Hant", 7),
        ("十分之七", "zh-Hans", 7),
        ("七点", "zh-Hans", None),
        ("一点", "zh-Hans", None),
        ("十分", "zh-Hans", 10),
        ("7점", "ko", 7),
        ("10분의 7", "ko", 7),
        ("7점이요 ㅠㅠ", "ko", 7),
        ("열", "ko", None),
        ("일", "ko", None),
        ("सात", "hi", 7),
        ("੭", "pa", 7),
        ("۷ از ۱۰", "fa", 7),
        ("نه", "fa", None),
        ("không", "vi", None),
        ("bảy", "vi", 7),
        ("walo", "fil", None),
        ("pito", "fil", 7),
        ("siete de diez", "es", 7),
        ("семь", "ru", 7),
        ("сім", "uk", 7),
    ],
)
def test_numbers_are_read_as_each_language_writes_them(text: str, language: str, answer: int | None) -> None:
    assert read(text, Expects.NRS, language).answer == answer


STOPS = [
    ("STOP", "en-CA"),
    ("Stop.", "en-CA"),
    ("ＳＴＯＰ", "en-CA"),
    ("stop!!!", "en-CA"),
    ("\u200fstop\u200f", "en-CA"),
    ("STOP 😡", "en-CA"),
    ("Unsubscribe", "en-CA"),
    ("opt out", "en-CA"),
    ("OPT-OUT", "en-CA"),
    ("Remove", "en-CA"),
    ("TD", "en-CA"),
    ("please stop, thank you", "en-CA"),
    ("ARRET", "fr-CA"),
    ("Arrêt", "fr-CA"),
    ("arrêter", "fr-CA"),
    ("désabonner", "fr-CA"),
    ("arrêt s'il vous plaît", "fr-CA"),
    ("إيقاف", "ar"),
    ("ايقاف", "ar"),
    ("توقف", "ar"),
    ("إلغاء الاشتراك", "ar"),
    ("baja", "es"),
    ("退訂", "zh-Hant"),
    ("ਬੰਦ ਕਰੋ", "pa"),
    ("बंद करो", "hi"),
    ("수신거부", "ko"),
    ("dừng", "vi"),
    ("ihinto", "fil"),
    ("отписаться", "ru"),
    ("відписатися", "uk"),
    ("لغو اشتراک", "fa"),
]


@pytest.mark.parametrize("patient", ["en-CA", "fr-CA", "ar"])
@pytest.mark.parametrize(("text", "language"), STOPS)
def test_stop_works_in_any_language_for_every_patient(text: str, language: str, patient: str) -> None:
    parsed = read(text, Expects.NRS, patient)
    assert (parsed.keyword, parsed.keyword_language) == (Keyword.STOP, language)


@pytest.mark.parametrize(
    ("text", "keyword", "language"),
    [
        ("START", Keyword.START, "en-CA"),
        ("unstop", Keyword.START, "en-CA"),
        ("réabonner", Keyword.START, "fr-CA"),
        ("recommencer", Keyword.START, "fr-CA"),
        ("ابدأ", Keyword.START, "ar"),
        ("HELP", Keyword.HELP, "en-CA"),
        ("INFO", Keyword.HELP, "en-CA"),
        ("AIDE", Keyword.HELP, "fr-CA"),
        ("مساعدة", Keyword.HELP, "ar"),
        ("English", Keyword.LANGUAGE, "en-CA"),
        ("français svp", Keyword.LANGUAGE, "fr-CA"),
        ("العربية", Keyword.LANGUAGE, "ar"),
        ("Language", Keyword.LANGUAGE, None),
    ],
)
def test_keywords_name_the_language_to_answer_in(text: str, keyword: Keyword, language: str | None) -> None:
    parsed = read(text, Expects.NRS)
    assert (parsed.keyword, parsed.keyword_language) == (keyword, language)


def test_a_word_of_several_languages_is_answered_in_the_patients_own() -> None:
    assert read("info", Expects.NONE, "fr-CA").keyword_language == "fr-CA"
    assert read("info", Expects.NONE, "ar").keyword_language == "en-CA"


@pytest.mark.parametrize(
    "text",
    [
        "stop the pain please",
        "when do I stop Advil",
        "non stop pain",
        "help me choose a time",
        "start time?",
        "the end of the week",
        "quit smoking",
        "je veux arrêter le café",
        "متى أوقف الدواء",
        "please",
        "",
    ],
)
def test_a_keyword_inside_a_sentence_is_none(text: str) -> None:
    assert read(text, Expects.NONE).keyword is None


@pytest.mark.parametrize("text", ["cancel", "END", "annuler", "إلغاء", "取消", "отмена"])
def test_a_two_way_word_opts_out_and_asks_about_the_visit(text: str) -> None:
    parsed = read(text, Expects.YES_NO)
    assert (parsed.keyword, parsed.also_asks_visit) == (Keyword.STOP, True)
    assert not read("stop", Expects.YES_NO).also_asks_visit


def test_an_opt_out_with_a_score_does_both() -> None:
    parsed = read("7 STOP", Expects.NRS)
    assert (parsed.keyword, parsed.answer) == (Keyword.STOP, 7)


@pytest.mark.parametrize("text", ["CALL", "call me", "appelez-moi svp", "اتصلوا بي"])
def test_a_wish_for_a_call_is_seen(text: str) -> None:
    assert read(text, Expects.NONE).asks_call


def test_no_keyword_is_also_an_answer() -> None:
    told_apart = {*LEXICON.stop_unless_asked, *LEXICON.marked}
    keywords = {*LEXICON.stop, *LEXICON.start, *LEXICON.help} - told_apart
    for answers in LEXICON.answers.values():
        said = {
            *answers.numbers,
            *answers.yes,
            *answers.no,
            *answers.agree,
            *answers.not_ready,
            *answers.nothing,
        }
        assert not keywords & {" ".join(words(word)) for word in said}


def test_no_word_says_two_things() -> None:
    assert not set(LEXICON.stop) & {*LEXICON.start, *LEXICON.help}
    assert not set(LEXICON.start) & set(LEXICON.help)
    assert set(LEXICON.stop) >= LEXICON.stop_or_visit
    for answers in LEXICON.answers.values():
        assert not (answers.yes | answers.agree) & (answers.no | answers.not_ready)
        assert not answers.yes & (answers.no | answers.nothing)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert plain(plain(text)) == plain(text)


def test_a_lone_accent_leaves_nothing_behind() -> None:
    assert plain("0 \u0300") == "0"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  ÉTÉ\u00a0 d’hiver ", "été d'hiver"),
        ("أَلَمٌ شَدِيدٌ", "الم شديد"),
        ("مسـاعـدة", "مساعده"),
        ("کمک می\u200cخواهم", "كمك مي خواهم"),
        ("٧٫٥", "7.5"),
        ("7️⃣", "7"),
        ("🔟", "10"),
        ("a\x00b\ud800c", "a b c"),
        ("\u202eabc\u202c", "abc"),
    ],
)
def test_it_folds(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_the_version_names_rules_and_words() -> None:
    assert read("7", Expects.NRS).parser == version(LEXICON)
    assert version(LEXICON).endswith(LEXICON.version)
    assert len(version(LEXICON)) <= 20


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("please don't text me anymore", "en-CA"),
        ("take me off your list", "en-CA"),
        ("7 and stop texting me", "en-CA"),
        ("stop texting me i cant breathe", "en-CA"),
        ("enlevez mon numéro de votre liste", "fr-CA"),
        ("لا تبعثولي رسائل بعد اليوم", "ar"),
    ],
)
def test_an_opt_out_in_free_words_is_obeyed(text: str, language: str) -> None:
    parsed = read(text, Expects.NRS, language)
    assert (parsed.keyword, parsed.keyword_language, parsed.answer) == (Keyword.STOP, language, None)
    assert parsed.in_free_words


@pytest.mark.parametrize(
    "text",
    [
        "stop the pain please",
        "the pain won't stop",
        "I stopped taking Advil",
        "don't stop texting me, it helps",
        "why did you stop texting me",
        "I never got the text message",
        "did you get my message",
        "j'ai pas reçu de message",
        "arrêtez la douleur svp",
        "متى تتوقف الآلام",
    ],
)
def test_words_about_something_else_opt_nobody_out(text: str) -> None:
    assert read(text, Expects.NONE, "fr-CA").keyword is None


@pytest.mark.parametrize(
    ("text", "expects", "keyword"),
    [
        ("dừng", Expects.YES_NO, Keyword.STOP),
        ("đúng", Expects.YES_NO, None),
        ("đúng", Expects.NONE, None),
        ("dung", Expects.NONE, Keyword.STOP),
        ("dung", Expects.YES_NO, None),
        # A polite word beside it has accents of its own.
        ("ngưng ạ", Expects.YES_NO, Keyword.STOP),
        ("dạ dừng lại ạ", Expects.NONE, Keyword.STOP),
        ("đúng ạ", Expects.YES_NO, None),
        ("dung ạ", Expects.NONE, None),
    ],
)
def test_vietnamese_stop_and_right_are_told_apart(
    text: str, expects: Expects, keyword: Keyword | None
) -> None:
    parsed = read(text, expects, "vi")
    assert parsed.keyword is keyword
    assert parsed.answer == ("yes" if text in {"đúng", "đúng ạ"} and expects is Expects.YES_NO else None)


def test_a_single_letter_stops_only_where_it_is_the_custom() -> None:
    assert read("T", Expects.YES_NO, "zh-Hans").keyword is Keyword.STOP
    assert read("T", Expects.YES_NO, "en-CA").keyword is None


def test_a_wish_in_a_sentence_is_understood() -> None:
    assert read("Can I get these in Punjabi", Expects.NONE).keyword_language == "pa"
    assert read("pouvez-vous m'appeler svp", Expects.NONE, "fr-CA").asks_call
    assert read("Hindi", Expects.YES_NO, "fil").answer == "no"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("फ़ोन हाँ", "फोन हां"),
        ("ਸਿਫ਼ਰ", "ਸਿਫਰ"),
        ("\u1112\u1161\u11ab글", "한글"),
        ("아파요ㅠㅠ", "아파요 ᅲᅲ"),
        ("क्\u200dष", "क्ष"),
        ("７時", "7時"),
        ("七", "七"),
        ("Đau NGỰC", "đau ngực"),
    ],
)
def test_it_folds_every_script(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_bare_words_have_no_accents_and_english_short_forms_are_one_word() -> None:
    assert words("Đau ngực, й ё ї") == ["dau", "nguc", "и", "е", "і"]
    assert words("I can't, don’t") == words("I cant, dont") == ["i", "cant", "dont"]
    assert words("d'urticaire") == ["d", "urticaire"]
