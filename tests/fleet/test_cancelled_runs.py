"""A run that is cancelled at any await leaves nothing behind."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest

from tenx_async.fleet.run import Run
from tests.fleet.clouds import scene
from tests.fleet.model import Full, Model

MANY = 5000
"""Turns of the loop that no scenario takes."""


async def awaiting(run: Run) -> None:
    await run


async def iterating(run: Run) -> None:
    async for _ in run:
        pass


@pytest.mark.parametrize("using", [awaiting, iterating])
@pytest.mark.parametrize("mode", ["native", "verified"])
async def test_cancelled_at_every_await(
    using: Callable[[Run], Coroutine[None, None, None]], mode: str
) -> None:
    """No task is left, none is written to twice, and the journal knows."""
    for turns in itertools.count():
        model, journal = Model(5), Full()
        run = model.fleet(journal).restart(mode=mode, stable=2.0, max_unavailable=2)  # type: ignore[arg-type]
        task = asyncio.create_task(using(run))
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            break
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for _ in range(3):
            await asyncio.sleep(0)

        assert {asyncio.current_task()} == asyncio.all_tasks()
        assert {1} >= set(model.written.values())
        is_told = journal.notes["over"] == 5
        assert journal.state in ({"interrupted", "finished"} if is_told else {"interrupted", ""})
        assert bool(journal.notes) <= bool(journal.state)
        assert not model.clock._due
        assert turns < MANY
    assert journal.state == "finished"


async def test_a_cancelled_iteration_waits_for_nothing() -> None:
    """As an awaited run: what is under way may be done or not, and is told as open."""
    model = Model(5, lasts=1e6)
    run = model.fleet().restart(timeout=1e5, stall=1e6)
    task = asyncio.create_task(iterating(run))
    for _ in range(60):
        await asyncio.sleep(0)
    assert model.lists[1:]
    before = model.clock.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert model.clock.monotonic() <= before + 10
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_what_was_under_way_is_told_as_open() -> None:
    """It may be done or not."""
    model = Model(5)
    model.do = lambda *_: asyncio.Event().wait()  # type: ignore[method-assign, assignment]
    run = model.fleet().restart(waves=(), max_unavailable=3)
    task = asyncio.create_task(awaiting(run))
    for _ in range(60):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert ["web-00000", "web-00001", "web-00002"] == [step.service for step in run.open]


@pytest.mark.parametrize("turns", range(0, 400, 9))
async def test_cancelled_on_the_wire(turns: int) -> None:
    """The client goes on to be of use."""
    async with scene(4) as on:
        task = asyncio.create_task(awaiting(on.client.fleet().restart()))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

        assert 0 == on.client.usage.in_flight
        assert 4 == len(await on.client.services.list())
        assert {1} >= set(on.executed("restart").values())
