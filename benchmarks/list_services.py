"""A list of 10,000 services: how long it takes to decode, and for how long nothing else goes on.

    python -m benchmarks.list_services [SERVICES] [ROUNDS]

The first table compares the reader of the client with cattrs on the same classes, set up as fast
as it goes. The second lists the services through the client while another task looks at the clock
every millisecond, and tells the longest that it had to wait: on the clock, and as CPU time of this
process, which tells the same where nothing else runs on the machine. Nearly all of it is one pass
of Python's garbage collector over all the new services.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import msgspec
from aiohttp import web
from cattrs import Converter
from cattrs.preconf.msgspec import make_converter

import tenx_async as tenx
from benchmarks.get import SERVICE
from tenx_async.api import operations


def listing(services: int, **more: Any) -> bytes:
    """The list of a fleet, as documented save for what is given."""
    one = msgspec.json.decode(SERVICE)
    return msgspec.json.encode(
        {
            "region": "beijing1",
            "services": [
                {**one, "name": f"web-{n}", "uid": f"00144651-304e-11e5-97b5-{n:012x}", **more}
                for n in range(services)
            ],
        }
    )


def prepared(converter: Converter) -> Converter:
    """Teach a converter the two types that are this package's own."""
    converter.register_structure_hook(tenx.Memory, lambda raw, _: tenx.Memory.parse(raw))
    converter.register_structure_hook(dt.datetime, lambda raw, _: dt.datetime.fromisoformat(raw))
    return converter


def peers() -> dict[str, Callable[[bytes], object]]:
    """Two ways to decode a list with cattrs, neither of which keeps what it does not know."""
    plain = prepared(Converter(detailed_validation=False))
    fast = prepared(make_converter(detailed_validation=False))
    services = list[tenx.Service]
    return {
        "cattrs": lambda body: plain.structure(msgspec.json.decode(body)["services"], services),
        "cattrs for msgspec": lambda body: fast.structure(
            msgspec.json.decode(body)["services"], services
        ),
    }


def seconds_of(decode: Callable[[bytes], object], body: bytes) -> float:
    """CPU time of one decoding; the collector of garbage begins it with nothing to do."""
    gc.collect()
    began = time.process_time()
    decode(body)
    return time.process_time() - began


def compare_decoding(services: int, rounds: int) -> None:
    """Let the ways to decode take turns."""
    read = operations.list_services("beijing1").read
    documented, other = listing(services), listing(services, labels={"tier": "web"})
    theirs = peers()
    turns = []
    for _ in range(rounds):
        best = min(seconds_of(decode, documented) for decode in theirs.values())
        turns.append((best, seconds_of(read, documented), seconds_of(read, other)))
    best, *ours = (statistics.median(side) for side in zip(*turns, strict=True))
    print(f"{f'decoding {services:,} services':<42}{'CPU, ms':>10}{'ratio':>8}")
    print(f"{'cattrs, the best of two ways':<42}{best * 1e3:>10.0f}{1:>7.2f}x")
    for what, number in {
        "the client, as documented": 1,
        "the client, each with a key more": 2,
    }.items():
        ratio = statistics.median(turn[number] / turn[0] for turn in turns)
        print(f"{what:<42}{ours[number - 1] * 1e3:>10.0f}{ratio:>7.2f}x")


def serve(tell: Connection, bodies: list[bytes]) -> None:
    """Answer with prepared lists, one a region, until killed."""

    async def main() -> None:
        app = web.Application()
        for number, body in enumerate(bodies):

            async def reply(_: web.Request, body: bytes = body) -> web.Response:
                return web.Response(body=body, content_type="application/json")

            app.router.add_get(f"/v1/regions/r{number}/services", reply)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tell.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def listed(endpoint: str, region: str) -> tuple[float, float, float]:
    """Seconds that a list takes; the longest that the loop waits, on the clock and of CPU."""
    async with tenx.Client(endpoint=endpoint, username="a", token="t", region=region) as client:
        gc.collect()
        began = looked = (time.perf_counter(), time.process_time())
        longest = waited = 0.0
        listing = asyncio.create_task(client.services.list())
        while not listing.done():
            await asyncio.sleep(0.001)
            now = (time.perf_counter(), time.process_time())
            longest, waited = max(longest, now[0] - looked[0]), max(waited, now[1] - looked[1])
            looked = now
        await listing
        return looked[0] - began[0], longest, waited


def watch_the_loop(services: int, rounds: int) -> None:
    """Start the server, list, stop it."""
    bodies = [listing(services), listing(services, labels={"a": "b"})]
    context = get_context("spawn")
    hear, tell = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(tell, bodies), daemon=True)
    server.start()
    try:
        endpoint = f"http://127.0.0.1:{hear.recv()}"
        head = f"{f'listing {services:,} services':<42}{'took':>10}{'longest wait':>16}{'CPU':>8}"
        print(head + "  ms, medians")
        for number, what in enumerate(["as documented", "each with a key more"]):
            turns = [asyncio.run(listed(endpoint, f"r{number}")) for _ in range(rounds)]
            took, wait, cpu = (statistics.median(side) * 1e3 for side in zip(*turns, strict=True))
            print(f"{what:<42}{took:>10.0f}{wait:>16.0f}{cpu:>8.0f}")
    finally:
        server.kill()
        server.join()


def main() -> None:
    """Print both tables."""
    services = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    compare_decoding(services, rounds)
    watch_the_loop(services, rounds)


if __name__ == "__main__":
    main()
