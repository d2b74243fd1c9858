"""Days that are longer than what is remembered of them, read while their order is found out."""

from __future__ import annotations

import pytest

from tenx_async.api.entries import LogEntry
from tenx_async.logs.findings import Guess
from tenx_async.logs.order import Order
from tests.logs.model import ModelLog, Reader, entries

BACKWARD = [Order.NEWEST_FIRST, Order.NEWEST_PAGE]


def numbers(first: int, last: int) -> list[LogEntry]:
    """Lines with numbers that grow, as times do."""
    return entries([f"request {number}" for number in range(first, last)])


def words(first: int, last: int) -> list[LogEntry]:
    """Lines that all differ, and show nothing of their order."""
    digits = str.maketrans("0123456789", "qwertyuiop")
    return entries(
        [str(number * 7919 % 1_000_003).translate(digits) for number in range(first, last)]
    )


@pytest.mark.parametrize("lines", [numbers, words])
@pytest.mark.parametrize("order", list(Order))
def test_a_backlog_is_not_taken_for_growth(order: Order, lines) -> None:
    """What is read page by page was there already: it does not show where a log grows."""
    log = ModelLog(order)
    log.append(*lines(0, 2000))
    reader = Reader.of(log, size=100)
    reader.catch_up()
    for number in range(2000, 2030, 3):
        log.append(*lines(number, number + 3))
        reader.catch_up()

    assert reader.day.habits.order is order
    assert log.ever == reader.delivered
    assert not [found for found in reader.findings if not isinstance(found, Guess)]


@pytest.mark.parametrize("lines", [numbers, words])
@pytest.mark.parametrize("order", list(Order))
def test_what_came_before_the_order_was_certain_comes_once(order: Order, lines) -> None:
    """A day is read anew in the order that it turns out to have, however long it is by then."""
    log = ModelLog(order)
    log.append(*lines(0, 2000))
    reader = Reader.of(log, size=100, remember=50)
    reader.catch_up()
    for number in range(2000, 2010, 5):
        log.append(*lines(number, number + 5))
        reader.catch_up()

    assert log.ever == reader.delivered
    assert len(reader.day.memory) < 100


def test_an_order_that_was_guessed_rightly_costs_no_second_reading() -> None:
    """Numbers that fall say that a log is read from its end; nothing is read anew for it."""
    log = ModelLog(Order.NEWEST_FIRST)
    log.append(*numbers(0, 2000))
    reader = Reader.of(log, size=100)
    reader.catch_up()
    before = reader.calls
    log.append(*numbers(2000, 2003))
    reader.catch_up()

    assert reader.day.habits.order is Order.NEWEST_FIRST
    assert reader.calls - before <= 4
    assert reader.suppressed == 0


@pytest.mark.parametrize("back", [12, 25, 29])
@pytest.mark.parametrize("order", BACKWARD)
def test_a_burst_hides_no_late_line(order: Order, back: int) -> None:
    """What is inserted within what is remembered is found, however much is written after it."""
    log = ModelLog(order)
    log.append(*numbers(0, 500))
    reader = Reader.of(log, size=100, order=order, remember=30)
    reader.catch_up()
    log.insert(back, *entries(["late"]))
    log.append(*numbers(500, 800))
    for number in range(800, 1000, 50):
        reader.catch_up()
        log.append(*numbers(number, number + 50))
    reader.catch_up()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", BACKWARD)
def test_a_batch_longer_than_a_look_is_met_all_the_same(order: Order) -> None:
    """A look at all that is remembered goes on until it has met the first of that."""
    log = ModelLog(order)
    log.append(*numbers(0, 100))
    reader = Reader.of(log, size=20, order=order, remember=30)
    reader.catch_up()
    log.insert(24, *entries([f"late {number}" for number in range(60)]))
    for number in range(100, 200, 5):
        reader.catch_up()
        log.append(*numbers(number, number + 5))
    reader.catch_up()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", BACKWARD)
def test_late_lines_that_are_found_hide_none_that_are_not(order: Order) -> None:
    """They take up room in what is remembered, as lines that are appended do."""
    log = ModelLog(order)
    log.append(*numbers(0, 60))
    reader = Reader.of(log, size=100, order=order, remember=30)
    reader.catch_up()
    for number in range(60, 65):
        log.append(*numbers(number, number + 1))
        reader.poll()
    log.insert(29, *entries(["deep"]))
    log.insert(2, *entries([f"late {number}" for number in range(8)]))
    for number in range(70, 76):
        reader.poll()
        log.append(*numbers(number, number + 1))
    log.append(*numbers(100, 200))
    for _ in range(4):
        reader.poll()

    assert log.ever == reader.delivered


@pytest.mark.parametrize("order", BACKWARD)
def test_all_that_came_while_nobody_could_read_is_read_back(order: Order) -> None:
    """An outage may last longer than fifty pages; what is new in all of them is new."""
    log = ModelLog(order)
    log.append(*numbers(0, 300))
    reader = Reader.of(log, size=20, order=order)
    reader.catch_up()
    log.append(*numbers(300, 2300))
    reader.catch_up()

    assert log.ever == reader.delivered
    assert not reader.findings
