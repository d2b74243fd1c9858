"""What a poll of a log brings: stretches of new lines, and what the server did besides."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.findings import Finding


@frozen
class Stretch:
    """Entries that stand together and were not delivered before."""

    position: int
    entries: Sequence[LogEntry] = field(repr=False)
    late: bool = False


@frozen
class Delivery:
    """What a poll brought."""

    stretches: Sequence[Stretch] = ()
    more: bool = False
    """Whether more is certainly, or probably, waiting."""
    findings: Sequence[Finding] = ()
    suppressed: int = 0
    """Entries that had been gone, came back, and are not delivered again."""
    reread: int = 0
    """Entries that were known and came again."""
    window: Sequence[LogEntry] = field(default=(), repr=False)
    """All that was read, the oldest first: up to the end of the log, unless there is more."""

    @property
    def lines(self) -> int:
        """How many lines there are to deliver."""
        return sum(len(stretch.entries) for stretch in self.stretches)


def stretches_of(
    added: Sequence[int], window: Sequence[LogEntry], base: int, appended_from: int
) -> list[Stretch]:
    """Group entries that stand together, those inserted apart from those appended."""
    if isinstance(added, range):
        return [Stretch(base + added.start, window[added.start : added.stop])] if added else []
    stretches: list[Stretch] = []
    start = 0
    for end in range(1, len(added) + 1):
        is_last = end == len(added)
        if is_last or added[end] != added[end - 1] + 1 or added[end] == appended_from:
            first = added[start]
            entries = window[first : added[end - 1] + 1]
            stretches.append(Stretch(base + first, entries, first < appended_from))
            start = end
    return stretches
