"""Deadlines end what is late, and cost no timer for what is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tenx_async.api.operations import get_service
from tenx_async.errors import DeadlineExceeded, ServerError, Throttled
from tenx_async.transport.deadlines import Deadlines
from tenx_async.transport.exchange import Timeouts
from tests.transport.conftest import opened
from tests.transport.rawserver import RawServer, fails, silently, status

GET = get_service("beijing1", "web")


@pytest.fixture
async def deadlines() -> Deadlines:
    """Deadlines of the test's own loop."""
    return Deadlines(asyncio.get_running_loop())


async def test_what_is_late_is_ended(deadlines: Deadlines) -> None:
    """A block that lasts too long raises `TimeoutError`, none before its own time."""
    loop = asyncio.get_running_loop()

    async def wait(seconds: float) -> None:
        began = loop.time()
        with pytest.raises(TimeoutError), deadlines.within(seconds):
            await asyncio.Event().wait()
        assert loop.time() - began >= seconds

    await asyncio.gather(wait(0.03), wait(0.01), wait(0.0), wait(0.02))

    assert not deadlines._scopes


async def test_what_ends_in_time_is_left_alone(deadlines: Deadlines) -> None:
    """Nothing is cancelled after its block, and a result that comes in time stands."""
    with deadlines.within(0.001):
        result = 1
    await asyncio.sleep(0.01)

    assert 1 == result
    current = asyncio.current_task()
    assert current is not None
    assert 0 == current.cancelling()


async def test_a_deadline_can_be_taken_back(deadlines: Deadlines) -> None:
    """A block that catches its deadline goes on, and its task is as if nothing had been."""
    with deadlines.within(0.001) as scope:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert scope.take_back()
        await asyncio.sleep(0)
    current = asyncio.current_task()

    assert current is not None
    assert 0 == current.cancelling()


async def test_a_cancellation_by_others_is_not_taken_back(deadlines: Deadlines) -> None:
    """A task that is cancelled while its time is up is cancelled."""
    taken: list[bool] = []

    async def wait() -> None:
        with deadlines.within(60.0) as scope:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                scope.end()
                taken.append(scope.take_back())
                raise

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert ([False], True) == (taken, task.cancelled())


async def test_a_cancellation_by_others_stays_one(deadlines: Deadlines) -> None:
    """Whoever is cancelled from outside is cancelled, even if its time was up as well."""

    async def wait() -> None:
        with deadlines.within(60.0):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    (scope,) = deadlines._scopes
    scope.end()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines._scopes


async def test_an_error_of_the_block_is_not_a_deadline(deadlines: Deadlines) -> None:
    """What a block raises for itself is what its caller sees."""
    with pytest.raises(KeyError), deadlines.within(1.0):
        raise KeyError


async def test_the_deadline_of_an_operation_is_kept(server: RawServer) -> None:
    """An operation whose server is silent ends at its deadline."""
    server.do(reads=[fails(silently)] * 9)
    async with opened(server) as account:
        with pytest.raises(DeadlineExceeded, match=r"not done within 0.02 s"):
            await account.perform(GET, deadline=0.02)


async def test_a_read_sets_no_timer(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its deadline nor the bound of a server's silence costs a timer a call."""
    loop: Any = asyncio.get_running_loop()
    call_at = loop.call_at
    timers = []

    def noting(*args: Any, **more: Any) -> asyncio.TimerHandle:
        timers.append(args)
        handle: asyncio.TimerHandle = call_at(*args, **more)
        return handle

    async with opened(server, timeouts=Timeouts()) as account:
        await account.perform(GET)
        monkeypatch.setattr(loop, "call_at", noting)
        for _ in range(20):
            await account.perform(GET)

    assert [] == timers


async def test_a_deadline_tells_what_it_ended(server: RawServer) -> None:
    """How often it was tried, and why the last attempt failed."""
    third = asyncio.Event()

    async def stuck(wire, answer) -> None:
        third.set()
        await silently(wire, answer)

    server.do(reads=[fails(status(500)), fails(status(500)), fails(stuck)])
    async with opened(server, deadline=60.0, timeouts=Timeouts(read=60.0)) as account:
        call = asyncio.create_task(account.perform(GET))
        await third.wait()
        assert account._means
        (scope,) = account._means.deadlines._scopes
        scope.end()
        with pytest.raises(DeadlineExceeded, match=r"\(after 3 attempts\)") as told:
            await call

    assert isinstance(told.value.__cause__, ServerError)


async def test_a_deadline_that_a_pause_outlasts_tells_the_same(server: RawServer) -> None:
    """A turn that comes too late is no attempt."""
    server.do(reads=[fails(status(429, Retry_After=20)), fails(status(429, Retry_After=20))])
    async with opened(server, deadline=30.0) as account:
        with pytest.raises(DeadlineExceeded, match=r"\(after 2 attempts\)") as told:
            await account.perform(GET)

    assert isinstance(told.value.__cause__, Throttled)
