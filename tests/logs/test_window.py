"""Past the server's log window a log is read on in the logs of its instances, or it is said."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any
from unittest import mock

import pytest

from tenx_async import Client, LocalCloud, LogLine, LogPage, NotFound, WindowLimit
from tenx_async.local import Quirks
from tenx_async.logs.daily import Logs
from tenx_async.logs.findings import Gap, OutOfReach
from tenx_async.logs.follow import Follower
from tenx_async.logs.lines import FetchPage
from tenx_async.logs.order import Order
from tests.clock import NOON
from tests.conftest import client_of

WINDOW = 200
INSTANCES = ("web-a", "web-b", "web-c")
ORDERS = pytest.mark.parametrize("order", list(Order), ids=str)
Line = tuple[str, str]


def write(cloud: LocalCloud, first: int, last: int, instances: tuple[str, ...] = INSTANCES) -> None:
    """Let the instances write in turn."""
    for number in range(first, last):
        name = instances[number % len(instances)]
        cloud.append("web", f"line {number}", instance=name)


def windowed(**more: Any) -> Quirks:
    """A server that lets nobody read past its window."""
    return Quirks(window_limit=WINDOW, **more)


def truth(cloud: LocalCloud) -> Counter[Line]:
    """What the server knows to have been written."""
    return Counter((one.instance_name, one.log) for one in cloud.log("web"))


async def take(lines: Follower, count: int) -> Counter[Line]:
    """The next so many lines."""
    taken: Counter[Line] = Counter()
    async with asyncio.timeout(10):
        while taken.total() < count:
            line: LogLine = await anext(lines)
            taken[line.instance_name, line.log] += 1
    return taken


def reader(client: Client, **more: Any) -> Follower:
    """A follower with small pages that loses no time."""
    settings = {"tail": None, "page_size": 60, "interval": (0.01, 0.02), "discover_every": 0.05}
    return client.follow("web", **settings | more)


@ORDERS
@pytest.mark.parametrize("status", [400, 500])
async def test_a_day_longer_than_the_window_is_read_whole(order: Order, status: int) -> None:
    """What the service's log does not give, the logs of its instances do."""
    async with LocalCloud(quirks=windowed(window_status=status, log_order=order.value)) as cloud:
        cloud.add_service("web")
        write(cloud, 0, 500)
        async with (
            client_of(cloud) as client,
            reader(client, follow=False, order=order.value) as lines,
        ):
            taken = Counter([(one.instance_name, one.log) async for one in lines])
        (account,) = (day for day in lines.ledger if day.delivered)
        reach = [one for one in account.findings if isinstance(one, OutOfReach)]

        assert truth(cloud) == taken
    assert set(INSTANCES) <= set(reach[0].around)
    assert [] == account.gaps


async def test_the_window_is_passed_while_following() -> None:
    """Lines that stood before it come once, those behind it come once, new instances are found."""
    async with LocalCloud(quirks=windowed()) as cloud, client_of(cloud) as client:
        cloud.add_service("web")
        write(cloud, 0, WINDOW - 20)
        async with reader(client, order="oldest-first") as lines:
            taken = await take(lines, WINDOW - 20)
            for first in range(WINDOW - 20, WINDOW + 200, 7):
                write(cloud, first, first + 7)
                taken += await take(lines, 7)
            cloud.insert("web", "late", instance="web-b", position=WINDOW + 100)
            taken += await take(lines, 1)
            await client.services.restart("web")
            await client.services.wait("web", timeout=5)
            (new, *_) = await client.services.instances("web")
            write(cloud, 1000, 1040, (new.name,))
            taken += await take(lines, 40)
            await asyncio.sleep(0.1)

            assert truth(cloud) == taken
            assert 0 == lines.ledger.gaps
            assert 1 == lines.ledger.late


async def test_an_insertion_as_the_window_is_reached_comes_once() -> None:
    """It pushes a line out of reach that was delivered already: that one does not come again."""
    async with LocalCloud(quirks=windowed()) as cloud, client_of(cloud) as client:
        cloud.add_service("web")
        write(cloud, 0, WINDOW - 1)
        async with reader(client, order="oldest-first") as lines:
            taken = await take(lines, WINDOW - 1)
            cloud.insert("web", "late", instance="web-b", position=WINDOW - 50)
            write(cloud, WINDOW, WINDOW + 30)
            taken += await take(lines, 31)
            await asyncio.sleep(0.1)

            assert truth(cloud) == taken


@ORDERS
async def test_a_tail_past_the_window_is_the_last_lines_of_each_instance(order: Order) -> None:
    """Only the newest orders show the end of such a log; else each instance shows its own."""
    async with LocalCloud(quirks=windowed(log_order=order.value)) as cloud:
        cloud.add_service("web")
        write(cloud, 0, 500)
        async with (
            client_of(cloud) as client,
            reader(client, follow=False, tail=9, order=order.value) as lines,
        ):
            taken = [int(line.log.split()[1]) async for line in lines]

    if order is Order.OLDEST_FIRST:
        assert list(range(500 - 27, 500)) == sorted(taken)
    else:
        assert list(range(491, 500)) == taken


@pytest.mark.parametrize("order", [Order.NEWEST_FIRST, Order.NEWEST_PAGE], ids=str)
async def test_more_than_a_window_between_two_polls_is_a_gap(order: Order) -> None:
    """It is counted with its place, and what follows is right again."""
    async with (
        LocalCloud(quirks=windowed(log_order=order.value)) as cloud,
        client_of(cloud) as client,
    ):
        cloud.add_service("web")
        write(cloud, 0, 50)
        async with reader(client, order=order.value) as lines:
            await take(lines, 50)
            write(cloud, 1000, 1000 + 3 * WINDOW)
            taken = await take(lines, WINDOW)
            (account,) = (day for day in lines.ledger if day.delivered)

    assert {f"line {n}" for n in range(1000 + 2 * WINDOW, 1000 + 3 * WINDOW)} == {
        text for _, text in taken
    }
    assert [Gap(50, None)] == account.gaps


async def without_instances(fetch: FetchPage, service: str, **page: Any) -> LogPage:
    """What a server would answer that has no logs of instances."""
    if page["instance"]:
        raise NotFound("no such operation", operation="instance logs", status=404)
    return await fetch(service, **page)


async def test_where_instances_have_no_logs_the_end_of_reach_is_told() -> None:
    """What the window reaches is delivered; the rest is a gap with its place, not silence."""
    async with LocalCloud(quirks=windowed()) as cloud, client_of(cloud) as client:
        cloud.add_service("web")
        write(cloud, 0, 300)
        service_only = partial(without_instances, client.logs.fetch)
        with mock.patch.object(Logs, "fetch", service_only):
            lines = reader(client, follow=False, order="oldest-first")
        async with lines:
            taken = [line.log async for line in lines]
        (account,) = (day for day in lines.ledger if day.delivered)

    assert [f"line {n}" for n in range(WINDOW)] == taken
    assert [OutOfReach(WINDOW, (), INSTANCES)] == account.gaps


async def test_a_page_past_the_window_is_a_typed_error() -> None:
    """Never taken for the end of the log."""
    async with LocalCloud(quirks=windowed()) as cloud, client_of(cloud) as client:
        cloud.add_service("web")
        with pytest.raises(WindowLimit, match="too large"):
            await client.logs.page("web", date=NOON.date(), from_=WINDOW, size=1)
