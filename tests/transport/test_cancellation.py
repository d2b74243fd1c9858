"""Cancelled at any await: nothing is held, nothing is left behind, the next call is right."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tenx_async.api.operations import get_service
from tenx_async.clock import SystemClock
from tenx_async.transport.account import Account
from tenx_async.transport.reconcile import ReconcilePolicy
from tests.clock import ManualClock
from tests.transport.conftest import opened
from tests.transport.rawserver import RawServer, fails, hanging_up, silently, status
from tests.transport.test_answers import GET, RESTART, STOP

OTHER = get_service("beijing1", "db")
MANY = 3000
"""Turns of the loop that no scenario takes."""

Scenario = Callable[[RawServer, Account], Awaitable[Any]]


async def reading(server: RawServer, account: Account) -> None:
    await account.perform(GET)


async def reading_again(server: RawServer, account: Account) -> None:
    server.do(reads=[fails(status(500)), fails(hanging_up)])
    await account.perform(GET)


async def writing(server: RawServer, account: Account) -> None:
    await account.perform(STOP)


async def restarting_watched(server: RawServer, account: Account) -> None:
    async def slowly(wire, answer) -> None:
        for _ in range(60):
            await asyncio.sleep(0)
        await status(200)(wire, answer)

    server.do(fails(slowly, executes=True))
    await account.perform(RESTART)


async def reconciling(server: RawServer, account: Account) -> None:
    server.do(fails(hanging_up))
    await account.perform(STOP, before=await account.perform(GET))


async def waiting_out_a_rejection(server: RawServer, account: Account) -> None:
    server.do(fails(status(429, Retry_After=1)))
    await account.perform(STOP)


async def waiting_at_the_gate(server: RawServer, account: Account) -> None:
    account.gate.concurrency._limit = 1.0
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(account.perform(GET))


SCENARIOS = [
    reading,
    reading_again,
    writing,
    restarting_watched,
    reconciling,
    waiting_out_a_rejection,
    waiting_at_the_gate,
]


def strangers(server: RawServer) -> set[asyncio.Task[Any]]:
    """Tasks that are neither the test's nor the server's."""
    own = {asyncio.current_task(), *server.tasks}
    return {task for task in asyncio.all_tasks() - own if not _accepts(task)}


def _accepts(task: asyncio.Task[Any]) -> bool:
    """Whether a task is how a server takes a connection."""
    return getattr(task.get_coro(), "__name__", "") in {"_serve", "_accept_connection2"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_cancelled_after_any_turn_of_the_loop(
    clock: ManualClock, server: RawServer, scenario: Scenario
) -> None:
    """For each turn: no place held, no task left, and the next call gets its own answer."""
    server.model.add("db")
    async with opened(server) as account:
        for turns in range(MANY):
            server.do()
            server.model.add("web")
            task = asyncio.ensure_future(scenario(server, account))
            for _ in range(turns):
                await asyncio.sleep(0)
            finished = task.done()
            task.cancel()
            await asyncio.wait([task])

            assert finished or task.cancelled()
            assert 0 == account.usage.in_flight
            assert set() == strangers(server)
            server.do()
            assert "db" == (await account.perform(OTHER)).name
            assert len(server.requests) <= account.usage.calls_today
            if finished:
                break
        assert turns > 2
        assert finished
        task.result()


@pytest.mark.parametrize("turns", range(5))
async def test_a_cancelled_restart_waits_for_its_watch(turns: int) -> None:
    """Cancelled twice, it still leaves no look behind."""
    quick = ReconcilePolicy(first=(0.0,), then=0.0)
    async with RawServer() as server, opened(server, reconciling=quick) as account:
        server.model.add("web")
        server.do(fails(silently), reads=itertools.repeat(fails(silently)))
        task = asyncio.create_task(account.perform(RESTART))
        await server.has_seen("get")
        task.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        assert 0 == account.usage.in_flight
        assert set() == strangers(server)


async def test_what_is_cancelled_uses_up_no_connection() -> None:
    """A connection on which an answer is still to come is not used again."""
    async with RawServer(SystemClock()) as server, opened(server) as account:
        server.model.add("web")
        server.model.add("db")

        async def too_late(wire, answer) -> None:
            await asyncio.sleep(0.02)
            await status(200, b'{"name": "late"}')(wire, answer)

        server.do(reads=[fails(too_late)])
        task = asyncio.create_task(account.perform(GET))
        await server.has_seen("get")
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.03)

        assert "db" == (await account.perform(OTHER)).name
        assert 2 == server.connections
