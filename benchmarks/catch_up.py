"""Lines a second while a day's log is caught up with, against what is written by hand.

    python -m benchmarks.catch_up [--lines N] [--rounds N]

The peers are a bare aiohttp session with msgspec that counts the lines of each page, and one with
`resp.json()` that goes through them; both ask for one page after the other. All take turns on one
server, which runs in a process of its own; what is compared is the median over the turns.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

import tenx_async as tenx
from benchmarks.shelf import DAY, Shelf, serving

SIZE = 1000


class Entry(msgspec.Struct):
    """What the peer decodes into."""

    instance_name: str
    log: str


_decoder = msgspec.json.Decoder(list[Entry])


async def by_hand_in_batches(endpoint: str) -> int:
    """Read pages until one is empty, decoded by msgspec."""
    count, url = 0, f"{endpoint}/v1/regions/r/services/s0/logs"
    async with aiohttp.ClientSession() as session:
        while True:
            params = {"date": f"{DAY:%Y.%m.%d}", "from": count, "size": SIZE}
            async with session.get(url, params=params) as response:
                page = _decoder.decode(await response.read())
            if not page:
                return count
            count += len(page)


async def by_hand_by_line(endpoint: str) -> int:
    """Read pages until one is empty, decoded by `resp.json()`, and look at each line."""
    count, length, url = 0, 0, f"{endpoint}/v1/regions/r/services/s0/logs"
    async with aiohttp.ClientSession() as session:
        while True:
            params = {"date": f"{DAY:%Y.%m.%d}", "from": count, "size": SIZE}
            async with session.get(url, params=params) as response:
                page = await response.json()
            if not page:
                return count
            for entry in page:
                count += 1
                length += len(entry["log"])


def _client(endpoint: str) -> tenx.Client:
    return tenx.Client(endpoint=endpoint, username="u", token="t", region="r")


async def in_batches(endpoint: str) -> int:
    """Follow in batches, to the end of what is there."""
    count = 0
    async with (
        _client(endpoint) as client,
        client.follow("s0", tail=None, follow=False, order="oldest-first", since=DAY, until=DAY) as lines,
    ):
        async for batch in lines.batches():
            count += len(batch)
    return count


async def by_line(endpoint: str) -> int:
    """Follow by line, to the end of what is there."""
    count, length = 0, 0
    async with (
        _client(endpoint) as client,
        client.follow("s0", tail=None, follow=False, order="oldest-first", since=DAY, until=DAY) as lines,
    ):
        async for line in lines:
            count += 1
            length += len(line.log)
    return count


Reading = Callable[[str], Awaitable[int]]


async def compare(shelf: Shelf, readings: list[Reading], rounds: int) -> list[float]:
    """Lines a second of each, medians over the rounds."""
    rates: list[list[float]] = [[] for _ in readings]
    with serving(shelf) as endpoint:
        for _ in range(rounds):
            for reading, rate in zip(readings, rates, strict=True):
                began = time.perf_counter()
                count = await reading(endpoint)
                rate.append(count / (time.perf_counter() - began))
                assert count == shelf.lines, (reading, count)
    return [statistics.median(rate) for rate in rates]


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    near, far = Shelf(options.lines), Shelf(options.lines, delay=0.02)
    batches, hand = await compare(near, [in_batches, by_hand_in_batches], options.rounds)
    lines, json = await compare(near, [by_line, by_hand_by_line], options.rounds)
    ahead, sequential = await compare(far, [in_batches, by_hand_in_batches], 1)
    print(f"{'catching up':32}{'ours':>12}{'by hand':>12}{'ratio':>8}  goal   (lines/s)")
    for name, ours, peer, goal in [
        ("in batches, msgspec", batches, hand, "≥ 0.95"),
        ("by line, resp.json()", lines, json, "≥ 1.0"),
        ("in batches, 20 ms round trip", ahead, sequential, "≥ 8"),
    ]:
        print(f"{name:32}{ours:12,.0f}{peer:12,.0f}{ours / peer:7.2f}×  {goal}")


if __name__ == "__main__":
    asyncio.run(main())
