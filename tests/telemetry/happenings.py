"""One event of each kind, for tests."""

from __future__ import annotations

import datetime as dt

from tenx_async.errors import DamagedCursor, ServerError, SinkUnavailable
from tenx_async.logs.findings import Gap, Shift
from tenx_async.logs.seal import Seal
from tenx_async.telemetry.events import (
    AttemptEnded,
    CursorLost,
    DayOpened,
    DaySealed,
    DiscoveryFailed,
    Event,
    FollowingEnded,
    LogChanged,
    Paused,
    Reconciled,
    Retried,
    SinkPaused,
    SinkResumed,
    SourceAwaited,
    SourceFailed,
    SourceFinished,
    SourceFound,
    SourceRecovered,
    SourceRemoved,
    SourceReset,
    SourceThrottled,
)

SECRET = "s3cret-t0ken"
BROKEN = ServerError(f"the server said: {SECRET}", operation="get web", status=500, body=SECRET)

APPLIED = AttemptEnded(
    verb="restart", service="web", region="beijing1", verdict="applied", seconds=0.25
)
REFUSED = AttemptEnded(
    verb="get", service="web", region="beijing1", verdict="refused", seconds=0.5, status=404
)
UNSENT = AttemptEnded(verb="list", region="beijing1", verdict="not_sent", seconds=2.0)
CANCELLED = AttemptEnded(verb="logs", service="web", verdict="cancelled", seconds=0.1)
RETRIED = Retried(
    verb="get", service="web", region="beijing1", error=BROKEN, attempt=1, retry_in=0.2
)
PAUSED = Paused(seconds=7.5, reason="the server asks to wait")
RECONCILED = Reconciled(verb="stop", service="web", region="beijing1", finding="undone", reads=4)
FOUND = SourceFound(source="web")
AWAITED = SourceAwaited(source="web")
REMOVED = SourceRemoved(source="web")
FINISHED = SourceFinished(source="web")
RESET = SourceReset(source="web")
FAILED = SourceFailed(source="web", error=BROKEN, failures=1, retry_in=0.5)
FAILED_AGAIN = SourceFailed(source="web", error=BROKEN, failures=2, retry_in=1.0)
THROTTLED = SourceThrottled(source="web", retry_in=1.0)
RECOVERED = SourceRecovered(source="web", failures=2)
UNTRUSTED = CursorLost(source="web", error=DamagedCursor("its checksum does not fit"))
FULL = SinkPaused(error=SinkUnavailable("no space left"), retry_in=0.5)
ROOM_AGAIN = SinkResumed(seconds=7.5)
UNLISTED = DiscoveryFailed(error=BROKEN, retry_in=0.5)
CHANGED = LogChanged(source="web", date=dt.date(2015, 12, 29), finding=Shift(7, 3, 1))
LOST = LogChanged(source="web", date=dt.date(2015, 12, 29), finding=Gap(7, None))
SEALED = DaySealed(source="web", date=dt.date(2015, 12, 29), seals=(Seal(9, "ab", 9),))
NEW_DAY = DayOpened(source="web", date=dt.date(2015, 12, 30))
ENDED = FollowingEnded(sources=3, failing=2)

EVERYTHING: tuple[Event, ...] = (
    APPLIED,
    REFUSED,
    UNSENT,
    CANCELLED,
    RETRIED,
    PAUSED,
    RECONCILED,
    FOUND,
    AWAITED,
    REMOVED,
    FINISHED,
    RESET,
    FAILED,
    FAILED_AGAIN,
    THROTTLED,
    RECOVERED,
    UNTRUSTED,
    FULL,
    ROOM_AGAIN,
    UNLISTED,
    CHANGED,
    LOST,
    SEALED,
    NEW_DAY,
    ENDED,
)
