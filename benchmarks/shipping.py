"""Shipping into files and into SQLite against the plain iterator in batches, lines a second.

    python -m benchmarks.shipping [--lines N] [--rounds N]

A LocalCloud in a process of its own is the server of all; they take turns, and the medians are
compared. What is shipped is durable, and indexed, when the clock is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from functools import partial
from pathlib import Path

import tenx_async as tenx
from benchmarks.cloud import DAY, SIZE, Served, client_of
from benchmarks.following import Row, compare, in_batches
from tenx_async.sinks.sink import Sink


async def shipped(endpoint: str, *, to: str, where: Path) -> int:
    """Ship a day to the end of what is there."""
    with tempfile.TemporaryDirectory(dir=where) as directory:
        sink: Sink = (
            tenx.FileSink(directory)
            if to == "files"
            else tenx.SqliteSink(Path(directory) / "lines.sqlite")
        )
        async with client_of(endpoint) as client:
            ship = tenx.Ship(
                client,
                sink,
                "s0",
                follow=False,
                order="oldest-first",
                since=DAY,
                until=DAY,
                page_size=SIZE,
            )
            await ship.run()
    return ship.status.lines


async def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--where", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    files = partial(shipped, to="files", where=options.where)
    sqlite = partial(shipped, to="sqlite", where=options.where)
    plain, in_files, in_sqlite = await compare(
        Served(options.lines), [in_batches, files, sqlite], options.rounds
    )
    for name, rate, goal in [("files", in_files, 0.6), ("SQLite", in_sqlite, 0.3)]:
        figures = f"{rate:,.0f} : {plain:,.0f} lines/s"
        print(Row(f"shipping into {name} : the plain iterator", figures, rate / plain, goal))


if __name__ == "__main__":
    asyncio.run(main())
