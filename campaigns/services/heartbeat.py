"""Tell an outside service that everything is being done, for as long as it is.

The service raises the alarm when it hears nothing: that also covers a machine that is gone as a whole.
"""

from __future__ import annotations

import logging

from django.conf import settings

from campaigns.delivery import heartbeat
from campaigns.services.watch import faults

log = logging.getLogger(__name__)


def send() -> bool:
    """Send a heartbeat if one is wanted and nothing is silent; whether it arrived. Nothing else is in it."""
    if not settings.HEARTBEAT_URL:
        return False
    if silent := faults():
        log.error("no heartbeat: something is silent", extra={"silent": silent})
        return False
    if why := heartbeat.beat(settings.HEARTBEAT_URL):
        log.warning("the heartbeat did not arrive", extra={"why": why})
    return not why
