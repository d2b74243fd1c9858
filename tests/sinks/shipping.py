"""What ships lines of a cloud without sockets, and reads back where they went."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import define, field

from tenx_async.logs.follow import Follower
from tenx_async.logs.order import Habits, Order
from tenx_async.sinks.files import FileSink
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import Sink
from tenx_async.sinks.sqlite import SqliteSink
from tenx_async.telemetry.events import Event
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower

Line = tuple[str, str]


@define
class FakeClient:
    """Follows the fake cloud."""

    fake: FakeCloud
    order: Order | None = Order.OLDEST_FIRST
    events: list[Event] = field(factory=list)

    def follow(self, *patterns: str, **options: Any) -> Follower:
        lines, self.events = follower(
            self.fake, *patterns, habits=Habits(40, self.order), **options
        )
        return lines


def in_files(directory: Path) -> Counter[Line]:
    """What the JSON lines of a directory hold."""
    lines = [
        json.loads(line)
        for path in sorted(directory.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return Counter((line["service"], line["log"]) for line in lines)


def in_sqlite(path: Path) -> Counter[Line]:
    """What a file's lines are."""
    with closing(sqlite3.connect(path)) as database:
        return Counter(database.execute("select service, log from lines").fetchall())


def contents(directory: Path) -> dict[Path, bytes]:
    """What all files of a directory hold."""
    return {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}


KINDS: dict[str, tuple[Callable[[Path], Sink], Callable[[Path], Counter[Line]]]] = {
    "a file for each day": (FileSink, in_files),
    "one file": (lambda at: FileSink(at, per_service=False, rotate_daily=False), in_files),
    "small files": (lambda at: FileSink(at, rotate_size=2_000, rotate_daily=False), in_files),
    "sqlite": (
        lambda at: SqliteSink(at / "lines.sqlite"),
        lambda at: in_sqlite(at / "lines.sqlite"),
    ),
}


async def all_written(ship: Ship, fake: FakeCloud, read: Callable[[], Counter[Line]]) -> None:
    """Wait until everything is where it goes; nothing is read while it is written."""
    await until(lambda: ship.status.state == "ok")
    await until(lambda: not ship.status.waiting and read() == fake.written)


async def begun(ship: Ship) -> None:
    """Wait until all that is there has been looked at."""
    await until(lambda: bool(ship.status.sources) and ship.status.lag is not None)


async def paused(ship: Ship) -> None:
    """Wait until the sink turns out not to take lines."""
    await until(lambda: ship.status.state == "paused")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the threads that write."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # a thread tells no one
            await asyncio.sleep(0.002)
