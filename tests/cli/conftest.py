from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Self

import pytest
from attrs import define, field, frozen

from tenx_async import LocalCloud

DEADLINE = 20.0
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def command(*arguments: str) -> list[str]:
    """The command line as it is run, with warnings that nobody may cause."""
    return [sys.executable, "-W", "always", "-m", "tenx_async", *arguments]


def variables(cloud: LocalCloud) -> dict[str, str]:
    """What the account of a local cloud sets."""
    return {
        "TENX_ENDPOINT": cloud.endpoint,
        "TENX_USERNAME": cloud.username,
        "TENX_TOKEN": cloud.token,
        "TENX_REGION": "beijing1",
        "NO_COLOR": "",
    }


def plain(text: str) -> str:
    """A text without its colours."""
    return _ESCAPE.sub("", text)


@frozen
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The only line on standard error."""
        (line,) = self.err.splitlines()
        return line


@define
class Running:
    """A command that runs, with pipes for all that it says."""

    process: asyncio.subprocess.Process
    out: str = ""
    err: str = ""

    async def until(self, text: str, stream: str = "out") -> Self:
        """Read until a text has come."""
        async with asyncio.timeout(DEADLINE):
            while text not in getattr(self, stream):
                source = getattr(self.process, f"std{stream}")
                data = await source.read(65536)
                assert data, f"it ended without {text!r}: {self}"
                setattr(self, stream, getattr(self, stream) + data.decode())
        return self

    async def end(self, number: int | None = None) -> Ended:
        """Send a signal, and read to the end."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            out, err = await self.process.communicate()
        return Ended(self.process.returncode or 0, self.out + out.decode(), self.err + err.decode())


@define
class Terminal:
    """A command that runs on a terminal."""

    process: asyncio.subprocess.Process
    keyboard: int
    shown: str = ""
    _more: asyncio.Event = field(factory=asyncio.Event)

    def read(self) -> None:
        """Take in what is shown."""
        try:
            data = os.read(self.keyboard, 65536)
        except OSError:
            data = b""  # Linux says so when the other end is closed
        if not data:
            asyncio.get_running_loop().remove_reader(self.keyboard)
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        self._more.set()

    async def until(self, text: str) -> str:
        """Wait until a text is shown, colours aside."""
        async with asyncio.timeout(DEADLINE):
            while text not in plain(self.shown):
                self._more.clear()
                await self._more.wait()
        return self.shown

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self.keyboard, text.encode())

    async def end(self, number: int | None = None) -> int:
        """Send a signal and wait for the exit status."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()


@frozen
class Shell:
    """Runs commands with an account's variables."""

    variables: dict[str, str]
    folder: Path
    stdin: int | IO[bytes] = asyncio.subprocess.DEVNULL
    _running: list[Running] = field(factory=list, init=False)

    def environment(self, **changes: str) -> dict[str, str]:
        """The variables of a command; an empty one is left out."""
        merged = {**os.environ, "TERM": "xterm-256color", **self.variables, **changes}
        return {name: value for name, value in merged.items() if value}

    async def start(self, *arguments: str, **changes: str) -> Running:
        """Start a command."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command(*arguments),
            stdin=self.stdin,
            stdout=pipe,
            stderr=pipe,
            env=self.environment(**changes),
            cwd=self.folder,
        )
        self._running.append(Running(process))
        return self._running[-1]

    async def close(self) -> None:
        """End what a failed test has left."""
        for running in self._running:
            if running.process.returncode is None:
                await running.end(signal.SIGKILL)

    async def __call__(self, *arguments: str, **changes: str) -> Ended:
        """Run a command to its end."""
        return await (await self.start(*arguments, **changes)).end()

    @asynccontextmanager
    async def terminal(self, *arguments: str, **changes: str) -> AsyncIterator[Terminal]:
        """Run a command on a terminal; it is killed if it still runs at the end."""
        keyboard, screen = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *command(*arguments),
            stdin=screen,
            stdout=screen,
            stderr=screen,
            env=self.environment(**changes),
            cwd=self.folder,
        )
        os.close(screen)
        terminal = Terminal(process, keyboard)
        asyncio.get_running_loop().add_reader(keyboard, terminal.read)
        try:
            yield terminal
        finally:
            if process.returncode is None:
                await terminal.end(signal.SIGKILL)
            asyncio.get_running_loop().remove_reader(keyboard)
            os.close(keyboard)


@pytest.fixture
async def tenx(cloud: LocalCloud, tmp_path: Path) -> AsyncIterator[Shell]:
    """The command line, as the account of the local cloud."""
    shell = Shell(variables(cloud), tmp_path)
    yield shell
    await shell.close()


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Shell]:
    """The command line, without an account."""
    shell = Shell({}, tmp_path)
    yield shell
    await shell.close()
