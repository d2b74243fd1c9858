"""A service whose log is followed: its open days, and how it is doing."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable

from attrs import define, field

from tenx_async.logs.calendar import Calendar
from tenx_async.logs.day import Day
from tenx_async.logs.order import Habits


class SourceState(enum.StrEnum):
    """How a source is doing."""

    AWAITED = "awaited"
    """Asked for by name, not there yet."""
    CATCHING_UP = "catching up"
    """Older lines are still being read."""
    LIVE = "live"
    """All that was there has been read."""
    FAILING = "failing"
    """The last call brought no page; it is tried again."""
    LEAVING = "leaving"
    """The service is gone; what is left of its log is read."""
    GONE = "gone"


@define
class Source:
    """A service whose log is followed."""

    name: str
    calendar: Calendar = field(repr=False)
    habits: Habits = field(repr=False)
    tail: int | None = field(default=None, repr=False)
    """How many of the lines that are there at first to deliver; `None`: all of the open days."""
    state: SourceState = SourceState.CATCHING_UP
    remember: int = field(default=20_000, repr=False)
    """How many of a day's last entries are remembered, by digests."""
    uid: str | None = field(default=None, repr=False)
    failures: int = 0
    """Calls in a row that brought no page."""
    last_success: dt.datetime | None = None
    """When a page last came."""
    last_line: dt.datetime | None = None
    """When a line last came."""
    _days: dict[dt.date, Day] = field(factory=dict, init=False, repr=False)
    _open: frozenset[dt.date] = field(default=frozenset(), init=False, repr=False)

    def day(self, date: dt.date, *, tail: int | None = None) -> Day:
        """A day of which nothing was read yet."""
        return Day(date, self.habits, tail=tail, remember=self.remember)

    @property
    def days(self) -> list[Day]:
        """The days that are read: open ones, and those of which more is waiting; oldest first."""
        return [self._days[date] for date in sorted(self._days)]

    @property
    def has_begun(self) -> bool:
        """Whether it is known where to read on."""
        return bool(self._days)

    def begin(self, days: Iterable[Day]) -> None:
        """Read on in these days."""
        self._days = {day.date: day for day in days}

    def turn(self, now: dt.datetime) -> list[dt.date]:
        """Open the days that have come; tell which."""
        self._open = frozenset(self.calendar.open_days(now))
        opened = sorted(self._open - self._days.keys())
        self._days.update((date, self.day(date)) for date in opened)
        return opened

    def is_over(self, day: Day) -> bool:
        """Tell whether a day's grace is over."""
        return day.date not in self._open

    def seal(self, day: Day) -> None:
        """Close a day that is over and was read to its end."""
        self._days.pop(day.date, None)

    def confirm(self) -> None:
        """Note that the service is still the one whose log is read."""
        if self.state is SourceState.LEAVING:
            self.state = SourceState.CATCHING_UP
        for day in self._days.values():
            day.was_reset = False

    def reset(self, uid: str | None) -> None:
        """Begin again: the service was made anew, with a log of its own.

        A day that was seen to begin again since the service was last confirmed is in the new log
        already.
        """
        self.uid, self.state = uid, SourceState.CATCHING_UP
        self._days = {
            date: day if day.was_reset else self.day(date) for date, day in self._days.items()
        }
        self.confirm()

    def succeeded(self, now: dt.datetime, lines: int, *, more: bool) -> int:
        """Note that pages came; tell how many calls had failed in a row before."""
        failures, self.failures = self.failures, 0
        self.last_success = now
        if lines:
            self.last_line = now
        if self.state is not SourceState.LEAVING:
            self.state = SourceState.CATCHING_UP if more else SourceState.LIVE
        return failures

    def failed(self) -> int:
        """Note that no page came; tell how many in a row."""
        self.failures += 1
        if self.state is not SourceState.LEAVING:
            self.state = SourceState.FAILING
        return self.failures
