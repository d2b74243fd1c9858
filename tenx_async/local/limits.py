"""How many calls an account has: a quota by the day, a rate by the second."""

from __future__ import annotations

import datetime as dt
import math

from attrs import define, field

from tenx_async.local.calendar import Calendar
from tenx_async.local.quirks import Quirks
from tenx_async.local.refusal import Refusal


@define
class Limits:
    """Counts the calls of an account, and refuses those beyond its quirks."""

    calendar: Calendar
    calls: int = 0
    """Calls of this day that were let through."""
    _day: dt.date | None = field(default=None, init=False)
    _spent: float = field(default=0.0, init=False)
    """Calls that the rate has not yet given back."""
    _seen: float = field(default=0.0, init=False)

    def admit(self) -> None:
        """Count a call.

        Raises:
            Refusal: there is no call left; a refused one costs nothing.
        """
        quirks = self.calendar.conditions.quirks
        if quirks.calls_per_second:
            self._check_rate(quirks, self.calendar.now().timestamp())
        if quirks.calls_per_day:
            self._check_quota(quirks, self.calendar.today())

    def _check_rate(self, quirks: Quirks, now: float) -> None:
        given_back = (now - self._seen) * quirks.calls_per_second
        self._spent, self._seen = max(self._spent - given_back, 0.0), now
        lacking = self._spent + 1 - quirks.burst
        if lacking > 1e-9:  # what a clock that was advanced by the exact time leaves over
            wait = math.ceil(lacking / quirks.calls_per_second)
            raise Refusal(429, "too many calls", wait if quirks.retry_after else None)
        self._spent += 1

    def _check_quota(self, quirks: Quirks, today: dt.date) -> None:
        if self._day != today:
            self._day, self.calls = today, 0
        if self.calls >= quirks.calls_per_day:
            message = f"the quota of {quirks.calls_per_day} calls a day is used up"
            raise Refusal(quirks.quota_status, message)
        self.calls += 1
