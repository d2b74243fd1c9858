"""The logs of services day by day, as a program reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from typing import Literal, Protocol, TypeVar

from attrs import field, frozen

from tenx_async.api import operations
from tenx_async.api.entries import LogEntry
from tenx_async.api.operations import Operation
from tenx_async.logs.lines import LogLine, LogPage
from tenx_async.logs.order import Habits, Order
from tenx_async.logs.reading import read_batches, read_pages
from tenx_async.telemetry.events import Listener

T = TypeVar("T")

LogOrder = Literal["auto", "oldest-first", "newest-first", "newest-page"]
"""What `from` counts, and how a page's entries are ordered."""


class Perform(Protocol):
    """Brings an operation to its end; how `Logs` is handed the account."""

    async def __call__(self, operation: Operation[T], *, attempts: int | None = None) -> T:
        """Try at most so often; as the account's limits say without a number."""


@frozen
class Logs:
    """The logs of the services of one account in one region, day by day."""

    _perform: Perform = field(repr=False)
    _region: str
    _emit: Listener = field(repr=False)

    async def page(
        self,
        service: str,
        *,
        date: dt.date,
        from_: int = 0,
        size: int = 100,
        instance: str = "",
        attempts: int | None = None,
    ) -> list[LogEntry]:
        """Read one page of a day's log.

        Args:
            service: its name.
            date: the server's day, in whatever time zone it keeps.
            from_: how many entries to leave out.
            size: how many entries to get at most.
            instance: read the own log of this instance, not the service's.
            attempts: how often to try; as the client's limits say without it.

        Raises:
            WindowLimit: `from_ + size` is past what the server's log index reaches; the instances
                have logs of their own.
        """
        operation = operations.read_page(
            self._region, service, instance, date=date, from_=from_, size=size
        )
        return list(await self._perform(operation, attempts=attempts))

    async def fetch(
        self,
        service: str,
        *,
        date: dt.date,
        from_: int,
        size: int,
        instance: str = "",
        attempts: int | None = None,
    ) -> LogPage:
        """Read one page, as `page` does, with its place and its size in bytes."""
        operation = operations.read_page(
            self._region, service, instance, date=date, from_=from_, size=size
        )
        reply = await self._perform(operation, attempts=attempts)
        return LogPage(date, from_, reply, len(reply.body))

    def pages(
        self, service: str, *, date: dt.date, from_: int = 0, size: int = 1000
    ) -> AsyncGenerator[LogPage]:
        """Read a day's log page by page, until a page is empty."""
        return read_pages(self.fetch, service, date=date, from_=from_, size=size)

    async def lines(
        self,
        service: str,
        *,
        date: dt.date,
        tail: int | None = None,
        size: int = 1000,
        order: LogOrder = "auto",
    ) -> AsyncGenerator[LogLine]:
        """Read a day's log line by line.

        What could not be kept, or not be told, the listener hears as `LogChanged`.

        Args:
            service: its name.
            date: the server's day.
            tail: only the last so many lines; finding them costs some 20 calls for a million.
            size: entries a call.
            order: what `from` counts; found out by default, for one call more.

        Raises:
            WindowLimit: there is more than the server's log window reaches.
        """
        habits = Habits(size, None if order == "auto" else Order(order))
        async for batch in read_batches(
            self.fetch,
            service,
            region=self._region,
            date=date,
            tail=tail,
            habits=habits,
            emit=self._emit,
        ):
            for line in batch:
                yield line
