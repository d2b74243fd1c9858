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
from collections.abc import AsyncIterator
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


@define(eq=False)
class InstantClock:
    """A `tenx_async.Clock` whose time passes only when somebody waits for it, without delay.

    Who would wake first wakes first; others get their turn meanwhile.
    """

    start: dt.datetime = NOON
    sleeps: list[float] = field(factory=list, init=False)
    """Every wait that was asked for, in order."""
    _seconds: float = field(default=0.0, init=False)
    _due: list[float] = field(factory=list, init=False)
    _pause: float = field(default=0.001, init=False)
    """Real seconds before a wait: what is on its way over the wire comes before time does."""

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._seconds

    def now(self) -> dt.datetime:
        """The time of day."""
        return self.start + dt.timedelta(seconds=self._seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until nobody has to wake earlier, then let the time pass that is left."""
        self.sleeps.append(seconds)
        due = self._seconds + max(seconds, 0.0)
        self._due.append(due)
        try:
            await asyncio.sleep(self._pause)
            while self._seconds < due:
                if due == min(self._due):
                    self._seconds = due
                else:
                    await asyncio.sleep(0)
        finally:
            self._due.remove(due)


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
        yield client
