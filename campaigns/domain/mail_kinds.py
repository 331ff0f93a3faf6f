"""What kind of mail this is: a person's, or a machine's that must never be answered (RFC 3834).

A machine's mail is never taken for what a patient said.
"""

from __future__ import annotations

import re
from enum import StrEnum

from campaigns.domain.mail_trust import sender_of
from campaigns.domain.mime import Mail


class Kind(StrEnum):
    """A person's mail; a machine's; one that may be either; our own come back; a bounce; a complaint."""

    PERSONAL = "personal"
    AUTOMATIC = "automatic"
    DOUBTFUL = "doubtful"
    LOOP = "loop"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"


MOST_HOPS = 100
"""`Received` lines of a mail that goes in a circle (RFC 5321 section 6.3)."""

_AWAY = re.compile(
    r"(?i)\s*(auto(matic)?[ -]?(reply|response)|out of (the )?office|on vacation|r[ée]ponse automatique"
    r"|absence du bureau|respuesta autom[áa]tica|fuera de la oficina|自动回复|自動回[覆复]|不在办公室"
    r"|자동 ?(회신|응답)|부재 중"
    r"|tr[ảa] l[ờo]i t[ựu] [đd][ộo]ng|автоответ|автоматический ответ|автоматична відповідь|автовідповідь"
    r"|رد تلقائي|الرد التلقائي|خارج المكتب|پاسخ خودکار|स्वचालित (उत्तर|जवाब)|ਆਟੋਮੈਟਿਕ ਜਵਾਬ|ਸਵੈਚਲਿਤ ਜਵਾਬ"
    r"|awtomatikong (tugon|sagot))"
)
"""How absence notes begin their subject, in the languages that patients read."""

_DAEMON = re.compile(r"(?i)(mailer-daemon|postmaster|mail-daemon)@")
_RETURNED = re.compile(r"(?i)undeliver|returned mail|delivery (status|failure|has failed)|failure notice")


def kind_of(mail: Mail, envelope_from: str | None, ours: frozenset[str]) -> Kind:
    """The kind of a mail. `envelope_from` is the sender that SMTP named, empty for the null sender, None
    where it is not known; `ours` are our own addresses in lower case."""
    report = _report(mail)
    if report:
        return report
    sender = sender_of(mail.all("from")).lower()
    automatic = _is_automatic(mail, envelope_from)
    if (automatic and sender in ours) or len(mail.all("received")) > MOST_HOPS:
        return Kind.LOOP
    if _DAEMON.match(sender) and (automatic or _RETURNED.search(mail.get("subject"))):
        return Kind.BOUNCE
    if automatic:
        return Kind.AUTOMATIC
    return Kind.DOUBTFUL if _looks_automatic(mail) else Kind.PERSONAL


def _report(mail: Mail) -> Kind | None:
    match mail.report:
        case "delivery-status":
            return Kind.BOUNCE
        case "feedback-report":
            return Kind.COMPLAINT
        case "":
            return None
    return Kind.AUTOMATIC  # a receipt that the mail was displayed, or a report nobody asked for


def _is_automatic(mail: Mail, envelope_from: str | None) -> bool:
    """What no person's mail program writes."""
    submitted = mail.get("auto-submitted").lower().partition(";")[0].strip()
    if submitted and submitted != "no":
        return True
    if envelope_from == "" or mail.get("return-path").replace(" ", "") == "<>":
        return True
    named = any(mail.all(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder"))
    precedence = mail.get("precedence").strip().lower().replace("-", "_")
    return named or precedence == "auto_reply" or bool(_AWAY.match(mail.get("subject")))


def _looks_automatic(mail: Mail) -> bool:
    """What machines write and a person's mail may carry, such as one that came over a list."""
    bulk = mail.get("precedence").strip().lower() in {"bulk", "junk", "list"}
    suppress = mail.get("x-auto-response-suppress").strip().lower() not in {"", "none"}
    return bulk or suppress or bool(mail.all("list-id"))
