"""Log pages a second that a LocalCloud serves, on one core with uvloop.

    python -m benchmarks.local_pages [SECONDS]

The cloud runs in a process of its own that is bound to one core; the pages have 100 lines. The
client sends requests that were prepared and looks at no more of an answer than its length, over
eight connections. The processor's time is the cloud's own: where the machine has something else to
do, pages a second of it tell more than pages a second of the clock.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import resource
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import cast

from attrs import define, field

from tenx_async.local import LocalCloud, Quirks

DAY = dt.date(2015, 12, 29)
REACH = 4_000
CONNECTIONS = 8
LINES = 10_000
SIZE = 100
QUIRKS = {
    "oldest-first": Quirks(),
    "newest-first": Quirks(log_order="newest-first"),
    "newest-page": Quirks(log_order="newest-page"),
    "swapped ties": Quirks(swap_ties=True),
}


def serve(pipe: Connection, quirks: Quirks) -> None:
    """Run a cloud until told to stop; tell its port, then the processor time it took."""
    import uvloop  # noqa: PLC0415 - an extra

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with LocalCloud(token="t", quirks=quirks) as cloud:
            cloud.add_service("web")
            for number in range(LINES):
                text = f"2015-12-29T12:00:00.{number:06}Z INFO GET /items/{number} 200 17 ms"
                cloud.append("web", text, date=DAY)
            pipe.send(cloud.port)
            before = resource.getrusage(resource.RUSAGE_SELF)
            await loop.run_in_executor(None, pipe.recv)
            after = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    uvloop.run(main())


@define(eq=False)
class Load(asyncio.Protocol):
    """Sends the next request when an answer has come."""

    request: bytes
    answers: int = 0
    _transport: asyncio.Transport = field(init=False)
    _received: bytearray = field(factory=bytearray, init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Count what is complete."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        assert head.startswith(b"http/1.1 200"), head
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._received) == end + 4 + length:
            self._received.clear()
            self.answers += 1
            self._transport.write(self.request)

    def stop(self) -> None:
        """Hang up."""
        self._transport.abort()


async def load(port: int, seconds: float) -> int:
    """Ask for pages for some seconds; tell how many came."""
    request = (
        f"GET /v1/regions/beijing1/services/web/logs?date=2015.12.29&from=5000&size={SIZE} "
        "HTTP/1.1\r\nHost: x\r\nusername: demo\r\nAuthorization: token t\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    loads = [
        (await loop.create_connection(lambda: Load(request), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    for each in loads:
        each.stop()
    return sum(each.answers for each in loads)


def main() -> int:
    """Measure, print, tell whether the reach was met."""
    import uvloop  # noqa: PLC0415 - an extra

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    print(f"pages of {SIZE} lines a second of:  the clock   the cloud's core")
    slowest = float("inf")
    for name, quirks in QUIRKS.items():
        ours, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=serve, args=(theirs, quirks), daemon=True)
        process.start()
        port = ours.recv()
        began = time.perf_counter()
        pages = uvloop.run(load(port, seconds))
        took = time.perf_counter() - began
        ours.send(None)
        busy = ours.recv()
        process.join()
        print(f"{name:<32}{pages / took:>9,.0f}{pages / busy:>19,.0f}")
        if quirks == Quirks():
            slowest = pages / busy
    print(f"reach: {REACH:,}, {'met' if slowest >= REACH else 'missed'} without quirks")
    return 0 if slowest >= REACH else 1


if __name__ == "__main__":
    sys.exit(main())
