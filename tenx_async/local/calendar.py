"""The cloud's time: an injected clock, and the zone in which its days begin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from attrs import field, frozen

from tenx_async.local.conditions import Conditions

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The machine's time."""
    return dt.datetime.now(dt.UTC)


@frozen
class Calendar:
    """Tells the time and the day of the log that grows now."""

    now: Clock = utc_now
    conditions: Conditions = field(factory=Conditions)

    def today(self) -> dt.date:
        """The day whose log grows now."""
        return self.day_of(self.now())

    def day_of(self, moment: dt.datetime) -> dt.date:
        """The day to whose log a moment belongs."""
        return moment.astimezone(self.conditions.quirks.timezone).date()
