"""Time that passes only when somebody waits for it."""

from __future__ import annotations

import asyncio
import datetime as dt

from attrs import define, field

NOON = dt.datetime(2015, 12, 29, 12, tzinfo=dt.UTC)


@define(eq=False)
class ManualClock:
    """A `tenx_async.clock.Clock` for tests: whoever sleeps first wakes first, without delay.

    Each sleep takes at least one turn of the event loop, so that others get on as well.
    """

    start: dt.datetime = NOON
    sleeps: list[float] = field(factory=list, init=False)
    """Every wait that was asked for, in order."""
    _seconds: float = field(default=0.0, init=False)
    _due: list[float] = field(factory=list, init=False)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._seconds

    def now(self) -> dt.datetime:
        """The time of day."""
        return self.start + dt.timedelta(seconds=self._seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until nobody has to wake earlier, then let the time pass that is left."""
        self.sleeps.append(seconds)
        due = self._seconds + max(seconds, 0.0)
        self._due.append(due)
        try:
            await asyncio.sleep(0)
            while self._seconds < due:
                if due == min(self._due):
                    self._seconds = due
                else:
                    await asyncio.sleep(0)
        finally:
            self._due.remove(due)
