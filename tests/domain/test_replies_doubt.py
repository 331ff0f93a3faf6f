"""What an opt-out in free words must not be taken for, and what is no answer although it sounds like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.folding import words
from campaigns.domain.languages import SUPPORTED
from campaigns.domain.replies import Expects, Keyword, Parsed, parse
from campaigns.queries.lexicons import load

LEXICON = load()


def understood(text: str, language: str, expects: Expects = Expects.NONE, question: str = "") -> Parsed:
    """Parse with the shipped lexicon."""
    return parse(text, language=language, expects=expects, question=question, lexicon=LEXICON)


OTHER_STOPS = [
    ("please cancel my appt, text me back", "en-CA"),
    ("should i stop my pills? text me", "en-CA"),
    ("do i stop icing? message me", "en-CA"),
    ("annulez mon rendez-vous et textez-moi svp", "fr-CA"),
    ("debo dejar de tomar las pastillas? mándenme un mensaje", "es"),
    ("بدي الغي موعدي ابعتولي رسالة", "ar"),
    ("قرص هام رو قطع کنم؟ پیام بدین", "fa"),
    ("दवाई बंद कर दूं? मैसेज करो", "hi"),
    ("ਦਵਾਈ ਬੰਦ ਕਰਾਂ? ਮੈਸੇਜ ਕਰੋ", "pa"),
    ("예약 취소하려고 연락드려요", "ko"),
    ("hủy lịch hẹn của tôi, nhắn tin lại nhé", "vi"),
    ("cancel ko po appointment ko, text nyo ako", "fil"),
    ("取消我的预约，发短信给我", "zh-Hans"),
    ("取消我嘅預約，send訊息俾我", "zh-Hant"),
    ("отмените мою запись и напишите мне смс", "ru"),
    ("скасуйте мій запис і напишіть мені смс", "uk"),
]


@pytest.mark.parametrize(("text", "language"), OTHER_STOPS)
def test_who_stops_a_visit_or_a_medicine_still_wants_messages(text: str, language: str) -> None:
    assert understood(text, language).keyword is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("cancel my appointment and stop texting me", "en-CA"),
        ("annulez mon rendez-vous et arrêtez de me texter", "fr-CA"),
        ("cancelen mi cita y no me manden más mensajes", "es"),
        ("예약 취소하고 문자도 그만 보내세요", "ko"),
        ("取消我的预约，也不要再给我发短信", "zh-Hans"),
        ("отмените прием и отключите смс", "ru"),
        ("نوبتم رو لغو کنید و دیگه پیام ندید", "fa"),
    ],
)
def test_who_stops_a_visit_and_the_messages_is_obeyed(text: str, language: str) -> None:
    assert understood(text, language).keyword is Keyword.STOP


@given(
    st.sampled_from(sorted(LEXICON.unsure)),
    st.sampled_from(sorted(SUPPORTED)),
    st.sampled_from(["side_effects", "nsaids_taken", "ready", "confirm", "screen"]),
    st.sampled_from(["{}", "{}!", "  {} ", "ok {}", "{} 🙏", "yes {}", "{} no"]),
)
def test_hope_doubt_and_piety_are_no_answer(hope: str, language: str, question: str, shape: str) -> None:
    assert understood(shape.format(hope), language, Expects.YES_NO, question).answer is None


def test_no_list_of_answers_holds_a_hope() -> None:
    listed = {
        " ".join(words(phrase))
        for each in LEXICON.answers.values()
        for phrase in each.yes | each.no | each.agree | each.not_ready | each.nothing
    }
    assert not listed & LEXICON.unsure
