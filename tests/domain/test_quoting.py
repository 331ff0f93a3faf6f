"""What a person wrote in a mail, found under the ways in which mail programs quote, in every language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.domain.languages import SUPPORTED
from campaigns.domain.quoting import own_subject, visible

CLINIC = "Westside Clinic <r+0123@reply.clinic.example>"

ATTRIBUTIONS = {
    "en-CA": [
        f"On Mon, Nov 2, 2026 at 1:00 PM {CLINIC} wrote:",
        f"On Nov 2, 2026, at 1:00 PM, {CLINIC} wrote:",
        f"On Monday, November 2, 2026 at 01:00:00 PM PST, Westside Clinic\n<{CLINIC[17:]} wrote:",
    ],
    "fr-CA": [
        f"Le lun. 2 nov. 2026 à 13 h 00, {CLINIC} a écrit :",
        f"Le 2 nov. 2026 à 13:00, {CLINIC} a écrit :",
    ],
    "es": [f"El lun, 2 nov 2026 a las 13:00, Westside Clinic (<{CLINIC[17:]}) escribió:"],
    "zh-Hans": [
        f"{CLINIC} 于2026年11月2日周一 13:00写道:",
        "Westside Clinic 在 2026年11月2日 下午1:00 写道：",
    ],
    "zh-Hant": [f"{CLINIC} 於 2026年11月2日 週一 下午1:00寫道:", "Westside Clinic 在 2026年11月2日 寫道："],
    "ko": [f"2026년 11월 2일 (월) 오후 1:00, {CLINIC}님이 작성:"],
    "vi": [f"Vào Th 2, 2 thg 11, 2026 vào lúc 13:00 {CLINIC} đã viết:"],
    "ru": [f"пн, 2 нояб. 2026 г. в 13:00, {CLINIC}:", f"2 нояб. 2026 г., в 13:00, {CLINIC} написал(а):"],
    "uk": [f"пн, 2 лист. 2026 р. о 13:00 {CLINIC} пише:", f"2 лист. 2026 р. о 13:00 {CLINIC} написав:"],
    "ar": [
        f"في الاثنين، 2 نوفمبر 2026 في 1:00 م تمت كتابة ما يلي بواسطة {CLINIC}:",
        f"في ٢ نوفمبر ٢٠٢٦، الساعة ١:٠٠ م، كتب {CLINIC}:",
    ],
    "fa": [f"در تاریخ دوشنبه ۲ نوامبر ۲۰۲۶، ۱۳:۰۰ {CLINIC} نوشت:"],
    "hi": [f"सोम, 2 नव॰ 2026 को 1:00 pm बजे को {CLINIC} ने लिखा:"],
    "pa": [f"ਸੋਮ, 2 ਨਵੰ 2026 ਨੂੰ 1:00 ਬਾ.ਦੁ. 'ਤੇ {CLINIC} ਨੇ ਲਿਖਿਆ:"],
    "fil": [f"Noong Lun, Nob 2, 2026 nang 1:00 PM, isinulat ni {CLINIC}:"],
}
HEADERS = {
    "en-CA": "From: {0}\nSent: Monday, November 2, 2026\nTo: ann@home.example\nSubject: Your treatment",
    "fr-CA": "De : {0}\nEnvoyé : lundi 2 novembre 2026\nÀ : ann@home.example\nObjet : Votre traitement",
    "es": "De: {0}\nEnviado: lunes, 2 de noviembre de 2026\nPara: ann@home.example\nAsunto: Su tratamiento",
    "zh-Hans": "发件人: {0}\n发送时间: 2026年11月2日\n收件人: ann@home.example\n主题: 您的治疗",
    "zh-Hant": "寄件者: {0}\n寄件日期: 2026年11月2日\n收件者: ann@home.example\n主旨: 您的治療",
    "ko": "보낸 사람: {0}\n보낸 날짜: 2026년 11월 2일\n받는 사람: ann@home.example\n제목: 치료",
    "vi": "Từ: {0}\nĐã gửi: Thứ Hai, 2 tháng 11, 2026\nĐến: ann@home.example\nChủ đề: Điều trị",
    "ru": "От: {0}\nОтправлено: 2 ноября 2026\nКому: ann@home.example\nТема: Лечение",
    "uk": "Від: {0}\nНадіслано: 2 листопада 2026\nКому: ann@home.example\nТема: Лікування",
    "ar": "من: {0}\nتم الإرسال: 2 نوفمبر 2026\nإلى: ann@home.example\nالموضوع: علاجك",
    "fa": "از: {0}\nارسال شده: ۲ نوامبر ۲۰۲۶\nبه: ann@home.example\nموضوع: درمان شما",
    "hi": "प्रेषक: {0}\nदिनांक: 2 नवंबर 2026\nप्रति: ann@home.example\nविषय: आपका इलाज",
    "pa": "ਵੱਲੋਂ: {0}\nਮਿਤੀ: 2 ਨਵੰਬਰ 2026\nਪ੍ਰਤੀ: ann@home.example\nਵਿਸ਼ਾ: ਤੁਹਾਡਾ ਇਲਾਜ",
    "fil": "Mula kay: {0}\nIpinadala: Nobyembre 2, 2026\nPara kay: ann@home.example\nPaksa: Ang gamot mo",
}
SEPARATORS = {
    "en-CA": "-----Original Message-----",
    "fr-CA": "-----Message d'origine-----",
    "es": "-----Mensaje original-----",
    "zh-Hans": "-----原始邮件-----",
    "zh-Hant": "-----原始郵件-----",
    "ko": "-----원본 메시지-----",
    "vi": "----- Thư gốc -----",
    "ru": "-------- Исходное сообщение --------",
    "uk": "---------- Переслане повідомлення ---------",
    "ar": "-----الرسالة الأصلية-----",
    "fa": "----- پیام اصلی -----",
    "hi": "-----मूल संदेश-----",
    "pa": "-----ਮੂਲ ਸੁਨੇਹਾ-----",
    "fil": "---------- Ipinasang mensahe ---------",
}
PHONES = {
    "en-CA": "Sent from my iPhone",
    "fr-CA": "Envoyé de mon iPhone",
    "es": "Enviado desde mi iPhone",
    "zh-Hans": "发自我的iPhone",
    "zh-Hant": "從我的iPhone傳送",
    "ko": "나의 iPhone에서 보냄",
    "vi": "Đã gửi từ iPhone của tôi",
    "ru": "Отправлено с iPhone",
    "uk": "Надіслано з iPhone",
    "ar": "أُرسلت من الـ iPhone",
    "fa": "ارسال شده از iPhone من",
    "hi": "मेरे iPhone से भेजा गया",
    "pa": "ਮੇਰੇ iPhone ਤੋਂ ਭੇਜਿਆ ਗਿਆ",
    "fil": "Ipinadala mula sa aking iPhone",
}
OURS = "How bad is your pain today?\nCall 9-1-1 if you cannot breathe."


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


def test_every_language_is_in_every_table() -> None:
    for table in (ATTRIBUTIONS, HEADERS, SEPARATORS, PHONES):
        assert set(table) == set(SUPPORTED)


@pytest.mark.parametrize("line", [line for lines in ATTRIBUTIONS.values() for line in lines])
@pytest.mark.parametrize("quote", [quoted(OURS), OURS], ids=["marked", "bare"])
@pytest.mark.parametrize("gap", ["\n\n", "\n"], ids=["gap", "no gap"])
def test_what_stands_under_who_wrote_when_is_left_out(line: str, quote: str, gap: str) -> None:
    found = visible(f"4, a bit sore{gap}{line}\n\n{quote}\n")
    assert (found.text, found.doubtful) == ("4, a bit sore", False)
    assert "Call 9-1-1" in found.removed


@pytest.mark.parametrize("tag", SUPPORTED)
@pytest.mark.parametrize("head", ["{block}", "{line}", "{line}\n{block}", "_______________________\n{block}"])
def test_what_stands_under_headers_or_a_line_of_dashes_is_left_out(tag: str, head: str) -> None:
    above = head.format(block=HEADERS[tag].format(CLINIC), line=SEPARATORS[tag])
    assert visible(f"7\n\n{above}\n\n{OURS}").text == "7"
    bold = above.replace("From:", "*From:*")
    assert visible(f"7\n\n{bold}\n\n{OURS}").text == "7"


@pytest.mark.parametrize("tag", SUPPORTED)
def test_what_a_phone_adds_is_left_out(tag: str) -> None:
    assert visible(f"7\n\n{PHONES[tag]}").text == "7"
    assert visible(f"7\n{PHONES[tag]}\n\n{ATTRIBUTIONS[tag][0]}\n{quoted(OURS)}").text == "7"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"On 2 Nov 2026 at 13:00 {CLINIC} wrote:\n> How bad?\n7\n> Any fever?\nno", "7\nno"),
        ("7\n-- \nAnn\nChest of Drawers Ltd.", "7"),
        (
            "pain since 10:30\nOn Mon, Nov 2, 2026 at 1:00 PM Clinic\n<a@b.example> wrote:\n> x",
            "pain since 10:30",
        ),
        ("> How bad?\n> Any fever?\n7", "7"),
        ("7\r\n\r\n> a\r\n> b", "7"),
    ],
)
def test_what_was_written_between_or_above_stays(text: str, left: str) -> None:
    assert visible(text).text == left


@pytest.mark.parametrize(
    "text",
    [
        "> 8",
        "pain > 5\n> 8",
        f"On 2 Nov 2026 at 13:00 {CLINIC} wrote:\n> only what we wrote",
        "From: Monday\nTo: Wednesday I had pain",
        "On Monday I wrote: it hurts",
        "At 10:30 I took two pills:\nAdvil\nTylenol",
        "10-12 pills ---- then 8 hours ---- sleep",
        "--- 8 ---",
        "Sent from my iPhone",
        "See below\n\nmy list:\n- arm\n- chest pain",
    ],
)
def test_in_doubt_everything_is_kept(text: str) -> None:
    assert visible(text).text == text


@given(st.text(alphabet=st.sampled_from("ab 7>:-_\n<@.2026é中ਸ"), max_size=300) | st.text(max_size=300))
def test_nothing_is_lost(text: str) -> None:
    found = visible(text)
    kept = "".join((found.text + found.removed).split())
    assert sorted(kept) == sorted("".join(text.split()))


@pytest.mark.parametrize(
    ("subject", "own"),
    [
        ("Re: Your treatment", ("Your treatment", True)),
        ("RE: Fwd: x", ("x", True)),
        ("回复：您的治疗", ("您的治疗", True)),
        ("Отв: боль", ("боль", True)),
        ("chest pain", ("chest pain", False)),
        ("", ("", False)),
    ],
)
def test_a_subject_is_known_from_what_a_mail_program_puts_before_it(
    subject: str, own: tuple[str, bool]
) -> None:
    assert own_subject(subject) == own
