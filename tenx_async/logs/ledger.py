"""The account of a following: what was asked, what came, what was delivered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from attrs import define, field

from tenx_async.logs.delivery import Delivery
from tenx_async.logs.findings import Doubt, Finding, Guess, Reset, Shift
from tenx_async.logs.seal import Seal


@define
class DayAccount:
    """The account of one source and day."""

    source: str
    date: dt.date
    calls: int = 0
    """Pages asked for, failed ones included."""
    failures: int = 0
    """Calls that brought no page; each was followed by another try."""
    throttled: int = 0
    """Calls beside those that the server refused for there being too many, of all sources."""
    bytes: int = 0
    """Size of the pages received, after decompression."""
    fetched: int = 0
    """Entries received."""
    delivered: int = 0
    """Lines handed on."""
    late: int = 0
    """Those among them that the server had inserted behind lines already read."""
    reread: int = 0
    """Entries that were known and came again."""
    suppressed: int = 0
    """Entries that had been gone, came back, and were not delivered again."""
    last_success: dt.datetime | None = None
    """When a page last came."""
    seals: list[Seal] = field(factory=list)
    """How the day ended: one seal, or one for each instance where their own logs were read."""
    sealed: bool = False
    """Whether the day is over, and all that was remembered of it was read once more."""
    findings: list[Finding] = field(factory=list, repr=False)
    """What the server did with the log besides appending to it, with its place."""

    def enter(self, delivery: Delivery) -> None:
        """Enter what a poll brought."""
        for stretch in delivery.stretches:
            self.delivered += len(stretch.entries)
            self.late += len(stretch.entries) if stretch.late else 0
        self.reread += delivery.reread
        self.suppressed += delivery.suppressed
        self.findings += delivery.findings

    def staleness(self, now: dt.datetime) -> float | None:
        """Seconds since a page last came; `None` if none ever did."""
        return None if self.last_success is None else (now - self.last_success).total_seconds()

    @property
    def shifts(self) -> list[Shift]:
        """Where lines were inserted behind the position, were found and delivered."""
        return [finding for finding in self.findings if isinstance(finding, Shift)]

    @property
    def deepest(self) -> int:
        """How far behind the position a line was inserted, at most."""
        return max((shift.depth for shift in self.shifts), default=0)

    @property
    def resets(self) -> list[Reset]:
        """Where the log began again."""
        return [finding for finding in self.findings if isinstance(finding, Reset)]

    @property
    def gaps(self) -> list[Finding]:
        """Where lines are missing or were repeated, or may be."""
        return [
            one for one in self.findings if not (one.is_resolved or isinstance(one, Doubt | Guess))
        ]

    @property
    def doubts(self) -> list[Doubt | Guess]:
        """Where lines are too alike to tell what was inserted, or nothing tells their order."""
        return [finding for finding in self.findings if isinstance(finding, Doubt | Guess)]


@define
class Ledger:
    """The account of all sources and days that were followed."""

    _days: dict[tuple[str, dt.date], DayAccount] = field(factory=dict, repr=False)
    listings: int = 0
    """Calls made to find out which services and instances there are."""

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
    def throttled(self) -> int:
        """Calls for a page that the server refused for there being too many."""
        return sum(day.throttled for day in self)

    @property
    def bytes(self) -> int:
        """Size of all pages received."""
        return sum(day.bytes for day in self)

    @property
    def late(self) -> int:
        """Lines that the server had inserted behind lines already read."""
        return sum(day.late for day in self)

    @property
    def gaps(self) -> int:
        """Places where lines are missing or were repeated, or may be."""
        return sum(len(day.gaps) for day in self)

    @property
    def delivered(self) -> int:
        """Lines handed on."""
        return sum(day.delivered for day in self)
