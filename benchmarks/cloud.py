"""A LocalCloud in a process of its own, for benchmarks that read logs."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Iterator
from multiprocessing.connection import Connection

import msgspec
from attrs import frozen

import tenx_async as tenx
from benchmarks.processes import started
from tenx_async import LocalCloud
from tenx_async.local import Fault, Quirks

DAY = dt.datetime.now(dt.UTC).date()
REGION = "beijing1"
USERNAME, TOKEN = "demo", "benchmark"
SIZE = 1000
"""Entries of a page."""
HEADERS = {"username": USERNAME, "Authorization": f"token {TOKEN}"}


class Entry(msgspec.Struct):
    """What the peer decodes into."""

    instance_name: str
    log: str


PAGES = msgspec.json.Decoder(list[Entry])


def log_url(endpoint: str, service: str) -> str:
    """Where a service's log is read."""
    return f"{endpoint}/v1/regions/{REGION}/services/{service}/logs"


def page_params(from_: int) -> dict[str, str | int]:
    """The page of today's log that begins there."""
    return {"date": f"{DAY:%Y.%m.%d}", "from": from_, "size": SIZE}


def client_of(endpoint: str) -> tenx.Client:
    """A client with the settings of all."""
    return tenx.Client(endpoint=endpoint, region=REGION, username=USERNAME, token=TOKEN)


@frozen
class Served:
    """What a cloud has."""

    lines: int
    """In the log of today of its first service."""
    services: int = 1
    delay: float = 0.0
    """Seconds by which every answer comes late."""
    order: str = "oldest-first"


def _serve(served: Served, pipe: Connection) -> None:
    async def main() -> None:
        faults = [Fault("latency", seconds=served.delay)] if served.delay else []
        quirks = Quirks(log_order=served.order)  # type: ignore[arg-type]  # one of its texts
        async with LocalCloud(
            username=USERNAME, token=TOKEN, faults=faults, quirks=quirks
        ) as cloud:
            for number in range(served.services):
                cloud.add_service(f"s{number}")
            texts = (f"{n:07} INFO GET /items/{n} 200 {n % 97} ms" for n in range(served.lines))
            cloud.append("s0", *texts, date=DAY)
            pipe.send(cloud.endpoint)
            await asyncio.Event().wait()

    asyncio.run(main())


@contextlib.contextmanager
def serving(served: Served) -> Iterator[str]:
    """Serve while the block runs; give the address."""
    with started(_serve, served) as told:
        yield told.recv()
