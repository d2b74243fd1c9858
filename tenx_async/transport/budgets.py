"""What may be spent: on retries, so that they never become the load; on calls, by the day."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Protocol

from attrs import define, field

from tenx_async.errors import QuotaExceeded

TRANSIENT_RETRY = 14.0
THROTTLE_RETRY = 5.0
_PROBES = (5.0, 10.0, 20.0, 30.0)


@define(kw_only=True)
class RetryBudget:
    """Tokens that retries cost and clean successes earn; pure.

    A run whose budget is empty does not fail: everything pauses, then a single call probes.
    """

    size: float = 500.0
    left: float = field(default=500.0, init=False)
    probes: int = field(default=0, init=False)
    """Pauses in a row that no answer ended."""

    @property
    def share(self) -> float:
        """What a single operation may use."""
        return self.size / 5

    def draw(self, cost: float) -> bool:
        """Pay for a retry, if there is enough."""
        if self.left < cost:
            return False
        self.left -= cost
        return True

    def probe(self) -> float:
        """Begin a pause that ends with a probe; return its seconds."""
        pause = _PROBES[min(self.probes, len(_PROBES) - 1)]
        self.probes += 1
        return pause

    def refund(self, amount: float) -> None:
        """Give back what a retry cost that succeeded, or the token of a clean success."""
        self.left = min(self.size, self.left + amount)

    def answered(self) -> None:
        """Note that the server is well: it did what it was asked, or refused."""
        self.probes = 0


class CallCounter(Protocol):
    """Counts the calls of an account by day."""

    def add(self, day: dt.date, calls: int) -> int:
        """Add calls and return how many the day has now; adding 0 only asks."""


@define
class MemoryCounter:
    """Counts for as long as the process lives."""

    _calls: Counter[dt.date] = field(factory=Counter)

    def add(self, day: dt.date, calls: int) -> int:
        """Add calls and return how many the day has now."""
        self._calls[day] += calls
        return self._calls[day]


@define(kw_only=True)
class CallBudget:
    """Calls that may be made in a day, which is counted in UTC."""

    per_day: int | None = None
    """The most; `None` counts without a bound."""
    counter: CallCounter = field(factory=MemoryCounter, repr=False)

    def spend(self, now: dt.datetime, operation: object) -> None:
        """Count a call that is about to be made.

        Raises:
            QuotaExceeded: the day's calls are spent; tells when it goes on.
        """
        calls = self.counter.add(_day(now), 1)
        if self.per_day is not None and calls > self.per_day:
            self.counter.add(_day(now), -1)
            resumes_at = next_day(now)
            raise QuotaExceeded(
                f"the budget of {self.per_day} calls a day is spent; it goes on at "
                f"{resumes_at:%Y-%m-%d %H:%M} UTC",
                operation=str(operation),
                resumes_at=resumes_at,
            )

    def take_back(self, spent_at: dt.datetime) -> None:
        """Note that a call that was counted never left this machine."""
        self.counter.add(_day(spent_at), -1)

    def calls(self, now: dt.datetime) -> int:
        """Calls made today."""
        return self.counter.add(_day(now), 0)

    def part(self, now: dt.datetime) -> None:
        """Count alone from here on."""
        alone = MemoryCounter()
        alone.add(_day(now), self.calls(now))
        self.counter = alone


def next_day(now: dt.datetime) -> dt.datetime:
    """The next midnight in UTC."""
    return dt.datetime.combine(_day(now) + dt.timedelta(days=1), dt.time(), dt.UTC)


def _day(now: dt.datetime) -> dt.date:
    return (now if now.tzinfo is dt.UTC else now.astimezone(dt.UTC)).date()
