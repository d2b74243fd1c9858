"""Carry lines from a following into a sink, for as long as it takes."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Protocol, Self

from attrs import define, field, frozen

from tenx_async.clock import sleep_unless
from tenx_async.errors import ConfigurationError, SinkUnavailable
from tenx_async.logs.checks import check_counts, check_seconds
from tenx_async.logs.follow import Follower
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.source import SourceStatus
from tenx_async.sinks.deliveries import Deliveries
from tenx_async.sinks.patience import CANCELLED, Patience, State
from tenx_async.sinks.sink import Sink
from tenx_async.telemetry.logging import logger

MARK_EVERY = 200_000
"""Lines of a backlog that are held, at most, until their place can be committed."""


class Follows(Protocol):
    """What gives lines: a client."""

    @property
    def follow(self) -> Callable[..., Follower]:
        """Follows the logs of services."""


@frozen(kw_only=True)
class ShipStatus:
    """How a ship is doing."""

    sources: Sequence[SourceStatus] = field(repr=False)
    lines: int
    """Lines written since it began."""
    waiting: int
    """Lines taken that are not written yet."""
    lag: float | None
    """Seconds since the source that is worst off was up to date; `None`: one never was."""
    state: State
    """`paused`: the sink cannot be written to."""
    reason: str = ""
    """Why it is paused, or has ended before it was stopped."""
    since: dt.datetime | None = None
    """When it came into that state."""


@define(eq=False, init=False)
class Ship:
    """Carries the lines of services into a sink.

        async with tenx.Ship(client, tenx.FileSink("logs"), "web-*", tail=None) as ship: ...

    While the sink cannot be written to (a full disk, a directory that is read-only, another
    process that has it), polling pauses and it is tried again, by and by more seldom, until it
    can; nothing is lost. An API that does not answer is waited for as well, also at first. Used
    as `async with` it runs beside the block and stops at its end; `await ship.run()` runs until
    it is stopped, or all is read with `follow=False`.
    """

    sink: Sink
    flush_seconds: float
    _lines: Follower = field(repr=False)
    _deliveries: Deliveries = field(repr=False)
    _patience: Patience = field(repr=False)
    _running: asyncio.Task[None] | None = field(repr=False)
    _has_begun: bool = field(repr=False)
    _is_open: bool = field(repr=False)
    """Whether the sink may be open for this ship."""
    _written: int = field(repr=False)

    def __init__(
        self,
        client: Follows,
        sink: Sink,
        *patterns: str,
        tail: int | None = None,
        flush_lines: int = 5000,
        flush_seconds: float = 0.5,
        **follow: Any,
    ) -> None:
        """Choose what goes where.

        Args:
            client: an open client.
            sink: where lines go; it is opened and closed here.
            patterns: globs or names; none given: all services.
            tail: how many of the lines that are there, when the sink is open, to begin with where
                it has none; `None`: the whole day; 0: only what is new. Services that came to be
                since the sink was last shipped to are read from their beginning.
            flush_lines: so many lines are written at once, at the latest.
            flush_seconds: so long a line waits for others to be written with, at most.
            follow: further settings of `Client.follow`, but for `cursors` and `commit`.

        Raises:
            ConfigurationError: a setting that makes no sense, or is not the caller's.
        """
        if given := [name for name in ("cursors", "commit") if name in follow]:
            raise ConfigurationError(f"{' and '.join(given)}: a ship keeps its place in its sink")
        check_counts(1, flush_lines=flush_lines)
        check_seconds(flush_seconds=flush_seconds)
        self.sink = sink
        self.flush_seconds = flush_seconds
        fixed = {"tail": tail, "cursors": sink.cursors, "commit": "manual"}
        options = {"mark_every": MARK_EVERY, **follow, **fixed}
        self._lines = client.follow(*patterns, **options)
        self._deliveries = Deliveries(flush_lines)
        self._patience = Patience(self._lines)
        self._running = None
        self._has_begun, self._is_open = False, False
        self._written = 0

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self.run(), name="tenx-ship")
        self._running.add_done_callback(_tell_of_failure)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, raised: BaseException | None, _trace: object
    ) -> None:
        running, self._running = self._running, None
        assert running
        self.stop()
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait([running])
            raise
        error = None if running.cancelled() else running.exception()
        if error is None:
            return
        if raised is None:
            raise error
        raised.add_note(f"the ship had ended before: {error!r}")

    @property
    def ledger(self) -> Ledger:
        """The account of all that was followed."""
        return self._lines.ledger

    @property
    def status(self) -> ShipStatus:
        """How it is doing now."""
        sources = self._lines.sources
        lags = [source.lag for source in sources]
        return ShipStatus(
            sources=sources,
            lines=self._written,
            waiting=self._deliveries.waiting,
            lag=None if None in lags else max((lag for lag in lags if lag), default=0.0),
            state=self._patience.state,
            reason=self._patience.reason,
            since=self._patience.since,
        )

    def stop(self) -> None:
        """Write what is complete, and end; a sink that cannot be written to is tried once more."""
        self._patience.stopping.set()

    async def run(self) -> None:
        """Carry lines until stopped; with `follow=False`, until all is read.

        Raises:
            TenxError: the first look failed for a reason that does not pass, as `Unauthorized`;
                with `follow=False`, anything that could not be read.
            ConfigurationError: it ran before, the client is not open, or the sink's file is
                another program's.
        """
        if self._has_begun:
            raise ConfigurationError("a ship runs once only: make another one")
        self._has_begun = True
        why = ""
        try:
            await self._carry()
        except Exception as error:
            why = str(error) or repr(error)
            raise
        finally:
            self._patience.become("ended", why)
            if self._is_open:
                await self.sink.close()

    async def _open(self) -> None:
        """Open the sink; one that refuses is another ship's, and not closed."""
        try:
            await self.sink.open()
        except BaseException as error:
            self._is_open = isinstance(error, asyncio.CancelledError) and error.__cause__ is None
            raise
        self._is_open = True

    async def _carry(self) -> None:
        if not await self._patience.insist(self._open):
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(self._take_all())
                tasks.create_task(self._end_when_stopped(taking))
                await self._write_all()
                await asyncio.wait([taking])
                if taking.cancelled() and not self._patience.stopping.is_set():
                    raise SinkUnavailable(CANCELLED)
                self.stop()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group.exceptions[0].__cause__

    async def _end_when_stopped(self, taking: asyncio.Task[None]) -> None:
        await self._patience.stopping.wait()
        taking.cancel()

    async def _take_all(self) -> None:
        """Take lines from the following as long as there is room."""
        patience = self._patience
        try:
            async with AsyncExitStack() as stack:
                insist = patience.insist_on_answer if self._lines.follow else patience.insist
                if await insist(partial(stack.enter_async_context, self._lines)):
                    async for batch in self._lines.batches():
                        await self._deliveries.put(self.sink.prepare(batch))
        finally:
            await self._deliveries.close()

    async def _write_all(self) -> None:
        """Write what was taken, as much at once as there is."""
        while await self._some_to_write():
            await self._wait_for_more()
            batches = await self._deliveries.take()
            if not await self._patience.insist(partial(self.sink.write, batches)):
                return
            self._written += sum(map(len, batches))

    async def _some_to_write(self) -> bool:
        """Wait for something to write; until it comes, the sink does what it has put off."""
        while self._deliveries.is_empty and (await self._rest()):
            pass
        return await self._deliveries.wait_for_some()

    async def _rest(self) -> bool:
        try:
            return await self.sink.rest()
        except SinkUnavailable:
            return False  # the next line that cannot be written will tell

    async def _wait_for_more(self) -> None:
        full = self._deliveries.wait_until_full()
        await sleep_unless(self._lines.clock, self.flush_seconds, full)


def _tell_of_failure(running: asyncio.Task[None]) -> None:
    """Tell at once what the block that a ship runs beside is told at its end only."""
    error = None if running.cancelled() else running.exception()
    if error is not None:
        logger.error("shipping has ended: %r", error)
