"""The log of one service: for each day its lines, and those that cannot be read yet."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Sequence

import msgspec
from attrs import define, field, frozen

from tenx_async.local.delays import readable_at
from tenx_async.local.lines import Lines
from tenx_async.local.quirks import Quirks

ENTRY_OVERHEAD = 96
"""Bytes that an entry costs in memory beside its text."""


@frozen
class LoggedLine:
    """One line of a log."""

    instance_name: str
    log: str


@frozen(order=True)
class _Waiting:
    readable_at: float
    number: int
    time: int = field(order=False)
    entry: bytes = field(order=False)
    instance_name: str = field(order=False)


@define
class DayLog:
    """One day's lines in the order of their time."""

    readable: Lines = field(factory=Lines)
    reads: int = 0
    """How many pages were read."""
    lacking: int = 0
    """How many of the next pages lack a shard."""
    _of_instance: dict[str, Lines] = field(factory=dict)
    _waiting: list[_Waiting] = field(factory=list)
    _number: int = 0

    def append(
        self, instance_name: str, lines: Iterable[str], moment: dt.datetime, quirks: Quirks
    ) -> int:
        """Take in what an instance wrote; tell how many bytes it takes."""
        entries = _encoded(instance_name, lines)
        written = moment.timestamp()
        if quirks.flush_every or quirks.refresh_every:
            for number, entry in enumerate(entries, self._number):
                due = readable_at(written, instance_name, number, quirks)
                waiting = _Waiting(due, number, _milliseconds(moment), entry, instance_name)
                heapq.heappush(self._waiting, waiting)
        else:
            self._show(_milliseconds(moment), instance_name, entries, self._number)
        self._number += len(entries)
        return sum(map(len, entries)) + len(entries) * ENTRY_OVERHEAD

    def insert(self, place: int, instance_name: str, lines: Iterable[str]) -> None:
        """Put lines that can be read at once before the line at a place."""
        time = self.readable.times[min(place, len(self.readable) - 1)]
        entries = _encoded(instance_name, lines)
        self.readable.insert(place, time, entries, self._number)
        self._number += len(entries)
        self._sort_instances()

    def remove(self, part: slice) -> None:
        """Take lines away, as if they had never been."""
        for column in (self.readable.entries, self.readable.times, self.readable.numbers):
            del column[part]
        self._sort_instances()

    def settle(self, now: float) -> None:
        """Let be read what is due."""
        while self._waiting and self._waiting[0].readable_at <= now:
            due = heapq.heappop(self._waiting)
            self._show(due.time, due.instance_name, [due.entry], due.number)

    @property
    def is_waiting(self) -> bool:
        """Whether there are lines that cannot be read yet."""
        return bool(self._waiting)

    def of(self, instance_name: str | None) -> Lines:
        """The lines that can be read: all, or the bare texts of one instance."""
        if instance_name is None:
            return self.readable
        return self._of_instance.get(instance_name) or Lines()

    def lines(self) -> list[LoggedLine]:
        """Every line of the day, also those that cannot be read yet."""
        waiting = sorted((each.time, each.number, each.entry) for each in self._waiting)
        merged = heapq.merge(self.readable, waiting, key=lambda each: each[0])
        return [LoggedLine(**msgspec.json.decode(entry)) for _, _, entry in merged]

    def _show(self, time: int, instance_name: str, entries: list[bytes], number: int) -> None:
        cut = len(_prefix(instance_name))
        self.readable.add(time, entries, number)
        texts = [entry[cut:-1] for entry in entries]
        self._of_instance.setdefault(instance_name, Lines()).add(time, texts, number)

    def _sort_instances(self) -> None:
        """Make the instances' lines anew from the day's."""
        self._of_instance.clear()
        for time, number, entry in self.readable:
            line = msgspec.json.decode(entry)
            lines = self._of_instance.setdefault(line["instance_name"], Lines())
            lines.insert(len(lines), time, [msgspec.json.encode(line["log"])], number)


@define
class Logbook:
    """The days of one service's log; once it is full, further lines are counted and dropped."""

    limit: int | None = None
    """Bytes, about."""
    dropped: int = 0
    """Lines that found it full."""
    days: dict[dt.date, DayLog] = field(factory=dict, init=False)
    _bytes: int = field(default=0, init=False)

    def day(self, date: dt.date) -> DayLog:
        """The log of a day, empty when nothing was written on it."""
        return self.days.get(date) or DayLog()

    def append(
        self,
        date: dt.date,
        instance_name: str,
        lines: Sequence[str],
        moment: dt.datetime,
        quirks: Quirks,
    ) -> None:
        """Take in what an instance wrote at a moment of a day."""
        if self.limit is not None and self._bytes >= self.limit:
            self.dropped += len(lines)
            return
        day = self.days.setdefault(date, DayLog())
        self._bytes += day.append(instance_name, lines, moment, quirks)

    def wipe(self, date: dt.date, part: slice) -> None:
        """Take lines of a day away; all of them: the day as well."""
        if part == slice(None):
            self.days.pop(date, None)
        elif date in self.days:
            self.days[date].remove(part)


def _encoded(instance_name: str, lines: Iterable[str]) -> list[bytes]:
    prefix = _prefix(instance_name)
    return [prefix + msgspec.json.encode(line) + b"}" for line in lines]


def _prefix(instance_name: str) -> bytes:
    return b'{"instance_name":' + msgspec.json.encode(instance_name) + b',"log":'


def _milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
