"""The gate that every call of an account passes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from tenx_async.api.operations import get_service
from tenx_async.errors import (
    ApiError,
    DeadlineExceeded,
    Disconnected,
    NotFound,
    OperationError,
    QuotaExceeded,
    ServerError,
    Throttled,
    TimedOut,
)
from tenx_async.telemetry.events import Event, Paused
from tenx_async.transport.budgets import CallBudget
from tenx_async.transport.concurrency import ConcurrencyLimit
from tenx_async.transport.gate import Gate
from tenx_async.transport.verdict import AttemptFailed, Verdict
from tests.clock import ManualClock
from tests.transport.conftest import opened
from tests.transport.rawserver import RawServer, fails, status

REJECTED = AttemptFailed(Verdict.REJECTED, Throttled("slower"))
WITHOUT_PACE = 3.0
"""Seconds after which the slowest pace allows a call."""


def asks_to_wait(seconds: float) -> AttemptFailed:
    return AttemptFailed(Verdict.REJECTED, Throttled("slower"), seconds)


def ambiguous(error: OperationError) -> AttemptFailed:
    return AttemptFailed(Verdict.AMBIGUOUS, error)


def gate_of(
    clock: ManualClock,
    *,
    places: float = 8.0,
    chance: Callable[[], float] = lambda: 0.5,
    heard: list[Event] | None = None,
    per_day: int | None = None,
) -> Gate:
    return Gate(
        clock=clock,
        emit=(heard if heard is not None else []).append,
        concurrency=ConcurrencyLimit(start=places),
        calls=CallBudget(per_day=per_day),
        chance=chance,
    )


async def test_calls_go_in_the_order_in_which_they_came(clock: ManualClock) -> None:
    """First come, first served, however long it takes."""
    gate, order = gate_of(clock, places=1.0), []

    async def call(number: int) -> None:
        entry = await gate.enter("get web")
        order.append(number)
        await clock.sleep(1.0)
        gate.leave(entry)

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(call(number))

    assert list(range(20)) == order


async def test_no_more_calls_are_under_way_than_there_are_places(clock: ManualClock) -> None:
    """The limit holds while it grows."""
    gate, seen = gate_of(clock), []

    async def call() -> None:
        entry = await gate.enter("get web")
        seen.append((gate.in_flight, gate.concurrency.limit))
        await clock.sleep(0.1)
        gate.leave(entry)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(200):
            tasks.create_task(call())

    assert all(in_flight <= limit for in_flight, limit in seen)
    assert seen[-1][1] > 8
    assert 0 == gate.in_flight


async def test_a_limit_that_shrinks_lets_nobody_in_until_there_is_a_place(
    clock: ManualClock,
) -> None:
    """Those who are inside finish; the next enters when fewer are left than the new limit."""
    gate = gate_of(clock, places=4.0)
    inside = [await gate.enter("get web") for _ in range(4)]
    gate.leave_failed(inside.pop(), ambiguous(TimedOut("no answer")))
    assert 2 == gate.concurrency.limit
    waiting = asyncio.create_task(gate.enter("get web"))
    for _ in range(2):
        await asyncio.sleep(0.001)
        assert not waiting.done()
        gate.leave(inside.pop())
    await waiting

    assert 2 == gate.in_flight


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
async def test_a_server_that_asks_to_wait_is_obeyed(clock: ManualClock, chance: float) -> None:
    """All calls wait for what it asked for, and up to a tenth longer."""
    heard: list[Event] = []
    gate = gate_of(clock, chance=lambda: chance, heard=heard)
    gate.leave_failed(await gate.enter("get web"), asks_to_wait(7.0))
    starts = await asyncio.gather(*(gate.enter("get web") for _ in range(3)))

    assert 7.0 * (1 + chance / 10) == pytest.approx(gate.paused_until)
    assert 7.0 <= min(starts).began
    assert [Paused(seconds=gate.paused_until, reason="the server asks to wait")] == heard


async def test_the_longest_pause_counts(clock: ManualClock) -> None:
    """Of two servers that ask to wait, or one that asks twice, the later end holds."""
    gate = gate_of(clock, chance=lambda: 0.0)
    for seconds in (7.0, 30.0, 1.0):
        gate.pause(seconds, "for a test")

    assert 30.0 == gate.paused_until


async def test_blind_pauses_grow_with_each_throttle_in_a_row(clock: ManualClock) -> None:
    """Full jitter up to 1, 2, 4, 8, 16, then 20 seconds; a success begins anew."""
    gate, bounds = gate_of(clock, chance=lambda: 1.0), []
    for _ in range(7):
        gate.leave_failed(await gate.enter("get web"), REJECTED)
        bounds.append(gate.paused_until - clock.monotonic())
        clock.advance(bounds[-1] + WITHOUT_PACE)
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0] == pytest.approx(bounds)

    gate.leave(await gate.enter("get web"))
    clock.advance(WITHOUT_PACE)
    gate.leave_failed(await gate.enter("get web"), REJECTED)
    assert pytest.approx(1.0) == gate.paused_until - clock.monotonic()


async def test_throttles_that_come_together_count_once(clock: ManualClock) -> None:
    """Eight calls that were under way are refused for one reason."""
    gate = gate_of(clock, chance=lambda: 1.0)
    for entry in [await gate.enter("get web") for _ in range(8)]:
        gate.leave_failed(entry, REJECTED)

    assert pytest.approx(1.0) == gate.paused_until
    assert 4 == gate.concurrency.limit


@pytest.mark.parametrize(
    ("failure", "limit"),
    [
        (REJECTED, 4),
        (ambiguous(TimedOut("no answer")), 4),
        (ambiguous(ServerError("come back", status=503)), 4),
        (ambiguous(ServerError("broken", status=500)), 8),
        (ambiguous(Disconnected("closed")), 8),
    ],
    ids=["429", "timeout", "503", "500", "close"],
)
async def test_some_failures_mean_overload(
    clock: ManualClock, failure: AttemptFailed, limit: int
) -> None:
    """Refusals for load and timeouts halve the limit, other failures do not."""
    gate = gate_of(clock)
    gate.leave_failed(await gate.enter("get web"), failure)

    assert limit == gate.concurrency.limit


async def test_a_turn_after_the_deadline_is_not_waited_for(clock: ManualClock) -> None:
    """The deadline is looked at before a sleep that would overrun it."""
    gate = gate_of(clock)
    gate.pause(5.0, "for a test")
    with pytest.raises(DeadlineExceeded, match=r"get web: its turn would come in 5\.0 s"):
        await gate.enter("get web", deadline=4.9)
    assert [] == clock.sleeps

    assert 5.0 == (await gate.enter("get web", deadline=5.0)).began


async def test_an_empty_retry_budget_pauses_once_for_all(clock: ManualClock) -> None:
    """Failures of one moment begin one pause; the pauses grow until something succeeds."""
    gate, ends = gate_of(clock), []
    gate.retries.left = 0.0
    for _ in range(5):
        assert [False] * 8 == [gate.pay(14.0) for _ in range(8)]
        ends.append(gate.paused_until - clock.monotonic())
        clock.advance(ends[-1])

    assert [5.0, 10.0, 20.0, 30.0, 30.0] == ends


async def test_an_empty_retry_budget_probes_with_one_call(clock: ManualClock) -> None:
    """After the pause one call goes; when it succeeds the others follow."""
    gate = gate_of(clock)
    gate.retries.left = 0.0
    gate.pay(14.0)
    waiting = [asyncio.create_task(gate.enter("get web")) for _ in range(5)]
    await asyncio.sleep(0.001)
    assert [True, False, False, False, False] == [task.done() for task in waiting]
    assert 5.0 == clock.monotonic()

    gate.leave(waiting[0].result())
    await asyncio.gather(*waiting)
    assert 4 == gate.in_flight


@pytest.mark.parametrize("error", [NotFound("there is none"), None], ids=["refusal", "success"])
async def test_any_answer_ends_the_probing(clock: ManualClock, error: ApiError | None) -> None:
    """A server that refuses is well: the others follow at once."""
    gate = gate_of(clock)
    gate.retries.left = 0.0
    gate.pay(14.0)
    entry = await gate.enter("get web")
    if error is None:
        gate.leave(entry)
    else:
        gate.leave_failed(entry, AttemptFailed(Verdict.REFUSED, error))

    assert 0 == gate.retries.probes


async def test_a_look_beside_a_call_waits_for_no_other(clock: ManualClock) -> None:
    """It finds a place where there is none and others wait, but only one for all such looks."""
    gate = gate_of(clock, places=1.0)
    entry = await gate.enter("restart web")
    waiting = asyncio.create_task(gate.enter("get db"))
    first = asyncio.create_task(gate.enter_beside("get web"))
    second = asyncio.create_task(gate.enter_beside("get web"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [False, True, False] == [task.done() for task in (waiting, first, second)]

    gate.leave(await first)
    await second
    gate.leave(entry)
    gate.leave(await second)
    await waiting

    assert 1 == gate.in_flight


async def test_a_look_beside_a_call_is_held_back_like_all(clock: ManualClock) -> None:
    """A pause of all is one for looks, and so is a deadline."""
    gate = gate_of(clock)
    gate.pause(5.0, "the server asks to wait")
    with pytest.raises(DeadlineExceeded):
        await gate.enter_beside("get web", deadline=4.9)

    assert 5.0 == (await gate.enter_beside("get web")).began


async def test_an_empty_retry_budget_fails_nothing(clock: ManualClock, server: RawServer) -> None:
    """Operations that nobody can pay for are slower, not lost."""
    server.do(reads=[fails(status(500)) for _ in range(20)])
    async with opened(server, deadline=1000.0) as account:
        account.gate.retries.left = 0.0
        get = get_service("beijing1", "web")
        found = await asyncio.gather(*(account.perform(get) for _ in range(30)))

    assert 30 == len(found)
    assert clock.monotonic() >= 5.0


async def test_a_spent_call_budget_takes_no_place(clock: ManualClock) -> None:
    """Whoever is refused for lack of calls leaves the gate as it was."""
    gate = gate_of(clock, per_day=1)
    gate.leave(await gate.enter("get web"))
    with pytest.raises(QuotaExceeded):
        await gate.enter("get web")

    assert 0 == gate.in_flight


async def test_a_listener_that_raises_holds_no_place(clock: ManualClock) -> None:
    """Somebody else's mistake does not narrow the gate."""

    def broken(_: Event) -> None:
        raise RuntimeError("a listener's mistake")

    gate = Gate(clock=clock, emit=broken)
    entry = await gate.enter("get web")
    with pytest.raises(RuntimeError):
        gate.leave_failed(entry, asks_to_wait(1.0))

    assert 0 == gate.in_flight


@pytest.mark.parametrize("waits_for", ["a place", "its turn", "the end of a pause"])
async def test_whoever_gives_up_waiting_is_forgotten(clock: ManualClock, waits_for: str) -> None:
    """A cancelled wait leaves the gate to the next in line."""
    gate = gate_of(clock, places=1.0)
    entry = await gate.enter("get web")
    tasks = [asyncio.create_task(gate.enter("get web")) for _ in range(2)]
    await asyncio.sleep(0)
    if waits_for == "the end of a pause":
        gate.pause(5.0, "for a test")
        gate.leave(entry)
        await asyncio.sleep(0)
    tasks[waits_for == "its turn"].cancel()
    if waits_for != "the end of a pause":
        gate.leave(entry)
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert 1 == sum(isinstance(result, asyncio.CancelledError) for result in results)
    assert 1 == gate.in_flight


async def test_a_rate_that_is_set_is_kept(clock: ManualClock, server: RawServer) -> None:
    """`calls_per_second` spaces the calls of all operations."""
    async with opened(server, calls_per_second=10.0) as account:
        get = get_service("beijing1", "web")
        await asyncio.gather(*(account.perform(get) for _ in range(21)))

    assert pytest.approx(2.0) == clock.monotonic()
    assert 10.0 == account.usage.calls_per_second


async def test_usage_shows_how_calls_are_held_back(clock: ManualClock, server: RawServer) -> None:
    """Calls made, left and under way, the limit, the rate and the pause."""
    server.do(reads=[fails(status(429, Retry_After=7))])
    async with opened(server, calls_per_day=100) as account:
        usage = account.usage
        assert (0, 100, 0, 8) == (
            usage.calls_today,
            usage.budget_left,
            usage.in_flight,
            usage.limit,
        )
        assert (None, None) == (usage.calls_per_second, usage.paused_until)
        task = asyncio.create_task(account.perform(get_service("beijing1", "web")))
        await server.has_seen("get")
        assert 1 == account.usage.in_flight
        while account.usage.in_flight:  # noqa: ASYNC110  # the gate tells nobody
            await asyncio.sleep(0)
        usage = account.usage
        assert usage.paused_until is not None
        assert 7.0 <= (usage.paused_until - clock.start).total_seconds() <= 7.7
        assert 4 == usage.limit
        await task

    assert (2, 98) == (account.usage.calls_today, account.usage.budget_left)
    assert math.isfinite(account.usage.calls_per_second or math.inf)


async def test_who_comes_later_does_not_overtake_who_waits() -> None:
    """A place that is given back goes to the first who waits, also before that one has woken."""
    gate = Gate(
        clock=ManualClock(),
        emit=lambda _: None,
        concurrency=ConcurrencyLimit(start=1.0, most=1.0),
    )
    entry = gate.enter_at_once("first")
    assert entry is not None
    waiting = asyncio.create_task(gate.enter("second"))
    await asyncio.sleep(0)
    gate.leave(entry)

    assert gate.enter_at_once("third") is None
    gate.leave(await waiting)
    assert gate.enter_at_once("third") is not None
