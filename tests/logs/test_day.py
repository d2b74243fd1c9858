"""A day of a log, read exactly, whatever the server does."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, strategies as st

from tenx_async.logs.findings import Doubt, Gap, Removal, Reset, Shift
from tenx_async.logs.order import Order
from tests.logs.model import ModelLog, Reader, entries

ORDERS = pytest.mark.parametrize("order", list(Order), ids=str)


def numbered(first: int, last: int) -> list[str]:
    """Texts that are all different."""
    return [f"line {n}" for n in range(first, last)]


@ORDERS
@given(length=st.integers(0, 300), growth=st.lists(st.integers(0, 150), max_size=6))
def test_every_line_is_read_once(order: Order, length: int, growth: list[int]) -> None:
    """A log that is only appended to comes whole, in the order in which it was written."""
    log = ModelLog(order)
    log.append(*entries(numbered(0, length)))
    reader = Reader.of(log, size=50, order=order)
    reader.catch_up()
    for more in growth:
        log.append(*entries(numbered(len(log.entries), len(log.entries) + more)))
        reader.catch_up()

    assert log.ever == reader.delivered
    assert log.entries == reader.lines
    assert 0 == reader.late


@ORDERS
@pytest.mark.parametrize("tail", [0, 1, 10, 49, 50, 51, 130, 1000])
@pytest.mark.parametrize("length", [0, 5, 50, 51, 500])
def test_a_tail_is_the_last_lines(order: Order, tail: int, length: int) -> None:
    """A tail begins so many lines before the end, and goes on with every line that comes."""
    log = ModelLog(order)
    log.append(*entries(numbered(0, length)))
    reader = Reader.of(log, size=50, order=order, tail=tail)
    reader.catch_up()
    assert log.entries[max(0, length - tail) :] == reader.lines
    if not reader.day.begun:
        reader.day.tail = None
    log.append(*entries(numbered(length, length + 70)))
    reader.catch_up()

    assert log.entries[max(0, length - tail) :] == reader.lines


@pytest.mark.parametrize(
    ("order", "most"),
    [(Order.OLDEST_FIRST, 25), (Order.NEWEST_FIRST, 3), (Order.NEWEST_PAGE, 3), (None, 25)],
)
def test_the_tail_of_a_million_lines_takes_few_calls(order: Order | None, most: int) -> None:
    """`tail=100` costs a search of the end, or a look at it, not the day."""
    log = ModelLog(order or Order.OLDEST_FIRST)
    log.append(*entries(numbered(0, 1_000_000)))
    reader = Reader.of(log, size=1000, order=order, tail=100)
    reader.poll()

    assert log.entries[-100:] == reader.lines
    assert most >= log.calls


def test_an_idle_log_costs_one_call_and_eight_entries() -> None:
    """Nothing new is found out with the anchor alone."""
    log = ModelLog()
    log.append(*entries(numbered(0, 5000)))
    reader = Reader.of(log, size=1000, order=Order.OLDEST_FIRST)
    reader.catch_up()
    log.calls = log.sent = 0
    for _ in range(10):
        reader.poll()

    assert (10, 80) == (log.calls, log.sent)


@ORDERS
def test_late_lines_are_delivered_and_marked(order: Order) -> None:
    """An insertion behind the position comes once, with its depth told."""
    log = ModelLog(order)
    log.append(*entries(numbered(0, 90)))
    reader = Reader.of(log, size=100, order=order)
    reader.catch_up()
    log.insert(20, *entries(["late 1", "late 2"]))
    log.append(*entries(["new"]))
    reader.catch_up()

    assert log.ever == reader.delivered
    assert 2 == reader.late
    assert [Shift(70, 20, 2)] == [f for f in reader.findings if isinstance(f, Shift)]


def test_an_insertion_far_back_is_found_by_going_back() -> None:
    """The window is doubled until nothing moved before it."""
    log = ModelLog()
    log.append(*entries(numbered(0, 15_000)))
    reader = Reader.of(log, size=1000, order=Order.OLDEST_FIRST)
    reader.catch_up()
    log.insert(9_000, *entries(["late"]))
    reader.catch_up()

    assert log.ever == reader.delivered
    assert [Shift(6_000, 9_000, 1)] == reader.findings


def test_a_change_before_all_that_is_remembered_is_a_gap_with_its_place() -> None:
    """What cannot be known is told, never passed over; what follows is right again."""
    log = ModelLog()
    log.append(*entries(numbered(0, 3_000)))
    reader = Reader.of(log, size=500, order=Order.OLDEST_FIRST, remember=1_000)
    reader.catch_up()
    base = reader.day.memory.base
    log.insert(2_900, *entries(["out of reach", "as well"]))
    log.append(*entries(["new"]))
    reader.catch_up()

    assert [Gap(base, 2)] == reader.findings
    assert Counter(entries(["out of reach", "as well"])) == log.ever - reader.delivered
    assert not reader.delivered - log.ever


@ORDERS
def test_a_wiped_log_is_followed_from_its_new_beginning(order: Order) -> None:
    """A reset is told; the new lines come whole, also those that read like old ones."""
    log = ModelLog(order)
    log.append(*entries(numbered(0, 40)))
    reader = Reader.of(log, size=100, order=order)
    reader.catch_up()
    log.wipe()
    reader.catch_up()
    log.append(*entries([*numbered(0, 3), "another"]))
    reader.catch_up()

    assert [Reset(40)] == reader.findings
    assert log.ever == reader.delivered


def test_a_removal_is_believed_when_a_second_read_shows_it() -> None:
    """A reply that lacks lines once changes nothing; lines that stay away are counted."""
    log = ModelLog()
    log.append(*entries(numbered(0, 60)))
    reader = Reader.of(log, size=100, order=Order.OLDEST_FIRST)
    reader.catch_up()
    log.lacking = 1
    reader.catch_up()
    assert [] == reader.findings

    del log.entries[55]
    reader.catch_up()
    assert [Removal] == [type(finding) for finding in reader.findings]


def test_what_was_gone_and_comes_back_is_delivered_once() -> None:
    """A replica that lags behind repeats nothing."""
    log = ModelLog()
    log.append(*entries(numbered(0, 60)))
    reader = Reader.of(log, size=100, order=Order.OLDEST_FIRST)
    reader.catch_up()
    kept = log.entries[50:]
    del log.entries[50:]
    reader.catch_up()
    log.entries += kept
    log.append(*entries(["new"]))
    reader.catch_up()

    assert log.ever == reader.delivered


def test_a_log_of_equal_lines_is_told_to_be_doubtful() -> None:
    """Where the last lines recur without end, an insertion could pass unseen: that is said."""
    log = ModelLog()
    log.append(*entries(numbered(0, 2_000)), *entries(["tick"] * 2_000))
    reader = Reader.of(log, size=500, order=Order.OLDEST_FIRST, tail=10)
    reader.catch_up()

    assert [Doubt] == [type(finding) for finding in reader.findings]


def test_a_poll_that_fails_on_its_way_has_no_effect() -> None:
    """Whatever the moment, the next poll brings all, once."""
    log = ModelLog()
    log.append(*entries(numbered(0, 500)))
    reader = Reader.of(log, size=50, order=Order.OLDEST_FIRST)
    reader.catch_up()
    log.insert(300, *entries(["late"]))
    for after in range(5):
        reader.poll(fail_after=after)
    reader.catch_up()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", [Order.NEWEST_FIRST, Order.NEWEST_PAGE], ids=str)
@pytest.mark.parametrize("back", [150, 700, 1_900])
def test_what_is_inserted_deep_into_a_newest_first_log_is_found_while_following(
    order: Order, back: int
) -> None:
    """It shifts nothing that a poll sees; so all that is remembered is looked at now and then."""
    log = ModelLog(order)
    log.append(*entries(numbered(0, 3_000)))
    reader = Reader.of(log, size=100, order=order, remember=2_000, tail=0)
    reader.catch_up()
    log.append(*entries(numbered(3_000, 5_000)))
    reader.catch_up()
    log.insert(back, *entries(["deep"]))
    log.sent = 0
    for first in range(5_000, 15_000, 40):
        log.append(*entries(numbered(first, first + 40)))
        reader.poll()

    assert Counter(entries([*numbered(3_000, 15_000), "deep"])) == reader.delivered
    assert 4 * 10_000 >= log.sent
