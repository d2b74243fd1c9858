"""The services API on raw sockets: fails as it is told, and counts what it executes."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Self

from attrs import define, evolve, field, frozen

from tenx_async.clock import Clock, SystemClock
from tests.transport.model import ServiceModel

PREFIX = "/v1/regions/beijing1/services/"
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "


class HangUpError(Exception):
    """Ends a connection."""


@frozen(kw_only=True)
class Request:
    """A request that arrived whole."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = b""

    @property
    def service(self) -> str:
        return self.path.removeprefix(PREFIX).partition("?")[0].partition("/")[0]

    @property
    def verb(self) -> str:
        action = self.path.partition("?")[0].removeprefix(PREFIX).partition("/")[2]
        return (
            action or {"GET": "get", "POST": "create", "PUT": "update"}.get(self.method) or "delete"
        )


@define
class Wire:
    """One connection, as the ways of failing use it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection with a RST instead of a FIN."""
        peer = self.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@frozen
class Answer:
    """What the service has to say to a request."""

    status: int = 200
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return self.status < 300


Way = Callable[[Wire, Answer], Awaitable[None]]
"""How an answer is brought to its caller, or is not."""


@frozen(kw_only=True)
class Act:
    """What the server does with one request."""

    way: Way
    executes: bool = True
    lands_after: float = 0.0
    """Seconds after which a write takes effect."""
    meanwhile: Callable[[RawServer], None] = field(default=lambda _: None)
    """What somebody else does at that moment."""


async def honestly(wire: Wire, answer: Answer) -> None:
    """Answer as one should."""
    await wire.send(head(answer.status, {"Content-Length": len(answer.body)}) + answer.body)


async def closing(wire: Wire, answer: Answer) -> None:
    """Answer, and close the connection."""
    length = {"Content-Length": len(answer.body), "Connection": "close"}
    await wire.send(head(answer.status, length) + answer.body)
    raise HangUpError


async def silently(wire: Wire, answer: Answer) -> None:
    """Say nothing, until the caller leaves."""
    while await wire.reader.read(1024):
        pass
    raise HangUpError


async def hanging_up(wire: Wire, answer: Answer) -> None:
    """Close without a word."""
    raise HangUpError


async def resetting(wire: Wire, answer: Answer) -> None:
    """Break the connection."""
    wire.reset()
    raise HangUpError


def saying(data: bytes) -> Way:
    """Send these bytes, and close."""

    async def way(wire: Wire, answer: Answer) -> None:
        await wire.send(data)
        raise HangUpError

    return way


def dripping(data: bytes, every: float = 0.01) -> Way:
    """Send one byte after the other, the last for ever."""

    async def way(wire: Wire, answer: Answer) -> None:
        for byte in data:
            await wire.send(bytes([byte]))
            await asyncio.sleep(every)
        while True:
            await wire.send(data[-1:])
            await asyncio.sleep(every)

    return way


def flooding(data: bytes) -> Way:
    """Send these bytes again and again."""

    async def way(wire: Wire, answer: Answer) -> None:
        while True:
            await wire.send(data)
            await asyncio.sleep(0.001)

    return way


def status(code: int, body: bytes = b"", **headers: object) -> Way:
    """Answer with this status, whatever happened."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def way(wire: Wire, answer: Answer) -> None:
        await wire.send(head(code, {"Content-Length": len(body), **named}) + body)

    return way


def head(code: int, headers: dict[str, Any]) -> bytes:
    """The first part of an answer."""
    lines = [f"HTTP/1.1 {code} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


HONEST = Act(way=honestly)


def fails(way: Way, *, executes: bool = False, lands_after: float = 0.0) -> Act:
    """Bring the answer in this way; a write is not executed, unless said so."""
    return Act(way=way, executes=executes, lands_after=lands_after)


@define(eq=False)
class RawServer:
    """Listens on a loopback port of the kernel's choice.

    Use it as `async with`. It takes connections at once unless made with `listens=False`, which
    keeps the port and refuses connections until `listen` is called.
    """

    clock: Clock = field(factory=SystemClock)
    listens: bool = True
    writes: Iterator[Act] = field(default=iter(()), converter=iter)
    """What is done with each write, in order; honest answers after the last."""
    reads: Iterator[Act] = field(default=iter(()), converter=iter)
    """What is done with each read."""
    doors: Iterator[Way] = field(default=iter(()), converter=iter)
    """What is done with each connection before anything is read; after the last it is served."""
    model: ServiceModel = field(init=False)
    requests: list[Request] = field(factory=list, init=False)
    connections: int = field(default=0, init=False)
    _arrival: asyncio.Event = field(factory=asyncio.Event, init=False)
    _landing: list[tuple[float, Request, Act]] = field(factory=list, init=False)
    _executed: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    _socket: socket.socket = field(init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self.model = ServiceModel(self.clock)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))

    async def __aenter__(self) -> Self:
        if self.listens:
            await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        self._socket.close()

    async def listen(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks that are the server's own."""
        return set(self._tasks)

    def do(self, *acts: Act, reads: Iterable[Act] = ()) -> None:
        """Say what is done with the next writes and reads."""
        self.writes, self.reads = iter(acts), iter(reads)

    def arrived(self, verb: str) -> int:
        """How many whole requests came."""
        return sum(request.verb == verb for request in self.requests)

    async def has_seen(self, verb: str) -> None:
        """Wait for a whole request."""
        while not self.arrived(verb):
            self._arrival.clear()
            await self._arrival.wait()

    def executed(self, verb: str, service: str = "web") -> int:
        """How often a write was carried out."""
        self._land()
        return self._executed[verb, service]

    @property
    def executions(self) -> Counter[tuple[str, str]]:
        """How often each write was carried out on each service."""
        self._land()
        return Counter(self._executed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        wire = Wire(reader, writer)
        try:
            if door := next(self.doors, None):
                await door(wire, Answer())
            while request := await _read(reader):
                await self._handle(request, wire)
        except (HangUpError, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # only `__aexit__` cancels
        finally:
            writer.close()

    async def _handle(self, request: Request, wire: Wire) -> None:
        self.requests.append(request)
        self._arrival.set()
        self._land()
        act = next(self.reads if request.method == "GET" else self.writes, HONEST)
        if request.method == "GET":
            answer = Answer(*self.model.show(request.service))
        elif not act.executes:
            answer = Answer()
        elif act.lands_after:
            due = self.clock.monotonic() + act.lands_after
            self._landing.append((due, request, act))
            answer = Answer()
        else:
            answer = self._execute(request, act)
        await act.way(wire, answer)

    def _execute(self, request: Request, act: Act) -> Answer:
        body = json.loads(request.body) if request.body else {}
        answer = Answer(*self.model.change(request.verb, request.service, body))
        self._executed[request.verb, request.service] += answer.is_success
        act.meanwhile(self)
        return answer

    def _land(self) -> None:
        """Let the late writes take effect whose time has come."""
        now = self.clock.monotonic()
        due = [landing for landing in self._landing if landing[0] <= now]
        self._landing = [landing for landing in self._landing if landing[0] > now]
        for _, request, act in due:
            self._execute(request, evolve(act, lands_after=0.0))


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = lines[0].split()
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method=method, path=path, headers=headers, body=body)
