"""SMS through Twilio. The only module that imports twilio.

Twilio has no idempotency key for a create request, so everything here serves one question: did this text
leave or not? Whatever cannot be proven either way is `UNCERTAIN`, and nothing is ever sent twice from here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from campaigns.delivery.channels import Ending, InvalidSetting, Outcome, Outgoing, Sought
from campaigns.delivery.provider_list import Listed, NotAsked, since_then
from campaigns.delivery.twilio_errors import Kind, kind_of, kind_of_answer
from campaigns.delivery.twilio_http import MaybeLeft, NeverLeft, Throttled, Transport, Unsendable, plain
from campaigns.domain.lifecycle import Reason

# At INFO the package prints query parameters, and the patient's number is one of them.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)

LONGEST_VALIDITY = 36_000  # seconds; Twilio takes 1 to 36,000
# Between the database's clock and Twilio's. Generous: an older text of the same words is known by its id, and
# one that is not recognised would be sent twice.
_CLOCK_SKEW = timedelta(hours=2)
_LIST_LIMIT = 1000
_LIST_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioConfig:
    """How to reach Twilio, and as whom. Times in seconds."""

    account_sid: str
    auth_token: str
    messaging_service_sid: str = ""
    from_number: str = ""
    api_base_url: str = "https://api.twilio.com"
    connect_timeout: float = 3.0
    read_timeout: float = 10.0
    pool_size: int = 64

    def __post_init__(self) -> None:
        if not (self.messaging_service_sid or self.from_number):
            raise InvalidSetting("Set TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM: a text needs a sender.")
        parts = urlsplit(self.api_base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidSetting("TWILIO_API_BASE_URL must begin with https:// and name a host.")


class TwilioSender:
    """`channels.Sender` for Twilio. One instance serves all threads of a process."""

    def __init__(self, config: TwilioConfig) -> None:
        self._config = config
        self.http = Transport(
            config.api_base_url,
            connect_timeout=config.connect_timeout,
            read_timeout=config.read_timeout,
            pool_size=config.pool_size,
        )
        # TWILIO_EDGE and TWILIO_REGION of the environment would rewrite the host: ours is the only address.
        nothing = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}
        client = Client(config.account_sid, config.auth_token, http_client=self.http, environment=nothing)
        client.api.base_url = config.api_base_url.rstrip("/")
        # Reached once here: the package builds these objects on first use, without a lock.
        self._messages = client.api.v2010.account.messages
        self._from = (
            {"messaging_service_sid": config.messaging_service_sid}
            if config.messaging_service_sid
            else {"from_": config.from_number}
        )

    def send(self, outgoing: Outgoing) -> Outcome:
        """Ask Twilio to send one text, once."""
        callback = {"status_callback": outgoing.status_callback} if outgoing.status_callback else {}
        self.http.this_thread.leave_by = outgoing.leave_by
        try:
            created = self._messages.create(
                to=outgoing.to,
                body=outgoing.text,
                validity_period=validity(outgoing),
                smart_encoded=False,  # the approved text goes out as it is, or not at all
                **callback,
                **self._from,
            )
        except _NO_ANSWER as error:
            return _failure(error)
        return _created(created)

    def find(self, sought: Sought) -> Outcome:
        """Look through Twilio's list of what this number was sent.

        The list does not show the callback address, and a queued text has no date of sending yet, so texts
        are compared here: created since the attempt began, the same words, and not another attempt's.
        """
        try:
            listed = self._messages.list(to=sought.to, limit=_LIST_LIMIT, page_size=_LIST_PAGE)
            found = next((message for message in listed if _is_sought(message, sought)), None)
        except _NO_ANSWER as error:
            return Outcome(ending=Ending.UNCERTAIN, detail=f"no list: {plain(error)}")
        if found is not None:
            return Outcome(
                ending=Ending.ACCEPTED,
                provider_id=found.sid or "",
                error_code=str(found.error_code or ""),
                detail=f"found on the provider's list as {found.status}",
            )
        if len(listed) >= _LIST_LIMIT:
            return Outcome(ending=Ending.UNCERTAIN, detail="the list is too long to read whole")
        return Outcome(ending=Ending.NOT_SENT, detail="not on the provider's list")

    def listed(self, since: datetime) -> list[Listed]:
        """Every text that went and came since then, oldest first. Raises NotAsked."""
        try:
            return since_then(self._messages.stream(page_size=_LIST_LIMIT), since)
        except _NO_ANSWER as error:
            raise NotAsked(plain(error)) from None

    def close(self) -> None:
        """Close the kept connections."""
        self.http.close()


def validity(outgoing: Outgoing) -> int:
    """How long Twilio may keep the text waiting, in seconds, so that it drops a stale one by itself."""
    left = int((outgoing.expires_at - outgoing.now).total_seconds())
    return max(1, min(LONGEST_VALIDITY, left))


def _created(created: MessageInstance) -> Outcome:
    sid, status = created.sid, created.status
    if not sid:
        return Outcome(ending=Ending.UNCERTAIN, detail="an answer without a message id")
    if status in {"failed", "undelivered"}:
        code = created.error_code if isinstance(created.error_code, int) else 0
        reason = kind_of(code).value.reason
        return Outcome(ending=Ending.REJECTED, provider_id=sid, error_code=str(code or ""), reason=reason)
    # Twilio's own compliance rules can put a text off to other hours: staff should know.
    detail = "scheduled by the provider, not by us" if status == "scheduled" else ""
    return Outcome(ending=Ending.ACCEPTED, provider_id=sid, detail=detail)


# What reading Twilio's answer can raise: broken connections, and bodies that are not what they should be.
_NO_ANSWER = (
    *(NeverLeft, Unsendable, MaybeLeft, Throttled, TwilioException),
    *(ValueError, TypeError, AttributeError, KeyError),
)


def _failure(error: Exception) -> Outcome:
    """The outcome of a create request that raised. Twilio's own words are dropped: they quote the number."""
    match error:
        case NeverLeft():
            return Outcome(ending=Ending.NOT_SENT, detail=str(error))
        case Unsendable():
            return Outcome(ending=Ending.REJECTED, reason=Reason.RENDER_ERROR, detail=str(error))
        case MaybeLeft():
            return Outcome(ending=Ending.UNCERTAIN, detail=str(error))
        case Throttled():
            return _verdict(Kind.RETRY, "429", retry_after=error.retry_after)
        case TwilioRestException() | TwilioServiceException():
            code = error.code if isinstance(error.code, int) else 0
            return _verdict(kind_of_answer(error.status, code), str(code or error.status))
    # Anything else came up while a 2xx was being read.
    return Outcome(ending=Ending.UNCERTAIN, detail="an answer that cannot be read")


def _verdict(kind: Kind, code: str, retry_after: float | None = None) -> Outcome:
    ending, reason = kind.value
    return Outcome(ending=ending, reason=reason, error_code=code, retry_after=retry_after)


def _is_sought(message: MessageInstance, sought: Sought) -> bool:
    created = message.date_created
    return (
        message.sid not in sought.known
        and created is not None
        and created >= sought.since - _CLOCK_SKEW
        and (message.body or "").split() == sought.text.split()
    )


def validate(
    url: str,
    params: Mapping[str, object] | str,
    signature: str,
    auth_tokens: Iterable[str],
    settings: str = "",
) -> bool:
    """Whether Twilio signed this request, with any of our tokens (several while one is being replaced).

    `url` is the public address with its query, as Twilio called it; ports are tried with and without.
    `params` are the posted form fields, or the body as text where the address carries `bodySHA256`.
    `settings` is the X-Twilio-Webhooks-Signature-Settings header of requests signed with a shared key.
    """
    algorithm = get_signature_algorithm(settings)
    if isinstance(params, str) and "bodySHA256=" not in url:
        return False
    try:
        return any(
            RequestValidator(token).validate(url, params, signature, algorithm)
            for token in auth_tokens
            if token
        )
    except ValueError:  # an address that is none: a port that is no number
        return False


def auth_tokens(setting: str) -> tuple[str, ...]:
    """The tokens that TWILIO_AUTH_TOKEN holds: one, or while it is being replaced two with a comma.

    The first signs our requests; a webhook is believed with any of them.
    """
    return tuple(word.strip() for word in setting.split(",") if word.strip())


def sign(url: str, params: Mapping[str, str], token: str) -> str:
    """The signature that Twilio would put on this request."""
    return cast(str, RequestValidator(token).compute_signature(url, params))
