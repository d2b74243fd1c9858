"""Many accounts and regions over one connector, and many operations at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Self

import aiohttp
from attrs import define, field

from tenx_async import settings
from tenx_async.api.outcome import Outcome
from tenx_async.client import Client
from tenx_async.clock import Clock, SystemClock
from tenx_async.errors import ConfigurationError
from tenx_async.settings import Credentials
from tenx_async.telemetry.events import Listener
from tenx_async.telemetry.logging import log_event
from tenx_async.transport.account import Account, Limits
from tenx_async.transport.call import Call
from tenx_async.transport.connector import Connector

CONCURRENCY = 64
"""Operations under way at once, where nobody says; the gates of the accounts allow fewer."""


@define(kw_only=True, eq=False)
class SessionPool:
    """Sessions for many accounts, regions and endpoints; open while it is entered.

    What is given here are the defaults of the clients that it hands out; what neither says comes
    from the environment and the profile file, as for a `Client`.
    """

    endpoint: str | None = None
    username: str | None = None
    token: str | None = field(default=None, repr=False)
    region: str | None = None
    profile: str | None = None
    state: Path | None = None
    allow_plain_http: bool = False
    limits: Limits = field(factory=Limits, repr=False)
    clock: Clock = field(factory=SystemClock, repr=False)
    listener: Listener = field(default=log_event, repr=False)
    _accounts: dict[tuple[str, Credentials], Account] = field(factory=dict, init=False, repr=False)
    _connector: aiohttp.BaseConnector | None = field(default=None, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._connector = Connector()
        return self

    async def __aexit__(self, *_: object) -> None:
        for account in self._accounts.values():
            await account.close()
        self._accounts.clear()
        if self._connector is not None:
            await self._connector.close()
        self._loop = None

    def client(
        self,
        *,
        endpoint: str | None = None,
        username: str | None = None,
        token: str | None = None,
        region: str | None = None,
        profile: str | None = None,
    ) -> Client:
        """Hand out a client; clients of one account and endpoint share its gate and budgets.

        Raises:
            ConfigurationError: a setting is missing or unsafe, or the pool is not open here.
        """
        if self._loop is not asyncio.get_running_loop():
            raise ConfigurationError(
                "the pool is not open in this event loop: use it inside `async with`, "
                "one pool for each loop"
            )
        found = settings.resolve(
            endpoint=endpoint or self.endpoint,
            username=username or self.username,
            token=token or self.token,
            region=region or self.region,
            profile=profile or self.profile,
            state=self.state,
            allow_plain_http=self.allow_plain_http,
        )
        account = self._account(found)
        return Client(account=account, region=found.region, listener=self.listener)

    def _account(self, found: settings.Settings) -> Account:
        key = (found.endpoint, found.credentials)
        if key not in self._accounts:
            self._accounts[key] = Account(
                endpoint=found.endpoint,
                credentials=found.credentials,
                limits=self.limits,
                connector=self._connector,
                clock=self.clock,
                emit=self.listener,
                state=found.state,
            ).open()
        return self._accounts[key]

    async def run(
        self,
        calls: Iterable[Call[Any]] | AsyncIterable[Call[Any]],
        *,
        concurrency: int | None = None,
    ) -> AsyncIterator[Outcome]:
        """Do many operations at once, and tell what became of each as it ends.

        Args:
            calls: what to do, of any length; only as many as are under way are held.
            concurrency: operations under way at once; by default as many as the gates allow.

        Yields:
            an outcome for each call, in the order in which they end; a failure ends nothing.
        """
        width = concurrency or CONCURRENCY
        outcomes: asyncio.Queue[Outcome | None] = asyncio.Queue(maxsize=width)
        work = asyncio.create_task(_work(_Turns(_iterate(calls)), outcomes, width))
        try:
            while (outcome := await outcomes.get()) is not None:
                yield outcome
            await work
        finally:
            work.cancel()
            await asyncio.wait([work])


@define
class _Turns:
    """An iterator that many tasks take from, one at a time."""

    _calls: AsyncIterator[Call[Any]]
    _turn: asyncio.Lock = field(factory=asyncio.Lock)

    async def take(self) -> Call[Any] | None:
        async with self._turn:
            return await anext(self._calls, None)


async def _work(turns: _Turns, outcomes: asyncio.Queue[Outcome | None], width: int) -> None:
    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(width):
                workers.create_task(_work_through(turns, outcomes))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        await outcomes.put(None)


async def _work_through(turns: _Turns, outcomes: asyncio.Queue[Outcome | None]) -> None:
    while (call := await turns.take()) is not None:
        await outcomes.put(await call.outcome())


async def _iterate(
    calls: Iterable[Call[Any]] | AsyncIterable[Call[Any]],
) -> AsyncIterator[Call[Any]]:
    if isinstance(calls, AsyncIterable):
        async for call in calls:
            yield call
    else:
        for call in calls:
            yield call
