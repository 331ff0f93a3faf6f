"""Ask the mailbox where the relay files what it has accepted whether one message is in it (IMAP, RFC 9051).

SMTP itself has no memory. Many hosts file every message that a client submits under "Sent", so after a crash
the reconciler can learn there what became of a try, by its `Message-ID`. The folder is only ever read.
"""

from __future__ import annotations

import imaplib
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from campaigns.delivery.channels import Ending, InvalidSetting, Outcome

_PORTS = {"imap": 143, "imaps": 993}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentConfig:
    """Where the folder is. `timeout` is in seconds, for each answer of the server."""

    host: str
    port: int
    encrypted: bool
    username: str
    password: str = field(repr=False)
    folder: str = "Sent"
    timeout: float = 10.0


def sent_config(url: str, *, name: str = "EMAIL_SENT_URL", folder: str = "Sent") -> SentConfig:
    """Read `imaps://user:password@host[:port]/Folder`, or `imap://...?tls=none` inside one machine.

    `name` is the setting that it comes from. Errors never show the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidSetting(f"{name} has a port or host that cannot be read.") from None
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
        raise InvalidSetting(f"{name} must look like imaps://user:password@host/{folder}.")
    if parts.scheme == "imap" and parse_qs(parts.query) != {"tls": ["none"]}:
        raise InvalidSetting(f"{name}: imap:// is not encrypted; use imaps://, or say ?tls=none.")
    return SentConfig(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        encrypted=parts.scheme == "imaps",
        username=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or folder,
    )


class SentFolder:
    """One kept connection; calls from several threads wait for one another."""

    def __init__(self, config: SentConfig) -> None:
        self._config = config
        self._connection: imaplib.IMAP4 | None = None
        self._lock = threading.Lock()

    def find(self, message_id: str) -> Outcome:
        """ACCEPTED when the folder has it, NOT_SENT when it has not, UNCERTAIN when it cannot be asked."""
        with self._lock:
            kept = self._connection is not None
            found = self._ask(message_id)
            if found.ending is Ending.UNCERTAIN and kept:  # servers close idle connections
                found = self._ask(message_id)
        return found

    def close(self) -> None:
        """Log out."""
        with self._lock:
            self._drop()

    def _ask(self, message_id: str) -> Outcome:
        try:
            self._connection = self._connection or connect(self._config)
            self._connection.select(quoted(self._config.folder), readonly=True)
            answer, rows = self._connection.uid("SEARCH", "HEADER", "Message-ID", quoted(message_id))
        except (OSError, imaplib.IMAP4.error) as error:
            self._drop()
            return Outcome(ending=Ending.UNCERTAIN, detail=f"{type(error).__name__} asking the sent folder")
        if answer != "OK":
            return Outcome(ending=Ending.UNCERTAIN, detail="the sent folder gave no answer")
        return Outcome(ending=Ending.ACCEPTED if any(rows) else Ending.NOT_SENT)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            end(connection)


def connect(config: SentConfig) -> imaplib.IMAP4:
    """A connection that is logged in. Raises OSError or imaplib's own error."""
    connection = (
        imaplib.IMAP4_SSL(
            config.host, config.port, ssl_context=ssl.create_default_context(), timeout=config.timeout
        )
        if config.encrypted
        else imaplib.IMAP4(config.host, config.port, timeout=config.timeout)
    )
    try:
        connection.login(config.username, config.password)
    except (OSError, imaplib.IMAP4.error):
        end(connection)
        raise
    return connection


def end(connection: imaplib.IMAP4) -> None:
    """Log out and close; imaplib leaves the socket open where the server is gone."""
    with suppress(OSError, imaplib.IMAP4.error):
        connection.logout()
    with suppress(OSError):
        connection.shutdown()


def quoted(text: str) -> str:
    """An IMAP quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
