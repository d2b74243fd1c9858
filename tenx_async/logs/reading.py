"""Read a day's log once, page by page or line by line."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar, cast

from tenx_async.api.entries import LogEntry
from tenx_async.errors import WindowLimit
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.extent import Extent
from tenx_async.logs.lines import FetchPage, LogBatch, LogPage
from tenx_async.logs.order import Habits, PageRequest
from tenx_async.logs.poll import poll
from tenx_async.telemetry.events import Listener, LogChanged

T = TypeVar("T")
Ask = Callable[[PageRequest], Awaitable[Sequence[LogEntry]]]


async def read_pages(
    fetch: FetchPage, service: str, *, date: dt.date, from_: int, size: int
) -> AsyncGenerator[LogPage]:
    """Read pages until one is empty; a short page is not taken for the end."""
    while (page := await fetch(service, date=date, from_=from_, size=size)).entries:
        yield page
        from_ += len(page.entries)


async def read_batches(
    fetch: FetchPage,
    service: str,
    *,
    region: str,
    date: dt.date,
    tail: int | None,
    habits: Habits,
    emit: Listener,
) -> AsyncGenerator[LogBatch]:
    """Read what there is of a day, or the last `tail` lines of it, as it is now.

    What was found to have changed meanwhile is emitted.

    Raises:
        WindowLimit: there is more than the server's log window reaches.
    """
    day = Day(date, habits, tail=tail)

    async def page(request: PageRequest) -> Sequence[LogEntry]:
        got = await fetch(service, date=date, from_=request.from_, size=request.size)
        return got.entries

    extent = Extent()
    while not extent.is_reached:
        delivery = await carry_out(lambda: poll(day), habits, page)
        for finding in delivery.findings:
            emit(LogChanged(source=service, date=date, finding=finding))
        for stretch in delivery.stretches:
            yield LogBatch(region, service, date, stretch.position, stretch.entries, stretch.late)
        if day.is_cut:
            raise WindowLimit(
                f"the server gives no lines of {date} past the {habits.window}th; the logs of "
                "the instances may go on",
                operation=f"logs {service}",
            )
        extent.note(day, delivery)
        if extent.is_sought:
            await carry_out(lambda: extent.find(day), habits, page)


async def carry_out(
    begin: Callable[[], Reading[T]],
    habits: Habits,
    page: Ask,
    insist: Ask | None = None,
) -> T:
    """Send what a reading asks for, until it has come to an end.

    It begins anew where the server's log window turns out to end nearer than was known.

    Args:
        begin: makes the reading.
        habits: what is known of the server.
        page: asks for a page.
        insist: asks for a page that is not the reading's first one.
    """
    while True:
        reading, ask = begin(), page
        try:
            request = next(reading)
            while True:
                request = reading.send(await ask(request))
                ask = insist or page
        except StopIteration as end:
            return cast("T", end.value)
        except WindowLimit as error:
            if not habits.refuse(request, error.body):
                raise
