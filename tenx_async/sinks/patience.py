"""What fails for now is done again until it succeeds, and it is told how that goes."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Literal

from attrs import define, field

from tenx_async.clock import sleep_unless
from tenx_async.errors import ServerError, SinkUnavailable, Throttled, TransportError
from tenx_async.logs.follow import Follower
from tenx_async.telemetry.events import DiscoveryFailed, SinkPaused, SinkResumed

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between two tries of a sink that cannot be used, or an API that does not answer."""
CANCELLED = "the sink has not ended its work: something in it was cancelled"
State = Literal["idle", "ok", "paused", "ended"]
Work = Callable[[], Awaitable[object]]


@define(eq=False)
class Patience:
    """Tries work with a sink by and by more seldom, until it is stopped."""

    lines: Follower = field(repr=False)
    """Are not asked for while the sink cannot take them."""
    stopping: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    state: State = field(default="idle", init=False)
    reason: str = field(default="", init=False)
    since: dt.datetime | None = field(default=None, init=False)

    async def insist(self, work: Work) -> bool:
        """Do something with the sink until it succeeds; tell whether it did before the stop."""
        wait, began = SHORTEST_PAUSE, self.lines.clock.monotonic()
        while True:
            try:
                await _whole(work)
            except SinkUnavailable as error:
                self._pause(error, wait)
            else:
                self._resume(began)
                return True
            if self.stopping.is_set():
                return False
            wait = await self._longer(wait)

    async def insist_on_answer(self, work: Work) -> bool:
        """Do the same where the API may not answer for now: a daemon may be up before it is."""
        wait = SHORTEST_PAUSE
        while True:
            try:
                return await self.insist(work)
            except (TransportError, ServerError, Throttled) as error:
                self.lines.emit(DiscoveryFailed(error=error, retry_in=wait))
            wait = await self._longer(wait)

    def become(self, state: State, reason: str = "") -> None:
        """Note how it is from now on."""
        self.state, self.reason, self.since = state, reason, self.lines.clock.now()

    def _pause(self, error: SinkUnavailable, wait: float) -> None:
        if self.state != "paused":
            self.lines.emit(SinkPaused(error=error, retry_in=wait))
            self.become("paused")
            self.lines.pause()
        self.reason = error.message

    def _resume(self, began: float) -> None:
        if self.state == "paused":
            self.lines.emit(SinkResumed(seconds=self.lines.clock.monotonic() - began))
        if self.state != "ok":
            self.become("ok")
            self.lines.go_on()

    async def _longer(self, wait: float) -> float:
        """Wait, unless it is stopped; tell how long to wait the next time."""
        await sleep_unless(self.lines.clock, wait, self.stopping.wait())
        return min(2 * wait, LONGEST_PAUSE)


async def _whole(work: Work) -> None:
    """Do work; where it is broken off, though nobody breaks off who waits for it, it has failed."""
    task = asyncio.current_task()
    try:
        await work()
    except asyncio.CancelledError as error:
        if task is None or task.cancelling():
            raise
        raise SinkUnavailable(CANCELLED) from error
