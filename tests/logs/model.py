"""A log as a server keeps it, without sockets: every way in which one may treat its readers."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.day import Day, Delivery, Reading
from tenx_async.logs.findings import Finding
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.poll import audit, poll

DAY = dt.date(2015, 12, 29)


@define
class ModelLog:
    """One day's log at a server; only the model knows which of two equal lines is which."""

    order: Order = Order.OLDEST_FIRST
    cap: int | None = None
    """The most entries in a reply."""
    entries: list[LogEntry] = field(factory=list)
    """The log, oldest first."""
    swaps: bool = False
    """Two replicas, asked in turn, order pairs of neighbours differently."""
    lacking: int = 0
    """How many coming replies lack a part of the log, because a shard failed."""
    ever: Counter[LogEntry] = field(factory=Counter)
    """Everything that was ever in the log."""
    calls: int = 0
    sent: int = 0

    def append(self, *entries: LogEntry) -> None:
        self.entries += entries
        self.ever.update(entries)

    def insert(self, back: int, *entries: LogEntry) -> None:
        """Insert entries so far before the end."""
        index = max(0, len(self.entries) - back)
        self.entries[index:index] = entries
        self.ever.update(entries)

    def wipe(self) -> None:
        self.entries.clear()

    def page(self, request: PageRequest) -> Sequence[LogEntry]:
        """Answer a request."""
        self.calls += 1
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
            return [entry for index, entry in enumerate(log) if index % 5 != self.calls % 5]
        if self.swaps and self.calls % 2:
            log = log.copy()
            for index in range(0, len(log) - 1, 7):
                log[index], log[index + 1] = log[index + 1], log[index]
        return log


@define
class Reader:
    """Reads a model's log with the pure parts, as a follower would."""

    log: ModelLog
    day: Day
    delivered: Counter[LogEntry] = field(factory=Counter)
    lines: list[LogEntry] = field(factory=list)
    """What was delivered, in order."""
    late: int = 0
    findings: list[Finding] = field(factory=list)

    @classmethod
    def of(
        cls,
        log: ModelLog,
        *,
        tail: int | None = None,
        size: int = 100,
        order: Order | None = None,
        remember: int = 20_000,
    ) -> Reader:
        return cls(log, Day(DAY, Habits(size, order), tail=tail, remember=remember))

    def poll(self, *, fail_after: int | None = None) -> Delivery | None:
        """Poll once; a poll that fails on its way brings nothing."""
        return self._run(poll(self.day), fail_after)

    def audit(self) -> None:
        if self.day.begun:
            self._run(audit(self.day), None)

    def catch_up(self) -> None:
        """Poll until nothing more is waiting."""
        for _ in range(10_000):
            delivery = self.poll()
            if delivery is None or not delivery.more:
                return
        raise AssertionError("there is no end")

    def _run(self, reading: Reading[Delivery], fail_after: int | None) -> Delivery | None:
        try:
            request = next(reading)
            while True:
                if fail_after == 0:
                    reading.close()
                    return None
                fail_after = None if fail_after is None else fail_after - 1
                request = reading.send(self.log.page(request))
        except StopIteration as end:
            delivery: Delivery = end.value
        for stretch in delivery.stretches:
            self.delivered.update(stretch.entries)
            self.lines += stretch.entries
            self.late += len(stretch.entries) * stretch.late
        self.findings += delivery.findings
        return delivery


def entries(texts: Sequence[str], instance: str = "web-1") -> list[LogEntry]:
    return [LogEntry(instance, text) for text in texts]


def random_history(seed: int) -> str | None:
    """Let a random server treat a reader badly; tell what is wrong at the end, if anything."""
    rnd = random.Random(seed)
    order = rnd.choice(list(Order))
    log = ModelLog(order, cap=rnd.choice([None, None, None, 20, 50]))
    equal = rnd.choice([0.0, 0.0, 0.3, 0.8, 0.99])
    serial = 0

    def lines(count: int) -> list[LogEntry]:
        nonlocal serial
        made = []
        for _ in range(count):
            serial += 1
            text = f"tick {rnd.randrange(2)}" if rnd.random() < equal else f"line {serial}"
            made.append(LogEntry(f"web-{rnd.randrange(3)}", text))
        return made

    log.append(*lines(rnd.choice([0, 1, 2, 5, 50, 300])))
    known = rnd.random() < 0.5
    size = rnd.choice([40, 60, 100])
    reader = Reader.of(log, size=size, order=order if known else None)
    inserts, lacks, fails = (rnd.random() < 0.5 for _ in range(3))
    for _ in range(rnd.randrange(5, 40)):
        action = rnd.random()
        if action < 0.5:
            log.append(*lines(rnd.choice([0, 1, 1, 2, 3, 10, 40])))
        elif action < 0.7 and inserts:
            for _ in range(rnd.choice([1, 1, 2, 5])):
                log.insert(rnd.choice([0, 1, 2, 5, 20, 100, 300]), *lines(rnd.choice([1, 1, 2, 5])))
        elif action < 0.8 and lacks:
            log.lacking = 1
        reader.poll(fail_after=rnd.choice([None, None, 0, 1]) if fails else None)
    log.lacking = 0
    reader.catch_up()
    for _ in range(2):
        reader.audit()
        reader.catch_up()
    lost, repeated = log.ever - reader.delivered, reader.delivered - log.ever
    if not lost and not repeated:
        return None
    what = f"order={order} known={known} cap={log.cap} equal={equal} size={size} "
    what += f"inserts={inserts} lacks={lacks} fails={fails} findings={reader.findings[:5]}"
    return f"seed {seed}: lost {lost.total()}, repeated {repeated.total()}; {what}"
