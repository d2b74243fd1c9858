"""Batches that wait to be written: whole deliveries are, the rest waits for its end."""

from __future__ import annotations

import asyncio

from attrs import define, field

from tenx_async.logs.lines import LogBatch

_AHEAD = 4
"""So many times what is enough to be written may wait while the last is being written."""


@define(eq=False)
class Deliveries:
    """Puts batches together to whole deliveries, and holds so many lines of them."""

    limit: int
    """Lines that are enough to be written."""
    closed: bool = field(default=False, init=False)
    waiting: int = field(default=0, init=False)
    """Lines that are not written yet."""
    _ready: list[LogBatch] = field(factory=list, init=False, repr=False)
    _begun: dict[str, list[LogBatch]] = field(factory=dict, init=False, repr=False)
    """Of each source what came since its last mark."""
    _lines: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)
    _changed: asyncio.Condition = field(factory=asyncio.Condition, init=False, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is complete, while more may come."""
        return not self._ready and not self.closed

    @property
    def is_full(self) -> bool:
        """Whether there is enough to be written."""
        return self._lines >= self.limit

    async def put(self, batch: LogBatch) -> None:
        """Add a batch, and wait for room."""
        begun = self._begun.setdefault(batch.source, [])
        begun.append(batch)
        self.waiting += len(batch)
        if batch.mark is None:
            return
        del self._begun[batch.source]
        async with self._changed:
            self._ready += begun
            self._lines += sum(map(len, begun))
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._lines < _AHEAD * self.limit)

    async def wait_for_some(self) -> bool:
        """Wait for something to write; `False`: nothing will come."""
        async with self._changed:
            self.waiting -= self._under_way
            self._under_way = 0
            await self._changed.wait_for(lambda: self._ready or self.closed)
            return bool(self._ready)

    async def wait_until_full(self) -> None:
        """Wait until there is enough to be written."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_full or self.closed)

    async def take(self) -> list[LogBatch]:
        """Take all whole deliveries."""
        async with self._changed:
            ready, self._ready = self._ready, []
            self._under_way, self._lines = self._lines, 0
            self._changed.notify_all()
            return ready

    async def close(self) -> None:
        """Say that nothing more will come."""
        async with self._changed:
            self.closed = True
            self._changed.notify_all()
