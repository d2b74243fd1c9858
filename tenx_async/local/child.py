"""One child process: its start, its output as lines, its end."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from attrs import define, field

from tenx_async.local import launch

MAX_LINE = 1 << 20
"""Bytes; a longer line is cut."""
_LAST_OUTPUT_SECONDS = 1.0
_POLL_SECONDS = 0.05

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
    """A running command, in a session and process group of its own."""

    _process: subprocess.Popen[bytes]
    _output: _Output
    _pipe: asyncio.ReadTransport
    _killing: asyncio.TimerHandle | None = field(default=None, init=False)

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        memory: int | None,
        write: Write,
    ) -> Self:
        """Start a command whose lines go to `write`; `memory` limits its address space, in bytes.

        Raises:
            OSError: it cannot be started.
        """
        process = _open(_limited(command, environment, memory) if memory else command, environment)
        try:
            loop = asyncio.get_running_loop()
            pipe, output = await loop.connect_read_pipe(lambda: _Output(write), process.stdout)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return cls(process, output, pipe)

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self._process.pid

    def terminate(self, grace: float) -> None:
        """Ask the group to end; kill it after `grace` seconds."""
        self._signal(signal.SIGTERM)
        if self._killing:
            self._killing.cancel()
        loop = asyncio.get_running_loop()
        self._killing = loop.call_later(grace, self._signal, signal.SIGKILL)

    async def ended(self) -> int:
        """Wait for the end of the process and of its output; give its exit status."""
        try:
            await _exited(self._process)
            if not self._killing:
                self._signal(signal.SIGKILL)
            await self._last_output()
        finally:
            status = self._clear_away()
        return status

    async def _last_output(self) -> None:
        """Read on while others of the group still write; who left the group is not waited for."""
        killed = self._killing.when() if self._killing else asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(killed + _LAST_OUTPUT_SECONDS):
                await self._output.ended.wait()

    def _clear_away(self) -> int:
        if self._killing:
            self._killing.cancel()
        self._signal(signal.SIGKILL)
        self._pipe.close()
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _limited(command: Sequence[str], environment: Mapping[str, str], memory: int) -> list[str]:
    """A limit set from here would come too late for a quick process, so a launcher sets it."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    if not program:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    return [sys.executable, "-I", "-S", launch.__file__, str(memory), *command]


def _open(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - to run what its user declares is what a cloud is for
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
    )


async def _exited(process: subprocess.Popen[bytes]) -> None:
    """Wait without reaping where that can be, so that the group's number stays taken."""
    if sys.platform != "linux":
        while process.poll() is None:  # noqa: ASYNC110 - no event tells it everywhere
            await asyncio.sleep(_POLL_SECONDS)
        return
    loop, over, descriptor = asyncio.get_running_loop(), asyncio.Event(), os.pidfd_open(process.pid)
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
