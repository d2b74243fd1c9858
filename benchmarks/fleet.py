"""A fleet restarted in waves while answers are lost, services crash and calls are refused.

    python -m benchmarks.fleet [--services 2000] [--rate 40] [--lost 0.03] [--tick 1]

A local cloud in a process of its own loses the answers to some restarts after it did them, keeps
one service in fifty in a crash loop, and refuses calls beyond a rate. What was executed, and how
many services were away at once, is asked of it. The memory is that of the client's process.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
from attrs import frozen

import tenx_async as tenx
from benchmarks.processes import beside
from tenx_async.fleet.report import Report
from tenx_async.fleet.terms import count_of
from tenx_async.local.faults import Fault
from tenx_async.local.quirks import Quirks

TOKEN = "benchmark"
REGION = "beijing1"
CREDENTIALS = {"username": "demo", "Authorization": f"token {TOKEN}"}
MIB = 1024
"""`ru_maxrss` counts in KiB."""


@frozen(kw_only=True)
class Scene:
    """What is run."""

    services: int
    rate: float
    lost: float
    tick: float
    transition: float = 1.0
    """Seconds for which a restarted service is away."""
    max_unavailable: str = "10%"

    @property
    def names(self) -> list[str]:
        """Each is restarted once."""
        return [f"web-{number:05}" for number in range(self.services)]

    @property
    def crashing(self) -> set[str]:
        """One in fifty."""
        return {name for name in self.names if name.endswith(("17", "67"))}

    @property
    def quirks(self) -> Quirks:
        """How the server is when all services run."""
        return Quirks(
            transition=self.transition,
            crash_loops=("web-*[16]7",),
            calls_per_second=self.rate,
            burst=int(self.rate),
        )

    @property
    def faults(self) -> list[Fault]:
        """Restarts that are done, and their answers lost."""
        return [Fault("reset", rate=self.lost, operations=("restart",), after=True)]


def serve(scene: Scene, tell: Connection) -> None:
    """Be a cloud until killed."""

    async def main() -> None:
        async with tenx.LocalCloud(token=TOKEN) as cloud:
            for name in scene.names:
                cloud.add_service(name)
            cloud.quirks = scene.quirks
            cloud.faults = scene.faults
            tell.send(cloud.endpoint)
            await asyncio.Event().wait()

    asyncio.run(main())


def serving(scene: Scene) -> AbstractAsyncContextManager[str]:
    """A cloud in a process of its own; gives its endpoint."""
    return beside(serve, scene)


async def restart(endpoint: str, scene: Scene) -> Report:
    """Restart the whole fleet."""
    async with tenx.Client(
        endpoint=endpoint, username="demo", token=TOKEN, region=REGION, listener=unheard
    ) as client:
        return await client.fleet().restart(
            max_unavailable=scene.max_unavailable,
            max_failures="10%",
            stable=2 * scene.tick,
            tick=scene.tick,
            timeout=20 * scene.tick,
        )


def unheard(_: object) -> None:
    """A table needs no log beside it."""


async def truth(endpoint: str) -> Mapping[str, Any]:
    """What the server saw."""
    async with (
        aiohttp.ClientSession(headers=CREDENTIALS) as session,
        session.get(f"{endpoint}/_control/truth") as response,
    ):
        seen: Mapping[str, Any] = await response.json()
        return seen


async def measure(scene: Scene) -> None:
    """Restart a fleet, and print how it went."""
    idle = peak()
    async with serving(scene) as endpoint:
        began = time.perf_counter()
        report = await restart(endpoint, scene)
        seconds = time.perf_counter() - began
        used = peak()
        tell(scene, report, await truth(endpoint))
    print(f"{'seconds':<32}{seconds:.1f}, {seconds / scene.tick:.0f} ticks")
    print(f"{'peak memory of the client':<32}{used:.0f} MiB, {used - idle:.0f} above its start")


def peak() -> float:
    """The most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def tell(scene: Scene, report: Report, seen: Mapping[str, Any]) -> None:
    """Print what the client says against what the server saw."""
    executed = Counter(seen["executed"].get(f"restart {name}", 0) for name in scene.names)
    crashed = {one.service for one in report.outcomes if one.result == "failed"}
    bound = count_of(scene.max_unavailable, scene.services)
    rows = {
        "services": f"{scene.services:,}",
        "executed once": f"{executed[1]:,}",
        "executed twice": f"{sum(executed.values()) - executed[0] - executed[1]:,}",
        "most away at once": f"{seen['most_away']:,} of {bound:,}",
        "crash loops found": f"{len(crashed & scene.crashing):,} of {len(scene.crashing):,}",
        "results": dict(Counter(outcome.result for outcome in report.outcomes)),
        "groups": "; ".join(map(str, report.groups)),
        "stopped": report.stopped or "no",
        "calls": seen["requests"],
    }
    for what, value in rows.items():
        print(f"{what:<32}{value}")


def main() -> None:
    """Read the options and run."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.fleet")
    options.add_argument("--services", type=int, default=2000)
    options.add_argument("--rate", type=float, default=40.0, help="calls a second, and the depth")
    options.add_argument("--lost", type=float, default=0.03, help="part of the answers")
    options.add_argument("--tick", type=float, default=1.0, help="seconds between two looks")
    asked = options.parse_args()
    scene = Scene(services=asked.services, rate=asked.rate, lost=asked.lost, tick=asked.tick)
    asyncio.run(measure(scene))


if __name__ == "__main__":
    main()
