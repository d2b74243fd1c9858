"""A log server for benchmarks: a process of its own that answers from prepared bytes.

Every service has the same day of so many lines, oldest first. It listens on a loopback port with
bare asyncio streams' protocol, so that it takes little of the machine that it shares with what is
measured; `delay` seconds lie between a request and its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import re
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

import msgspec
from attrs import define, field, frozen

DAY = dt.datetime.now(dt.UTC).date()
_PAGE = re.compile(rb"^GET \S+/logs\?date=(\S+?)&from=(\d+)&size=(\d+) ")
_LIST = re.compile(rb"^GET \S+/services ")


@frozen
class Shelf:
    """What a server has."""

    lines: int
    services: int = 1
    delay: float = 0.0
    """Seconds from a request to its answer."""

    def line(self, number: int) -> bytes:
        """One entry, as it goes over the wire."""
        text = f"2015-12-29T12:00:00.{number:07}Z INFO GET /items/{number} 200 {number % 97} ms"
        return msgspec.json.encode({"instance_name": f"web-x{number % 3}", "log": text})

    def listing(self) -> bytes:
        """The list of all services."""
        names = ({"name": f"s{n}", "uid": f"u{n}", "status": "Running"} for n in range(self.services))
        return msgspec.json.encode({"region": "r", "services": list(names)})


@define
class _Connection(asyncio.Protocol):
    shelf: Shelf
    entries: list[bytes]
    listing: bytes
    transport: asyncio.Transport = field(init=False)
    asked: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.asked += data
        while b"\r\n\r\n" in self.asked:
            request, _, self.asked = self.asked.partition(b"\r\n\r\n")
            body = self.answer(request)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            send = functools.partial(self.transport.write, head % len(body) + body)
            asyncio.get_running_loop().call_later(self.shelf.delay, send) if self.shelf.delay else send()

    def answer(self, request: bytes) -> bytes:
        if page := _PAGE.match(request):
            start, size = int(page[2]), int(page[3])
            is_today = page[1].decode() == f"{DAY:%Y.%m.%d}"
            return b"[" + b",".join(self.entries[start : start + size] if is_today else []) + b"]"
        return self.listing if _LIST.match(request) else b"{}"


def _serve(tell: Connection, shelf: Shelf) -> None:
    async def main() -> None:
        entries = [shelf.line(number) for number in range(shelf.lines)]
        listing = shelf.listing()
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(shelf, entries, listing), "127.0.0.1", 0
        )
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextlib.contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    """Serve a shelf while the block runs; give its address."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs, shelf), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()
