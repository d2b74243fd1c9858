"""The log of one service: for each day its lines, and those that cannot be read yet."""

from __future__ import annotations

import datetime as dt
import heapq
import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol, Self
from zlib import crc32

import msgspec
from attrs import define, field, frozen

from tenx_async.local.lines import SHARDS, Lines, Row
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
    row: Row
    instance_name: str = field(order=False)


@define
class DayLog:
    """One day's lines in the order of their time."""

    readable: Lines = field(factory=Lines)
    reads: int = 0
    """How many pages were read."""
    lacking: int = 0
    """How many of the next pages lack a shard."""
    number: int = 0
    """How many lines came."""
    _of_instance: dict[str, Lines] = field(factory=dict)
    _waiting: list[_Waiting] = field(factory=list)

    @classmethod
    def of_rows(cls, rows: list[Row]) -> Self:
        """A day whose lines, in their order, can all be read."""
        day = cls(number=len(rows))
        for time, number, entry in rows:
            day.readable.append(time, entry, number)
        day._renumber()
        return day

    def append(
        self, instance_name: str, lines: Iterable[str], moment: dt.datetime, quirks: Quirks
    ) -> list[Row]:
        """Take in what an instance wrote."""
        first, time = self.number, int(moment.timestamp() * 1000)
        entries = _encoded(instance_name, lines)
        self.number += len(entries)
        rows = [(time, number, entry) for number, entry in enumerate(entries, first)]
        if quirks.flush_every or quirks.refresh_every:
            for row in rows:
                due = readable_at(moment.timestamp(), instance_name, row[1], quirks)
                heapq.heappush(self._waiting, _Waiting(due, row, instance_name))
        else:
            self._show(time, instance_name, entries, first)
        return rows

    def insert(self, place: int, instance_name: str, lines: Iterable[str]) -> None:
        """Put lines that can be read at once before the line at a place."""
        time = self.readable.times[min(place, len(self.readable) - 1)]
        entries = _encoded(instance_name, lines)
        self.number += len(entries)
        self.readable.insert(place, time, entries, 0)
        self._renumber()

    def remove(self, part: slice) -> None:
        """Take lines away, as if they had never been."""
        for column in (self.readable.entries, self.readable.times, self.readable.numbers):
            del column[part]
        self._renumber()

    def settle(self, now: float) -> None:
        """Let be read what is due."""
        while self._waiting and self._waiting[0].readable_at <= now:
            due = heapq.heappop(self._waiting)
            time, number, entry = due.row
            self._show(time, due.instance_name, [entry], number)

    @property
    def is_waiting(self) -> bool:
        """Whether there are lines that cannot be read yet."""
        return bool(self._waiting)

    def of(self, instance_name: str | None) -> Lines:
        """The lines that can be read: all, or the bare texts of one instance."""
        if instance_name is None:
            return self.readable
        return self._of_instance.get(instance_name) or Lines()

    def rows(self) -> list[Row]:
        """Every line of the day, also those that cannot be read yet."""
        return list(heapq.merge(self.readable, sorted(each.row for each in self._waiting)))

    def lines(self) -> list[LoggedLine]:
        """The same, decoded."""
        return [LoggedLine(**msgspec.json.decode(entry)) for _, _, entry in self.rows()]

    def _show(self, time: int, instance_name: str, entries: list[bytes], number: int) -> None:
        cut = len(_prefix(instance_name))
        self.readable.add(time, entries, number)
        texts = [entry[cut:-1] for entry in entries]
        self._of_instance.setdefault(instance_name, Lines()).add(time, texts, number)

    def _renumber(self) -> None:
        """Number the lines that can be read by their places, and sort them by instance anew."""
        self.readable.numbers = array("q", range(len(self.readable)))
        by_prefix: dict[bytes, Lines] = defaultdict(Lines)
        for time, number, entry in self.readable:
            prefix, log, text = entry.partition(b',"log":')
            by_prefix[prefix + log].append(time, text[:-1], number)
        self._of_instance = {
            msgspec.json.decode(prefix + b"0}")["instance_name"]: lines
            for prefix, lines in by_prefix.items()
        }


class Keeper(Protocol):
    """Keeps lines beyond the life of the process."""

    def write(self, uid: str, day: dt.date, rows: Iterable[Row]) -> None:
        """Keep lines that came to a log."""

    def rewrite(self, uid: str, day: dt.date, rows: Iterable[Row]) -> None:
        """Keep these lines of a day instead of others."""


@define
class Logbook:
    """The days of one service's log; once it is full, further lines are counted and dropped."""

    days: dict[dt.date, DayLog] = field(factory=dict, init=False)
    uid: str = ""
    keeper: Keeper | None = None
    limit: int | None = None
    """Bytes, about."""
    dropped: int = 0
    """Lines that found it full."""
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
        rows = self.days.setdefault(date, DayLog()).append(instance_name, lines, moment, quirks)
        self._bytes += _size(rows)
        if self.keeper:
            self.keeper.write(self.uid, date, rows)

    def insert(self, date: dt.date, place: int, instance_name: str, lines: Sequence[str]) -> None:
        """Put lines that can be read at once before the line at a place of a day."""
        self.days[date].insert(place, instance_name, lines)
        self.keep(date)

    def wipe(self, date: dt.date, part: slice) -> None:
        """Take lines of a day away; all of them: the day as well."""
        if part == slice(None):
            self.days.pop(date, None)
        elif date in self.days:
            self.days[date].remove(part)
        self.keep(date)

    def keep(self, date: dt.date) -> None:
        """Keep a day as it is now."""
        if self.keeper:
            self.keeper.rewrite(self.uid, date, self.day(date).rows())


def readable_at(written: float, instance_name: str, number: int, quirks: Quirks) -> float:
    """The moment from which a line is seen, in seconds like the moment when it was written."""
    handed_in = _next(written, quirks.flush_every, crc32(instance_name.encode()) / 2**32)
    return _next(handed_in, quirks.refresh_every, number % SHARDS / SHARDS)


def _next(moment: float, every: float, phase: float) -> float:
    """The first tick after a moment; ticks are `every` apart and shifted by a part of that."""
    return every * (math.floor(moment / every - phase) + 1 + phase) if every else moment


def _encoded(instance_name: str, lines: Iterable[str]) -> list[bytes]:
    prefix = _prefix(instance_name)
    return [prefix + msgspec.json.encode(line) + b"}" for line in lines]


def _prefix(instance_name: str) -> bytes:
    return b'{"instance_name":' + msgspec.json.encode(instance_name) + b',"log":'


def _size(rows: list[Row]) -> int:
    return sum(len(entry) for _, _, entry in rows) + len(rows) * ENTRY_OVERHEAD
