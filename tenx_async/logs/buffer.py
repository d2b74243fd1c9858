"""Batches on their way to the consumer: bounded by lines, in order of arrival."""

from __future__ import annotations

import asyncio
from collections import deque

from attrs import define, field

from tenx_async.logs.lines import LogBatch


@define
class Buffer:
    """A queue that is full once it holds a number of lines.

    A batch goes in as soon as there is room for one line, so the bound is exceeded by less than
    a page for every one that puts.
    """

    limit: int
    """Lines."""
    lines: int = field(default=0, init=False)
    closed: bool = field(default=False, init=False)
    _batches: deque[LogBatch] = field(factory=deque, init=False, repr=False)
    _changed: asyncio.Condition = field(factory=asyncio.Condition, init=False, repr=False)

    @property
    def is_full(self) -> bool:
        """Whether a producer would have to wait."""
        return self.lines >= self.limit

    async def put(self, batch: LogBatch) -> None:
        """Wait for room, and add a batch."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.is_full)
            self._batches.append(batch)
            self.lines += len(batch)
            self._changed.notify_all()

    async def room(self) -> None:
        """Wait until there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.is_full)

    async def get(self) -> LogBatch | None:
        """Wait for a batch; `None` once the buffer is closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._batches or self.closed)
            if not self._batches:
                return None
            batch = self._batches.popleft()
            self.lines -= len(batch)
            self._changed.notify_all()
            return batch

    async def close(self) -> None:
        """Let the consumer end once it has taken what is there."""
        async with self._changed:
            self.closed = True
            self._changed.notify_all()
