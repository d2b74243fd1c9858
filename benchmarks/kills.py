"""Shipping that is killed with SIGKILL at random instants: the sink is to hold what was written.

    python -m benchmarks.kills --sink files|sqlite [--runs 200] [--seed 0] [--full] [--keep]

In each run a LocalCloud in a process of its own writes lines of three services and six instances,
hands them in late, inserts some further back, fails some requests, and passes a midnight, by a
clock that runs sixty times as fast as ours. A shipping process is started, killed and started
again; at last it may go on to the end. The multisets of (service, instance, text) are compared.

With `--full` it ships to a small file system in memory that is filled and cleared meanwhile, as
those that live and those that are killed write to it; for who may mount one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import logging
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from attrs import define, frozen

from tenx_async.client import Client
from tenx_async.local import Fault, LocalCloud, Quirks
from tenx_async.sinks.files import FileSink
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import Sink
from tenx_async.sinks.sqlite import SqliteSink

Line = tuple[str, str, str]
FORK = get_context("fork")
SERVICES = ("web", "api", "db")
SPEED = 60.0
MIDNIGHT = dt.datetime(2015, 12, 30, tzinfo=dt.UTC)
SECONDS = 1.2
"""Real ones in which lines are written, half of them before midnight."""
PATIENCE = 30.0
"""Real ones in which all has to arrive after the last kill."""
FAULTS = [
    Fault("error", rate=0.03, operations=("logs",)),
    Fault("reset", rate=0.03, operations=("logs",)),
    Fault("truncate", rate=0.03, operations=("logs",)),
]


class Place:
    """Where a sink is, with room enough."""

    def change(self) -> None:
        """Let others take room, or give it back."""

    def clear(self) -> None:
        """Have room enough."""


@frozen
class FullPlace(Place):
    """A small file system on which others leave little room, or none."""

    at: Path
    chance: random.Random

    @property
    def _others(self) -> Path:
        return self.at / "others"

    def change(self) -> None:
        """Fill it up to some KiB, or clear it."""
        self.clear()
        if self.chance.random() < 0.6:
            handle = os.open(self._others, os.O_WRONLY | os.O_CREAT)
            with contextlib.suppress(OSError):
                while os.write(handle, bytes(65536)):
                    pass
            left = self.chance.choice([0, 4, 30, 90]) * 1024
            os.ftruncate(handle, os.fstat(handle).st_size - left)
            os.close(handle)

    def clear(self) -> None:
        """Take away what others left there."""
        self._others.unlink(missing_ok=True)


@contextmanager
def place(at: Path, chance: random.Random, *, full: bool) -> Iterator[Place]:
    """Make room for a sink."""
    if not full:
        yield Place()
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", at], check=True)
    try:
        yield FullPlace(at, chance)
    finally:
        subprocess.run(["umount", at], check=True)


@frozen
class FastClock:
    """Runs sixty times as fast as the machine's, the same in all processes."""

    began: float

    def monotonic(self) -> float:
        """Seconds since it began."""
        return (time.time() - self.began) * SPEED

    def now(self) -> dt.datetime:
        """The time of day."""
        return MIDNIGHT + dt.timedelta(seconds=self.monotonic() - SECONDS / 2 * SPEED)

    async def sleep(self, seconds: float) -> None:
        """Wait, sixty times as short."""
        await asyncio.sleep(seconds / SPEED)


@define
class Writer:
    """Writes lines into a cloud, and knows which."""

    cloud: LocalCloud
    chance: random.Random
    truth: Counter[Line]

    async def write(self, clock: FastClock) -> None:
        """Write for a while."""
        while clock.monotonic() < SECONDS * SPEED:
            self._write(self.chance.choice(SERVICES))
            await asyncio.sleep(self.chance.choice([0, 0, 0.001, 0.005]))

    def _write(self, service: str) -> None:
        instance = f"{service}-{self.chance.randrange(2)}"
        texts = [self._text() for _ in range(self.chance.choice([1, 1, 3, 20]))]
        if self.chance.random() < 0.05:
            place = max(0, len(self.cloud.log(service)) - self.chance.randrange(1, 100))
            self.cloud.insert(service, *texts, position=place, instance=instance)
        else:
            self.cloud.append(service, *texts, instance=instance)
        self.truth.update((service, instance, text) for text in texts)

    def _text(self) -> str:
        if self.chance.random() < 0.2:
            return "tick"
        return f"line {self.chance.getrandbits(40)}"


def serve(pipe: Connection, seed: str, clock: FastClock) -> None:
    """Be the cloud; tell the address, then what was written, and serve on."""
    logging.disable()

    async def main() -> None:
        chance = random.Random(seed)
        quirks = Quirks(
            flush_every=chance.choice([0.0, 5.0, 20.0]),
            log_order=chance.choice(["oldest-first", "newest-first", "newest-page"]),
        )
        async with LocalCloud(
            token="kills", quirks=quirks, faults=FAULTS, seed=chance.randrange(100), clock=clock.now
        ) as cloud:
            for service in SERVICES:
                cloud.add_service(service, instances=2)
            pipe.send(cloud.endpoint)
            writer = Writer(cloud, chance, Counter())
            await writer.write(clock)
            pipe.send(writer.truth)
            await asyncio.Event().wait()

    asyncio.run(main())


def sink_of(kind: str, at: Path) -> Sink:
    return FileSink(at) if kind == "files" else SqliteSink(at / "lines.sqlite")


def ship(kind: str, at: Path, endpoint: str, clock: FastClock) -> None:
    """Ship until killed, or until asked to stop."""

    async def main() -> None:
        async with Client(
            endpoint=endpoint,
            region="beijing1",
            username="demo",
            token="kills",
            clock=clock,
            listener=lambda _: None,
        ) as client:
            shipping = Ship(
                client,
                sink_of(kind, at),
                flush_lines=200,
                flush_seconds=1.0,
                page_size=100,
                interval=(0.5, 2.0),
            )
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, shipping.stop)
            await shipping.run()

    asyncio.run(main())


def held(kind: str, at: Path) -> Counter[Line]:
    """What the sink holds."""
    if kind == "files":
        lines = [
            json.loads(line)
            for path in at.glob("*.jsonl")
            for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]
        return Counter((one["service"], one["instance_name"], one["log"]) for one in lines)
    with contextlib.closing(sqlite3.connect(at / "lines.sqlite")) as database:
        return Counter(database.execute("select service, instance, log from lines").fetchall())


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or for too long."""
    began = time.monotonic()
    while not condition() and time.monotonic() - began < PATIENCE:
        time.sleep(0.05)


def run(
    kind: str, seed: str, at: Path, *, full: bool
) -> tuple[int, int, Counter[Line], Counter[Line]]:
    """One history: how many kills and lines; what is missing, and what is there too often."""
    chance = random.Random(f"{seed}/kills")
    with place(at, chance, full=full) as room:
        return kill_and_compare(kind, seed, at, chance, room)


def kill_and_compare(
    kind: str, seed: str, at: Path, chance: random.Random, room: Place
) -> tuple[int, int, Counter[Line], Counter[Line]]:
    clock = FastClock(time.time() + 0.05)
    ours, theirs = FORK.Pipe()
    cloud = FORK.Process(target=serve, args=(theirs, seed, clock), daemon=True)
    cloud.start()
    endpoint, kills = ours.recv(), 0
    try:
        while not ours.poll():
            child = FORK.Process(target=ship, args=(kind, at, endpoint, clock), daemon=True)
            child.start()
            lives = chance.uniform(0.01, 0.5) if chance.random() < 0.7 else 0.03
            for _ in range(3):
                ours.poll(lives / 3)
                room.change()
            child.kill()
            child.join()
            kills += 1
        truth = ours.recv()
        child = FORK.Process(target=ship, args=(kind, at, endpoint, clock), daemon=True)
        child.start()
        time.sleep(0.1)
        room.clear()
        wait_for(lambda: (at / ".tenx").exists() or (at / "lines.sqlite").exists())
        time.sleep(0.1)
        wait_for(lambda: held(kind, at).total() >= truth.total())
        time.sleep(0.1)
        child.terminate()
        child.join()
    finally:
        cloud.kill()
        cloud.join()
    found = held(kind, at)
    return kills, truth.total(), truth - found, found - truth


def main() -> None:
    """Read the options, run, and end with 1 if any run came out wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills")
    parser.add_argument("--sink", choices=["files", "sqlite"], required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--full", action="store_true", help="with little room or none, in turns")
    parser.add_argument("--keep", action="store_true", help="leave what came out wrong")
    options = parser.parse_args()
    wrong, kills, lines = 0, 0, 0
    for number in range(options.runs):
        seed, at = f"{options.seed}/{number}", Path(tempfile.mkdtemp(prefix="tenx-kills-"))
        killed, written, lost, repeated = run(options.sink, seed, at, full=options.full)
        kills, lines = kills + killed, lines + written
        if lost or repeated:
            wrong += 1
            print(f"seed {seed}: {lost.total()} lost, {repeated.total()} too often, in {at}")
            print(*lost.most_common(3), *repeated.most_common(3), sep="\n  ", flush=True)
        if not (options.keep and (lost or repeated)):
            shutil.rmtree(at)
    verdict = f"{wrong} WRONG" if wrong else "all exact"
    print(
        f"{options.sink}{', full' * options.full}, seed {options.seed}: {options.runs} runs, "
        f"{kills:,} kills, "
        f"{lines:,} lines: {verdict}"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
