"""Calls that bring no page: which are made once more, and whom they hold back."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.errors import (
    BadResponse,
    DeadlineExceeded,
    Disconnected,
    Forbidden,
    NotFound,
    OperationError,
    QuotaExceeded,
    ResponseTooLarge,
    ServerError,
    Throttled,
    TimedOut,
    WindowLimit,
)
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.pages import NoSuchDay, Pages
from tenx_async.logs.source import SourceState
from tenx_async.telemetry.events import SourceFailed, SourceRecovered, SourceThrottled
from tests.clock import NOON, ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.model import ModelLog, Reader
from tests.logs.test_follow import follower, quiet, take

ORDERS = pytest.mark.parametrize("order", list(Order), ids=str)
OUT_OF_ORDER = ServerError("out of order", operation="logs web", status=500)
PAGE = [LogEntry("web-1", "text")]


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


@define
class Failing:
    """Answers only after so many failures."""

    error: OperationError
    failures: int
    calls: int = field(default=0, init=False)

    async def ask(self, _: PageRequest) -> list[LogEntry]:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return PAGE


def pages(fake: FakeCloud) -> Pages:
    return Pages(
        fetch=fake.fetch, ledger=Ledger(), allowance=Allowance(), clock=fake.clock, retries=4
    )


@pytest.mark.parametrize("failures", [0, 1, 4])
@pytest.mark.parametrize(
    "error", [OUT_OF_ORDER, Disconnected("gone"), TimedOut("late"), BadResponse("?"), Throttled("")]
)
async def test_a_page_is_asked_for_again(
    fake: FakeCloud, clock: ManualClock, error: OperationError, failures: int
) -> None:
    """After pauses that grow and stay short."""
    server = Failing(error, failures)

    assert PAGE == await pages(fake).insist(PageRequest(0, 9), server.ask, server.ask)
    assert failures + 1 == server.calls
    assert [0.1, 0.2, 0.4, 0.8][:failures] == clock.sleeps


async def test_a_page_is_not_asked_for_for_ever(fake: FakeCloud) -> None:
    """Its source fails at last."""
    server = Failing(OUT_OF_ORDER, 5)
    with pytest.raises(ServerError):
        await pages(fake).insist(PageRequest(0, 9), server.ask, server.ask)
    assert 5 == server.calls


@pytest.mark.parametrize(
    "error",
    [
        WindowLimit("too far"),
        Forbidden("no"),
        NotFound("none"),
        ResponseTooLarge("big"),
        QuotaExceeded("spent"),
        DeadlineExceeded("late"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_would_fail_again_is_not_tried_again(
    fake: FakeCloud, error: OperationError
) -> None:
    """A refusal stays one."""
    server = Failing(error, 1)
    with pytest.raises(type(error)):
        await pages(fake).insist(PageRequest(0, 9), server.ask, server.ask)
    assert 1 == server.calls


@ORDERS
async def test_a_long_day_is_read_though_calls_fail(fake: FakeCloud, order: Order) -> None:
    """One call in ten brings no page; what the others brought is not thrown away each time."""
    chance, failed = random.Random(1), Counter[str]()
    fake.order = order
    fake.write("web", *(f"line {n}" for n in range(60_000)))

    def fail_at_times(name: str) -> None:
        fake.failing.clear()
        if chance.random() < 0.1:
            fake.failing[name] = OUT_OF_ORDER
            failed[name] += 1

    fake.on_call = fail_at_times
    lines, _ = follower(fake, tail=None, habits=Habits(1000, order))
    async with lines:
        taken = await take(lines, 60_000)
        await quiet()
        assert 0 == lines.buffer.lines
    assert taken == fake.written
    assert failed["web"] == lines.ledger.failures > 0
    assert fake.calls.total() + fake.listings == lines.ledger.calls


@ORDERS
async def test_a_source_that_fails_costs_one_call_a_poll(fake: FakeCloud, order: Order) -> None:
    """A poll whose first page does not come is over; it comes again after the usual backoff."""
    fake.order = order
    fake.failing["web"] = OUT_OF_ORDER
    lines, events = follower(fake, tail=None, habits=Habits(100, order))
    async with lines:
        await quiet()
        failures = sum(isinstance(event, SourceFailed) for event in events)
        assert 3 < failures == fake.calls["web"] == lines.ledger.failures


async def test_sources_that_fail_half_way_delay_no_other(
    fake: FakeCloud, clock: ManualClock
) -> None:
    """Though each of more than can be polled at once has pages asked for again."""
    fake.order = Order.NEWEST_FIRST
    bad = [f"bad-{n}" for n in range(50)]
    fake.add(*bad)
    for name in [*bad, "web"]:
        fake.write(name, *(f"line {n}" for n in range(250)))
    is_bad = set(bad).__contains__

    def fail_half_way(name: str) -> None:
        fake.failing.clear()
        if is_bad(name) and fake.calls[name] > 1:
            fake.failing[name] = OUT_OF_ORDER

    fake.on_call = fail_half_way
    lines, _ = follower(fake, tail=None, habits=Habits(100, Order.NEWEST_FIRST))
    async with lines:
        assert {"web"} == {name for name, _ in await take(lines, 250)}
        assert clock.monotonic() < 10


async def test_throttling_makes_no_source_fail(fake: FakeCloud) -> None:
    """A 429 says nothing of the source: it stays what it was, and is polled again."""
    fake.write("web", "first")
    lines, events = follower(fake, tail=None)
    async with lines:
        await take(lines, 1)
        fake.failing["web"] = Throttled("slower", operation="logs web", status=429)
        asked = fake.calls["web"]
        await quiet()
        refused = fake.calls["web"] - asked
        assert [SourceState.LIVE] == [source.state for source in lines.sources]
        assert [0] == [source.failures for source in lines.sources]
        del fake.failing["web"]
        fake.write("web", "second")
        assert Counter([("web", "second")]) == await take(lines, 1)
    throttled = [event for event in events if isinstance(event, SourceThrottled)]
    assert 2 < refused == lines.ledger.throttled == len(throttled)
    assert 0 == lines.ledger.failures
    assert not [event for event in events if isinstance(event, SourceFailed | SourceRecovered)]


async def test_throttling_holds_all_sources_back(fake: FakeCloud, clock: ManualClock) -> None:
    """No poll of any begins before the server wants calls again."""
    fake.add("api", "db")
    asked: list[float] = []
    fake.on_call = lambda _: asked.append(clock.monotonic())
    lines, _ = follower(fake, tail=None)
    async with lines:
        await quiet()
        fake.failing["web"] = Throttled("slower", status=429, retry_after=500.0)
        while not lines.ledger.throttled:
            await quiet(1)
        refused = clock.monotonic()
        asked.clear()
        while not asked:
            await quiet(1)
    assert refused + 500.0 <= asked[0]


async def test_a_long_reading_goes_on_after_a_throttle(fake: FakeCloud, clock: ManualClock) -> None:
    """What was read before it is not read again; the page is asked for when calls are wanted."""
    fake.order = Order.NEWEST_FIRST
    fake.write("web", *(f"line {n}" for n in range(5000)))
    throttled = Throttled("slower", status=429, retry_after=9.0)
    fake.on_call = lambda name: (
        fake.failing.update(web=throttled) if fake.calls[name] % 7 == 0 else fake.failing.clear()
    )
    lines, _ = follower(fake, tail=None, habits=Habits(100, Order.NEWEST_FIRST))
    async with lines:
        assert fake.written == await take(lines, 5000)
        assert 10 < lines.ledger.throttled
        assert fake.calls["web"] < 140
        assert clock.monotonic() >= 9.0 * lines.ledger.throttled


def test_pauses_grow_as_long_as_the_server_refuses() -> None:
    """Refusals that come together are one; an answer ends the row."""
    allowance, now, pauses = Allowance(), 0.0, []
    for _ in range(7):
        for _ in range(3):
            allowance.hold_back(now)
        pauses.append(allowance.wait(now))
        now += pauses[-1]
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == pauses

    allowance.let_go()
    allowance.hold_back(now)
    assert 1.0 == allowance.wait(now)


def test_the_server_may_say_how_long_to_wait() -> None:
    """That is what is waited, unless a longer wait is under way."""
    allowance = Allowance()
    allowance.hold_back(0.0, 60.0)
    allowance.hold_back(0.0, 5.0)
    allowance.hold_back(0.0)
    assert 60.0 == allowance.held_back(0.0)

    allowance.hold_back(30.0, 90.0)
    assert 90.0 == allowance.wait(30.0)


def test_what_is_not_throttled_is_not_held_back() -> None:
    """Nor is anything for a budget: that is another matter."""
    allowance = Allowance(per_second=0.001)
    for _ in range(20):
        allowance.spend(0.0)

    assert 0.0 == allowance.held_back(0.0) < allowance.wait(0.0)


async def test_a_day_that_is_not_there_is_no_failure(fake: FakeCloud) -> None:
    """It has no lines so far."""
    asking = pages(fake)
    for error in (
        NotFound("no such day", status=404),
        ServerError("oh", status=500, body="index_not_found: no such index"),
    ):
        fake.failing["web"] = error
        with pytest.raises(NoSuchDay):
            await asking.page("web", NOON.date(), "", PageRequest(0, 9))
    assert (2, 0) == (asking.ledger.calls, asking.ledger.failures)


def test_a_seal_finds_what_stands_behind_a_page_that_is_as_long_as_any() -> None:
    """That nothing stood there was believed for a while; the last look makes sure."""
    log = ModelLog(Order.OLDEST_FIRST, cap=50)
    reader = Reader.of(log)
    log.append(*(LogEntry("web-1", "tick") for _ in range(50)))
    for _ in range(10):
        reader.catch_up()
    log.append(LogEntry("web-1", "tick"))
    for _ in range(2):
        reader.catch_up()
        reader.audit()
    reader.catch_up()

    assert log.ever == reader.delivered
