"""Many operations at once, of many accounts, over one connector."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
)
from contextlib import aclosing
from typing import Any

import pytest
from attrs import define, field

from tenx_async import (
    Call,
    Client,
    ConfigurationError,
    LocalCloud,
    NotFound,
    Outcome,
    SessionPool,
)
from tests.clock import ManualClock

TOKEN = "s3cr3t-t0ken"
PATIENCE = 5.0
"""Seconds after which something that should be over at once has hung."""


@pytest.fixture
async def pool(cloud: LocalCloud, clock: ManualClock) -> AsyncIterator[SessionPool]:
    """An open pool for the local cloud."""
    async with SessionPool(
        endpoint=cloud.endpoint,
        username=cloud.username,
        token=cloud.token,
        region="beijing1",
        clock=clock,
    ) as pool:
        yield pool


@define
class Work:
    """Calls that a test lets end: each counts, and waits for the gate to open."""

    taken: int = 0
    """How far the iterator was advanced."""
    running: int = 0
    most: int = 0
    """The most that ran at once."""
    ended: int = 0
    gate: asyncio.Event = field(factory=asyncio.Event)

    def calls(self, client: Client, count: int) -> Iterator[Call[Any]]:
        """So many calls, counted as they are taken."""
        for _ in range(count):
            self.taken += 1
            yield _Counted(client.services.calls.get("web"), self)  # type: ignore[misc]  # quacks

    async def acalls(self, client: Client, count: int) -> AsyncIterator[Call[Any]]:
        """The same, asynchronously."""
        for call in self.calls(client, count):
            await asyncio.sleep(0)
            yield call


@define
class _Counted:
    """A call that takes until its work's gate is open."""

    call: Call[Any]
    work: Work

    async def outcome(self) -> Outcome:
        self.work.running += 1
        self.work.most = max(self.work.most, self.work.running)
        try:
            await self.work.gate.wait()
            return Outcome(operation="get", service="web", result="applied")
        finally:
            self.work.running -= 1
            self.work.ended += 1


async def turns(count: int = 50) -> None:
    """Let everybody get on."""
    for _ in range(count):
        await asyncio.sleep(0)


def names(count: int) -> list[str]:
    """Names of services."""
    return [f"web-{number}" for number in range(count)]


async def collect(outcomes: AsyncIterator[Outcome]) -> list[Outcome]:
    """All outcomes, in the order in which they came."""
    return [outcome async for outcome in outcomes]


def running(
    pool: SessionPool, calls: Iterable[Call[Any]] | AsyncIterable[Call[Any]], width: int
) -> aclosing[AsyncGenerator[Outcome, None]]:
    """The outcomes of a run that ends with its block."""
    outcomes = pool.run(calls, concurrency=width)
    assert isinstance(outcomes, AsyncGenerator)
    return aclosing(outcomes)


async def test_every_call_has_an_outcome(pool: SessionPool, cloud: LocalCloud) -> None:
    """Each operation is done once, and told of once."""
    for name in names(30):
        cloud.add_service(name)
    calls = pool.client().services.calls

    outcomes = await collect(pool.run([calls.restart(name) for name in names(30)]))

    assert sorted(names(30)) == sorted(outcome.service for outcome in outcomes)
    assert {("restart", "beijing1", "applied", True)} == {
        (outcome.operation, outcome.region, outcome.result, outcome.ok) for outcome in outcomes
    }
    assert [1] * 30 == [cloud.executed("restart", name) for name in names(30)]


async def test_a_failure_ends_nothing(pool: SessionPool, cloud: LocalCloud) -> None:
    """What fails is told with its error, and the rest is done."""
    for name in ("a", "c"):
        cloud.add_service(name)
    calls = pool.client().services.calls

    outcomes = await collect(pool.run([calls.get(name) for name in ("a", "b", "c")]))

    by_name = {outcome.service: outcome for outcome in outcomes}
    shown = {name: by_name[name].result for name in sorted(by_name)}
    assert {"a": "applied", "b": "failed", "c": "applied"} == shown
    assert isinstance(by_name["b"].error, NotFound)
    assert "c" == by_name["c"].value.name


async def test_a_conflict_is_told_apart(pool: SessionPool, cloud: LocalCloud) -> None:
    """An operation that the state does not allow has an outcome of its own."""
    cloud.add_service("web", status="Starting")

    (outcome,) = await collect(pool.run([pool.client().services.calls.restart("web")]))

    assert ("conflict", False) == (outcome.result, outcome.ok)


@pytest.mark.parametrize("kind", [Work.calls, Work.acalls])
@pytest.mark.parametrize("width", [1, 3, 10])
async def test_only_a_window_is_held(
    pool: SessionPool, kind: Callable[..., Any], width: int
) -> None:
    """However many calls there are, only so many are under way, and few are taken ahead."""
    work = Work()
    calls = kind(work, pool.client(), 500)
    async with running(pool, calls, width) as outcomes:
        first = asyncio.ensure_future(anext(outcomes))
        await turns()
        assert (width, width) == (work.running, work.taken)

        work.gate.set()
        await first
        await turns()
        assert 2 * width + 1 >= work.taken
        for seen in range(2, 501):
            await anext(outcomes)
            assert seen + 2 * width + 1 >= work.taken
        assert [] == await collect(outcomes)

    assert (width, 500, 500) == (work.most, work.taken, work.ended)


@pytest.mark.parametrize("calls", [[], iter([])])
async def test_nothing_to_do_is_soon_done(pool: SessionPool, calls: Iterable[Call[Any]]) -> None:
    """No calls have no outcomes."""
    assert [] == await collect(pool.run(calls))


async def test_outcomes_come_as_they_end(pool: SessionPool) -> None:
    """A slow operation holds nobody up."""
    slow, quick = Work(), Work()
    quick.gate.set()
    client = pool.client()
    calls = [*slow.calls(client, 1), *quick.calls(client, 3)]

    async with running(pool, calls, 2) as outcomes:
        for _ in range(3):
            await anext(outcomes)
        assert (1, 3) == (slow.running, quick.ended)
        slow.gate.set()
        await anext(outcomes)
        assert [] == await collect(outcomes)


async def test_leaving_early_cancels_what_is_under_way(pool: SessionPool) -> None:
    """Who has seen enough leaves no operation and no task behind."""
    quick, slow = Work(), Work()
    quick.gate.set()
    client = pool.client()
    before = asyncio.all_tasks()

    calls = [*quick.calls(client, 1), *slow.calls(client, 50)]
    async with running(pool, calls, 4) as outcomes:
        await anext(outcomes)
        await turns()
        assert 4 == slow.running

    assert (0, 4) == (slow.running, slow.ended)
    assert before == asyncio.all_tasks()


async def test_leaving_early_with_outcomes_left_does_not_hang(pool: SessionPool) -> None:
    """Outcomes that nobody asks for any more hold nobody up."""
    work = Work()
    work.gate.set()
    before = asyncio.all_tasks()

    async with asyncio.timeout(0.2):
        async with running(pool, work.calls(pool.client(), 500), 4) as outcomes:
            await anext(outcomes)
            await turns()
        assert before == asyncio.all_tasks()


async def test_cancelling_the_consumer_cancels_what_is_under_way(pool: SessionPool) -> None:
    """Cancellation reaches every operation before it is over."""
    work = Work()
    consumer = asyncio.ensure_future(
        collect(pool.run(work.calls(pool.client(), 50), concurrency=4))
    )
    await turns()
    assert 4 == work.running
    consumer.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([consumer])

    assert consumer.cancelled()
    assert 0 == work.running


async def test_calls_that_cannot_be_made_are_told(pool: SessionPool, cloud: LocalCloud) -> None:
    """An iterator that raises ends the run with its error, after what was done before it."""
    cloud.add_service("web")
    calls = pool.client().services.calls

    def broken() -> Iterator[Call[Any]]:
        yield calls.get("web")
        raise LookupError("no more names")

    outcomes = []
    with pytest.raises(LookupError, match="no more names"):
        async for outcome in pool.run(broken(), concurrency=1):
            outcomes.append(outcome)  # noqa: PERF401  # kept when it raises

    assert ["web"] == [outcome.service for outcome in outcomes]


async def test_calls_that_cannot_be_made_end_no_others(pool: SessionPool) -> None:
    """What was under way when the iterator raised ends, and has its outcome."""
    work = Work()

    def broken() -> Iterator[Call[Any]]:
        yield from work.calls(pool.client(), 2)
        raise LookupError("no more names")

    outcomes = []

    async def consume() -> None:
        async for outcome in pool.run(broken(), concurrency=4):
            outcomes.append(outcome)  # noqa: PERF401  # kept when it raises

    consumer = asyncio.ensure_future(consume())
    await turns()
    work.gate.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([consumer])

    assert isinstance(consumer.exception(), LookupError)
    assert 2 == len(outcomes)


@pytest.mark.parametrize("awaits", [True, False], ids=["asynchronous", "plain"])
async def test_calls_that_end_in_a_cancellation_do_not_end_quietly(
    pool: SessionPool, cloud: LocalCloud, awaits: bool
) -> None:
    """An iterator that waited for something cancelled did not come to its end, and that is told."""
    cloud.add_service("web")
    calls = pool.client().services.calls

    def broken() -> Iterator[Call[Any]]:
        yield calls.get("web")
        raise asyncio.CancelledError

    async def broken_as_well() -> AsyncIterator[Call[Any]]:
        yield calls.get("web")
        raise asyncio.CancelledError

    outcomes = []
    with pytest.raises(asyncio.CancelledError):
        async for outcome in pool.run(broken_as_well() if awaits else broken(), concurrency=1):
            outcomes.append(outcome)  # noqa: PERF401  # kept when it raises

    assert ["web"] == [outcome.service for outcome in outcomes]


@pytest.mark.parametrize("error", [LookupError("mine"), asyncio.CancelledError()], ids=repr)
async def test_a_call_that_raises_costs_no_other_its_outcome(
    pool: SessionPool, error: BaseException
) -> None:
    """What was under way when a call of somebody's own making raised ends; no more is begun."""
    work = Work()

    class Broken:
        async def outcome(self) -> Outcome:
            raise error

    calls: list[Any] = [*work.calls(pool.client(), 500)]
    calls.insert(2, Broken())
    outcomes = []

    async def consume() -> None:
        async for outcome in pool.run(calls):
            outcomes.append(outcome)  # noqa: PERF401  # kept when it raises

    consumer = asyncio.ensure_future(consume())
    await turns()
    work.gate.set()
    async with asyncio.timeout(PATIENCE):
        (told,) = await asyncio.gather(consumer, return_exceptions=True)

    assert type(error) is type(told)
    assert work.ended == len(outcomes)
    assert 2 <= len(outcomes) < 100


async def test_who_leaves_early_is_told_that_the_iterator_broke(pool: SessionPool) -> None:
    """An error in the cleaning up of the calls comes out where the run is closed."""

    async def calls(client: Client) -> AsyncGenerator[Call[Any]]:
        try:
            while True:
                yield client.services.calls.list()
        finally:
            raise LookupError("cannot clean up")

    outcomes = pool.run(calls(pool.client()), concurrency=2)
    await anext(outcomes)
    with pytest.raises(LookupError, match="cannot clean up"):
        await outcomes.aclose()


async def test_a_width_that_nothing_fills_costs_nothing(pool: SessionPool) -> None:
    """There are no more workers than calls, however many there might be."""
    work = Work()
    before = len(asyncio.all_tasks())

    async with running(pool, work.calls(pool.client(), 3), 1_000_000) as outcomes:
        first = asyncio.ensure_future(anext(outcomes))
        await turns()
        assert 3 == work.running
        assert len(asyncio.all_tasks()) - before <= 6
        work.gate.set()
        await first


async def test_regions_are_apart(pool: SessionPool, cloud: LocalCloud) -> None:
    """One name in two regions is two services."""
    cloud.add_service("web")
    cloud.add_service("web", region="us")
    clients = [pool.client(), pool.client(region="us")]

    outcomes = await collect(pool.run(client.services.calls.stop("web") for client in clients))

    assert ["beijing1", "us"] == sorted(outcome.region for outcome in outcomes)
    shown = [cloud.service("web", region=region)["status"] for region in ("beijing1", "us")]
    assert ["Stopped", "Stopped"] == shown


async def test_accounts_are_apart(pool: SessionPool, cloud: LocalCloud) -> None:
    """Each account calls with its own credentials, to its own endpoint, over one connector."""
    async with LocalCloud(username="bob", token=TOKEN) as other:
        cloud.add_service("mine")
        other.add_service("theirs")
        mine = pool.client()
        theirs = pool.client(endpoint=other.endpoint, username="bob", token=TOKEN)

        calls = [client.services.calls.list() for client in (mine, theirs)]
        outcomes = await collect(pool.run(calls))

    found = sorted(service.name for outcome in outcomes for service in outcome.value)
    assert ["mine", "theirs"] == found
    assert mine._account is not theirs._account


async def test_clients_of_one_account_share_it(pool: SessionPool) -> None:
    """Clients of one account and endpoint share its gate and counters, whatever their region."""
    assert pool.client()._account is pool.client(region="us")._account
    assert pool.client()._account is not pool.client(username="bob")._account


async def test_what_a_client_is_told_comes_before_what_the_pool_was(
    pool: SessionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyword of the client comes before the pool's, and that before the environment."""
    monkeypatch.setenv("TENX_REGION", "eu")

    assert "beijing1" == pool.client().region
    assert "us" == pool.client(region="us").region


async def test_a_pool_closes_what_it_opened(cloud: LocalCloud) -> None:
    """After the pool its clients say that they are closed, and its connector is."""
    async with SessionPool(
        endpoint=cloud.endpoint, username=cloud.username, token=cloud.token, region="us"
    ) as pool:
        client = pool.client()
        assert [] == await client.services.list()
        connector = pool._connector

    assert connector is not None
    assert connector.closed
    with pytest.raises(ConfigurationError, match="not open"):
        await client.services.list()
    with pytest.raises(ConfigurationError, match="the pool is not open in this event loop"):
        pool.client()


async def test_a_pool_that_is_left_in_haste_is_closed(cloud: LocalCloud) -> None:
    """A cancellation in the moment of leaving leaves nothing half open: it can be entered again."""
    pool = SessionPool(
        endpoint=cloud.endpoint, username=cloud.username, token=cloud.token, region="beijing1"
    )
    await pool.__aenter__()
    client = pool.client()
    await client.services.list()
    leaving = asyncio.ensure_future(pool.__aexit__(None, None, None))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])

    with pytest.raises(ConfigurationError, match="not open"):
        await client.services.list()
    async with pool:
        assert [] == await pool.client().services.list()


async def test_a_client_of_a_pool_does_not_close_it(pool: SessionPool) -> None:
    """A client that was handed out may be entered and left; its account stays open."""
    async with pool.client() as client:
        assert [] == await client.services.list()
    assert [] == await client.services.list()


async def test_a_pool_belongs_to_one_loop(pool: SessionPool) -> None:
    """A pool that is used in another loop says so, instead of failing strangely later."""

    async def elsewhere() -> None:
        with pytest.raises(ConfigurationError, match="one pool for each loop"):
            pool.client()

    await asyncio.to_thread(asyncio.run, elsewhere())


def test_a_pool_needs_a_loop() -> None:
    """A pool that is used where no loop runs says so, too."""
    pool = SessionPool(endpoint="http://127.0.0.1:1", username="a", token=TOKEN, region="us")

    with pytest.raises(ConfigurationError, match="the pool is not open in this event loop"):
        pool.client()


@pytest.mark.parametrize("given", [{}, {"endpoint": "http://api.example"}, {"region": "us"}])
async def test_a_client_of_a_pool_needs_settings(given: dict[str, str]) -> None:
    """What neither the pool nor the client was told is missing, or unsafe, as for any client."""
    async with SessionPool(username="alice", token=TOKEN) as pool:
        if "region" in given:
            assert "us" == pool.client(**given).region
        else:
            with pytest.raises(ConfigurationError) as caught:
                pool.client(**given)
            assert TOKEN not in str(caught.value)


async def test_a_pool_shows_no_token(pool: SessionPool, cloud: LocalCloud) -> None:
    """A pool and what it hands out can be logged."""
    client = pool.client()
    shown = f"{pool!r} {client!r} {client.services.calls.get('web')!r} {pool!s}"

    assert cloud.username in shown
    assert cloud.token not in shown


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "2", None])
async def test_a_concurrency_is_a_whole_number_from_one_up(
    pool: SessionPool, concurrency: Any
) -> None:
    """With less nothing would ever be done."""
    with pytest.raises(ConfigurationError, match="concurrency"):
        await collect(pool.run([], concurrency=concurrency))


@pytest.mark.parametrize("junk", ["junk", None, 5])
async def test_what_is_no_call_is_refused_when_the_others_have_ended(
    pool: SessionPool, cloud: LocalCloud, junk: Any
) -> None:
    """A slip among the calls costs no outcome, and is told."""
    cloud.add_service("web")
    outcomes = []

    with pytest.raises(TypeError, match=f"{type(junk).__name__} is no call"):
        async for outcome in pool.run([pool.client().services.calls.get("web"), junk]):
            outcomes.append(outcome)  # noqa: PERF401  # kept when it raises

    assert ["web"] == [outcome.service for outcome in outcomes]


async def test_a_pool_is_entered_once(pool: SessionPool) -> None:
    """A second entry would leave the first one's connections behind."""
    with pytest.raises(ConfigurationError, match="open already"):
        await pool.__aenter__()

    assert [] == await pool.client().services.list()


async def test_the_iterator_of_a_run_is_closed_when_the_run_is_left_early(pool):
    """An asynchronous generator handed in gets to clean up at once."""
    closed = []

    async def calls(client: Client) -> AsyncGenerator[Call[Any]]:
        try:
            while True:
                yield client.services.calls.list()
        finally:
            closed.append(True)

    async with aclosing(pool.run(calls(pool.client()), concurrency=2)) as outcomes:
        async for _ in outcomes:
            break
    assert closed == [True]
