"""The judge: joins what providers took with what the installation wrote down, and names every promise that
broke.

Pure: plain rows in, breaches out. Each function is one promise of docs/promises.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ENDED = frozenset(
    {
        *("accepted", "delivered", "undelivered", "unknown", "rejected", "unresolved"),
        *("skipped", "cancelled"),
    }
)
TAKEN = frozenset({"accepted", "delivered", "undelivered", "unknown"})
NOT_SENT = frozenset({"rejected", "undelivered", "unresolved", "skipped", "cancelled"})
NEVER = datetime.max.replace(tzinfo=UTC)
DENIED = frozenset({"skipped", "cancelled", "rejected"})
"""What says that the provider has not got it. `unresolved` says that nobody knows."""
ANSWERS_STOP = "opt_out_confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of `campaigns export messages`."""

    id: int
    channel: str
    purpose: str
    sequence: str
    patient: str
    visit: str | None
    visit_version: int
    send_at: datetime
    expires_at: datetime
    state: str
    reason: str
    duplicate_possible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line of `campaigns export attempts`."""

    id: str
    message: int
    outcome: str
    provider_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as its provider saw it: whole at `came`, taken at `at` (None: not taken). Real time.

    `message` is 0 where it carries the name of nothing of ours. `on_record` says whether its try was
    committed when it came, None where the database could not be asked.
    """

    message: int
    attempt: str
    came: datetime
    at: datetime | None
    on_record: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the database committed at a moment of real time: a visit's `version` or its end, an opt-out
    (`version` is 0 there)."""

    about: str
    version: int
    at: datetime
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A text of a patient that was posted to us until we said yes (`answered`), or given up."""

    provider_id: str
    answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The clock of the installation: it said `said` from some moment between `before` and `after` on (real,
    UTC). Where nobody knows whether it ever did, `after` is `NEVER`."""

    before: datetime
    after: datetime
    said: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A whole run. `healed` is when everything was well again, by the installation's clock; `allowance` is
    how long may lie between the last question and a request."""

    messages: Sequence[Message]
    attempts: Sequence[Attempt] = ()
    requests: Sequence[Request] = ()
    reasons: frozenset[str] = frozenset()
    visits: Sequence[Change] = ()
    stops: Sequence[Change] = ()
    news: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clock: Sequence[Shown] = ()
    posts: Sequence[Post] = ()
    replies: Sequence[str] = ()
    healed: datetime
    allowance: timedelta = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A promise that did not hold, and of what: `key` is the id of a message, a reply or a request."""

    promise: str
    key: str
    words: str


Judge = Callable[[History], Iterator[Breach]]


def lost(history: History) -> Iterator[Breach]:
    """I1: whatever was due when all was well again has ended; what we call taken, its provider took."""
    taken = {request.message for request in history.requests if request.at}
    for message in history.messages:
        if message.send_at <= history.healed and message.state not in ENDED:
            yield _breach("I1", message, f"still {message.state} after the time to settle")
        elif message.state in TAKEN and message.id not in taken:
            yield _breach("I1", message, f"{message.state}, and its provider never took it")


def doubled(history: History) -> Iterator[Breach]:
    """I2: a provider takes a message once; more only with a mark for staff."""
    times = Counter(request.message for request in history.requests if request.at)
    for message in history.messages:
        if times[message.id] > 1 and not message.duplicate_possible:
            yield _breach("I2", message, f"taken {times[message.id]} times and not marked")


def nameless(history: History) -> Iterator[Breach]:
    """I3: when a request is whole, its try is committed."""
    for request in history.requests:
        if request.on_record is False:
            yield Breach(
                promise="I3",
                key=str(request.message or request.attempt),
                words=f"a request came at {request.came.isoformat()} and its try was not on record",
            )
        elif request.at and not request.message:
            yield Breach(promise="I3", key=request.attempt, words="taken, and no try of ours is its own")


def _left(history: History) -> Iterator[tuple[Request, Message]]:
    """Each request with the message that it left for, by the name of its try. Whose record has its id is
    another question: of two texts in doubt, to one phone in the same words, either may be taken for the
    other on the provider's list."""
    messages = {message.id: message for message in history.messages}
    tries = {one.id: one.message for one in history.attempts}
    for request in history.requests:
        message = messages.get(tries.get(request.attempt, request.message))
        if message is not None:
            yield request, message


def stale(history: History) -> Iterator[Breach]:
    """I4: nothing is sent that is too late, or about a date that its visit no longer has."""
    clock, about = _Clock(history.clock), _by_key(history.visits)
    for request, message in _left(history):
        if not request.at:
            continue
        asked = request.came - history.allowance
        if clock.had_passed(message.expires_at, asked, request.came):
            yield _breach("I4", message, f"sent after {message.expires_at.isoformat()}, when it was too late")
        why = _outdated(message, about.get(message.visit or "", ()), asked)
        if why:
            yield _breach("I4", message, why)


def _outdated(message: Message, changes: Iterable[Change], asked: datetime) -> str:
    """What had become of the visit by then, if that makes the message false."""
    if message.purpose != "step" or not message.visit:
        return ""
    known = [change for change in changes if change.at <= asked]
    version = max((change.version for change in known), default=0)
    if message.visit_version and version > message.visit_version:
        return f"sent about version {message.visit_version} of a visit that had moved to {version}"
    last = max(known, key=lambda change: change.at, default=None)
    if last and last.ended and message.sequence not in {"aftercare", "missed_visit"}:
        return "sent about a visit that was called off"
    return ""


def unwanted(history: History) -> Iterator[Breach]:
    """I11: once an opt-out is stored nothing more begins to leave on that channel."""
    stopped = {change.about: change.at for change in sorted(history.stops, key=lambda c: c.at, reverse=True)}
    for request, message in _left(history):
        if message.purpose == ANSWERS_STOP:
            continue
        since = stopped.get(f"{message.patient} {message.channel}")
        if since and request.came - history.allowance > since:
            late = (request.came - since).total_seconds()
            yield _breach("I11", message, f"begun {late:.1f} s after the opt-out was stored")


def unexplained(history: History) -> Iterator[Breach]:
    """I5: what did not go says why, in a word of the list, and it is true."""
    taken = {request.message for request in history.requests if request.at}
    for message in history.messages:
        if message.state in NOT_SENT and message.reason not in history.reasons:
            yield _breach("I5", message, f"{message.state} for {message.reason or 'no reason'}")
        elif message.state in DENIED and message.id in taken:
            yield _breach("I5", message, f"{message.state} for {message.reason}, though its provider took it")


def backward(history: History) -> Iterator[Breach]:
    """I6: the first final word of a provider stands, and no word of it is undone."""
    said: dict[int, set[str]] = defaultdict(set)
    for attempt in history.attempts:
        said[attempt.message] |= set(history.news.get(attempt.id, ()))
    for message in history.messages:
        words = said[message.id]
        final = words & {"delivered", "undelivered"}
        if len(final) == 1 and message.state not in final:
            yield _breach("I6", message, f"{message.state}, though news said {', '.join(sorted(words))}")
        elif words and not final and message.state not in TAKEN:
            yield _breach("I6", message, f"{message.state}, though its provider has it")


def misheard(history: History) -> Iterator[Breach]:
    """I20: what a patient wrote is stored once, and always where we said yes."""
    kept = Counter(history.replies)
    for post in history.posts:
        times = kept[post.provider_id]
        if times > 1 or (post.answered and not times):
            yield Breach(
                promise="I20", key=post.provider_id, words=f"a patient's text is stored {times} times"
            )


JUDGES: tuple[Judge, ...] = (lost, doubled, nameless, stale, unwanted, unexplained, backward, misheard)


def judge(history: History) -> list[Breach]:
    """Every breach of every promise."""
    return [breach for one in JUDGES for breach in one(history)]


def _breach(promise: str, message: Message, words: str) -> Breach:
    return Breach(promise=promise, key=str(message.id), words=f"{message.channel} {message.purpose}: {words}")


def _by_key(changes: Iterable[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.about].append(change)
    return found


class _Clock:
    """What the installation's clock can have said at a moment of real time."""

    def __init__(self, shown: Sequence[Shown]) -> None:
        self._shown = sorted(shown, key=lambda one: one.before)
        self._starts = [one.before for one in self._shown]

    def had_passed(self, instant: datetime, start: datetime, end: datetime) -> bool:
        """Whether it said `instant` or later all the time from `start` to `end`, whoever read it when."""
        possible = []
        for one in reversed(self._shown[: bisect_right(self._starts, end)]):
            possible.append(one.said)
            if one.after <= start:  # by then it was this or a later one
                return min(possible) >= instant
        return False
