"""A log as a server keeps it, without sockets: every way in which one may treat its readers."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.findings import Finding
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.poll import audit, poll

DAY = dt.date(2015, 12, 29)
SHARDS = 5


class Refused(Exception):
    """The server gives no page."""


@define
class ModelLog:
    """One day's log at a server; only the model knows which of two equal lines is which."""

    order: Order = Order.OLDEST_FIRST
    cap: int | None = None
    """The most entries in a reply."""
    limit: int | None = None
    """Requests that reach beyond so many entries are refused."""
    entries: list[LogEntry] = field(factory=list)
    """The log, oldest first."""
    swaps: bool = False
    """Two replicas order the lines of one moment differently."""
    tied: int = 3
    """So many lines that were written one after the other have the same time."""
    in_turn: bool = True
    """Whether the replicas answer in turn, and not either by chance."""
    lacking: int = 0
    """How many coming replies lack a part of the log, because a shard failed."""
    ever: Counter[LogEntry] = field(factory=Counter)
    """Everything that was ever in the log."""
    calls: int = 0
    sent: int = 0
    _numbers: dict[int, int] = field(factory=dict)
    """Each entry's number among all that were written, by its identity."""
    _written: int = 0

    def append(self, *entries: LogEntry) -> None:
        self.insert(0, *entries)

    def insert(self, back: int, *entries: LogEntry) -> None:
        """Insert entries so far before the end."""
        index = max(0, len(self.entries) - back)
        self.entries[index:index] = entries
        self.ever.update(entries)
        self._numbers.update(zip(map(id, entries), itertools.count(self._written)))
        self._written += len(entries)

    def remove(self, back: int, count: int) -> None:
        """Take entries away that begin so far before the end."""
        index = max(0, len(self.entries) - back)
        del self.entries[index : index + count]

    def wipe(self) -> None:
        self.entries.clear()

    def twin(self, back: int) -> None:
        """Write an entry a second time, right behind itself, as a shipper does that retries."""
        if self.entries:
            entry = self.entries[max(0, len(self.entries) - 1 - back)]
            self.insert(back, LogEntry(entry.instance_name, entry.log))

    def lack(self, replies: int) -> None:
        self.lacking = replies

    def page(self, request: PageRequest) -> Sequence[LogEntry]:
        """Answer a request."""
        self.calls += 1
        if self.limit is not None and request.from_ + request.size > self.limit:
            raise Refused(f"{request} reaches beyond {self.limit}")
        log = self._view()
        size = min(request.size, self.cap or request.size)
        if self.order is Order.OLDEST_FIRST:
            page = log[request.from_ : request.from_ + size]
        else:
            stop = max(0, len(log) - request.from_)
            page = log[max(0, stop - size) : stop]
            if self.order is Order.NEWEST_FIRST:
                page = page[::-1]
        self.sent += len(page)
        return page

    def _view(self) -> list[LogEntry]:
        log = self.entries
        if self.lacking:
            self.lacking -= 1
            lacks = self.calls % SHARDS
            return [entry for index, entry in enumerate(log) if index % SHARDS != lacks]
        if self.swaps and self._is_other_replica():
            return self._other_replica(log)
        return log

    def _is_other_replica(self) -> bool:
        return random.Random(self.calls).random() < 0.5 if not self.in_turn else self.calls % 2 > 0

    def _other_replica(self, log: list[LogEntry]) -> list[LogEntry]:
        """The log with the lines of each moment in another order, always the same one."""
        moments = itertools.groupby(log, lambda entry: self._numbers[id(entry)] // self.tied)
        groups = (sorted(tied, key=lambda entry: -self._numbers[id(entry)]) for _, tied in moments)
        return list(itertools.chain.from_iterable(groups))


class PagedLog(Protocol):
    """What is read page by page."""

    def page(self, request: PageRequest) -> Sequence[LogEntry]: ...


@define
class Reader:
    """Reads a log with the pure parts, as a follower would."""

    log: PagedLog
    day: Day
    delivered: Counter[LogEntry] = field(factory=Counter)
    lines: list[LogEntry] = field(factory=list)
    """What was delivered, in order."""
    late: int = 0
    suppressed: int = 0
    findings: list[Finding] = field(factory=list)
    calls: int = 0

    @classmethod
    def of(
        cls,
        log: PagedLog,
        *,
        tail: int | None = None,
        size: int = 100,
        order: Order | None = None,
        remember: int = 20_000,
    ) -> Reader:
        return cls(log, Day(DAY, Habits(size, order), tail=tail, remember=remember))

    def poll(
        self, *, fail_after: int | None = None, meanwhile: Callable[[int], None] | None = None
    ) -> Delivery | None:
        """Poll once; a poll that fails on its way brings nothing.

        `meanwhile` is told of each request, counted from 0, before it is answered.
        """
        return self._run(poll(self.day), fail_after, meanwhile)

    def audit(self) -> Delivery | None:
        return self._run(audit(self.day)) if self.day.begun else None

    def catch_up(self) -> None:
        """Poll until nothing more is waiting."""
        for _ in range(10_000):
            delivery = self.poll()
            if delivery is None or not delivery.more:
                return
        raise AssertionError("there is no end")

    def _run(
        self,
        reading: Reading[Delivery],
        fail_after: int | None = None,
        meanwhile: Callable[[int], None] | None = None,
    ) -> Delivery | None:
        try:
            request = next(reading)
            for number in range(2_000):
                if fail_after == number:
                    reading.close()
                    return None
                if meanwhile:
                    meanwhile(number)
                self.calls += 1
                request = reading.send(self.log.page(request))
        except Refused:
            reading.close()
            return None
        except StopIteration as end:
            return self._take(end.value)
        raise AssertionError("a poll has no end")

    def _take(self, delivery: Delivery) -> Delivery:
        for stretch in delivery.stretches:
            self.delivered.update(stretch.entries)
            self.lines += stretch.entries
            self.late += len(stretch.entries) * stretch.late
        self.findings += delivery.findings
        self.suppressed += delivery.suppressed
        return delivery


def entries(texts: Sequence[str], instance: str = "web-1") -> list[LogEntry]:
    return [LogEntry(instance, text) for text in texts]
