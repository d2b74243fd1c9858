"""The end of a day's account."""

from __future__ import annotations

import pytest

from tenx_async import LogEntry
from tenx_async.logs.seal import Seal, digest_of

ENTRIES = [LogEntry("web-1", "one"), LogEntry("web-2", "two\n"), LogEntry("", "\ud800")]


def test_a_digest_is_the_same_wherever_it_is_computed() -> None:
    """It is kept beside what was written, and compared by another process on another day."""
    assert "1efb14097b4e3d62866621438abc005b" == digest_of(ENTRIES)


@pytest.mark.parametrize(
    "other",
    [
        ENTRIES[::-1],
        ENTRIES[:-1],
        [*ENTRIES, LogEntry()],
        [LogEntry("web-1o", "ne"), *ENTRIES[1:]],
        [LogEntry("web-1", "one\n"), *ENTRIES[1:]],
    ],
)
def test_other_entries_have_another_digest(other: list[LogEntry]) -> None:
    """Whatever the difference: order, number, where one text ends and the next begins."""
    assert digest_of(ENTRIES) != digest_of(other)


def test_a_seal_says_how_much_it_covers() -> None:
    """A day may have more lines than are remembered."""
    assert Seal(7, digest_of(ENTRIES), 3, "web-1") == Seal.of(7, ENTRIES, "web-1")
