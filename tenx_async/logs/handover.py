"""Hand on to the consumer what came, with the places up to which it may be committed."""

from __future__ import annotations

from attrs import define, evolve, field

from tenx_async.clock import Clock
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.cursors import Mark, Marks
from tenx_async.logs.day import Day
from tenx_async.logs.delivery import Delivery, Stretch
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.lines import LogBatch
from tenx_async.logs.source import Source
from tenx_async.logs.states import commit_of
from tenx_async.logs.strides import Strides


@define(kw_only=True, eq=False)
class Handover:
    """Hands on what came of sources, in batches."""

    region: str
    buffer: Buffer = field(repr=False)
    ledger: Ledger = field(repr=False)
    clock: Clock = field(repr=False)
    page_size: int = 1000
    allowance: Allowance = field(factory=Allowance, repr=False)
    strides: Strides = field(factory=Strides, repr=False)

    async def put(
        self, source: Source, day: Day, delivery: Delivery, *, is_last: bool = True
    ) -> None:
        """Hand on what came, and mark its end if the source may be committed there."""
        batches = [
            self._batch(source, day, stretch, start)
            for stretch in delivery.stretches
            for start in range(0, len(stretch.entries), self.page_size)
        ]
        if source.marks is not None:
            self.strides.note(source.name, delivery.lines)
            if is_last and self._may_commit(source, delivery):
                batches = batches or [self._empty(source, day)]
                batches[-1] = evolve(batches[-1], mark=self._mark(source, source.marks))
        for batch in batches:
            await self.buffer.put(batch)

    async def mark(self, source: Source) -> None:
        """Let all that was handed on of a source be committed, though more of it is waiting."""
        if source.marks is not None and source.days and self.strides.close(source.name):
            batch = self._empty(source, source.days[-1])
            await self.buffer.put(evolve(batch, mark=self._mark(source, source.marks)))

    def _may_commit(self, source: Source, delivery: Delivery) -> bool:
        more = delivery.more and not self.allowance.interval  # calls are dear: none is made twice
        return self.strides.ends(source.name, self.clock.monotonic(), more=more)

    def _mark(self, source: Source, marks: Marks) -> Mark:
        return marks.add(commit_of(source, self.region, self.ledger))

    def _empty(self, source: Source, day: Day) -> LogBatch:
        return LogBatch(self.region, source.name, day.date, day.position, ())

    def _batch(self, source: Source, day: Day, stretch: Stretch, start: int) -> LogBatch:
        """Make a batch of no more than a page, so that what waits for room is bounded."""
        return LogBatch(
            self.region,
            source.name,
            day.date,
            stretch.position + start,
            stretch.entries[start : start + self.page_size],
            stretch.late,
            day.instance,
        )
