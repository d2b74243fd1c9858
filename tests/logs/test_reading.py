"""A day's log, read once."""

from __future__ import annotations

import datetime as dt

import pytest
from attrs import define, field

from tenx_async import LogEntry
from tenx_async.logs.day import Day
from tenx_async.logs.lines import LogPage
from tenx_async.logs.order import Habits, Order, PageRequest
from tenx_async.logs.poll import poll
from tenx_async.logs.reading import carry_out, read_batches, read_pages
from tenx_async.telemetry.logging import log_event

DATE = dt.date(2015, 12, 29)


@define
class Shelf:
    """A log of so many entries; gives no more than `most` at once."""

    length: int
    most: int = 1000
    asked: list[tuple[int, int]] = field(factory=list, init=False)

    async def fetch(
        self, service: str, *, date: dt.date, from_: int, size: int, instance: str = ""
    ) -> LogPage:
        """Answer as the log endpoint does."""
        assert ("web", DATE, "") == (service, date, instance)
        self.asked.append((from_, size))
        last = min(self.length, from_ + min(size, self.most))
        entries = [LogEntry("a-1", str(number)) for number in range(from_, last)]
        return LogPage(date, from_, entries)


async def test_pages_end_with_an_empty_one() -> None:
    """A short page is not taken for the end: a server may give less than was asked for."""
    shelf = Shelf(25, most=4)
    pages = [page async for page in read_pages(shelf.fetch, "web", date=DATE, from_=3, size=10)]

    assert [3, 7, 11, 15, 19, 23] == [page.from_ for page in pages]
    assert list(range(3, 25)) == [int(entry.log) for page in pages for entry in page.entries]
    assert (25, 10) == shelf.asked[-1]


async def read(shelf: Shelf, tail: int | None, size: int = 10) -> list[int]:
    """Read a day's lines by their numbers."""
    batches = read_batches(
        shelf.fetch,
        "web",
        region="us",
        date=DATE,
        tail=tail,
        habits=Habits(size, Order.OLDEST_FIRST),
        emit=log_event,
    )
    return [line.position async for batch in batches for line in batch]


@pytest.mark.parametrize("length", [0, 1, 9, 11, 19, 21, 95])
@pytest.mark.parametrize("tail", [None, 0, 1, 10, 25, 1000])
async def test_a_day_or_its_tail_is_read(length: int, tail: int | None) -> None:
    """All lines, or the last so many, come once and in order."""
    first = 0 if tail is None else max(0, length - tail)

    assert list(range(first, length)) == await read(Shelf(length), tail)


@pytest.mark.parametrize("length", [10, 30])
@pytest.mark.parametrize("tail", [1, 10, 25])
async def test_the_tail_of_full_pages_is_read(length: int, tail: int) -> None:
    """A day whose last page is full has a tail like any other."""
    assert list(range(max(0, length - tail), length)) == await read(Shelf(length), tail)


async def test_a_day_is_read_from_a_server_that_gives_little() -> None:
    """The whole day comes even in pages shorter than asked for."""
    assert list(range(250)) == await read(Shelf(250, most=20), None, size=100)


async def test_a_reading_may_end_without_a_request() -> None:
    """As where the order that was assumed for a day was found to be another at another source."""
    habits = Habits(100)
    day = Day(DATE, habits)

    async def page(_: PageRequest) -> list[LogEntry]:
        return [LogEntry("a-1", "text")]

    await carry_out(lambda: poll(day), habits, page)
    habits.order = Order.NEWEST_PAGE
    delivery = await carry_out(lambda: poll(day), habits, page)

    assert delivery.more
    assert 0 == delivery.lines
