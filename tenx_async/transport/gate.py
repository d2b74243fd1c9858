"""The one gate that every call of an account passes: places, pace, shared pauses, budgets."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import random
from collections.abc import Callable
from typing import NamedTuple

from attrs import define, field

from tenx_async.clock import Clock
from tenx_async.errors import DeadlineExceeded, ServerError, Throttled, TimedOut
from tenx_async.telemetry.events import Listener, Paused
from tenx_async.transport.budgets import CallBudget, RetryBudget
from tenx_async.transport.concurrency import ConcurrencyLimit
from tenx_async.transport.pace import Pace
from tenx_async.transport.verdict import AttemptFailed, Verdict

_LONGEST_BLIND_PAUSE = 20.0


class Entry(NamedTuple):
    """When a call passed the gate."""

    began: float
    """By the clock's `monotonic`."""
    at: dt.datetime
    """The time of day: the call is one of that day's."""


@define(kw_only=True, eq=False)
class Gate:
    """Lets calls through one after the other, as many and as fast as the server bears."""

    clock: Clock = field(repr=False)
    emit: Listener = field(repr=False)
    concurrency: ConcurrencyLimit = field(factory=ConcurrencyLimit)
    pace: Pace = field(factory=Pace)
    retries: RetryBudget = field(factory=RetryBudget)
    calls: CallBudget = field(factory=CallBudget)
    chance: Callable[[], float] = field(default=random.random, repr=False)
    in_flight: int = field(default=0, init=False)
    paused_until: float = -math.inf
    """By the clock's `monotonic`."""
    _throttles: int = field(default=0, init=False, repr=False)
    """Throttles in a row, those that come together counted once."""
    _waiting: int = field(default=0, init=False, repr=False)
    """Calls that are before the gate."""
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)
    _freed: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    def has_room(self, calls: int) -> bool:
        """Tell whether one more may try to call beside so many who do nothing else."""
        return min(calls, self.in_flight) < self.concurrency.limit

    def enter_at_once(self, operation: object) -> Entry | None:
        """Take a place as `enter` does if there is no need to wait; else nothing happens."""
        now = self.clock.monotonic()
        if self._waiting or self._wait(now) != 0.0:
            return None
        return self._take(now, operation)

    async def enter(self, operation: object, deadline: float = math.inf) -> Entry:
        """Wait for a turn and take a place, which `leave` or `abandon` gives back.

        Raises:
            QuotaExceeded: the day's calls are spent.
            DeadlineExceeded: the turn would come too late.
        """
        self._waiting += 1
        try:
            async with self._turn:
                return await self._pass(operation, deadline)
        finally:
            self._waiting -= 1

    async def enter_beside(self, operation: object, deadline: float = math.inf) -> Entry:
        """Enter as a look at what another call does, which may hold the last place meanwhile.

        There is one more place for all of these, and they wait for no turn.
        """
        return await self._pass(operation, deadline, more=1)

    async def _pass(self, operation: object, deadline: float, more: int = 0) -> Entry:
        while (wait := self._wait(now := self.clock.monotonic(), more)) != 0.0:
            if wait == math.inf:
                self._freed.clear()
                await self._freed.wait()
            elif now + wait > deadline:
                raise DeadlineExceeded(
                    f"its turn would come in {wait:.1f} s, after its deadline",
                    operation=str(operation),
                )
            else:
                await self.clock.sleep(wait)
        return self._take(now, operation)

    def _take(self, now: float, operation: object) -> Entry:
        entry = Entry(now, self.clock.now())
        self.calls.spend(entry.at, operation)
        self.pace.take(now)
        self.in_flight += 1
        return entry

    def leave(self, entry: Entry) -> None:
        """Give a place back after a call that succeeded."""
        self._answered(entry)
        self.retries.refund(1.0)
        self._give_back()

    def leave_failed(self, entry: Entry, failure: AttemptFailed) -> None:
        """Give a place back after a call that did not succeed."""
        now = self.clock.monotonic()
        try:
            if failure.verdict is Verdict.REFUSED:
                self._answered(entry)
            elif failure.verdict is Verdict.NOT_SENT:
                self.calls.take_back(entry.at)
            elif failure.verdict is Verdict.REJECTED:
                self._throttled(now, failure)
            if _means_overload(failure):
                self.concurrency.overloaded(now)
        finally:
            self._give_back()

    def abandon(self) -> None:
        """Give a place back after a call that was cancelled."""
        self._give_back()

    def pay(self, cost: float) -> bool:
        """Take what a retry costs; if there is not so much, pause and then probe with one call."""
        if self.retries.draw(cost):
            return True
        if self.clock.monotonic() >= self.paused_until:
            self.pause(self.retries.probe(), "too many calls failed lately")
        return False

    def pause(self, seconds: float, reason: str) -> None:
        """Hold every call back for a while."""
        now = self.clock.monotonic()
        is_new = now >= self.paused_until
        self.paused_until = max(self.paused_until, now + seconds)
        if is_new:
            self.emit(Paused(seconds=seconds, reason=reason))

    def _wait(self, now: float, more: int = 0) -> float:
        """Seconds until the next call may go; infinity while there is no place."""
        if self.in_flight >= (1 if self.retries.probes else self.concurrency.limit) + more:
            return math.inf
        return max(0.0, self.paused_until - now, self.pace.delay(now))

    def _answered(self, entry: Entry) -> None:
        now = self.clock.monotonic()
        self.concurrency.answered(now - entry.began, self.in_flight)
        self.pace.accepted(now)
        self.retries.answered()
        self._throttles = 0

    def _throttled(self, now: float, failure: AttemptFailed) -> None:
        self.pace.refused(now)
        if failure.retry_after is not None:
            self.pause(failure.retry_after * (1 + self.chance() / 10), "the server asks to wait")
        elif now >= self.paused_until:
            self._throttles += 1
            bound = min(_LONGEST_BLIND_PAUSE, 2.0 ** (self._throttles - 1))
            self.pause(self.chance() * bound, "the server asks for fewer calls")

    def _give_back(self) -> None:
        self.in_flight -= 1
        self._freed.set()


def _means_overload(failure: AttemptFailed) -> bool:
    error = failure.error
    return isinstance(error, Throttled | TimedOut) or (
        isinstance(error, ServerError) and error.status == 503
    )
