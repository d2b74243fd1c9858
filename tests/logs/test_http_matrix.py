"""A client follows a local cloud over HTTP: each order, delay, share of equal lines, and faults."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field

from tenx_async import LocalCloud
from tenx_async.local import Fault, Quirks
from tenx_async.logs.follow import Follower
from tenx_async.testing import InstantClock
from tenx_async.transport.account import Limits
from tenx_async.transport.exchange import Timeouts
from tests.conftest import client_of

ORDERS = ("oldest-first", "newest-first", "newest-page")
SERVICES = ("web", "api")
INSTANCES = 3
ROUNDS = 40
PAUSE = 0.2
"""Seconds between two rounds of writing, at least."""
PATIENCE = 20.0

Line = tuple[str, str, str]
"""Service, instance and text."""


def faults() -> list[Fault]:
    """One request in ten is struck, by one of eight kinds."""
    logs = ("logs",)
    kinds = ("throttle", "error", "html", "close", "reset", "truncate", "garbage")
    struck = [Fault(kind, rate=0.014, operations=logs) for kind in kinds]  # type: ignore[arg-type]  # literals
    return [*struck, Fault("stall", rate=0.014, operations=logs, times=2)]


@define
class Followed:
    """What was written, what came, and the account of it."""

    written: Sequence[Line]
    taken: Sequence[Line]
    late: frozenset[Line]
    """What was delivered as late."""
    lines: Follower


@define
class Writer:
    """Writes to the services of a cloud, and remembers what."""

    cloud: LocalCloud
    equal: float
    random: random.Random
    written: list[Line] = field(factory=list)
    _serial: int = 0

    def write(self) -> None:
        """Let every instance write some lines."""
        for service in SERVICES:
            for number in range(INSTANCES):
                instance = f"{service}-{number}"
                texts = [self._text() for _ in range(self.random.choice((0, 1, 1, 2, 4)))]
                self.cloud.append(service, *texts, instance=instance)
                self.written += [(service, instance, text) for text in texts]

    def _text(self) -> str:
        self._serial += 1
        is_equal = self.random.random() < self.equal
        return "GET /health 200" if is_equal else f"request {self._serial}"


async def take(lines: Follower, taken: list[Line], late: set[Line]) -> None:
    """Take lines for ever."""
    async for batch in lines.batches():
        fresh = [(line.service, line.instance_name, line.log) for line in batch]
        taken += fresh
        late.update(fresh if batch.late else ())


def by_instance(lines: Sequence[Line]) -> dict[tuple[str, str], list[str]]:
    """The texts of each instance, in their order."""
    texts = defaultdict(list)
    for service, instance, text in lines:
        texts[service, instance].append(text)
    return texts


async def next_request(cloud: LocalCloud, clock: InstantClock) -> None:
    """Let time pass until there is a request; what the wire takes is not time by this clock."""
    before = cloud.requests
    while cloud.requests == before:
        await clock.sleep(PAUSE)


async def until_read(lines: Follower, clock: InstantClock) -> None:
    """Wait until every source was read, after all that was held back can be."""
    await clock.sleep(10)
    ends = clock.now()
    while not all(source.last_success and source.last_success > ends for source in lines.sources):
        await clock.sleep(1)


async def until_sealed(lines: Follower, clock: InstantClock, day: dt.date) -> None:
    """Let the day end, and its grace, and wait until the last look at it was taken."""
    clock.advance(13 * 3600)
    while lines.buffer.lines or not all(lines.ledger.day(name, day).sealed for name in SERVICES):
        await clock.sleep(1)


async def follow(log_order: str, flush: float, equal: float, **settings: Any) -> Followed:
    """Follow services that write for a while, and then until their day is sealed."""
    clock = InstantClock()
    quirks = Quirks().changed({"log_order": log_order, "flush_every": flush})
    limits = Limits(timeouts=Timeouts(read=0.05))
    taken, late = list[Line](), set[Line]()
    async with (
        asyncio.timeout(PATIENCE),
        LocalCloud(clock=clock.now, quirks=quirks, seed=int(flush * 10)) as cloud,
        client_of(cloud, clock=clock, limits=limits) as client,
    ):
        for service in SERVICES:
            cloud.add_service(service, instances=INSTANCES)
        writer = Writer(cloud, equal, random.Random(f"{log_order} {flush} {equal}"))
        writer.write()
        cloud.faults = faults()
        async with (
            client.follow(
                *SERVICES, tail=None, timezone=dt.UTC, page_size=200, **settings
            ) as lines,
            asyncio.TaskGroup() as tasks,
        ):
            taking = tasks.create_task(take(lines, taken, late))
            for _ in range(ROUNDS):
                await next_request(cloud, clock)
                writer.write()
            await until_read(lines, clock)
            await until_sealed(lines, clock, clock.now().date())
            taking.cancel()
    return Followed(writer.written, taken, frozenset(late), lines)


@pytest.mark.parametrize("equal", [0.0, 0.8, 0.99])
@pytest.mark.parametrize("flush", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("order", ORDERS)
async def test_every_line_comes_once_over_http(order: str, flush: float, equal: float) -> None:
    """Nothing is lost and nothing is repeated, though nobody tells the order of the log."""
    followed = await follow(order, flush, equal)

    assert Counter(followed.written) == Counter(followed.taken)
    assert followed.lines.ledger.failures > 0


@pytest.mark.parametrize("flush", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("order", ORDERS)
async def test_instances_keep_their_order_over_http(order: str, flush: float) -> None:
    """Where the server kept the order of an instance's lines, so do all that are not late."""
    followed = await follow(order, flush, 0.0, order=order)

    written, taken = (
        by_instance([line for line in lines if line not in followed.late])
        for lines in (followed.written, followed.taken)
    )
    assert written == taken
    if order == "oldest-first":  # there nothing is read past what comes late
        assert by_instance(followed.written) == by_instance(followed.taken)
