"""What a person wrote in a mail, without what their mail program quoted below, in every language we write.

Mail programs mark what they quote in a few ways: a line that says who wrote when and ends with a colon, a
line of dashes, a block of From, Sent, To and Subject, lines that begin with `>`. The words differ by
language, the shape hardly does, so the shape decides and the words only help. Where it is doubtful everything
is kept, and a person looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """What is left of a mail. `removed` is what was taken for quoted or for a signature; `doubtful` says that
    nothing could safely be removed, and so `text` is everything."""

    text: str
    removed: str = ""
    doubtful: bool = False


_DASHED = re.compile(r"\s*[-_—–=*]{3,}\s*(?!\d)(?P<words>[^\W\d_][^\n]{1,60}?)\s*[-_—–=*]{2,}:?\s*")
"""`-----Original Message-----`, `---------- Forwarded message ---------`, in whatever language."""

_RULE = re.compile(r"\s*_{10,}\s*")
_ADDRESS = re.compile(r"[<(\[«]?\s*(?:mailto:)?[\w.+=-]+@[\w-]+(?:\.[\w-]+)+\s*[>)\]»]?")
_YEAR = re.compile(r"(?<!\d)(?:20\d\d|1[34]\d\d)(?!\d)")
_CLOCK = re.compile(r"(?<!\d)\d{1,2}\s?[:.h٫]\s?\d{2}(?!\d)")
_COLON = re.compile(r"[:：﹕]\s*[\u200e\u200f\u202c\u2069]*\s*$")

_WROTE = re.compile(
    r"(?i)wrote|écrit|escribi[óo]|写道|寫道|写到|작성|님이 씀|đã viết|пишет|написал|пише|написа[вл]"
    r"|كتب|كتبت|كتابة|نوشت|ने लिखा|लिखा|ਨੇ ਲਿਖਿਆ|ਲਿਖਿਆ|isinulat|sumulat|nagsulat|schrieb|ha scritto|escreveu"
)

_STARTS = re.compile(
    r"(?i)[\s>]*(?:(?:on|le|el|am|em|il|vào|noong|lúc|в|у|في|در|пн|вт|ср|чт|пт|сб|вс|нд)\b|20\d\d|सोम|मंगल|बुध|गुरु|शुक्र|शनि"
    r"|रवि|ਸੋਮ|ਮੰਗਲ|ਬੁੱਧ|ਵੀਰ|ਸ਼ੁੱਕਰ|ਸ਼ਨਿੱਚਰ|ਐਤ)"
)
"""How a wrapped line about who wrote when begins: a preposition, a day, a year."""

_FROM = (
    "from|de|发件人|寄件者|寄件人|보낸 ?사람|từ|người gửi|от|от кого|від|від кого|من|المرسل|از|فرستنده|प्रेषक|से"
    "|द्वारा|ਵੱਲੋਂ|ਤੋਂ|ਭੇਜਣ ਵਾਲਾ|mula kay|mula sa|galing kay|nagpadala|von"
)
_SENT = (
    "sent|date|envoyé|envoyé le|enviado|enviado el|fecha|发送时间|发送日期|日期|时间|寄件日期"
    "|傳送時間|傳送日期|보낸 ?날짜|날짜|보냄"
    "|đã gửi|ngày|ngày gửi|отправлено|дата|надіслано|відправлено|تم الإرسال|تاريخ الإرسال|أرسلت"
    "|أُرسلت|التاريخ|ارسال شده|تاریخ|ارسال|भेजा गया|दिनांक|तारीख|ਭੇਜਿਆ|ਭੇਜਿਆ ਗਿਆ|ਮਿਤੀ|ਤਾਰੀਖ"
    "|ipinadala|petsa|gesendet|datum"
)
_TO = (
    "to|à|a|para|收件人|收件者|받는 ?사람|đến|tới|người nhận|кому|إلى|المستلم|به|گیرنده|प्रति|को|ਨੂੰ|ਪ੍ਰਤੀ|ਵੱਲ"
    "|para kay|para sa|kay|an|cc|copie|副本|抄送|참조|копия|копія|نسخة"
)
_SUBJECT = (
    "subject|objet|asunto|主题|主題|主旨|제목|chủ đề|tiêu đề|тема|الموضوع|موضوع|विषय|ਵਿਸ਼ਾ|paksa|betreff"
)
_LABEL = re.compile(
    rf"(?i)[\s>*]*(?:(?P<sender>{_FROM})|(?P<date>{_SENT})|(?P<to>{_TO})|(?P<subject>{_SUBJECT}))"
    r"\s*\*?\s*[:：]\s*\*?[ \t]*\S"
)

_SIGNED = re.compile(
    r"(?i)\s*(?:sent (?:from|via|with)|get outlook|yahoo mail|envoyé (?:de|depuis|à partir)"
    r"|t[ée]l[ée]charge[rz] outlook|obtenez outlook|enviado (?:desde|con)|obtener outlook|发自|發自"
    r"|从我的|從我的|傳送自|發送自|获取 ?outlook|取得 ?outlook"
    r"|(?=.*[a-z]).{1,20}에서 보냄|(?=.*[a-z]).{1,20}에서 보낸|(?:đã |được )?gửi từ|tải outlook"
    r"|отправлено (?:с|из|от)|надіслано (?:з|із|від)"
    r"|відправлено з|أرسل(?:ت)? من|أُرسل(?:ت)? من|تم الإرسال من|مرسل من|ارسال ?شده از"
    r"|فرستاده ?شده از|از .{1,20} من ارسال|(?=.*[a-z]).{1,20} से भेजा गया"
    r"|(?=.*[a-z]).{1,20} ਤੋਂ ਭੇਜਿਆ|ipinadala (?:mula|gamit)|ipinadala ko mula)"
)
_LONGEST_SIGNED = 80
_MOST_LINES = 20_000
_LONGEST_LINE = 1_000
_WRAPPED = 3
"""Lines over which mail programs wrap one line about who wrote when."""


def visible(text: str) -> Visible:
    """What the sender wrote. Nothing is lost: what is not in `text` is in `removed`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > _MOST_LINES:
        return Visible(text=text.strip(), doubtful=True)
    kept, removed, doubtful = _split(lines)
    kept, signature = _without_signature(kept)
    left = "\n".join(kept).strip()
    if doubtful or not left:
        return Visible(text=text.strip(), doubtful=bool(text.strip()))
    return Visible(text=re.sub(r"\n{3,}", "\n\n", left), removed="\n".join([*signature, *removed]).strip())


def _split(lines: Sequence[str]) -> tuple[list[str], list[str], bool]:
    """The lines before and between what is quoted, and what is quoted."""
    kept: list[str] = []
    removed: list[str] = []
    place = 0
    while place < len(lines):
        head = _quote_head(lines, place)
        if head == 0:
            kept.append(lines[place])
            place += 1
            continue
        if not _is_marked(lines, place + head):
            return kept, [*removed, *lines[place:]], False
        end = _end_of_marked(lines, place + head)
        removed += lines[place:end]
        place = end
    return _without_marked(kept, removed)


def _quote_head(lines: Sequence[str], place: int) -> int:
    """How many lines the head of something quoted takes from here; 0 where none begins."""
    line = lines[place]
    if len(line) > _LONGEST_LINE or not line.strip():
        return 0
    if _DASHED.fullmatch(line):
        return 1
    if _is_header_block(lines, place):
        return 1
    if _RULE.fullmatch(line) and place + 1 < len(lines):
        return 1 + (not lines[place + 1].strip()) if _block_follows(lines, place + 1) else 0
    return _attribution(lines, place)


def _block_follows(lines: Sequence[str], place: int) -> bool:
    return any(_is_header_block(lines, at) for at in range(place, min(place + 2, len(lines))))


def _is_header_block(lines: Sequence[str], place: int) -> bool:
    """From, Sent, To, Subject: a line each, at least three of the four kinds, the sender among them."""
    first = _LABEL.match(lines[place][:_LONGEST_LINE])
    if not first or first.lastgroup not in {"sender", "date"}:
        return False
    kinds = {found.lastgroup for line in lines[place : place + 8] if (found := _LABEL.match(line[:200]))}
    return "sender" in kinds and len(kinds) >= 3


def _attribution(lines: Sequence[str], place: int) -> int:
    """The lines that say who wrote when, such as "On 2 Nov 2026 at 13:00 Clinic <a@b> wrote:"."""
    joined = ""
    for count in range(1, _WRAPPED + 1):
        if place + count > len(lines) or (count > 1 and not lines[place + count - 1].strip()):
            return 0
        joined = f"{joined} {lines[place + count - 1].strip(' >')}".strip()
        if len(joined) > _LONGEST_LINE:
            return 0
        if _is_attribution(joined):
            return count if count == 1 or _begins_here(lines, place, count) else 0
    return 0


def _is_attribution(line: str) -> bool:
    if not _COLON.search(line):
        return False
    dated = bool(_YEAR.search(_ascii_digits(line))) or bool(_CLOCK.search(_ascii_digits(line)))
    named = bool(_ADDRESS.search(line))
    return (dated and named) or (bool(_WROTE.search(line)) and (dated or named))


def _begins_here(lines: Sequence[str], place: int, count: int) -> bool:
    """Whether a wrapped one begins with this line, and this line is not the last that the patient wrote."""
    if any(_STARTS.match(line) for line in lines[place + 1 : place + count]):
        return False
    digits = _ascii_digits(lines[place])
    holds = bool(_YEAR.search(digits) or _CLOCK.search(digits) or _ADDRESS.search(digits))
    after_gap = place > 0 and not lines[place - 1].strip()
    return bool(_STARTS.match(lines[place])) or (holds and after_gap)


def _ascii_digits(text: str) -> str:
    return "".join(str(int(char)) if char.isdecimal() else char for char in text)


def _is_marked(lines: Sequence[str], place: int) -> bool:
    """Whether the next line with anything in it begins with `>`."""
    following = (line for line in lines[place:] if line.strip())
    return next(following, "").lstrip().startswith(">")


def _end_of_marked(lines: Sequence[str], place: int) -> int:
    """Where the run of `>` lines ends, empty lines between them counted in."""
    end = place
    for at in range(place, len(lines)):
        if lines[at].lstrip().startswith(">"):
            end = at + 1
        elif lines[at].strip():
            break
    return end


def _without_marked(kept: list[str], removed: list[str]) -> tuple[list[str], list[str], bool]:
    """Take out `>` lines that stand without a head, where there is no doubt that they are quoted.

    One such line may be what a patient typed: "> 8" for more than 8.
    """
    marked = [line for line in kept if line.lstrip().startswith(">")]
    if not marked:
        return kept, removed, False
    if len(marked) < 2 and not removed:
        return kept, removed, True
    own = [line for line in kept if not line.lstrip().startswith(">")]
    return own, [*removed, *marked], False


def _without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines up to a signature: after `-- `, or the line that a phone adds."""
    end = next((at for at, line in enumerate(lines) if at and line.rstrip("\r") in {"-- ", "--"}), len(lines))
    kept, signature = lines[:end], lines[end:]
    while kept and (not kept[-1].strip() or _is_phones_own(kept[-1])):
        signature.insert(0, kept.pop())
    return kept, signature


def _is_phones_own(line: str) -> bool:
    return len(line) < _LONGEST_SIGNED and bool(_SIGNED.match(line))


_PREFIX = re.compile(
    r"(?i)\s*(?:re|fwd?|tr|rv|rép|res?p|antw|aw|odp|sv|回复|回覆|答复|答覆|轉寄|转发|회신|전달|답장"
    r"|trả lời|chuyển tiếp|отв|ответ|пересл|від|відп|رد|إعادة توجيه|پاسخ|ارسال|उत्तर|ਜਵਾਬ)"
    r"\s*(?:\[\d+\])?\s*[:：]\s*"
)


def own_subject(subject: str) -> tuple[str, bool]:
    """A subject without `Re:` and its like, and whether there was one."""
    bare = subject
    for _ in range(5):
        shorter = _PREFIX.sub("", bare, count=1) if _PREFIX.match(bare) else bare
        if shorter == bare:
            break
        bare = shorter
    return bare.strip(), bare != subject
