"""The log of one service: a list of lines for each day, kept as the JSON that pages are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec
from attrs import define, field, frozen

ENTRY_OVERHEAD = 64
"""Bytes that an entry costs in memory beside its text."""


@frozen
class LoggedLine:
    """One line of a log."""

    instance_name: str
    log: str


@define
class DayLog:
    """One day's lines, oldest first; each is encoded once, so that a page is a join of bytes."""

    _entries: list[bytes] = field(factory=list)
    _of_instance: dict[str, list[bytes]] = field(factory=dict)

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, instance_name: str, lines: Iterable[str]) -> int:
        """Add lines at the end; tell how many bytes they take."""
        prefix = _prefix(instance_name)
        entries = [prefix + msgspec.json.encode(line) + b"}" for line in lines]
        self._entries += entries
        self._of_instance.setdefault(instance_name, []).extend(entries)
        return sum(map(len, entries)) + len(entries) * ENTRY_OVERHEAD

    def page(self, start: int, size: int) -> bytes:
        """The JSON array of up to `size` entries from position `start`."""
        return _array(self._entries[start : start + size])

    def instance_page(self, instance_name: str, start: int, size: int) -> bytes:
        """The JSON array of one instance's lines, as bare strings."""
        cut = len(_prefix(instance_name))
        entries = self._of_instance.get(instance_name, [])[start : start + size]
        return _array([entry[cut:-1] for entry in entries])

    def lines(self) -> list[LoggedLine]:
        """Every line of the day."""
        return [LoggedLine(**msgspec.json.decode(entry)) for entry in self._entries]


@define
class Logbook:
    """The days of one service's log; once it is full, further lines are counted and dropped."""

    limit: int | None = None
    """Bytes, about."""
    dropped: int = 0
    """Lines that found it full."""
    _days: dict[dt.date, DayLog] = field(factory=dict, init=False)
    _bytes: int = field(default=0, init=False)

    def day(self, date: dt.date) -> DayLog:
        """The log of a day, empty when nothing was written on it."""
        return self._days.get(date) or DayLog()

    def append(self, date: dt.date, instance_name: str, lines: Sequence[str]) -> None:
        """Add lines at the end of a day."""
        if self.limit is not None and self._bytes >= self.limit:
            self.dropped += len(lines)
            return
        self._bytes += self._days.setdefault(date, DayLog()).append(instance_name, lines)


def _prefix(instance_name: str) -> bytes:
    return b'{"instance_name":' + msgspec.json.encode(instance_name) + b',"log":'


def _array(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"
