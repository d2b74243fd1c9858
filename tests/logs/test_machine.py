"""A service's log over days, treated by a server in any way, and read by the pure parts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from functools import partial

from attrs import define, field
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
)

from tenx_async.api.entries import LogEntry
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.day import Day
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.findings import Removal
from tenx_async.logs.order import Habits, Order
from tenx_async.logs.source import Source
from tests.logs.model import ModelLog, Reader

EVENING = dt.datetime(2015, 12, 29, 23, 57, tzinfo=dt.UTC)
GRACE = dt.timedelta(minutes=10)
EAST = dt.timezone(dt.timedelta(hours=8))

texts = st.lists(st.sampled_from(["a", "b", None, None, None]), max_size=12)
"""`None` stands for a text that no other line has."""
instances = st.sampled_from(["web-1", "web-2"])
backs = st.sampled_from([0, 1, 3, 10, 40, 200])


@define
class Server:
    """A service's days at a server, whose clock is not the reader's."""

    order: Order
    zone: dt.tzinfo
    skew: dt.timedelta
    cap: int | None
    now: dt.datetime
    logs: dict[dt.date, ModelLog] = field(factory=dict)

    def day(self, date: dt.date) -> ModelLog:
        """The log of a day, empty at first."""
        return self.logs.setdefault(date, ModelLog(self.order, cap=self.cap))

    @property
    def today(self) -> ModelLog:
        """The log that is written to."""
        return self.day(self._date(self.now + self.skew))

    @property
    def open(self) -> list[ModelLog]:
        """The logs that may still get lines that were written before."""
        written = self.now + self.skew
        earlier = written - GRACE + 2 * abs(self.skew) + dt.timedelta(minutes=1)
        return [self.day(date) for date in sorted({self._date(earlier), self._date(written)})]

    def _date(self, at: dt.datetime) -> dt.date:
        return at.astimezone(self.zone).date()


class LogMachine(RuleBasedStateMachine):
    """Whatever a server does to a log over midnight, each of its lines is delivered once."""

    @initialize(
        order=st.sampled_from(list(Order)),
        told=st.booleans(),
        knows_zone=st.booleans(),
        is_east=st.booleans(),
        skew=st.integers(-90, 90),
        cap=st.sampled_from([None, 20, 50]),
        size=st.sampled_from([40, 100]),
    )
    def begin(self, *, order, told, knows_zone, is_east, skew, cap, size) -> None:
        """Choose a server and a reader."""
        zone = EAST if is_east else dt.UTC
        start = EVENING.replace(hour=15) if is_east else EVENING
        self.server = Server(order, zone, dt.timedelta(seconds=skew), cap, start)
        calendar = Calendar(zones=(zone,), grace=GRACE) if knows_zone else Calendar(grace=GRACE)
        self.source = Source("web", calendar, Habits(size, order if told else None))
        self.delivered: Counter[tuple[dt.date, LogEntry]] = Counter()
        self.removals = 0
        self.serial = 0
        self.source.turn(start)

    def lines(self, some: list[str | None], instance: str) -> list[LogEntry]:
        """Entries of some texts."""
        first, self.serial = self.serial, self.serial + len(some)
        return [LogEntry(instance, text or f"{n}") for n, text in enumerate(some, first)]

    @rule(some=texts, instance=instances, times=st.sampled_from([1, 1, 5, 20]))
    def append(self, some, instance, times) -> None:
        """Lines are written now."""
        self.server.today.append(*self.lines(some * times, instance))

    @rule(some=texts, instance=instances, back=backs, which=st.booleans())
    def arrive_late(self, some, instance, back, which) -> None:
        """A node hands in what it wrote a while ago, perhaps before midnight."""
        self.server.open[-which].insert(back, *self.lines(some, instance))

    @rule(back=backs)
    def ship_twice(self, back) -> None:
        """The shipper writes a line once more."""
        self.server.today.twin(back)

    @rule()
    def lose_a_shard(self) -> None:
        """The next reply lacks lines."""
        self.server.today.lack(1)

    @rule(limit=st.sampled_from([None, 60, 200]))
    def limit_the_window(self, limit) -> None:
        """Pages too far from the beginning are refused for a while."""
        self.server.today.limit = limit

    @rule(seconds=st.sampled_from([1, 20, 90, 240, 400]))
    def pass_time(self, seconds) -> None:
        """Time goes on, to midnight and past it; within the grace there is a poll."""
        self.server.now += dt.timedelta(seconds=seconds)
        self.poll()

    @rule()
    def poll(self) -> None:
        """The reader polls every day that is open, as the follower does."""
        self.source.turn(self.server.now)
        for day in self.source.days:
            delivery = self.read(day, Reader.poll)
            if delivery and self.source.is_over(day) and not delivery.more:
                self.seal(day)

    @rule(after=st.integers(0, 3))
    def poll_in_vain(self, after) -> None:
        """A call fails in the middle of a poll."""
        for day in self.source.days:
            self.read(day, partial(Reader.poll, fail_after=after))

    def seal(self, day: Day) -> None:
        """Read all that is remembered once more, and close the day."""
        if not day.begun or self.read(day, Reader.audit):
            self.source.seal(day)

    def read(self, day: Day, how: Callable[[Reader], Delivery | None]) -> Delivery | None:
        """Read a day in a way, and take what is delivered."""
        reader = Reader(self.server.day(day.date), day)
        delivery = how(reader)
        self.delivered.update((day.date, entry) for entry in reader.lines)
        self.removals += sum(found.lines for found in reader.findings if isinstance(found, Removal))
        return delivery

    def teardown(self) -> None:
        """All that was written was delivered, each line once."""
        if not hasattr(self, "server"):
            return
        for log in self.server.logs.values():
            log.lack(0)
            log.limit = None
        for how in (Reader.catch_up, Reader.audit, Reader.catch_up, Reader.audit):
            for day in self.source.days:
                self.read(day, how)
        self.check()

    def check(self) -> None:
        """Compare what was delivered with what was written."""
        lost, repeated = self.written() - self.delivered, self.delivered - self.written()
        if self.source.habits.order is None:
            assert repeated.total() <= self.removals, "repeated, and not in the ledger"
        else:
            assert not repeated
        assert not lost

    def written(self) -> Counter[tuple[dt.date, LogEntry]]:
        """All that was ever written, by days."""
        logs = self.server.logs.items()
        return Counter((date, entry) for date, log in logs for entry in log.ever.elements())


class ErasingMachine(LogMachine):
    """Where lines may be taken away, nothing is repeated, and what is left is delivered."""

    @rule(back=backs, count=st.sampled_from([1, 2, 5]))
    def remove(self, back, count) -> None:
        """Lines are taken away for good."""
        self.server.today.remove(back, count)

    @rule()
    def wipe(self) -> None:
        """The day's log is emptied."""
        self.server.today.wipe()

    def check(self) -> None:
        """Compare what was delivered with what was written, and with what is left."""
        left = Counter(
            (date, entry) for date, log in self.server.logs.items() for entry in log.entries
        )
        repeated = self.delivered - self.written()
        assert self.source.habits.order is None or not repeated
        assert not left - self.delivered


BRIEF = settings(max_examples=40, stateful_step_count=40, deadline=None, derandomize=True)

test_every_line_is_delivered_once = LogMachine.TestCase
test_every_line_is_delivered_once.settings = BRIEF
test_nothing_that_is_left_is_missed = ErasingMachine.TestCase
test_nothing_that_is_left_is_missed.settings = BRIEF
