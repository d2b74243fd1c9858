"""The one who takes what came, batch by batch or line by line, and what that commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import define, evolve, field

from tenx_async.errors import ConfigurationError
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.lines import LogBatch, LogLine

CommitMode = Literal["after", "before", "manual"]
"""When a batch is committed: when the next one is asked for, before it is given, or by hand."""


@define(eq=False)
class Consumer:
    """Takes batches from the buffer."""

    buffer: Buffer
    commit: CommitMode
    lines: Iterator[LogLine] = field(factory=lambda: iter(()), init=False, repr=False)
    """Of the batch that is taken line by line, those that are left."""
    _taken: LogBatch | None = field(default=None, init=False, repr=False)
    """The batch that was given last, or could not be committed."""
    _unpacked: LogBatch | None = field(default=None, init=False, repr=False)
    """The batch whose lines are left."""
    _is_waiting: bool = field(default=False, init=False, repr=False)

    def unpack(self, batch: LogBatch) -> None:
        """Take a batch line by line."""
        self.lines, self._unpacked = iter(batch.lines), batch

    async def next_batch(self) -> LogBatch | None:
        """What is left of a batch whose lines were taken, or the next one; `None`: the end.

        Raises:
            TenxError: it could not be committed.
            ConfigurationError: somebody else waits for it.
        """
        if self._is_waiting:
            raise ConfigurationError("somebody waits for the next lines: one consumer at a time")
        if rest := sum(1 for _ in self.lines):
            return self._left(rest)
        self._is_waiting = True
        try:
            while (batch := await self._take()) is not None and not self._is_wanted(batch):
                pass
        finally:
            self._is_waiting = False
        return batch

    def _left(self, count: int) -> LogBatch:
        batch = self._unpacked
        assert batch
        gone = len(batch) - count
        return evolve(batch, position=batch.position + gone, entries=batch.entries[gone:])

    def _is_wanted(self, batch: LogBatch) -> bool:
        return bool(batch.entries) or (self.commit == "manual" and batch.mark is not None)

    async def _take(self) -> LogBatch | None:
        """Take a batch; commit it now, or the one before, which has been seen to by now."""
        if self.commit == "after" and self._taken is not None:
            await self._taken.commit()
        if self.commit != "before" or self._taken is None:
            self._taken = await self.buffer.get()
        batch = self._taken
        if self.commit == "before" and batch is not None:
            await batch.commit()  # one for which this fails is given the next time
            self._taken = None
        return batch
