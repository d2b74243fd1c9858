"""Where lines go, and with them where they were read to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

from tenx_async.fleet.threads import finish
from tenx_async.logs.cursor import Commit
from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.lines import LogBatch

T = TypeVar("T")


@frozen
class PreparedBatch(LogBatch, Generic[T]):
    """A batch whose lines have become what a sink writes."""

    form: T = field(kw_only=True, repr=False)
    count: int = field(kw_only=True)

    @classmethod
    def of(cls, batch: LogBatch, form: T) -> PreparedBatch[T]:
        """Keep the form instead of the lines."""
        facts = (batch.region, batch.source, batch.date, batch.position)
        return cls(*facts, (), batch.late, batch.instance, batch.mark, form=form, count=len(batch))

    def __len__(self) -> int:
        return self.count


class Sink(Protocol):
    """Where lines go, and with them where they were read to."""

    @property
    def cursors(self) -> CursorStore:
        """What a following goes on from."""

    async def open(self) -> None:
        """Make what is needed, and cut off what is not committed.

        Raises:
            SinkUnavailable: it cannot be used now; it may be opened again.
        """

    def prepare(self, batch: LogBatch) -> LogBatch:
        """Make of a batch what will be written, while its lines are at hand."""

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Keep whole deliveries, prepared or not: the last batch of each source has its mark.

        When this returns, all of them are durable, and their marks done; so they may be when it is
        cancelled, and are not to be given again then.

        Raises:
            SinkUnavailable: none of them is durable; the same batches may be given again.
        """

    async def rest(self) -> bool:
        """Do some of what was put off, as nothing waits to be written; tell if there is more.

        Raises:
            SinkUnavailable: it cannot be used now.
        """

    async def close(self) -> None:
        """Let go of it; it may be opened again."""


def commits_of(batches: Sequence[LogBatch]) -> list[Commit]:
    """What has to become durable with batches, each once and in its order."""
    commits = [commit for batch in batches if batch.mark for commit in batch.mark.commits]
    return list({id(commit): commit for commit in commits}.values())


def not_kept(batches: Sequence[LogBatch], carried_out: Collection[int]) -> Sequence[LogBatch]:
    """Leave out batches that are given again, though they were kept.

    Args:
        batches: whole deliveries.
        carried_out: the ids of their commits that were carried out: all of a batch that was kept.
    """
    if not carried_out:
        return batches
    left, is_kept = [], {}
    for batch in reversed(batches):  # a mark is that of the batches before it, too
        if batch.mark:
            commits = batch.mark.commits
            is_kept[batch.source] = bool(commits) and id(commits[-1]) in carried_out
        if not is_kept.get(batch.source):
            left.append(batch)
    return left[::-1]


def settle(batches: Sequence[LogBatch]) -> None:
    """Note that batches are durable, and with them where their sources were read to."""
    for batch in batches:
        if batch.mark:
            batch.mark.done()


async def keep(write: Callable[[Sequence[LogBatch]], None], batches: Sequence[LogBatch]) -> None:
    """Have batches written in a thread, and note it; who is cancelled waits for its end."""

    async def write_and_settle() -> None:
        await asyncio.to_thread(write, batches)
        settle(batches)

    await finish(write_and_settle())
