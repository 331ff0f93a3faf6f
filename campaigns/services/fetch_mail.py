"""Bring in what is new in a mailbox, where the installation reads one (INBOUND_IMAP_URL)."""

from __future__ import annotations

import imaplib
import logging

from django.conf import settings

from campaigns.delivery.mailbox import Mailbox, inbox_config
from campaigns.queries import ticks
from campaigns.services.duties import Duty
from campaigns.services.receive_mail import AT_ONCE, LARGEST_TAKEN, Delivered, receive_mail

log = logging.getLogger(__name__)


def fetch_mail() -> int:
    """Store every new mail, and mark it as seen only then; how many there were.

    A mailbox that does not answer costs a line in the log: the next look finds the same mail. Raises where
    the database does not take a mail, which stays unseen then.
    """
    if not settings.INBOUND_IMAP_URL:
        return 0
    taken = 0
    try:
        with Mailbox(inbox_config(settings.INBOUND_IMAP_URL), LARGEST_TAKEN) as mailbox:
            for mail in mailbox.unseen(AT_ONCE):
                receive_mail(Delivered(raw=mail.raw, way="imap", size=mail.size))
                mailbox.mark(mail.uid)
                taken += 1
        ticks.mark(Duty.FETCHING)  # one that cannot be read falls silent
    except (OSError, imaplib.IMAP4.error) as error:
        log.error("the mailbox cannot be read", extra={"why": type(error).__name__})
    return taken
