"""One day of a log, read to its end and on from there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from attrs import define, field
from hypothesis import given, strategies as st

from tenx_async import LogEntry
from tenx_async.logs.day import Day, Delivery
from tenx_async.logs.order import PageRequest

DATE = dt.date(2015, 12, 29)


def entries(first: int, last: int) -> list[LogEntry]:
    """Entries with their number as text, the last one left out."""
    return [LogEntry("a-1", str(number)) for number in range(first, last)]


@define
class Log:
    """A log that grows as a test says."""

    length: int
    calls: int = field(default=0, init=False)

    def page(self, request: PageRequest) -> list[LogEntry]:
        """Answer a request."""
        self.calls += 1
        return entries(request.from_, min(self.length, request.from_ + request.size))


def catch_up(day: Day, log: Log) -> list[LogEntry]:
    """Read until nothing more is certainly waiting."""
    got: list[LogEntry] = []
    while True:
        request = day.request()
        delivery = day.feed(request, log.page(request))
        assert not delivery.entries or delivery.position == int(delivery.entries[0].log)
        got += delivery.entries
        if not delivery.more:
            return got


@given(st.integers(0, 500), st.integers(1, 50), st.lists(st.integers(0, 120), max_size=8))
def test_every_line_is_read_once(length: int, size: int, growth: list[int]) -> None:
    """A day that is read from its beginning brings every line once, in order, as it grows."""
    day, log = Day(DATE, size), Log(length)
    got = catch_up(day, log)
    for more in growth:
        log.length += more
        got += catch_up(day, log)

    assert entries(0, log.length) == got
    assert (log.length, log.length) == (day.position, day.delivered)


@given(
    st.integers(0, 2_000),
    st.integers(1, 50),
    st.integers(0, 300),
    st.lists(st.integers(0, 120), max_size=4),
)
def test_a_tail_is_the_last_lines(length: int, size: int, tail: int, growth: list[int]) -> None:
    """A tail begins so many lines before the end, and goes on with every line that comes."""
    day, log = Day(DATE, size, tail=tail), Log(length)
    got = catch_up(day, log)
    assert entries(max(0, length - tail), length) == got
    assert not day.is_seeking
    for more in growth:
        log.length += more
        got += catch_up(day, log)

    assert entries(max(0, length - tail), log.length) == got


def test_the_tail_of_a_long_day_takes_few_calls() -> None:
    """A hundred lines of a million take no more than twenty-five calls."""
    log = Log(1_000_000)

    assert entries(999_900, 1_000_000) == catch_up(Day(DATE, 1000, tail=100), log)
    assert 25 >= log.calls


@pytest.mark.parametrize(
    ("count", "more"), [(0, False), (1, False), (9, False), (10, True), (11, True)]
)
def test_a_full_page_means_more(count: int, more: bool) -> None:
    """More is certainly waiting where a page came full, or fuller than asked for."""
    day = Day(DATE, 10)

    assert Delivery(0, entries(0, count), more) == day.feed(day.request(), entries(0, count))


def test_a_page_is_asked_for_where_the_last_one_ended() -> None:
    """A short page is not taken for the end of the log."""
    day = Day(DATE, 10)
    day.feed(day.request(), entries(0, 4))

    assert PageRequest(4, 10) == day.request()


def test_what_was_asked_for_twice_is_delivered_once() -> None:
    """An answer to an older request brings only what is new in it."""
    day = Day(DATE, 10)
    first = day.request()
    day.feed(first, entries(0, 4))
    again: Sequence[LogEntry] = day.feed(first, entries(0, 6)).entries

    assert entries(4, 6) == again
    assert 6 == day.position


def test_a_tail_of_nothing_begins_with_what_is_new() -> None:
    """Nothing that was there is delivered, and everything that comes."""
    day, log = Day(DATE, 10, tail=0), Log(25)
    assert day.is_seeking
    assert [] == catch_up(day, log)

    log.length = 27
    assert entries(25, 27) == catch_up(day, log)
