"""Read a day's log once, page by page or line by line."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator

from tenx_async.logs.day import Day
from tenx_async.logs.lines import FetchPage, LogBatch, LogPage


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
    day = Day(date, size, tail=tail)
    while True:
        request = day.request()
        entries = await fetch(service, date=date, from_=request.from_, size=request.size)
        delivery = day.feed(request, entries)
        if delivery.entries:
            yield LogBatch(region, service, date, delivery.position, delivery.entries)
        if not entries and not delivery.more:
            return
