"""Many sources share the calls: nobody waits for another, and none of them costs a listing."""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import itertools

import pytest
from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.allowance import BURST, Allowance
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.follow import Follower
from tenx_async.logs.lines import LogPage
from tenx_async.logs.places import Places
from tenx_async.logs.schedule import Schedule
from tests.clock import NOON
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower, quiet

INTERVAL = 1.0
ROUND_TRIP = 0.05
WAITING = 1_000_000


@define
class TurnClock:
    """Time that goes on from one sleeper's end to the next one's, once all is quiet."""

    seconds: float = 0.0
    _sleepers: list[tuple[float, int, asyncio.Event]] = field(factory=list)
    _number: itertools.count[int] = field(factory=itertools.count)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> dt.datetime:
        return NOON + dt.timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._number), woken))
        await woken.wait()

    async def go_on(self, until: float) -> None:
        """Let time pass."""
        await quiet(20)
        while self._sleepers and self._sleepers[0][0] <= until:
            self.seconds, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await quiet(20)
        self.seconds = until


class FarCloud(FakeCloud):
    """A cloud whose pages take their time, and whose service `busy` has a long backlog."""

    async def fetch(
        self, service: str, *, date: dt.date, from_: int, size: int, instance: str = ""
    ) -> LogPage:
        await self.clock.sleep(ROUND_TRIP)
        page = await super().fetch(service, date=date, from_=from_, size=size, instance=instance)
        if service != "busy":
            return page
        numbers = range(from_, min(from_ + size, WAITING))
        return LogPage(date, from_, [LogEntry("busy-1", str(number)) for number in numbers])


async def arrivals(lines: Follower, clock: TurnClock, seen: dict[str, float]) -> None:
    """Note when each line of a calm service arrives."""
    async for batch in lines.batches():
        if batch.source != "busy":
            seen.update((entry.log, clock.seconds) for entry in batch.entries)


@pytest.mark.parametrize("room", [1, 2, 8, 32])
async def test_a_million_waiting_lines_delay_nobody_elses_by_more_than_an_interval(
    room: int,
) -> None:
    """However few calls may be under way, every other one is for whoever else is due."""
    clock = TurnClock()
    fake = FarCloud(clock)
    calm = [f"calm-{number}" for number in range(5)]
    fake.add("busy", *calm)
    lines, _ = follower(
        fake,
        tail=None,
        schedule=Schedule(min_age=0.5, max_age=INTERVAL, price=1.0),
        buffer=Buffer(20_000),
        places=Places(lambda beside: beside < room),
    )
    written: dict[str, float] = {}
    seen: dict[str, float] = {}
    async with lines:
        reading = asyncio.create_task(arrivals(lines, clock, seen))
        for number, name in enumerate(itertools.islice(itertools.cycle(calm), 40)):
            await clock.go_on(clock.seconds + 0.13)
            fake.write(name, f"{name} {number}")
            written[f"{name} {number}"] = clock.seconds
        await clock.go_on(clock.seconds + 3 * INTERVAL)
        reading.cancel()

    backlog = lines.ledger.day("busy", fake.today)
    assert 1000 < backlog.delivered < WAITING
    assert written.keys() == seen.keys()
    assert max(seen[text] - written[text] for text in written) <= 2 * INTERVAL + ROUND_TRIP


async def test_the_beginning_is_spread_over_the_budget() -> None:
    """Nobody's first call is made faster than the calls that a follower may make."""
    clock = TurnClock()
    fake = FarCloud(clock)
    fake.add(*(f"s{number}" for number in range(300)))
    lines, _ = follower(fake, tail=None, allowance=Allowance(per_second=20.0))
    made: list[int] = []
    async with lines:
        for second in range(1, 13):
            await clock.go_on(float(second))
            made.append(fake.calls.total() + fake.listings)
        assert not all(source.last_success for source in lines.sources)
        await clock.go_on(20.0)
        assert all(source.last_success for source in lines.sources)

    assert all(20 * (n + 1) - 3 <= count <= 20 * (n + 1) + BURST for n, count in enumerate(made))


async def test_ten_thousand_services_are_found_by_one_call() -> None:
    """The list has them all; none is asked for by itself."""
    fake = FakeCloud(TurnClock())
    fake.add(*(f"s{number}" for number in range(10_000)))
    lines, _ = follower(fake, tail=None)
    async with lines:
        while fake.calls.total() < 10_000:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0)
        assert len(lines.sources) == 10_000

    assert fake.listings == lines.ledger.listings == 1
