"""A service whose log is followed: its open days, and how it is doing."""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter
from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.errors import DamagedCursor
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.cursors import Marks
from tenx_async.logs.day import Day
from tenx_async.logs.digests import Digests, digests_of
from tenx_async.logs.memory import Memory
from tenx_async.logs.order import Habits
from tenx_async.logs.proof import Proof


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


@frozen(kw_only=True)
class SourceStatus:
    """How a source is doing at a moment."""

    name: str
    state: SourceState
    failures: int
    """Calls in a row that brought no page."""
    last_success: dt.datetime | None
    """When a page last came."""
    last_line: dt.datetime | None
    """When a line last came."""
    staleness: float | None
    """Seconds since a page last came; `None` if none ever did."""
    lag: float | None
    """Seconds since its log was last read to the end; `None` if it never was."""


@define
class Source:
    """A service whose log is followed."""

    name: str
    calendar: Calendar = field(repr=False)
    habits: Habits = field(repr=False)
    tail: int | None = field(default=None, repr=False)
    """How many of the lines that are there at first to deliver; `None`: all."""
    since: dt.date | None = field(default=None, repr=False)
    """The day from which on it is to be read, as long as it has not begun."""
    is_late: bool = field(default=False, repr=False)
    """Whether an earlier following was to begin to read it, and could not."""
    damage: DamagedCursor | None = field(default=None, repr=False)
    """Why it is not known where it was read to, though it was kept."""
    state: SourceState = SourceState.CATCHING_UP
    remember: int = field(default=20_000, repr=False)
    """How many of a day's last entries are remembered, by digests."""
    uid: str | None = field(default=None, repr=False)
    failures: int = 0
    throttled: int = field(default=0, repr=False)
    """Polls in a row that the server refused, for there being too many of all sources."""
    last_success: dt.datetime | None = None
    last_line: dt.datetime | None = None
    last_live: dt.datetime | None = None
    instances_seen: float = field(default=0.0, repr=False)
    """When its instances were last listed, where it is read through them; in seconds."""
    marks: Marks | None = field(default=None, repr=False)
    """What was handed on and is not committed yet, where cursors are kept."""
    has_begun: bool = field(default=False, init=False)
    """Whether it is known where to read on."""
    has_news: bool = field(default=False, init=False)
    """Whether more is known of it than was handed on, though no line came."""
    is_anew: bool = field(default=False, init=False)
    """Whether it is to be read from its beginning from the next poll on: it was made anew."""
    _days: dict[tuple[dt.date, str], Day] = field(factory=dict, init=False, repr=False)
    closed: frozenset[tuple[dt.date, str]] = field(default=frozenset(), init=False, repr=False)
    """Instances' parts of days of which others are read yet."""
    _open: frozenset[dt.date] = field(default=frozenset(), init=False, repr=False)
    _asked_of: list[tuple[Proof, Digests]] = field(factory=list, init=False, repr=False)
    """What was known of its days, and might be another service's, when it was last asked of."""
    last_sealed: dt.date = field(default=dt.date.min, init=False, repr=False)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing of it was seen before."""
        return not self.has_begun and self.since is None

    def days_to_begin_with(self, now: dt.datetime) -> list[dt.date]:
        """List the days to be read at first, the oldest first."""
        return self.calendar.days_since(self.since or self.calendar.first(now), now)

    def wants(self, tail: int | None) -> None:
        """Begin with no fewer of the lines that are there at first than are wanted now."""
        self.tail = None if self.tail is None or tail is None else max(self.tail, tail)

    def day(self, date: dt.date, *, tail: int | None = None, instance: str = "") -> Day:
        """A day of which nothing was read yet."""
        return Day(date, self.habits, tail=tail, remember=self.remember, instance=instance)

    @property
    def days(self) -> list[Day]:
        """The days that are read: open ones, and those of which more is waiting; oldest first."""
        return [self._days[key] for key in sorted(self._days)]

    def begin(self, days: Iterable[Day], now: dt.datetime) -> None:
        """Read on in these days."""
        self._days = {(day.date, day.instance): day for day in days}
        self._open = frozenset(self.calendar.open_days(now))
        self.has_begun = True

    def forget_other(self) -> None:
        """Have all be read of a service that was made anew before any of it was read."""
        if self.is_anew:
            self.is_anew, self.tail = False, None

    def begin_whole(self, now: dt.datetime) -> None:
        """Read all that there is in the days to begin with."""
        self.begin(map(self.day, self.days_to_begin_with(now)), now)

    def turn(self, now: dt.datetime) -> list[dt.date]:
        """Open the days that have come; tell which."""
        self.has_begun = True
        days = self.calendar.open_at(now)
        if days is self._open:
            return []
        self._open = days
        known = {date for date, _ in self._days}
        opened = [date for date in sorted(days - known) if date > self.last_sealed]
        self._days.update(((date, ""), self.day(date)) for date in opened)
        return opened

    def is_over(self, day: Day) -> bool:
        """Tell whether a day's grace is over."""
        return day.date not in self._open

    def seal(self, day: Day) -> bool:
        """Close a day that is over and was read to its end; tell whether all of it is closed."""
        self._days.pop((day.date, day.instance), None)
        self.closed |= {(day.date, day.instance)}
        self.last_sealed = max(self.last_sealed, day.date)
        is_closed = not any(date == day.date for date, _ in self._days)
        if is_closed:
            self.closed = frozenset(key for key in self.closed if key[0] != day.date)
        return is_closed

    @property
    def split_days(self) -> set[dt.date]:
        """The days that are read in the logs of the instances."""
        return {date for date, instance in self._days if instance}

    def split(self, day: Day, instances: Iterable[str], known: Sequence[LogEntry]) -> None:
        """Read a day on in the logs of its instances, of which these entries are known."""
        del self._days[day.date, day.instance]
        for name in instances:
            part = self._days[day.date, name] = self.day(day.date, tail=day.tail, instance=name)
            if day.begun:
                part.take_up(*_part_of(name, known, day.memory))

    def admit(self, date: dt.date, instances: Iterable[str]) -> None:
        """Read the logs of further instances in a day that is read in theirs."""
        for name in instances:
            if (date, name) not in self._days.keys() | self.closed:
                self._days[date, name] = self.day(date, instance=name)

    def is_asked_of(self) -> None:
        """Note of which days something is known before the services are listed."""
        self._asked_of = [
            (day.proof, day.proof.unproven)
            for day in self._days.values()
            if day.proof.unproven is not None and day.position and not self.is_anew
        ]

    def confirm(self) -> None:
        """Note that the service, when it was asked of, was still the one whose log is read."""
        self.recognise(self.uid)
        for proof, unproven in self._asked_of:
            self.has_news |= proof.confirm(unproven)

    def recognise(self, uid: str | None) -> None:
        """Note that it is there, if only by its name: a reply may lack the uid."""
        self.uid = self.uid or uid
        if self.state is SourceState.LEAVING:
            self.revive()

    def reset(self, uid: str | None) -> None:
        """Note that the service was made anew, with a log of its own."""
        self.uid, self.state, self.is_anew = uid, SourceState.CATCHING_UP, True

    def begin_anew(self) -> list[Day]:
        """Read all days from their beginning, less what was delivered of the new log already.

        Returns:
            The days that are read no more.
        """
        before, self._days, self.is_anew = self._days, {}, False
        self.closed = frozenset()
        for day in before.values():
            anew = self._days.setdefault((day.date, ""), self.day(day.date))
            anew.gone.update(day.proof.unproven or ())
            anew.proof.left_at += day.position if day.proof.is_fresh else 0
            anew.proof.presumed += day.proof.unshown
        return list(before.values())

    def succeeded(self, now: dt.datetime, lines: int, *, more: bool) -> int:
        """Note that pages came; tell how many calls had failed in a row before."""
        failures, self.failures, self.throttled = self.failures, 0, 0
        self.last_success = now
        if lines:
            self.last_line = now
        if not more:
            self.last_live = now
        if self.state is not SourceState.LEAVING:
            self.state = SourceState.CATCHING_UP if more else SourceState.LIVE
        return failures

    def revive(self) -> None:
        """Read on where it was, for it was not gone: one listing only lacked it."""
        self.state = SourceState.CATCHING_UP

    def failed(self) -> int:
        """Note that no page came; tell how many in a row."""
        self.failures += 1
        if self.state is not SourceState.LEAVING:
            self.state = SourceState.FAILING
        return self.failures

    def status(self, now: dt.datetime) -> SourceStatus:
        """Tell how it is doing."""
        return SourceStatus(
            name=self.name,
            state=self.state,
            failures=self.failures,
            last_success=self.last_success,
            last_line=self.last_line,
            staleness=_seconds(self.last_success, now),
            lag=_seconds(self.last_live, now),
        )


def _part_of(
    instance: str, entries: Sequence[LogEntry], memory: Memory
) -> tuple[list[LogEntry], Counter[int]]:
    """Choose what one instance wrote of the entries that are known to memory.

    What was inserted since then is not known yet, and what it pushed out of reach was delivered.
    """
    left = Counter(memory.digests)
    known, rest = list(entries[: memory.base]), entries[memory.base :]
    for entry, digest in zip(rest, digests_of(rest), strict=True):
        if left[digest] > 0:
            left[digest] -= 1
            known.append(entry)
    return [entry for entry in known if entry.instance_name == instance], +left


def _seconds(since: dt.datetime | None, now: dt.datetime) -> float | None:
    return None if since is None else (now - since).total_seconds()
