"""Keeps one command of one instance running, as a container runtime would."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from tenx_async.local.child import Child, Write
from tenx_async.local.guard import Guard
from tenx_async.local.services import Instance

_LONGEST_START = 60.0
"""Seconds, should hundreds be started at once."""
LONGEST_PAUSE = 30
"""In units of the first pause."""


@frozen
class Terms:
    """How long things take, in seconds."""

    grace: float = 5.0
    """Between SIGTERM and SIGKILL."""
    pause: float = 1.0
    """Before a first new start; it doubles with each failure in a row."""
    proof: float = 0.2
    """How long a command runs before it counts as up."""


@define(eq=False)
class Worker:
    """Starts a command again and again until it is told to stop."""

    instance: Instance
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    memory: int | None
    write: Write = field(repr=False)
    terms: Terms
    guard: Guard = field(repr=False)
    _child: Child | None = field(default=None, init=False)
    _starting: asyncio.Timeout | None = field(default=None, init=False, repr=False)
    _pause: float = field(default=0.0, init=False)
    _since: float = field(default=0.0, init=False)
    _stopping: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    @property
    def is_up(self) -> bool:
        """Whether the command has run for longer than the pause that its last failure earned."""
        return self._child is not None and time.monotonic() - self._since >= max(
            self._pause, self.terms.proof
        )

    async def live(self) -> None:
        """Keep the command running until `stop()`, and its output to the last line."""
        while not self._stopping.is_set():
            ending = await self._run()
            if not self._stopping.is_set():
                await self._rest(ending)

    def stop(self) -> None:
        """Let the command end, and start it no more."""
        self._stopping.set()
        if self._child:
            self._child.terminate(self.terms.grace)
        elif self._starting:
            self._starting.reschedule(asyncio.get_running_loop().time() + self.terms.grace)

    async def _run(self) -> str:
        try:
            child = await self._start()
        except OSError as error:
            return f"cannot start {' '.join(self.command[:1]) or 'without a command'}: {error}"
        self._child, self._since, self.instance.message = child, time.monotonic(), ""
        if self._stopping.is_set():
            child.terminate(self.terms.grace)
        try:
            status = await child.ended()
        finally:
            self._pause = 0.0 if self.is_up else self._pause
            self._child = None
        return _ending(status)

    async def _start(self) -> Child:
        try:
            async with asyncio.timeout(_LONGEST_START) as self._starting:
                return await Child.start(
                    self.command,
                    environment=self.environment,
                    memory=self.memory,
                    write=self.write,
                    guard=self.guard,
                )
        except TimeoutError:
            raise OSError("nobody answers") from None
        finally:
            self._starting = None

    async def _rest(self, ending: str) -> None:
        longest = LONGEST_PAUSE * self.terms.pause
        self._pause = min(self._pause * 2, longest) or self.terms.pause
        self.instance.message = f"{ending}, starting again in {self._pause:g} s"
        self.instance.restarts += 1
        try:
            async with asyncio.timeout(self._pause):
                await self._stopping.wait()
        except TimeoutError:
            return


def _ending(status: int) -> str:
    return f"exited with status {status}" if status >= 0 else f"killed by {_signal(-status)}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
