"""Many calls against a server that allows some a second: how long it takes, and what is refused."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Iterator
from itertools import count

import pytest
from attrs import define, field

from tenx_async.errors import Throttled
from tenx_async.transport.gate import Gate
from tenx_async.transport.verdict import AttemptFailed, Verdict
from tests.clock import ManualClock
from tests.transport.conftest import nobody

REFUSED = AttemptFailed(Verdict.REJECTED, Throttled("slower"))


@define(eq=False)
class IdleClock(ManualClock):
    """Time that passes only when nobody has anything left to do."""

    _wakes: list[tuple[float, int, asyncio.Future[None]]] = field(factory=list, init=False)
    _order: Iterator[int] = field(factory=count, init=False)

    async def sleep(self, seconds: float) -> None:
        """Wait until everybody else does."""
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._wakes, (self.monotonic() + seconds, next(self._order), wake))
        await wake

    async def run(self) -> None:
        """Let time pass, for ever."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # no public way
        while True:
            await asyncio.sleep(0)
            if not ready and self._wakes:
                due, _, wake = heapq.heappop(self._wakes)
                self.advance(due - self.monotonic())
                wake.set_result(None)


@define
class Bucket:
    """What a server allows: so many calls a second, and so many at once."""

    clock: IdleClock
    rate: float
    depth: float
    level: float = field(init=False)
    refused: int = 0
    _filled_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.level = self.depth

    def allows(self) -> bool:
        now = self.clock.monotonic()
        self.level = min(self.depth, self.level + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self.level < 1.0:
            self.refused += 1
            return False
        self.level -= 1.0
        return True


async def makespan(gate: Gate, bucket: Bucket, calls: int, round_trip: float) -> float:
    """Seconds until that many calls were accepted."""
    clock = bucket.clock
    todo = iter(range(calls))

    async def work() -> None:
        for _ in todo:
            while not await call():
                pass

    async def call() -> bool:
        entry = await gate.enter("restart web")
        await clock.sleep(round_trip / 2)
        accepted = bucket.allows()
        await clock.sleep(round_trip / 2)
        if accepted:
            gate.leave(entry)
        else:
            gate.leave_failed(entry, REFUSED)
        return accepted

    time = asyncio.create_task(clock.run())
    async with asyncio.TaskGroup() as tasks:
        for _ in range(64):
            tasks.create_task(work())
    time.cancel()
    return clock.monotonic()


async def run(
    rate: float, depth: float, round_trip: float, seed: int, calls: int
) -> tuple[float, float]:
    """How often the least time it took, and what share of the calls was refused."""
    clock = IdleClock()
    bucket = Bucket(clock, rate, depth)
    gate = Gate(clock=clock, emit=nobody, chance=random.Random(seed).random)
    seconds = await makespan(gate, bucket, calls, round_trip)
    return seconds / ((calls - depth) / rate), bucket.refused / calls


@pytest.mark.parametrize("round_trip", [0.005, 0.02, 0.05])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_run_is_nearly_as_fast_as_the_server_allows(seed: int, round_trip: float) -> None:
    """5,000 calls at 40/s: a tenth over the least time at most, less than 1 % refused."""
    slower, refused = await run(40.0, 40.0, round_trip, seed, calls=5000)

    assert slower <= 1.1
    assert refused < 0.01


@pytest.mark.parametrize(
    ("rate", "depth", "round_trip"),
    [
        (100.0, 100.0, 0.05),
        (100.0, 10.0, 0.05),
        (10.0, 10.0, 0.05),
        (5.0, 1.0, 0.05),
        (40, 40, 0.3),
    ],
)
async def test_other_servers_are_not_overrun(rate: float, depth: float, round_trip: float) -> None:
    """Shallow buckets and long ways cost some more time, but hardly more refusals."""
    slower, refused = await run(rate, depth, round_trip, seed=1, calls=2000)

    assert slower <= 1.5
    assert refused < 0.05
