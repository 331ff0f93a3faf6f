"""New mail in one folder of an IMAP server (RFC 9051): fetched unmarked, and marked once it is stored."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from campaigns.delivery.sent_mail import SentConfig, connect, end, quoted, sent_config

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


def inbox_config(url: str) -> SentConfig:
    """Read INBOUND_IMAP_URL. Raises InvalidSetting, in one line without the password."""
    return sent_config(url, name="INBOUND_IMAP_URL", folder="INBOX")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail: its number in the folder, its first bytes, and how many there are in all."""

    uid: str
    raw: bytes
    size: int


class Mailbox:
    """One session with the folder. Entering connects; every method raises OSError or imaplib's own error."""

    def __init__(self, config: SentConfig, largest: int) -> None:
        self._config = config
        self._largest = largest
        self._connection: imaplib.IMAP4

    def __enter__(self) -> Self:
        self._connection = connect(self._config)
        try:
            self._expect(self._connection.select(quoted(self._config.folder)))
        except (OSError, imaplib.IMAP4.error):
            end(self._connection)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self._connection)

    def unseen(self, most: int) -> Iterator[Fetched]:
        """The oldest mails that are not marked as seen; each stays so until `mark`."""
        found = self._expect(self._connection.uid("SEARCH", "UNSEEN"))
        uids = b" ".join(line for line in found if isinstance(line, bytes)).split()
        for uid in uids[:most]:
            fetched = self._fetch(uid.decode("ascii", "replace"))
            if fetched is not None:
                yield fetched

    def mark(self, uid: str) -> None:
        """Say that this one is safe with us."""
        self._expect(self._connection.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))

    def _fetch(self, uid: str) -> Fetched | None:
        """One mail; None where somebody else has removed it meanwhile."""
        wanted = f"(RFC822.SIZE BODY.PEEK[]<0.{self._largest}>)"
        for part in self._expect(self._connection.uid("FETCH", uid, wanted)):
            if isinstance(part, tuple):
                said = _SIZE.search(part[0])
                return Fetched(uid, bytes(part[1]), int(said[1]) if said else len(part[1]))
        return None

    def _expect(self, answer: tuple[str, list[Any]]) -> list[Any]:
        word, data = answer
        if word != "OK":
            raise imaplib.IMAP4.error("the mailbox refused a command")
        return data
