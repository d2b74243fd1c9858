"""One child process: its start, its output as lines, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Self

from attrs import define, field

from tenx_async.local.guard import Guard

MAX_LINE = 1 << 20
"""Bytes; a longer line is cut."""
_LAST_OUTPUT_SECONDS = 1.0
PATIENCE = 2.0
"""Seconds in which a keeper has to end its command when the grace is over."""

Write = Callable[[list[str]], None]


@define
class LineSplitter:
    """Cuts a stream of bytes into lines without their newline."""

    _rest: bytearray = field(factory=bytearray, init=False)

    def feed(self, data: bytes) -> list[str]:
        """Take bytes in; give the lines that they complete."""
        self._rest += data
        if b"\n" not in data and len(self._rest) <= MAX_LINE:
            return []
        *lines, last = bytes(self._rest).split(b"\n")
        *pieces, rest = _cut(last)
        self._rest = bytearray(rest)
        whole = [piece for line in lines for piece in _cut(line)]
        return [piece.decode(errors="replace") for piece in whole + pieces]

    def end(self) -> list[str]:
        """Give the last line, if it has no newline."""
        return [self._rest.decode(errors="replace")] if self._rest else []


def _cut(line: bytes) -> list[bytes]:
    return [line[at : at + MAX_LINE] for at in range(0, len(line), MAX_LINE)] or [line]


@define(eq=False, slots=False)
class _Output(asyncio.Protocol):
    write: Write
    splitter: LineSplitter = field(factory=LineSplitter)
    ended: asyncio.Event = field(factory=asyncio.Event)

    def data_received(self, data: bytes) -> None:
        if lines := self.splitter.feed(data):
            self.write(lines)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if lines := self.splitter.end():
            self.write(lines)
        self.ended.set()


@define(eq=False)
class Child:
    """A running command, in a session and process group of its own, and all that comes of it."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _output: _Output
    _pipe: asyncio.ReadTransport
    _keeper: int = field(default=0, init=False)
    _overdue: asyncio.TimerHandle | None = field(default=None, init=False)

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        memory: int | None,
        write: Write,
        guard: Guard,
    ) -> Self:
        """Start a command whose lines go to `write`; `memory` limits its address space, in bytes.

        Raises:
            OSError: it cannot be started.
        """
        child = await cls._join(*guard.engage(), write)
        try:
            await child.begin({"command": command, "environment": environment, "memory": memory})
        except BaseException:
            child.leave()
            raise
        return child

    @classmethod
    async def _join(cls, control: socket.socket, output: BinaryIO, write: Write) -> Self:
        loop = asyncio.get_running_loop()
        try:
            pipe, lines = await loop.connect_read_pipe(lambda: _Output(write), output)
        except BaseException:
            control.close()
            raise
        try:
            reader, writer = await asyncio.open_unix_connection(sock=control)
        except BaseException:
            pipe.close()
            raise
        return cls(reader, writer, lines, pipe)

    async def begin(self, order: dict[str, Any]) -> None:
        """Give the keeper its order, and hear whether it could be done."""
        self._writer.write(json.dumps(order).encode() + b"\n")
        self._keeper = (await self._news()).get("keeper", 0)
        news = await self._news()
        if "command" not in news:
            self._keeper = 0
            raise OSError(news.get("failure", "its keeper has died"))

    def terminate(self, grace: float) -> None:
        """Ask everything to end; kill what is left after `grace` seconds."""
        self._writer.write(f"{grace}\n".encode())
        if self._overdue:
            self._overdue.cancel()
        loop = asyncio.get_running_loop()
        self._overdue = loop.call_later(grace + PATIENCE, self._kill_keeper)

    async def ended(self) -> int:
        """Wait until nothing is left; give the exit status of the command."""
        try:
            news = await self._news()
            self._keeper = 0
            with suppress(TimeoutError):  # who sent the pipe elsewhere is not waited for
                async with asyncio.timeout(_LAST_OUTPUT_SECONDS):
                    await self._output.ended.wait()
        finally:
            self.leave()
        return int(news.get("status", -signal.SIGKILL))

    async def _news(self) -> dict[str, Any]:
        """What the keeper says; nothing if it is dead."""
        try:
            said = await self._reader.readline()
        except ConnectionError:
            said = b""
        return dict(json.loads(said)) if said else {}

    def leave(self) -> None:
        """Hear no more of it; what is left of it is killed."""
        if self._overdue:
            self._overdue.cancel()
        self._writer.close()
        self._pipe.close()
        self._kill_keeper()

    def _kill_keeper(self) -> None:
        """Let the guard do the work of a keeper that does not, since somebody has stopped it."""
        if self._keeper:
            with suppress(ProcessLookupError):
                os.kill(self._keeper, signal.SIGKILL)
