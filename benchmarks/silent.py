"""Ten thousand silent services: how fast they are asked, and what that takes."""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path

import aiohttp
from attrs import frozen

from benchmarks.cloud import HEADERS, PAGES, client_of, log_url, page_params
from tenx_async.logs.follow import Follower

UNDER_WAY = 32


@frozen
class Polling:
    """How fast silent services were asked, and what it took."""

    rate: float
    """Polls a second."""
    cpu: float
    """Microseconds of this process for each."""
    grown: float = 0.0
    """MiB that it took."""


def memory() -> float:
    """MiB that this process takes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def poll_by_hand(endpoint: str, services: int, seconds: float) -> Polling:
    """Poll by a bare loop: so many requests under way, no follower."""
    done, ends, cpu = 0, time.perf_counter() + seconds, time.process_time()
    numbers = iter(range(10**9))

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            url = log_url(endpoint, f"s{next(numbers) % services}")
            async with session.get(url, params=page_params(0)) as response:
                PAGES.decode(await response.read())
            done += 1

    connector = aiohttp.TCPConnector(limit=UNDER_WAY)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as session:
        began = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(UNDER_WAY)))
        rate = done / (time.perf_counter() - began)
    return Polling(rate, 1e6 * (time.process_time() - cpu) / done)


async def _all_read(lines: Follower, services: int) -> None:
    while sum(one.last_success is not None for one in lines.sources) < services:  # noqa: ASYNC110  # it tells no one
        await asyncio.sleep(0.5)


async def poll_by_follower(endpoint: str, services: int, seconds: float) -> Polling:
    """Poll as fast as it goes."""
    before = memory()
    async with (
        client_of(endpoint) as client,
        client.follow(
            tail=None, order="oldest-first", interval=(0, 0.001), discover_every=3600
        ) as lines,
    ):
        await _all_read(lines, services)
        first, began, cpu = lines.ledger.calls, time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        passed, spent = time.perf_counter() - began, time.process_time() - cpu
        count = lines.ledger.calls - first
        return Polling(count / passed, 1e6 * spent / count, memory() - before)


async def wait_idly(endpoint: str, services: int, seconds: float) -> float:
    """The share of a processor that following takes while no poll is due."""
    async with (
        client_of(endpoint) as client,
        client.follow(tail=None, order="oldest-first", interval=(60, 3600)) as lines,
    ):
        await _all_read(lines, services)
        cpu = time.process_time()
        await asyncio.sleep(seconds)
        return (time.process_time() - cpu) / seconds
