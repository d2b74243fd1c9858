"""Shipping into files and into SQLite against the plain iterator in batches, lines a second.

    python -m benchmarks.shipping [--lines N] [--rounds N]

A LocalCloud in a process of its own is the server of all; they take turns, and the medians are
compared. What is shipped is durable when the clock is stopped; the index that SQLite puts off
while a backlog waits is shown beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, cast

import tenx_async as tenx
from benchmarks.cloud import DAY, SIZE, Served, client_of, serving
from benchmarks.following import Row, in_batches
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.sink import Sink

KINDS: dict[str, Callable[[Path], Sink]] = {
    "files of JSON": tenx.FileSink,
    "files of text": lambda at: tenx.FileSink(at, form="text"),
    "SQLite": lambda at: tenx.SqliteSink(at / "lines.sqlite"),
}
GOALS = {"files of JSON": 0.6, "files of text": 0.6, "SQLite": 0.3}
REST: dict[str, list[float]] = defaultdict(list)
"""Lines a second, by what is shipped to, with what was put off until nothing waited."""


class Noted:
    """A sink that notes when its last lines were durable."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self.durable = sink, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Keep batches, and note it."""
        await self._sink.write(batches)
        self.durable = time.perf_counter()


async def shipped(endpoint: str, *, to: str, where: Path, lines: int) -> int:
    """Ship a day to the end of what is there; take the time until all of it is durable."""
    with tempfile.TemporaryDirectory(dir=where) as directory:
        async with client_of(endpoint) as client:
            sink = Noted(KINDS[to](Path(directory)))
            options: dict[str, Any] = {"order": "oldest-first", "since": DAY, "until": DAY}
            ship = tenx.Ship(
                client, cast("Sink", sink), "s0", follow=False, page_size=SIZE, **options
            )
            began = time.perf_counter()
            await ship.run()
            REST[to].append(lines / (time.perf_counter() - began))
            assert ship.status.lines == lines, ship.status
    return round(lines / (sink.durable - began))


async def rates(lines: int, rounds: int, where: Path) -> dict[str, list[float]]:
    """Lines a second, of the plain iterator and of each kind of sink, in turns."""
    found: dict[str, list[float]] = defaultdict(list)
    with serving(Served(lines)) as endpoint:
        for _ in range(rounds):
            began = time.perf_counter()
            found["plain"].append(await in_batches(endpoint) / (time.perf_counter() - began))
            for to in KINDS:
                found[to].append(await shipped(endpoint, to=to, where=where, lines=lines))
    return found


async def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--where", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    found = await rates(options.lines, options.rounds, options.where)
    plain = median(found["plain"])
    for to, goal in GOALS.items():
        durable, rest = median(found[to]), median(REST[to])
        figures = f"{durable:,.0f} : {plain:,.0f} lines/s"
        print(Row(f"shipping into {to} : the plain iterator", figures, durable / plain, goal))
        if rest < 0.95 * durable:
            print(f"  with what was put off (the index): {rest:,.0f} lines/s, {rest / plain:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
