"""Days that are longer than what is remembered of them, read while their order is found out."""

from __future__ import annotations

import pytest

from tenx_async.api.entries import LogEntry
from tenx_async.logs.order import Order
from tests.logs.model import ModelLog, Reader, entries


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
    assert not reader.findings
