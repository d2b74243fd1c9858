"""Following against what is written by hand: throughput, calls, and ten thousand silent services.

    python -m benchmarks.following [--lines N] [--rounds N] [--services N] [--no-picture]

A LocalCloud in a process of its own is the server of all. The peers are a bare aiohttp session with
msgspec that counts the lines of each page, and one with `resp.json()` that goes through them; both
ask for one page after the other. They take turns with the follower, and the medians are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec
from attrs import frozen

import tenx_async as tenx
from benchmarks.cloud import DAY, HEADERS, REGION, TOKEN, USERNAME, Served, serving
from tenx_async.logs.daily import LogOrder
from tenx_async.logs.follow import Follower

SIZE = 1000
UNDER_WAY = 32
PICTURE = Path(__file__).parent / "pictures" / "following.png"


class Entry(msgspec.Struct):
    """What the peer decodes into."""

    instance_name: str
    log: str


@frozen
class Row:
    """What was measured, beside the goal."""

    what: str
    figures: str
    value: float
    goal: float
    at_most: bool = False

    @property
    def reached(self) -> float:
        """How much of the goal: 1 is all."""
        return self.goal / self.value if self.at_most else self.value / self.goal

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        verdict = "kept" if self.reached >= 1 else "short"
        value = f"{self.value:,.2f}" if self.value < 100 else f"{self.value:,.0f}"
        return f"{self.what:44}{self.figures:>34}{value:>9}  {sign} {self.goal:<7g}{verdict}"


_decoder = msgspec.json.Decoder(list[Entry])
TAIL_CALLS: dict[LogOrder, int] = {"oldest-first": 25, "newest-first": 3, "newest-page": 3}
Reading = Callable[[str], Awaitable[int]]


def _url(endpoint: str, service: str) -> str:
    return f"{endpoint}/v1/regions/{REGION}/services/{service}/logs"


def _page(from_: int, size: int = SIZE) -> dict[str, str | int]:
    return {"date": f"{DAY:%Y.%m.%d}", "from": from_, "size": size}


async def by_hand_in_batches(endpoint: str) -> int:
    """Read pages until one is empty, decoded by msgspec."""
    count = 0
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        while True:
            async with session.get(_url(endpoint, "s0"), params=_page(count)) as response:
                page = _decoder.decode(await response.read())
            if not page:
                return count
            count += len(page)


async def by_hand_by_line(endpoint: str) -> int:
    """Read pages until one is empty, decoded by `resp.json()`, and look at each line."""
    count, length = 0, 0
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        while True:
            async with session.get(_url(endpoint, "s0"), params=_page(count)) as response:
                page = await response.json()
            if not page:
                return count
            for entry in page:
                count += 1
                length += len(entry["log"])


def _client(endpoint: str) -> tenx.Client:
    return tenx.Client(endpoint=endpoint, region=REGION, username=USERNAME, token=TOKEN)


def _whole_day(client: tenx.Client) -> Follower:
    return client.follow(
        "s0", tail=None, follow=False, order="oldest-first", since=DAY, until=DAY, page_size=SIZE
    )


async def in_batches(endpoint: str) -> int:
    """Follow in batches, to the end of what is there."""
    count = 0
    async with _client(endpoint) as client, _whole_day(client) as lines:
        async for batch in lines.batches():
            count += len(batch)
    return count


async def by_line(endpoint: str) -> int:
    """Follow by line, to the end of what is there."""
    count, length = 0, 0
    async with _client(endpoint) as client, _whole_day(client) as lines:
        async for line in lines:
            count += 1
            length += len(line.log)
    return count


async def compare(served: Served, readings: list[Reading], rounds: int) -> list[float]:
    """Lines a second of each, medians over the rounds."""
    rates: list[list[float]] = [[] for _ in readings]
    with serving(served) as endpoint:
        for _ in range(rounds):
            for reading, rate in zip(readings, rates, strict=True):
                began = time.perf_counter()
                count = await reading(endpoint)
                rate.append(count / (time.perf_counter() - began))
                assert count == served.lines, (reading, count)
    return [statistics.median(rate) for rate in rates]


async def catch_up(lines: int, rounds: int) -> list[Row]:
    """How fast a day is caught up with."""
    near, far = Served(lines), Served(lines, delay=0.02)
    batches, hand = await compare(near, [in_batches, by_hand_in_batches], rounds)
    single, json = await compare(near, [by_line, by_hand_by_line], rounds)
    ahead, sequential = await compare(far, [in_batches, by_hand_in_batches], 1)
    return [
        Row(name, f"{ours:,.0f} : {peer:,.0f} lines/s", ours / peer, goal)
        for name, ours, peer, goal in [
            ("catching up in batches : msgspec by hand", batches, hand, 0.95),
            ("catching up by line : resp.json() by hand", single, json, 1.0),
            ("the same in batches, 20 ms away", ahead, sequential, 8.0),
        ]
    ]


async def calls(lines: int) -> list[Row]:
    """What catching up and a tail cost in calls."""
    with serving(Served(lines)) as endpoint:
        async with _client(endpoint) as client, _whole_day(client) as follower:
            async for _ in follower.batches():
                pass
    spent, pages = follower.ledger.calls, lines / SIZE
    figures = f"{spent:,} calls, {pages:,.0f} full pages"
    rows = [
        Row("calls a full page, append-only server", figures, spent / pages, 1.05, at_most=True)
    ]
    return [*rows, *[await tail(order, goal) for order, goal in TAIL_CALLS.items()]]


async def tail(order: LogOrder, goal: int) -> Row:
    """What the last 100 lines of a long day cost in calls."""
    with serving(Served(1_000_000, order=order)) as endpoint:
        async with _client(endpoint) as client:
            lines = client.logs.lines("s0", date=DAY, tail=100, order=order)
            count = len([line async for line in lines])
            spent = client.usage.calls_today
    assert count == 100
    figures = f"{count} of 1,000,000 lines"
    return Row(f"calls of tail=100, {order}", figures, spent, goal, at_most=True)


def _memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def _poll_by_hand(endpoint: str, services: int, seconds: float) -> float:
    """Polls a second of a bare loop: so many requests under way, no follower."""
    done, ends = 0, time.perf_counter() + seconds
    numbers = iter(range(10**9))

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            url = _url(endpoint, f"s{next(numbers) % services}")
            async with session.get(url, params=_page(0)) as response:
                _decoder.decode(await response.read())
            done += 1

    connector = aiohttp.TCPConnector(limit=UNDER_WAY)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as session:
        began = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(UNDER_WAY)))
        return done / (time.perf_counter() - began)


async def _all_read(lines: Follower, services: int) -> None:
    while sum(one.last_success is not None for one in lines.sources) < services:  # noqa: ASYNC110  # it tells no one
        await asyncio.sleep(0.5)


async def scale(services: int, seconds: float) -> list[Row]:
    """What many silent services cost."""
    with serving(Served(0, services)) as endpoint:
        bare = await _poll_by_hand(endpoint, services, seconds)
        rate, grown = await _poll_all(endpoint, services, seconds)
        idle = await _wait_idly(endpoint, services, seconds)
    all_of_them = f"{services:,} silent services"
    each = grown * 1024 / services
    return [
        Row("polls : a bare loop", f"{rate:,.0f} : {bare:,.0f} polls/s", rate / bare, 0.85),
        Row("MiB for all", all_of_them, grown, 150, at_most=True),
        Row("KiB for each", all_of_them, each, 4, at_most=True),
        Row("% of a processor, no poll due", all_of_them, 100 * idle, 5, at_most=True),
    ]


async def _poll_all(endpoint: str, services: int, seconds: float) -> tuple[float, float]:
    """Polls a second, as fast as they go, and the memory that the services take in MiB."""
    before = _memory()
    async with (
        _client(endpoint) as client,
        client.follow(
            tail=None, order="oldest-first", interval=(0, 0.001), discover_every=3600
        ) as lines,
    ):
        await _all_read(lines, services)
        first, began = lines.ledger.calls, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (lines.ledger.calls - first) / (time.perf_counter() - began)
        return rate, _memory() - before


async def _wait_idly(endpoint: str, services: int, seconds: float) -> float:
    """The share of a processor that following takes while no poll is due."""
    async with (
        _client(endpoint) as client,
        client.follow(tail=None, order="oldest-first", interval=(60, 3600)) as lines,
    ):
        await _all_read(lines, services)
        cpu = time.process_time()
        await asyncio.sleep(seconds)
        return (time.process_time() - cpu) / seconds


async def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--no-picture", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    for measured in (
        catch_up(options.lines, options.rounds),
        calls(options.lines),
        scale(options.services, 10.0),
    ):
        fresh = await measured
        print(*fresh, sep="\n", flush=True)
        rows += fresh
    if not options.no_picture:
        from benchmarks.following_picture import draw  # noqa: PLC0415  # needs matplotlib

        draw(rows, PICTURE)


if __name__ == "__main__":
    asyncio.run(main())
