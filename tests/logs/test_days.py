"""Days from first to last: chosen, read out, sealed and accounted for."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter

import pytest

from tenx_async import ConfigurationError, LocalCloud, LogEntry, WindowLimit
from tenx_async.local import Quirks
from tenx_async.logs.order import Order
from tenx_async.logs.seal import digest_of
from tenx_async.telemetry.events import DaySealed, Event
from tenx_async.testing import InstantClock
from tests.conftest import client_of

ORDERS = pytest.mark.parametrize("order", list(Order), ids=str)
TODAY = dt.date(2015, 12, 29)


def ago(days: int) -> dt.date:
    """A day before today."""
    return TODAY - dt.timedelta(days=days)


def fill(cloud: LocalCloud, lines: int = 30) -> None:
    """Write the log of five days."""
    cloud.add_service("web")
    for days in range(5):
        texts = (f"day -{days} line {n}" for n in range(lines))
        cloud.append("web", *texts, date=ago(days), instance="web-1")


@ORDERS
@pytest.mark.parametrize(
    ("since", "until", "wanted"), [(3, 1, [3, 2, 1]), (1, None, [1, 0]), (None, 2, [2])]
)
async def test_days_are_read_from_the_first_to_the_last(
    order: Order, since: int | None, until: int | None, wanted: list[int]
) -> None:
    """Whole days, the oldest first; each line once."""
    clock = InstantClock()
    async with LocalCloud(clock=clock.now, quirks=Quirks(log_order=order.value)) as cloud:
        fill(cloud)
        async with (
            client_of(cloud, clock=clock) as client,
            client.follow(
                tail=None,
                follow=False,
                page_size=20,
                since=None if since is None else ago(since),
                until=None if until is None else ago(until),
            ) as lines,
        ):
            taken = [(line.date, line.log) async for line in lines]

    assert [(ago(d), f"day -{d} line {n}") for d in wanted for n in range(30)] == sorted(
        taken, key=lambda one: (one[0], int(one[1].split()[-1]))
    )


@ORDERS
async def test_a_tail_over_several_days_is_the_last_lines(order: Order) -> None:
    """It counts back from the newest day."""
    clock = InstantClock()
    async with LocalCloud(clock=clock.now, quirks=Quirks(log_order=order.value)) as cloud:
        fill(cloud)
        async with (
            client_of(cloud, clock=clock) as client,
            client.follow(tail=40, follow=False, page_size=20, since=ago(4)) as lines,
        ):
            taken = [line.log async for line in lines]

    assert [f"day -1 line {n}" for n in range(20, 30)] == taken[:10]
    assert [f"day -0 line {n}" for n in range(30)] == taken[10:]


async def test_following_past_days_ends_by_itself_and_seals_them() -> None:
    """Each is read once more and gets its count and digest; what came late is in it."""
    clock, events = InstantClock(), list[Event]()
    async with LocalCloud(clock=clock.now) as cloud:
        fill(cloud)
        async with (
            asyncio.timeout(10),
            client_of(cloud, clock=clock, listener=events.append) as client,
            client.follow(tail=None, since=ago(3), until=ago(2)) as lines,
        ):
            taken = Counter([(line.date, line.log) async for line in lines])
            accounts = {account.date: account for account in lines.ledger}

    assert Counter((ago(d), f"day -{d} line {n}") for d in (2, 3) for n in range(30)) == taken
    for days in (2, 3):
        texts = [LogEntry("web-1", f"day -{days} line {n}") for n in range(30)]
        (seal,) = accounts[ago(days)].seals
        assert (30, 30, digest_of(texts)) == (seal.lines, seal.covers, seal.digest)
        assert accounts[ago(days)].sealed
    assert [ago(3), ago(2)] == [one.date for one in events if isinstance(one, DaySealed)]


async def test_the_account_of_a_day_is_whole() -> None:
    """Calls, bytes, tries that failed, and when a page last came."""
    clock = InstantClock()
    async with LocalCloud(clock=clock.now) as cloud, client_of(cloud, clock=clock) as client:
        cloud.add_service("web")
        cloud.append("web", "one", "two")
        async with client.follow(tail=None, follow=False, order="oldest-first") as lines:
            taken = [line.log async for line in lines]
            (account,) = lines.ledger

    assert ["one", "two"] == taken
    assert (2, 2, 0) == (account.delivered, account.fetched - account.reread, account.failures)
    assert account.bytes > len("onetwo")
    assert account.last_success is not None
    assert account.last_success <= clock.now()
    assert 7.0 == account.staleness(account.last_success + dt.timedelta(seconds=7))


async def test_how_a_source_is_doing_can_be_asked_at_any_time() -> None:
    """Its state, and for how long it has not been read, or not to its end."""
    clock = InstantClock()
    async with LocalCloud(clock=clock.now) as cloud, client_of(cloud, clock=clock) as client:
        cloud.add_service("web")
        cloud.append("web", "one")
        async with client.follow("web", "later", tail=None) as lines:
            await anext(lines)
            web, later = sorted(lines.sources, key=lambda one: one.name, reverse=True)

    assert ("live", "awaited") == (web.state, later.state)
    assert web.lag is not None
    assert web.lag == web.staleness
    assert (None, None) == (later.lag, later.staleness)


@pytest.mark.parametrize(
    "span",
    [
        {"since": dt.datetime(2015, 12, 29, 12)},  # noqa: DTZ001  # whatever its zone
        {"until": "2015-12-29"},
        {"since": TODAY, "until": ago(1)},
    ],
)
async def test_a_span_that_makes_no_sense_is_refused(cloud: LocalCloud, span: dict) -> None:  # type: ignore[type-arg]  # a table of keywords
    """Log entries have no time, so only days can be chosen."""
    async with client_of(cloud) as client:
        with pytest.raises(ConfigurationError, match=r"since|until"):
            client.follow(**span)


@ORDERS
@pytest.mark.parametrize("tail", [None, 0, 10, 45])
async def test_one_day_is_read_in_any_order(order: Order, tail: int | None) -> None:
    """Its order is found out; a tail is the last lines, whichever way they are counted."""
    clock = InstantClock()
    async with LocalCloud(clock=clock.now, quirks=Quirks(log_order=order.value)) as cloud:
        fill(cloud, 60)
        async with client_of(cloud, clock=clock) as client:
            day = client.logs.lines("web", date=ago(1), tail=tail, size=25)
            taken = [line.log async for line in day]

    first = 0 if tail is None else 60 - tail
    assert [f"day -1 line {n}" for n in range(first, 60)] == taken


async def test_a_day_past_the_window_ends_with_an_error() -> None:
    """What the window reaches comes first; then it is said that this is not the end."""
    clock, taken = InstantClock(), []
    async with LocalCloud(clock=clock.now, quirks=Quirks(window_limit=40)) as cloud:
        fill(cloud, 60)
        async with client_of(cloud, clock=clock) as client:
            with pytest.raises(WindowLimit, match="past the 40th"):
                async for line in client.logs.lines(
                    "web", date=ago(1), size=25, order="oldest-first"
                ):
                    taken.append(line.log)  # noqa: PERF401  # an error ends it

    assert [f"day -1 line {n}" for n in range(40)] == taken
