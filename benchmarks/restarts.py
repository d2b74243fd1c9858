"""Restarts of a whole fleet against a server that allows some calls a second and refuses the rest.

    python -m benchmarks.restarts [--calls 5000] [--rate 40] [--peer-calls 1000]

A local cloud in a process of its own has a bucket as deep as its rate, so that the least time is
known: `(calls - rate) / rate` seconds. Each row is a new cloud; what was executed is asked of it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from multiprocessing.connection import Connection

import aiohttp
import tenacity
from attrs import evolve, frozen

import tenx_async as tenx
from benchmarks.processes import beside
from tenx_async.local.quirks import Quirks

TOKEN = "benchmark"
REGION = "beijing1"
WIDTH = 64
"""Requests that the peer has under way at once: as many as the client's gate allows at most."""


@frozen(kw_only=True)
class Scene:
    """What is measured."""

    what: str
    calls: int
    rate: float
    retry_after: bool

    @property
    def quirks(self) -> Quirks:
        """How the server limits."""
        return Quirks(
            calls_per_second=self.rate, burst=int(self.rate), retry_after=self.retry_after
        )

    @property
    def services(self) -> list[str]:
        """Each is restarted once."""
        return [f"web-{number}" for number in range(self.calls)]

    @property
    def least(self) -> float:
        """Seconds that no client can do without."""
        return (self.calls - self.rate) / self.rate


@frozen(kw_only=True)
class Measured:
    """How it went."""

    scene: Scene
    seconds: float
    given_up: int
    requests: int
    executed: dict[str, int]
    """How often the server did something, by operation and service."""

    @property
    def once(self) -> int:
        """Services that the server restarted exactly once."""
        return sum(self.executed.get(f"restart {name}") == 1 for name in self.scene.services)

    @property
    def refused(self) -> int:
        """Requests that the server refused."""
        return self.requests - sum(self.executed.values())

    def __str__(self) -> str:
        calls, least = self.scene.calls, self.scene.least
        return (
            f"{self.scene.what:<44}{calls:>7,}{least:>8.1f}{self.seconds:>10.1f}"
            f"{self.seconds / least:>7.2f}x{self.refused:>9,}{self.refused / calls:>8.2%}"
            f"{self.given_up:>9,}{self.once:>9,}"
        )


HEAD = (
    f"{'restarts':<44}{'calls':>7}{'least s':>8}{'took s':>10}"
    f"{'ratio':>8}{'refused':>9}{'share':>8}{'given up':>9}{'once':>9}"
)

Restart = Callable[[str, list[str]], Awaitable[int]]
"""Restarts services at an endpoint; returns how many it gave up."""


def serve(scene: Scene, tell: Connection) -> None:
    """Be a cloud until killed."""

    async def main() -> None:
        async with tenx.LocalCloud(token=TOKEN, quirks=scene.quirks) as cloud:
            for name in scene.services:
                cloud.add_service(name)
            tell.send(cloud.endpoint)
            await asyncio.Event().wait()

    asyncio.run(main())


def serving(scene: Scene) -> AbstractAsyncContextManager[str]:
    """A cloud in a process of its own; gives its endpoint."""
    return beside(serve, scene)


async def with_the_pool(endpoint: str, services: list[str]) -> int:
    """Restart through `SessionPool.run`."""
    async with tenx.SessionPool(
        endpoint=endpoint, username="demo", token=TOKEN, region=REGION, listener=unheard
    ) as pool:
        restart = pool.client().services.calls.restart
        return sum([not outcome.ok async for outcome in pool.run(map(restart, services))])


def unheard(_: object) -> None:
    """A table needs no log beside it."""


async def with_backoff(endpoint: str, services: list[str]) -> int:
    """Restart with aiohttp and tenacity: each request backs off for itself, ten attempts."""
    left = iter(services)
    async with aiohttp.ClientSession(headers=CREDENTIALS, raise_for_status=True) as session:

        @tenacity.retry(
            retry=tenacity.retry_if_exception_type(aiohttp.ClientResponseError),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=20),
            stop=tenacity.stop_after_attempt(10),
        )
        async def restart(name: str) -> None:
            url = f"{endpoint}/v1/regions/{REGION}/services/{name}/restart"
            async with session.put(url) as response:
                await response.read()

        workers = (work(left, restart) for _ in range(WIDTH))
        return sum(await asyncio.gather(*workers))


CREDENTIALS = {"username": "demo", "Authorization": f"token {TOKEN}"}


async def work(left: Iterator[str], restart: Callable[[str], Awaitable[None]]) -> int:
    """Take names until none is left; return how many were given up."""
    given_up = 0
    for name in left:
        try:
            await restart(name)
        except tenacity.RetryError:
            given_up += 1
    return given_up


async def measure(scene: Scene, restart: Restart) -> Measured:
    """Let one client restart all services of a new cloud."""
    async with serving(scene) as endpoint:
        began = time.perf_counter()
        given_up = await restart(endpoint, scene.services)
        seconds = time.perf_counter() - began
        async with (
            aiohttp.ClientSession(headers=CREDENTIALS) as session,
            session.get(f"{endpoint}/_control/truth") as response,
        ):
            truth = await response.json()
    return Measured(
        scene=scene,
        seconds=seconds,
        given_up=given_up,
        requests=sum(truth["requests"].values()),
        executed=truth["executed"],
    )


async def compare(calls: int, rate: float, peer_calls: int) -> None:
    """Print a row for each scene as it ends."""
    full = Scene(what="pool, 429 with Retry-After", calls=calls, rate=rate, retry_after=True)
    bare = evolve(full, what="pool, 429 without Retry-After", retry_after=False)
    small = evolve(bare, calls=peer_calls)
    peer = evolve(small, what="aiohttp + tenacity, backoff for each request")
    rows: list[tuple[Scene, Restart]] = [
        (full, with_the_pool),
        (bare, with_the_pool),
        (small, with_the_pool),
        (peer, with_backoff),
    ]
    print(HEAD)
    for scene, restart in rows:
        print(await measure(scene, restart), flush=True)


def main() -> None:
    """Read the options and compare."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.restarts")
    options.add_argument("--calls", type=int, default=5000)
    options.add_argument("--rate", type=float, default=40.0, help="calls a second, and the depth")
    options.add_argument("--peer-calls", type=int, default=1000, help="for the smaller rows")
    asked = options.parse_args()
    asyncio.run(compare(asked.calls, asked.rate, asked.peer_calls))


if __name__ == "__main__":
    main()
