"""Read a day's log once, page by page or line by line."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar, cast

from tenx_async.api.entries import LogEntry
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.lines import FetchPage, LogBatch, LogPage
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.poll import poll

T = TypeVar("T")


async def read_pages(
    fetch: FetchPage, service: str, *, date: dt.date, from_: int, size: int
) -> AsyncGenerator[LogPage]:
    """Read pages until one is empty; a short page is not taken for the end."""
    while entries := await fetch(service, date=date, from_=from_, size=size):
        yield LogPage(date, from_, entries)
        from_ += len(entries)


async def read_batches(
    fetch: FetchPage, service: str, *, region: str, date: dt.date, tail: int | None, size: int
) -> AsyncGenerator[LogBatch]:
    """Read what there is of a day, or the last `tail` lines of it."""
    day = Day(date, Habits(size, Order.OLDEST_FIRST), tail=tail)

    async def page(request: PageRequest) -> Sequence[LogEntry]:
        return await fetch(service, date=date, from_=request.from_, size=request.size)

    more = True
    while more:
        delivery = await carry_out(poll(day), page)
        for stretch in delivery.stretches:
            yield LogBatch(region, service, date, stretch.position, stretch.entries, stretch.late)
        more = delivery.more or delivery.lines > 0


async def carry_out(
    reading: Reading[T], page: Callable[[PageRequest], Awaitable[Sequence[LogEntry]]]
) -> T:
    """Send what a reading asks for, until it has come to an end."""
    try:
        request = next(reading)
        while True:
            entries = await page(request)
            request = reading.send(entries)
    except StopIteration as end:
        return cast("T", end.value)
