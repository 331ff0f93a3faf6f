"""What the relay's Sent folder can tell about one message."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from campaigns.delivery.channels import Ending, InvalidSetting
from campaigns.delivery.sent_mail import SentConfig, SentFolder, sent_config
from campaigns.local.loopback_imap import LoopbackImap
from campaigns.local.loopback_smtp import LoopbackSmtp

SENT = "here@clinic.example"


@pytest.fixture
def imap() -> Iterator[LoopbackImap]:
    """A Sent folder with one message in it."""
    with LoopbackSmtp() as smtp, LoopbackImap(smtp) as running:
        with smtplib.SMTP("127.0.0.1", smtp.port) as client:
            mail = f"Message-ID: <{SENT}>\r\nSubject: x\r\n\r\nx\r\n"
            client.sendmail("clinic@clinic.example", ["ann@home.example"], mail)
        yield running


@pytest.fixture
def folder(imap: LoopbackImap) -> Iterator[SentFolder]:
    asked = SentFolder(sent_config(imap.url))
    yield asked
    asked.close()


@pytest.mark.parametrize(
    ("message_id", "ending"),
    [(SENT, Ending.ACCEPTED), ("elsewhere@clinic.example", Ending.NOT_SENT), ('a"b\\@x', Ending.NOT_SENT)],
)
def test_it_knows_what_went(folder: SentFolder, message_id: str, ending: Ending) -> None:
    assert folder.find(message_id).ending is ending


def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    folder: SentFolder, imap: LoopbackImap
) -> None:
    folder.find(SENT)
    imap.refuse()
    imap.listen()
    assert folder.find(SENT).ending is Ending.ACCEPTED
    assert imap.searches == 2


def test_a_folder_that_cannot_be_asked_proves_nothing(folder: SentFolder, imap: LoopbackImap) -> None:
    imap.refuse()
    assert folder.find(SENT).ending is Ending.UNCERTAIN


def test_a_wrong_password_proves_nothing_and_is_never_shown(imap: LoopbackImap) -> None:
    config = replace(sent_config(imap.url), password="wrong")
    found = SentFolder(config).find(SENT)
    assert found.ending is Ending.UNCERTAIN
    assert "wrong" not in found.detail + repr(config)


def test_the_address_names_host_folder_and_password() -> None:
    config = sent_config("imaps://clinic%40host.example:p%2Fw@imap.host.example/Sent%20Items")
    assert config == SentConfig(
        host="imap.host.example",
        port=993,
        encrypted=True,
        username="clinic@host.example",
        password="p/w",
        folder="Sent Items",
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example/Sent",
        "imaps://host.example/Sent",
        "imap://me:secret@host.example/Sent",
        "imap://me:secret@host.example/Sent?tls=starttls",
        "imaps://me:secret@host.example:port/Sent",
    ],
)
def test_a_malformed_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidSetting, match="EMAIL_SENT_URL") as refused:
        sent_config(url)
    assert "secret" not in str(refused.value)
