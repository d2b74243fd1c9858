"""What happens inside, as values: handed to whoever listens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class _OfOperation:
    verb: str
    """`get`, `restart`, `logs`, …: one of a few."""
    service: str = ""
    """The service that it is about, if it is about one."""
    region: str = ""

    @property
    def operation(self) -> str:
        """The operation in short: `verb service`."""
        return f"{self.verb} {self.service}" if self.service else self.verb


@frozen(kw_only=True)
class AttemptEnded(_OfOperation):
    """A request was sent, or tried to be, and what came of it is known."""

    verdict: str
    """`applied`, `refused`, `rejected`, `ambiguous`, `not_sent`, or `cancelled`."""
    seconds: float
    """From the gate to the end of the answer."""
    status: int | None = None
    """HTTP status, if the answer was an error's."""


@frozen(kw_only=True)
class Retried(_OfOperation):
    """An operation is going to be sent again."""

    error: Exception
    attempt: int
    """How many attempts there have been."""
    retry_in: float
    """Seconds, to which the gate may add."""


@frozen(kw_only=True)
class Paused:
    """All calls of the account are held back for a while."""

    seconds: float
    reason: str


@frozen(kw_only=True)
class Reconciled(_OfOperation):
    """A write whose answer was lost was looked into."""

    finding: str
    """`applied`, `undone`, `conflict`, or `unknown`."""
    reads: int
    """Calls that it took."""


@frozen(kw_only=True)
class SourceFound:
    """A service came into view and is followed from now on."""

    source: str


@frozen(kw_only=True)
class SourceAwaited:
    """A service that was asked for by name does not exist yet."""

    source: str


@frozen(kw_only=True)
class SourceRemoved:
    """A service is gone, and its log was read to the end as far as the server still had it."""

    source: str


@frozen(kw_only=True)
class SourceFinished:
    """A service's log was read to its end, and more was not asked for."""

    source: str


@frozen(kw_only=True)
class SourceReset:
    """A service was made anew under the same name; its log begins again."""

    source: str


@frozen(kw_only=True)
class SourceFailed:
    """A service's log could not be read; it will be tried again."""

    source: str
    error: Exception
    failures: int
    """How many in a row."""
    retry_in: float
    """Seconds."""


@frozen(kw_only=True)
class SourceThrottled:
    """The server gave no page of a service's log, for there being too many calls of all of them.

    All polls pause; the service is not one that fails.
    """

    source: str
    retry_in: float
    """Seconds."""


@frozen(kw_only=True)
class SourceRecovered:
    """A service's log can be read again."""

    source: str
    failures: int
    """How many tries in a row had failed."""


@frozen(kw_only=True)
class CursorLost:
    """What was kept of where a source was read to cannot be trusted: it is read as a new one."""

    source: str
    error: Exception


@frozen(kw_only=True)
class SinkPaused:
    """Where lines go cannot take them: polling pauses, and it is tried again until it can."""

    error: Exception
    retry_in: float
    """Seconds."""


@frozen(kw_only=True)
class SinkResumed:
    """Where lines go takes them again."""

    seconds: float
    """How long it could not."""


@frozen(kw_only=True)
class DiscoveryFailed:
    """The services could not be listed, or where one was read to could not be found out.

    What is known is followed on, and it is tried again.
    """

    error: Exception
    retry_in: float
    """Seconds."""


@frozen(kw_only=True)
class DayOpened:
    """A new day of a service's log is read from now on."""

    source: str
    date: dt.date


class Change(Protocol):
    """What was found of a log."""

    @property
    def is_resolved(self) -> bool:
        """Whether no line is missing or repeated for it."""


@frozen(kw_only=True)
class LogChanged:
    """A log turned out to be not only appended to."""

    source: str
    date: dt.date
    finding: Change
    """What was found, with its place: a shift, a removal, a reset, a gap, a doubt, or where the
    server's log window ends."""
    instance: str = ""
    """The instance in whose own log it was found; empty: in the service's."""


@frozen(kw_only=True)
class DaySealed:
    """A day of a service's log is over; what was remembered of it was read once more."""

    source: str
    date: dt.date
    seals: Sequence[object] = ()
    """Its count and digest; one for each instance where their own logs were read."""


@frozen(kw_only=True)
class FollowingEnded:
    """Nobody follows any more what was followed until now."""

    sources: int
    """Services that were followed to this moment; those that were removed before are not in it."""
    failing: int
    """Those among them whose log could not be read last."""


SourceEvent = (
    SourceFound
    | SourceAwaited
    | SourceRemoved
    | SourceFinished
    | SourceReset
    | SourceFailed
    | SourceThrottled
    | SourceRecovered
    | CursorLost
)

Event = (
    AttemptEnded
    | Retried
    | Paused
    | Reconciled
    | SourceEvent
    | SinkPaused
    | SinkResumed
    | DiscoveryFailed
    | DayOpened
    | LogChanged
    | DaySealed
    | FollowingEnded
)

Listener = Callable[[Event], None]
"""Is called with each event, at once and in the loop's thread; it must not block."""
