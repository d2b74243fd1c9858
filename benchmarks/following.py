"""Following against what is written by hand: throughput, calls, delay, ten thousand services.

    python -m benchmarks.following [--lines N] [--rounds N] [--services N] [--no-picture]

A LocalCloud in a process of its own is the server of all. The peers are a bare aiohttp session with
msgspec that counts the lines of each page, and one with `resp.json()` that goes through them; both
ask for one page after the other. They take turns with the follower, and the medians are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import aiohttp
from attrs import frozen

import tenx_async as tenx
from benchmarks.cloud import (
    DAY,
    HEADERS,
    PAGES,
    SIZE,
    Served,
    client_of,
    log_url,
    page_params,
    serving,
)
from benchmarks.scheduling import BACKOFF, ORACLE, SCHEDULE, geometric, play, scenes
from benchmarks.silent import Polling, poll_by_follower, poll_by_hand, wait_idly
from tenx_async.logs.daily import LogOrder
from tenx_async.logs.follow import Follower

PICTURE = Path(__file__).parent / "pictures" / "following.png"


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


TAIL_CALLS: dict[LogOrder, int] = {"oldest-first": 25, "newest-first": 3, "newest-page": 3}
Reading = Callable[[str], Awaitable[int]]


async def by_hand_in_batches(endpoint: str) -> int:
    """Read pages until one is empty, decoded by msgspec."""
    count = 0
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        while True:
            async with session.get(log_url(endpoint, "s0"), params=page_params(count)) as response:
                page = PAGES.decode(await response.read())
            if not page:
                return count
            count += len(page)


async def by_hand_by_line(endpoint: str) -> int:
    """Read pages until one is empty, decoded by `resp.json()`, and look at each line."""
    count, length = 0, 0
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        while True:
            async with session.get(log_url(endpoint, "s0"), params=page_params(count)) as response:
                page = await response.json()
            if not page:
                return count
            for entry in page:
                count += 1
                length += len(entry["log"])


def _whole_day(client: tenx.Client) -> Follower:
    return client.follow(
        "s0", tail=None, follow=False, order="oldest-first", since=DAY, until=DAY, page_size=SIZE
    )


async def in_batches(endpoint: str) -> int:
    """Follow in batches, to the end of what is there."""
    count = 0
    async with client_of(endpoint) as client, _whole_day(client) as lines:
        async for batch in lines.batches():
            count += len(batch)
    return count


async def by_line(endpoint: str) -> int:
    """Follow by line, to the end of what is there."""
    count, length = 0, 0
    async with client_of(endpoint) as client, _whole_day(client) as lines:
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
    ahead, sequential = await compare(far, [in_batches, by_hand_in_batches], min(rounds, 3))
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
        async with client_of(endpoint) as client, _whole_day(client) as follower:
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
        async with client_of(endpoint) as client:
            lines = client.logs.lines("s0", date=DAY, tail=100, order=order)
            count = len([line async for line in lines])
            spent = client.usage.calls_today
    assert count == 100
    figures = f"{count} of 1,000,000 lines"
    return Row(f"calls of tail=100, {order}", figures, spent, goal, at_most=True)


async def scale(services: int, seconds: float, rounds: int) -> list[Row]:
    """What many silent services cost; the bare loop and the follower take turns."""
    bare: list[Polling] = []
    ours: list[Polling] = []
    with serving(Served(0, services)) as endpoint:
        for _ in range(rounds):
            bare.append(await poll_by_hand(endpoint, services, seconds))
            ours.append(await poll_by_follower(endpoint, services, seconds))
        idle = await wait_idly(endpoint, services, seconds)
    rate, peer, cpu, peer_cpu = (
        statistics.median(values)
        for values in (
            [one.rate for one in ours],
            [one.rate for one in bare],
            [one.cpu for one in ours],
            [one.cpu for one in bare],
        )
    )
    all_of_them, grown = f"{services:,} silent services", ours[0].grown
    each, share = grown * 1024 / services, peer_cpu / cpu
    return [
        Row("polls : a bare loop", f"{rate:,.0f} : {peer:,.0f} polls/s", rate / peer, 0.85),
        Row("polls for the same processor time", f"{cpu:.0f} : {peer_cpu:.0f} µs", share, 0.85),
        Row("MiB for all", all_of_them, grown, 150, at_most=True),
        Row("KiB for each", all_of_them, each, 4, at_most=True),
        Row("% of a processor, no poll due", all_of_them, 100 * idle, 5, at_most=True),
    ]


async def delays(ratio: float = 0.2) -> list[Row]:
    """How late lines come under a budget, in a simulation; `benchmarks.scheduling` plays more."""
    wanted = [scene for scene in scenes(quick=True) if scene.ratio == ratio]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        played = list(pool.map(play, wanted))
    zipf = [one for one in played if one.scene.workload.startswith("zipf")]
    budget = f"{wanted[0].sources:,} sources, {ratio:g} calls/s each"
    mean = geometric(one.mean(SCHEDULE) for one in played)
    backoff = max(one.mean(SCHEDULE) / one.mean(BACKOFF) for one in played)
    oracle = max(one.mean(SCHEDULE) / one.mean(ORACLE) for one in zipf)
    p99 = max(one.p99(SCHEDULE) for one in played)
    return [
        Row("mean delay : equal polling, all workloads", budget, mean, 0.36, at_most=True),
        Row("the same, worst : exponential backoff", budget, backoff, 1, at_most=True),
        Row("the same, worst zipf : who knows the rates", budget, oracle, 1.1, at_most=True),
        Row("worst p99 delay : equal polling", budget, p99, 1.7, at_most=True),
    ]


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
        scale(options.services, 5.0, options.rounds),
        delays(),
    ):
        fresh = await measured
        print(*fresh, sep="\n", flush=True)
        rows += fresh
    if not options.no_picture:
        from benchmarks.following_picture import draw  # noqa: PLC0415  # needs matplotlib

        draw(rows, PICTURE)


if __name__ == "__main__":
    asyncio.run(main())
