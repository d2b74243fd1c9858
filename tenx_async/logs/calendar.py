"""Which days of a log are worth reading at a given time.

Nobody knows in which time zone the server begins a day, so without being told every likely one
counts; and clocks differ, so a neighbouring day is read for a while around each midnight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from attrs import frozen

LIKELY_ZONES = (dt.UTC, dt.timezone(dt.timedelta(hours=8)))
"""UTC, as the vendor's log index suggests, and China's time, where its users are."""


@frozen(kw_only=True)
class Calendar:
    """Tells which days are open."""

    zones: Sequence[dt.tzinfo] = LIKELY_ZONES
    early: dt.timedelta = dt.timedelta(minutes=2)
    """How long before its midnight a day may begin, by this machine's clock."""
    grace: dt.timedelta = dt.timedelta(minutes=10)
    """How long after its end a day may still get lines."""

    def open_days(self, now: dt.datetime) -> list[dt.date]:
        """List the days that may still get lines, the oldest first."""
        days = {self._day(now + shift, zone) for zone in self.zones for shift in self._shifts()}
        return sorted(days)

    def _shifts(self) -> tuple[dt.timedelta, dt.timedelta]:
        return -self.grace, self.early

    @staticmethod
    def _day(instant: dt.datetime, zone: dt.tzinfo) -> dt.date:
        return instant.astimezone(zone).date()
