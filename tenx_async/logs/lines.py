"""What a reader of logs gets: pages as the server sends them, lines with their place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
from attrs import field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.cursors import Mark


@frozen
class LogPage:
    """One reply of the log endpoint."""

    date: dt.date
    from_: int
    entries: Sequence[LogEntry] = field(repr=False)
    bytes: int = 0
    """Size of the reply, after decompression."""


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """An entry with its place."""

    region: str
    service: str
    instance_name: str
    log: str
    """The text as it was written, which may hold several lines; without the final newline."""
    date: dt.date
    """The server's day, in whatever time zone it keeps."""
    position: int
    """Index in that day's log at the time of reading; in the instance's own where that is read."""
    late: bool = False
    """Whether the server inserted it behind lines that had been read already."""


@frozen
class LogBatch:
    """Lines of one source that arrived together."""

    region: str
    source: str
    """The service."""
    date: dt.date
    position: int
    """Index of the first line."""
    entries: Sequence[LogEntry] = field(repr=False)
    late: bool = False
    instance: str = ""
    """The instance in whose own log they were read; empty: in the service's."""
    mark: Mark | None = field(default=None, eq=False, repr=False)
    """Where the source may be committed once this batch, and all of it before, is durable."""

    async def commit(self) -> None:
        """Note that all of the source up to here need not be delivered again.

        Where a delivery came in several batches, the last one commits all of them.

        Raises:
            TenxError: it could not be made durable.
        """
        if self.mark is not None:
            await self.mark.set()

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def lines(self) -> list[LogLine]:
        """The lines, each with its place."""
        region, service, date, late = self.region, self.source, self.date, self.late
        return [
            LogLine(
                region,
                service,
                entry.instance_name,
                entry.log.removesuffix("\n"),
                date,
                position,
                late,
            )
            for position, entry in enumerate(self.entries, self.position)
        ]

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self.lines)


class FetchPage(Protocol):
    """Reads a page of a service's log; how a reader is handed the client."""

    async def __call__(
        self, service: str, *, date: dt.date, from_: int, size: int, instance: str = ""
    ) -> LogPage:
        """Read `size` entries from the `from_`-th on, of one instance's own log if one is named."""
