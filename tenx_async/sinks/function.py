"""Lines handed to a function, each at least once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field

from tenx_async.logs.cursors import CursorStore, MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.sink import commits_of, settle

Deliver = Callable[[Sequence[LogBatch]], Awaitable[None]]


@define(eq=False)
class FunctionSink:
    """Hands lines to a function of yours, and then notes where they were read to.

    Lines are given again after a process was killed between the two: each comes at least once.
    The function raises `SinkUnavailable` to be called again later with the same lines.
    """

    function: Deliver
    cursors: CursorStore = field(factory=MemoryCursors)
    """Where it is noted; in memory only, unless another store is given."""

    async def open(self) -> None:
        """Nothing to get ready."""

    def prepare(self, batch: LogBatch) -> LogBatch:
        """Leave it to the function."""
        return batch

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Hand lines on, and commit."""
        await self.function(batches)
        if commits := commits_of(batches):
            await self.cursors.commit(commits)
        settle(batches)

    async def rest(self) -> bool:
        """Nothing is put off."""
        return False

    async def close(self) -> None:
        """Nothing to let go of."""
