"""Fixtures for tests of code that uses this package; pytest finds them by itself.

    async def test_my_restart(tenx_cloud, tenx_client):
        tenx_cloud.add_service("web")
        await my_restart(tenx_client)
        assert tenx_cloud.executed("restart", "web") == 1

`tenx_cloud` is a `LocalCloud` and `tenx_client` an open client of its first region. Both live by
`tenx_clock`, whose time passes only when somebody waits for it: services start and stop at once,
and retries and waits take no time. Each test has a cloud of its own on a port of its own, so
tests may run in parallel. Asynchronous tests need pytest-asyncio, in either of its modes, or the
plugin of anyio. A test must run in the event loop of its fixtures: leave pytest-asyncio's
`asyncio_default_fixture_loop_scope` and `asyncio_default_test_loop_scope` alike.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest
from attrs import define, field

if TYPE_CHECKING:
    from tenx_async.client import Client
    from tenx_async.local import LocalCloud

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # those who use anyio need no other fixture than pytest's
    async_fixture = pytest.fixture  # type: ignore[assignment]  # of a narrower type

__all__ = ["InstantClock", "tenx_client", "tenx_clock", "tenx_cloud"]

NOON = dt.datetime(2015, 12, 29, 12, tzinfo=dt.UTC)
_LONGEST_CALL = 1.0
"""Real seconds for which a call holds time back."""


@define(eq=False)
class InstantClock:
    """A `tenx_async.Clock` whose time passes only when somebody waits for it, without delay.

    Who would wake first wakes first; others get their turn meanwhile. What is on its way over the
    wire comes before time does, unless that takes longer than a real second.
    """

    start: dt.datetime = NOON
    under_way: Callable[[], int] = field(default=lambda: 0, kw_only=True)
    """Tells how many calls are on their way."""
    sleeps: list[float] = field(factory=list, init=False)
    """Every wait that was asked for, in order."""
    _seconds: float = field(default=0.0, init=False)
    _due: list[float] = field(factory=list, init=False)
    _moves: int = field(default=0, init=False)
    """How often somebody began to wait, or time passed."""
    _stuck: int = field(default=0, init=False)
    """Calls that do not end, and so hold nothing back."""
    _pause: float = field(default=0.001, init=False)
    """Real seconds before a wait."""
    _quiet_turns: int = field(default=20, init=False)
    """Turns of the event loop in which nothing may happen before time passes."""

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._seconds

    def now(self) -> dt.datetime:
        """The time of day."""
        return self.start + dt.timedelta(seconds=self._seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._pass_to(self._seconds + seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait until nobody has to wake earlier, then let the time pass that is left."""
        self.sleeps.append(seconds)
        due = self._seconds + max(seconds, 0.0)
        self._due.append(due)
        self._moves += 1
        try:
            await asyncio.sleep(self._pause)
            while self._seconds < due:
                if due == min(self._due) and await self._is_quiet():
                    self._pass_to(due)
                else:
                    await asyncio.sleep(0)
        finally:
            self._due.remove(due)

    def _pass_to(self, seconds: float) -> None:
        self._seconds = seconds
        self._moves += 1

    async def _is_quiet(self) -> bool:
        """Tell whether all others wait, too, and no call is under way."""
        moves = self._moves
        for _ in range(self._quiet_turns):
            await asyncio.sleep(0)
            await self._let_calls_end()
        return moves == self._moves

    async def _let_calls_end(self) -> None:
        until = time.monotonic() + _LONGEST_CALL
        while self.under_way() > self._stuck and time.monotonic() < until:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0)
        self._stuck = self.under_way()


@pytest.fixture
def tenx_clock() -> InstantClock:
    """The time of `tenx_cloud` and `tenx_client`: noon of 29 December 2015, until moved."""
    return InstantClock()


@async_fixture
async def tenx_cloud(tenx_clock: InstantClock) -> AsyncIterator[LocalCloud]:
    """The whole services API on a loopback port, for one test."""
    from tenx_async.local import LocalCloud  # noqa: PLC0415  # pytest loads this file for all tests

    async with LocalCloud(clock=tenx_clock.now) as cloud:
        yield cloud


@async_fixture
async def tenx_client(tenx_cloud: LocalCloud, tenx_clock: InstantClock) -> AsyncIterator[Client]:
    """An open client of `tenx_cloud`."""
    from tenx_async.client import Client  # noqa: PLC0415  # as above

    async with Client(
        endpoint=tenx_cloud.endpoint,
        username=tenx_cloud.username,
        token=tenx_cloud.token,
        region=tenx_cloud.regions[0],
        clock=tenx_clock,
    ) as client:
        tenx_clock.under_way = lambda: client.usage.in_flight
        yield client
