"""Lines with their place."""

from __future__ import annotations

import datetime as dt

import pytest

from tenx_async import LogBatch, LogEntry, LogLine

DATE = dt.date(2015, 12, 29)


def test_a_batch_is_its_lines() -> None:
    """Each entry is a line with the place where it stood."""
    batch = LogBatch("us", "web", DATE, 7, [LogEntry("a-1", "x"), LogEntry("a-2", "y")], late=True)

    expected = [
        LogLine("us", "web", "a-1", "x", DATE, 7, late=True),
        LogLine("us", "web", "a-2", "y", DATE, 8, late=True),
    ]
    assert expected == list(batch) == batch.lines
    assert 2 == len(batch)


@pytest.mark.parametrize(
    ("log", "shown"), [("x\n", "x"), ("x\n\n", "x\n"), ("x\ny", "x\ny"), ("\n", ""), (" x ", " x ")]
)
def test_a_line_has_no_newline_at_its_end(log: str, shown: str) -> None:
    """The newline that ends an entry is dropped, and nothing else."""
    (line,) = LogBatch("us", "web", DATE, 0, [LogEntry("a-1", log)])

    assert shown == line.log
