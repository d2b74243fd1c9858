"""Shipping many services for long: whether it holds its memory, and keeps up.

    python -m benchmarks.steady [--sink files|sqlite] [--services N] [--minutes M]

A LocalCloud in a process of its own writes a line a second for each service. Every half minute it
is told how many lines were written to the sink, and how much memory the shipping process takes;
at the end, what of the lines that were written is missing in the sink, or is there twice.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from attrs import frozen

import tenx_async as tenx
from benchmarks.kills import Line, held, sink_of
from benchmarks.processes import started
from benchmarks.silent import memory

TOKEN = "steady"
EVERY = 30.0
TICKS = 10
"""A second."""


@frozen
class Scene:
    """How many services write, and for how long."""

    services: int
    seconds: float


def serve(scene: Scene, pipe: Connection) -> None:
    """Be the cloud; tell the address, then what was written, and serve on."""

    async def main() -> None:
        async with tenx.LocalCloud(token=TOKEN) as cloud:
            names = [f"s{number}" for number in range(scene.services)]
            for name in names:
                cloud.add_service(name)
            pipe.send(cloud.endpoint)
            pipe.send(await write(cloud, names, scene.seconds))
            await asyncio.Event().wait()

    asyncio.run(main())


async def write(cloud: tenx.LocalCloud, names: list[str], seconds: float) -> Counter[Line]:
    """Write a line a second for each service, and tell what was written."""
    truth: Counter[Line] = Counter()
    chance, began = random.Random(0), time.monotonic()
    for tick in range(round(seconds * TICKS)):
        await asyncio.sleep(max(0.0, began + tick / TICKS - time.monotonic()))
        for name in chance.sample(names, len(names) // TICKS):
            text = f"INFO GET /items/{chance.getrandbits(40)} 200"
            cloud.append(name, text, instance=f"{name}-1")
            truth[name, f"{name}-1", text] += 1
    return truth


async def ship(pipe: Connection, kind: str, at: Path) -> Counter[Line]:
    """Ship until all is there; tell what was written."""
    began = time.monotonic()
    account = {"endpoint": pipe.recv(), "username": "demo", "token": TOKEN}
    async with (
        tenx.Client(region="beijing1", **account) as client,
        tenx.Ship(client, sink_of(kind, at)) as shipping,
    ):
        while not pipe.poll():
            await asyncio.sleep(EVERY)
            passed, lines = time.monotonic() - began, shipping.status.lines
            print(f"{passed:6.0f} s {lines:10,} lines {memory():8.1f} MiB", flush=True)
        truth: Counter[Line] = pipe.recv()
        while shipping.status.lines < truth.total():  # noqa: ASYNC110  # it tells no one
            await asyncio.sleep(0.5)
    return truth


def main() -> None:
    """Read the options, and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steady")
    parser.add_argument("--sink", choices=["files", "sqlite"], default="files")
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    with (
        started(serve, Scene(options.services, options.minutes * 60)) as pipe,
        tempfile.TemporaryDirectory() as directory,
    ):
        truth = asyncio.run(ship(pipe, options.sink, Path(directory)))
        found = held(options.sink, Path(directory))
    lost, repeated = (truth - found).total(), (found - truth).total()
    print(f"{truth.total():,} lines written: {lost:,} lost, {repeated:,} repeated")


if __name__ == "__main__":
    main()
