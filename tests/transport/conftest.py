from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tenx_async.client import Client
from tenx_async.clock import Clock
from tenx_async.pool import SessionPool
from tenx_async.settings import Credentials
from tenx_async.telemetry.events import Listener
from tenx_async.transport.account import Account, Limits
from tenx_async.transport.exchange import Timeouts
from tests.clock import ManualClock
from tests.transport.rawserver import RawServer

TOKEN = "s3cret-t0ken"
ALICE = Credentials("alice", TOKEN)
BRISK = Timeouts(connect=1.0, read=0.05, body=0.05)


def nobody(_: object) -> None:
    """Listens to nothing."""


@pytest.fixture(autouse=True)
def _no_listener_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A listener's failure breaks no operation, so that only the log knows of it."""
    yield
    errors = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    assert [] == errors


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[RawServer]:
    """A server with a running service `web`."""
    async with RawServer(clock) as server:
        server.model.add("web")
        yield server


@asynccontextmanager
async def opened(
    server: RawServer,
    clock: Clock | None = None,
    *,
    emit: Listener = nobody,
    timeouts: Timeouts = BRISK,
    connector: aiohttp.BaseConnector | None = None,
    **limits: Any,
) -> AsyncIterator[Account]:
    """An account at a raw server, for as long as the block lasts."""
    account = Account(
        endpoint=server.endpoint,
        credentials=ALICE,
        limits=Limits(timeouts=timeouts, **limits),
        connector=connector,
        clock=clock or server.clock,
        emit=emit,
    ).open()
    try:
        yield account
    finally:
        await account.close()


@asynccontextmanager
async def pool_of(server: RawServer, **more: Any) -> AsyncIterator[tuple[SessionPool, Client]]:
    """A pool at a raw server, and a client of it."""
    async with SessionPool(
        endpoint=server.endpoint,
        username=ALICE.username,
        token=TOKEN,
        region="beijing1",
        clock=server.clock,
        listener=nobody,
        **more,
    ) as pool:
        yield pool, pool.client()
