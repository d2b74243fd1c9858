"""What holds in a cloud at the moment, and the time: a clock, and the zone of its days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from attrs import define, field, frozen

from tenx_async.local.faults import Faults
from tenx_async.local.quirks import Quirks

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The machine's time."""
    return dt.datetime.now(dt.UTC)


@define
class Conditions:
    """The quirks and faults that may be changed while the cloud runs."""

    quirks: Quirks = field(factory=Quirks)
    faults: Faults = field(factory=Faults)


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
