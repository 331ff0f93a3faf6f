"""Replies that mix languages and scripts, greet and thank, or want the messages again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain import lexicon as building
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.lexicon import Lexicon, build
from campaigns.domain.own_words import SHARED, Change, Documents, merge
from campaigns.domain.replies import Expects, Keyword, Parsed, parse
from campaigns.domain.triage import Assessment, Urgency, assess
from campaigns.queries.lexicons import load, shipped

LEXICON = load()


def understood(text: str, language: str, expects: Expects = Expects.NONE, question: str = "") -> Parsed:
    """Parse with the shipped lexicon."""
    return parse(text, language=language, expects=expects, question=question, lexicon=LEXICON)


def look(text: str, language: str) -> Assessment:
    """Assess with the shipped lexicon."""
    return assess(text, language=language, lexicon=LEXICON)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我有fever，101多", "zh-Hans"),
        ("大夫我在吃blood thinner，打针的地方swelling特别快", "zh-Hans"),
        ("腿上bleeding停不下来", "zh-Hans"),
        ("隻手numb晒", "zh-Hant"),
        ("tongue이 부었어요", "ko"),
        ("chest가 너무 답답해요", "ko"),
        ("3andi chest قوي و breathing صعب", "ar"),
        ("الbleeding ما يوقف", "ar"),
        ("ਬਾਪੂ ਜੀ ਨੂੰ breathing ਔਖੀ ਆ", "pa"),
        ("throat बंद सा हो रहा", "hi"),
        ("уменяfever третий день", "ru"),
        ("breathing важкий", "uk"),
        ("tengo el breathing bien pesado", "es"),
        ("mon breathing est pas bon", "fr-CA"),
        ("hirap sa breathing si nanay", "fil"),
        ("breathing khó lắm bs ơi", "vi"),
    ],
)
def test_english_danger_is_seen_inside_any_language(text: str, language: str) -> None:
    assert look(text, language).urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("language", sorted(SUPPORTED))
@pytest.mark.parametrize(
    "text",
    [
        "breaststroke",
        "stroke class",
        "chest of tools",
        "chest x-ray",
        "Bieber fever",
        "cabin fever",
        "bleeding edge",
        "dying to see",
        "breathing exercises",
        "breathtaking",
    ],
)
def test_harmless_english_is_harmless_in_every_language(text: str, language: str) -> None:
    assert look(text, language).urgency is not Urgency.EMERGENCY
    assert look(f"明天 {text} शनिवार", language).urgency is not Urgency.EMERGENCY


def test_english_words_alone_are_no_danger_in_english() -> None:
    assert look("my chest x ray and the throat lozenges are at the desk", "en-CA").urgency is None
    assert look("is the throat spray on your list of things to bring", "hi").urgency is None


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("Buenos días, 3 por favor", "es", 3),
        ("good morning doctor, 3", "en-CA", 3),
        ("صباح الخير 3", "ar", 3),
        ("صفر الحمد لله", "ar", 0),
        ("تنين", "ar", 2),
        ("6 po ate", "fil", 6),
        ("ਬੱਸ ਦੋ", "pa", 2),
        ("hai thôi", "vi", 2),
        ("Dạ em chào bác sĩ, 7 ạ", "vi", 7),
        ("Доброго ранку! 7", "uk", 7),
        ("我選7", "zh-Hant", 7),
        ("选2", "zh-Hans", 2),
        ("七分唔該", "zh-Hant", 7),
        ("滿分10分", "zh-Hant", 10),
        ("0分，完全不痛", "zh-Hant", 0),
        ("0 ما في وجع الحمد لله", "ar", 0),
        ("۰ درد ندارم خدا رو شکر", "fa", 0),
        ("0, no me duele nada", "es", 0),
        ("zero. no pain at all", "en-CA", 0),
        ("1分，几乎不疼", "zh-Hans", 1),
        ("good morning at 7", "en-CA", None),
        ("早晨7", "zh-Hans", None),
        ("7 बजे जी", "hi", None),
        ("7點唔該", "zh-Hant", None),
        ("bs 7", "en-CA", None),
        ("7 mg thank you", "en-CA", None),
        ("0 or 1, no pain", "en-CA", None),
        ("0-1, no pain", "en-CA", None),
        ("0.5, no pain", "en-CA", None),
        ("1, no pain", "en-CA", None),
        ("7, hardly any pain", "en-CA", None),
        ("3 days no pain", "en-CA", None),
        ("3天完全不痛", "zh-Hans", None),
        ("0 no pain, 3 when I walk", "en-CA", None),
        ("gracias a dios", "es", None),
        ("no pain", "en-CA", None),
    ],
)
def test_what_is_polite_or_says_the_same_changes_no_number(
    text: str, language: str, answer: int | None
) -> None:
    assert understood(text, language, Expects.NRS, "pain").answer == answer


POLITE = st.sampled_from(sorted(LEXICON.beside_numbers))
LANGUAGE = st.sampled_from(sorted(SUPPORTED))


@given(
    POLITE,
    POLITE,
    LANGUAGE,
    st.integers(0, 10),
    st.sampled_from(
        [
            "{}-{}",
            "{} or {}",
            "-{}",
            "{}%",
            "{} mg",
            "{} Advil",
            "{}pm",
            "{}:30",
            "{}h",
            "{}.5",
            "<{}",
        ]
    ),
)
def test_politeness_makes_no_answer_of_a_range_a_time_or_a_dose(
    before: str, after: str, language: str, number: int, shape: str
) -> None:
    said = shape.format(number, 10 - number if number != 5 else 6)
    text = f"{before}, {said} {after}"
    assert understood(text, language, Expects.NRS, "pain").answer is None


@given(
    st.sampled_from(sorted(phrase for phrases in LEXICON.same_as.values() for phrase in phrases)),
    LANGUAGE,
    st.integers(2, 10),
    st.sampled_from(["{}, {}", "{1}. {0}", "{} {}"]),
)
def test_no_pain_beside_any_other_number_is_no_answer(
    phrase: str, language: str, number: int, shape: str
) -> None:
    assert understood(shape.format(number, phrase), language, Expects.NRS, "pain").answer is None


@given(POLITE, LANGUAGE, st.sampled_from(["side_effects", "screen", "nsaids_taken"]))
def test_politeness_alone_is_no_new_answer(phrase: str, language: str, question: str) -> None:
    alone = understood(phrase, language, Expects.YES_NO, question).answer
    beside = understood(f"... {phrase} 🙏", language, Expects.YES_NO, question).answer
    assert beside in (None, alone)


@pytest.mark.parametrize(
    ("text", "language", "question", "answer"),
    [
        ("yes, I'll come on time", "en-CA", "confirm", "yes"),
        ("好的，我会准时来", "zh-Hans", "confirm", "yes"),
        ("oui, je serai là à l'heure", "fr-CA", "confirm", "yes"),
        ("opo darating po ako on time", "fil", "confirm", "yes"),
        ("لا الحمد لله", "ar", "side_effects", "no"),
        ("no, thank god", "en-CA", "side_effects", "no"),
        ("نعم الحمد لله", "ar", "side_effects", None),
        ("yes thank god", "en-CA", "side_effects", None),
        ("yes, god willing, i'll come on time", "en-CA", "confirm", None),
        ("إن شاء الله سأحضر في الموعد", "ar", "confirm", None),
    ],
)
def test_yes_and_no_with_a_few_words_more(
    text: str, language: str, question: str, answer: str | None
) -> None:
    assert understood(text, language, Expects.YES_NO, question).answer == answer


BACK = [
    ("I'd like to get your texts again", "en-CA"),
    ("quiero volver a recibir los mensajes", "es"),
    ("j'aimerais recommencer à recevoir vos textos", "fr-CA"),
    ("بدي ارجع استقبل الرسائل", "ar"),
    ("میخوام پیام ها رو دوباره بگیرم", "fa"),
    ("मैसेज फिर से चालू कर दीजिए", "hi"),
    ("ਮੈਸੇਜ ਦੁਬਾਰਾ ਚਾਲੂ ਕਰ ਦਿਓ", "pa"),
    ("문자 다시 받고 싶어요", "ko"),
    ("cho tôi nhận lại tin nhắn", "vi"),
    ("gusto ko ulit makatanggap ng mensahe", "fil"),
    ("хочу снова получать сообщения", "ru"),
    ("увімкніть смс знову", "uk"),
    ("我想重新开始接收短信", "zh-Hans"),
    ("我想重新收返啲短訊", "zh-Hant"),
]


@pytest.mark.parametrize(("text", "language"), BACK)
def test_a_wish_for_the_messages_again_is_understood(text: str, language: str) -> None:
    parsed = understood(text, language)
    assert (parsed.keyword, parsed.in_free_words) == (Keyword.START, True)


@pytest.mark.parametrize(("text", "language"), BACK)
@pytest.mark.parametrize("shape", ["{} STOP", "STOP {}", "don't {}", "{}? no", "{}, stop"])
def test_nobody_who_may_want_to_stop_gets_messages_again(text: str, language: str, shape: str) -> None:
    assert understood(shape.format(text), language).keyword is not Keyword.START


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("you texted me again at night, that's not ok", "en-CA"),
        ("when will the messages start again", "en-CA"),
        ("if you send texts again I will report you", "en-CA"),
        ("si me mandan mensajes otra vez los denuncio", "es"),
        ("再发短信我就去投诉", "zh-Hans"),
        ("문자 다시 보내면 신고합니다", "ko"),
        ("me pueden mandar la dirección otra vez", "es"),
        ("麻烦你短信告诉我地址", "zh-Hans"),
    ],
)
def test_other_texts_bring_nobody_back(text: str, language: str) -> None:
    assert understood(text, language).keyword is not Keyword.START


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("STOP. I sold my house and the dog is fine", "en-CA"),
        ("Enough of this. STOP", "en-CA"),
        ("СТОП! я ничего не заказывал", "ru"),
        ("退订，我不是病人", "zh-Hans"),
        ("STOP. ang kulit nyo", "fil"),
    ],
)
def test_a_stop_with_a_longer_rest_is_obeyed_and_a_person_reads_it(text: str, language: str) -> None:
    parsed = understood(text, language)
    assert (parsed.keyword, parsed.in_free_words) == (Keyword.STOP, True)


@pytest.mark.parametrize(
    "text", ["stop? or go on icing", "Stop or continue the pills?", "bus stop, then 5 min"]
)
def test_a_stop_that_asks_or_means_else_opts_nobody_out(text: str) -> None:
    assert understood(text, "en-CA").keyword is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("STOP. I will not be in this world tomorrow", "en-CA"),
        ("STOP. अब किसी message की जरूरत नहीं, कल तक मैं इस दुनिया में रहूंगा ही नहीं", "hi"),
        ("STOP ਹੁਣ ਮੈਸੇਜ ਨਾ ਕਰਿਓ, ਕੱਲ੍ਹ ਨੂੰ ਮੈਂ ਹੋਣਾ ਈ ਨੀ ਦੁਨੀਆ 'ਤੇ", "pa"),
        ("STOP na po kayo mag text, bukas wala na ako sa mundong ito, ako na tatapos", "fil"),
        ("СТОП. завтра меня не будет на этом свете", "ru"),
        ("STOP mañana ya no voy a estar en este mundo", "es"),
    ],
)
def test_a_farewell_with_a_stop_is_a_crisis(text: str, language: str) -> None:
    found = look(text, language)
    assert (found.urgency, found.group) == (Urgency.EMERGENCY, "crisis")


# --- building again


def built(documents: Documents) -> Lexicon:
    """The lexicon of these documents."""
    return build(documents[SHARED], [one for tag, one in documents.items() if tag != SHARED])


@pytest.mark.parametrize(
    "change",
    [
        Change(language="fr", entry="redflags.chest", word="plouf + dedans"),
        Change(language="en", entry="glue", word="hmpf"),
        Change(language="ko", entry="yes", word="그럼그럼"),
        Change(language=SHARED, entry="stop.fr-CA", word="lâchez-moi"),
    ],
    ids=lambda change: f"{change.language}.{change.entry}",
)
def test_a_lexicon_built_again_is_as_one_built_from_nothing(change: Change) -> None:
    documents = merge(shipped(), [change]).documents
    built(shipped())
    made = building._language.cache_info().misses
    again = built(documents)
    assert building._language.cache_info().misses - made <= 1, "only what changed is made again"
    building._language.cache_clear()
    building._shared.cache_clear()
    fresh = built(documents)
    assert again == fresh
    assert again.version == fresh.version != LEXICON.version
    for text, language in [*BACK, ("plouf dedans, hmpf j'arive pas a respirrer", "fr-CA")]:
        assert assess(text, language=language, lexicon=again) == assess(
            text, language=language, lexicon=fresh
        )
