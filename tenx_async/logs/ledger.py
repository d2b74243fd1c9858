"""The account of a following: what was asked, what came, what was delivered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from attrs import define, field


@define
class DayAccount:
    """The account of one source and day."""

    source: str
    date: dt.date
    calls: int = 0
    """Pages asked for, failed ones included."""
    failures: int = 0
    """Calls that brought no page."""
    fetched: int = 0
    """Entries received."""
    delivered: int = 0
    """Lines handed on."""


@define
class Ledger:
    """The account of all sources and days that were followed."""

    _days: dict[tuple[str, dt.date], DayAccount] = field(factory=dict, repr=False)
    listings: int = 0
    """Calls made to find out which services there are."""

    def day(self, source: str, date: dt.date) -> DayAccount:
        """The account of one source and day, opened on first use."""
        key = (source, date)
        if key not in self._days:
            self._days[key] = DayAccount(source, date)
        return self._days[key]

    def __iter__(self) -> Iterator[DayAccount]:
        return iter(self._days.values())

    @property
    def calls(self) -> int:
        """All calls, those that list services included."""
        return self.listings + sum(day.calls for day in self)

    @property
    def failures(self) -> int:
        """Calls for a page that brought none."""
        return sum(day.failures for day in self)

    @property
    def delivered(self) -> int:
        """Lines handed on."""
        return sum(day.delivered for day in self)
