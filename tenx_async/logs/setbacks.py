"""What becomes of a source whose poll brought no page: when it is tried again, and what is told."""

from __future__ import annotations

import random
from collections.abc import Callable

from attrs import field, frozen

from tenx_async.clock import Clock
from tenx_async.errors import OperationError, QuotaExceeded, Throttled
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.source import Source
from tenx_async.telemetry.events import SourceFailed, SourceThrottled

LONGEST_BACKOFF = 30.0


@frozen(kw_only=True)
class Setbacks:
    """Tells when to try again."""

    clock: Clock
    allowance: Allowance
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def of(self, source: Source, error: OperationError) -> SourceFailed | SourceThrottled:
        """Note that a source could not be read, and tell in how many seconds to try again."""
        if isinstance(error, Throttled):
            return self._throttled(source)
        count = source.failed()
        retry_in = max(self.backoff(count), self._until_quota(error))
        return SourceFailed(source=source.name, error=error, failures=count, retry_in=retry_in)

    def _throttled(self, source: Source) -> SourceThrottled:
        """Try again after the pause of all: it is not this source that fails."""
        source.throttled += 1
        held_back = self.allowance.held_back(self.clock.monotonic())
        return SourceThrottled(source=source.name, retry_in=held_back)

    def _until_quota(self, error: OperationError) -> float:
        """Seconds until there are calls again, if a quota is what is spent."""
        resumes_at = error.resumes_at if isinstance(error, QuotaExceeded) else None
        return (resumes_at - self.clock.now()).total_seconds() if resumes_at else 0.0

    def backoff(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        longest = min(LONGEST_BACKOFF, 0.5 * 2.0 ** min(failures, 10))
        return longest * (1 + self.chance()) / 2
