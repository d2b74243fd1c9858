"""Many accounts and regions over one connector, and many operations at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import AsyncExitStack, aclosing
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
from tenx_async.telemetry.listeners import guarded
from tenx_async.telemetry.logging import log_event
from tenx_async.transport.account import Account, Limits
from tenx_async.transport.call import Call
from tenx_async.transport.connector import Connector

CONCURRENCY = 64
"""Operations under way at once, where nobody says."""


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
    listener: Listener = field(default=log_event, converter=guarded, repr=False)
    _accounts: dict[tuple[str, Credentials], Account] = field(factory=dict, init=False, repr=False)
    _connector: aiohttp.BaseConnector | None = field(default=None, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise ConfigurationError("the pool is open already: enter it once, and share it")
        self._loop = asyncio.get_running_loop()
        self._connector = Connector()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._loop = None
        async with AsyncExitStack() as closing:
            if self._connector is not None:
                closing.push_async_callback(self._connector.close)
            for account in self._accounts.values():
                closing.push_async_callback(account.close)
            self._accounts.clear()

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
        if self._loop is None or self._loop is not _running_loop():
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
        concurrency: int = CONCURRENCY,
    ) -> AsyncGenerator[Outcome]:
        """Do many operations at once, and tell what became of each as it ends.

        Args:
            calls: what to do, of any length; only as many as are under way are held. Should it
                raise, what is under way still ends, and then the error is raised; who leaves
                early is told of it on closing the run.
            concurrency: operations under way at once; the gates of the accounts may allow fewer.

        Yields:
            an outcome for each call, in the order in which they end; a failure ends nothing.

        Raises:
            ConfigurationError: a concurrency that is no whole number from 1 up.
            TypeError: something that is no call among the calls; as if they had raised it.
        """
        if not isinstance(concurrency, int) or concurrency < 1:
            raise ConfigurationError(f"concurrency: {concurrency!r} is no whole number from 1 up")
        run = _Run(_iterate(calls), asyncio.Semaphore(concurrency))
        work = asyncio.create_task(run.work(concurrency), name="tenx-pool-run")
        work.add_done_callback(lambda _: run.outcomes.put_nowait(None))
        try:
            while (outcome := await run.outcomes.get()) is not None:
                run.room.release()
                yield outcome
            await work
        finally:
            work.cancel()
            await asyncio.wait([work])
            if not work.cancelled():
                work.result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@define
class _Run:
    """Workers that take calls from one iterator, and put outcomes into one queue."""

    calls: AsyncGenerator[Call[Any]]
    room: asyncio.Semaphore
    """For outcomes that nobody has taken yet."""
    outcomes: asyncio.Queue[Outcome | None] = field(factory=asyncio.Queue, init=False)
    _failure: BaseException | None = field(default=None, init=False)
    """What the iterator or a call raised, to be raised when all has ended."""
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def work(self, width: int) -> None:
        async with aclosing(self.calls), asyncio.TaskGroup() as workers:
            workers.create_task(self._work_through(workers, width - 1))
        if self._failure is not None:
            raise self._failure

    async def _work_through(self, workers: asyncio.TaskGroup, more: int) -> None:
        """Do calls while there are some, beside as many `more` workers as find any."""
        try:
            while (call := await self._take()) is not None:
                if more:
                    workers.create_task(self._work_through(workers, more - 1))
                    more = 0
                outcome = await call.outcome()
                await self.room.acquire()
                self.outcomes.put_nowait(outcome)
        except (Exception, asyncio.CancelledError) as error:
            if _is_being_cancelled():
                raise
            self._failure = self._failure or error

    async def _take(self) -> Call[Any] | None:
        async with self._turn:
            return None if self._failure else await anext(self.calls, None)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _checked(call: Call[Any]) -> Call[Any]:
    if not hasattr(call, "outcome"):
        raise TypeError(
            f"calls: {type(call).__name__} is no call; `client.services.calls` makes them"
        )
    return call


async def _iterate(
    calls: Iterable[Call[Any]] | AsyncIterable[Call[Any]],
) -> AsyncGenerator[Call[Any]]:
    if not isinstance(calls, AsyncIterable):
        for call in calls:
            yield _checked(call)
        return
    try:
        async for call in calls:
            yield _checked(call)
    finally:
        if isinstance(calls, AsyncGenerator):
            await calls.aclose()
