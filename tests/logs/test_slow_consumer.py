"""A consumer that sleeps while services write on: what waits is bounded, and all of it arrives."""

from __future__ import annotations

import asyncio
import datetime as dt
import tracemalloc
from collections import Counter

import msgspec
from attrs import define, evolve, field

from tenx_async.api.entries import read_entries
from tenx_async.api.selection import Selection
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.follow import Follower
from tenx_async.logs.lines import LogPage
from tenx_async.logs.order import Habits, Order
from tenx_async.logs.schedule import Schedule
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud, Line

SERVICES = tuple(f"web-{number}" for number in range(5))
RATE = 1000
"""Lines a second of each service."""
SLEEP = 30
"""Seconds."""
PAGE = 500
BUFFER = 4000
BYTES_A_LINE = 200
"""What a line of the tests costs at most where it waits, and its digest where it is remembered."""


@define
class Busy:
    """A cloud whose services write all the time, and a follower of them."""

    clock: ManualClock
    cloud: FakeCloud = field(init=False)
    lines: Follower = field(init=False)
    most: int = 0
    """The most lines that ever waited."""
    _second: int = 0

    def __attrs_post_init__(self) -> None:
        self.cloud = FakeCloud(self.clock)
        self.cloud.add(*SERVICES)
        self.cloud.on_call = lambda _: self._look()
        self.lines = Follower(
            region="beijing1",
            selection=Selection(),
            fetch=self.fetch,
            list_services=self.cloud.list_services,
            list_instances=self.cloud.list_instances,
            tail=None,
            calendar=Calendar(zones=(dt.UTC,)),
            schedule=Schedule(min_age=0.5, max_age=10.0, price=1.0),
            buffer=Buffer(BUFFER),
            habits=Habits(PAGE, Order.OLDEST_FIRST),
            clock=self.clock,
            emit=lambda _: None,
        )

    async def fetch(
        self, service: str, *, date: dt.date, from_: int, size: int, instance: str = ""
    ) -> LogPage:
        """Send a page as the wire does: the reader's entries are its own."""
        page = await self.cloud.fetch(service, date=date, from_=from_, size=size, instance=instance)
        return evolve(page, entries=read_entries(msgspec.json.encode(page.entries)))

    def _look(self) -> None:
        self.most = max(self.most, self.lines.buffer.lines)

    def write(self) -> None:
        """Let every service write what it writes in a second; a third of it are equal lines."""
        self._second += 1
        for name in SERVICES:
            texts = (f"{self._second} {n}" if n % 3 else "GET /" for n in range(RATE))
            self.cloud.write(name, *texts)

    async def pass_time(self, seconds: int) -> None:
        """Let the services write on while nobody takes a line."""
        for _ in range(seconds):
            self.write()
            await self.clock.sleep(1)
            await quiet()
            self._look()

    async def take_all(self) -> Counter[Line]:
        """Take every line that was written."""
        taken: Counter[Line] = Counter()
        async for batch in self.lines.batches():
            taken.update((batch.source, entry.log) for entry in batch.entries)
            if taken.total() >= self.cloud.written.total():
                break
        return taken


async def quiet() -> None:
    """Let the follower do all that it can."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_what_waits_is_bounded_while_the_consumer_sleeps(clock: ManualClock) -> None:
    """Polling pauses when the buffer is full, but for a page a source; then all arrives, exact."""
    busy = Busy(clock)
    async with busy.lines:
        await busy.pass_time(SLEEP // 2)
        calls = busy.cloud.calls.total()
        await busy.pass_time(SLEEP // 2)
        assert calls == busy.cloud.calls.total()
        assert BUFFER <= busy.most <= BUFFER + PAGE * len(SERVICES)
        taken = await busy.take_all()
        await quiet()

    assert busy.cloud.written == taken
    assert 0 == busy.lines.buffer.lines
    assert SLEEP * RATE * len(SERVICES) == taken.total()


async def grown_in(seconds: int, clock: ManualClock) -> int:
    """Let time pass, and tell how much memory is used since it was begun to count."""
    for _ in range(seconds):
        await clock.sleep(1)
        await quiet()
    return tracemalloc.get_traced_memory()[0]


async def test_memory_grows_by_the_buffer_only(clock: ManualClock) -> None:
    """What the follower keeps while nobody takes a line does not depend on how long that is."""
    busy = Busy(clock)
    async with busy.lines:
        for _ in range(SLEEP):
            busy.write()
        tracemalloc.start()
        try:
            grown = [await grown_in(SLEEP // 2, clock) for _ in range(2)]
        finally:
            tracemalloc.stop()

    assert BUFFER <= busy.lines.buffer.lines
    assert grown[0] < (BUFFER + PAGE * len(SERVICES)) * BYTES_A_LINE
    assert grown[1] < 1.1 * grown[0]
