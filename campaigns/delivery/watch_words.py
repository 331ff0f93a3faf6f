"""What the watch says by e-mail, in English and then in French: it does not know who reads it.

No patient and no message is in it: names of duties, and since when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from campaigns.domain.watching import AWAY, Word

STOPPED = "stopped"
"""The fault that sending was stopped by the program itself."""
SHUT = "shut"
"""The fault that a provider takes nothing."""

_FAULTS: Mapping[str, tuple[str, str]] = {
    AWAY: ("The database does not answer.", "La base de données ne répond pas."),
    STOPPED: (
        "Sending has stopped by itself: the database may be an old one that was put back.",
        "L'envoi s'est arrêté de lui-même\u00a0: la base de données est peut-être une ancienne copie.",
    ),
    SHUT: (
        "Texts or e-mails to patients are not going out: the provider or the mail server takes none.",
        "Des textos ou des courriels ne partent pas\u00a0: le fournisseur ou le serveur n'en accepte aucun.",
    ),
    "sending": ("Nobody looks for messages that are due.", "Personne ne cherche les messages à envoyer."),
    "settling": (
        "Nobody finds out what became of messages in doubt.",
        "Personne ne vérifie ce que sont devenus les messages douteux.",
    ),
    "climbing": ("Nobody is being told of alerts.", "Personne n'est avisé des alertes."),
    "reading": ("Replies that wait are not read.", "Les réponses en attente ne sont pas lues."),
    "reading_mail": ("Mail that came in is not read.", "Les courriels reçus ne sont pas lus."),
    "fetching": ("The mailbox for answers is not read.", "La boîte des réponses n'est pas relevée."),
    "planning": ("Changed plans are not followed.", "Les plans modifiés ne sont pas suivis."),
}
_SUBJECTS: Mapping[Word, str] = {
    Word.BEGAN: "Messages stand still · Les messages sont arrêtés",
    Word.LASTS: "Messages still stand still · Les messages sont toujours arrêtés",
    Word.OVER: "Messages work again · Les messages fonctionnent de nouveau",
}
_DO = (
    "Run `campaigns doctor` on the server. Until then look at the alerts page yourself, and call the "
    "patients who wait for a word.",
    "Lancez `campaigns doctor` sur le serveur. D'ici là, consultez vous-même la page des alertes et appelez "
    "les patients qui attendent un message.",
)
_OVER = ("Everything is being done again.", "Tout se fait de nouveau.")
_SINCE = ("Seen first at", "Constaté d'abord à")


def subject_of(word: Word) -> str:
    """The subject, in both languages."""
    return _SUBJECTS[word]


def text_of(word: Word, faults: Sequence[str], since: datetime | None, site: str) -> str:
    """The words below it: English, then French. `since` is in UTC, and says so."""
    return "\n\n".join(_text(number, word, faults, since, site) for number in (0, 1))


def _text(number: int, word: Word, faults: Sequence[str], since: datetime | None, site: str) -> str:
    if word is Word.OVER:
        lines = [_OVER[number]]
    else:
        lines = [_FAULTS[fault][number] for fault in faults]
        lines += [f"{_SINCE[number]} {since:%Y-%m-%d %H:%M} UTC."] if since else []
        lines.append(_DO[number])
    return "\n".join([*lines, site])
