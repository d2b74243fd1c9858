"""Follow the logs of many services at once: polls under way, delivery, beginning and end."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Self

from attrs import define, field

from tenx_async.api.selection import Selection
from tenx_async.clock import Clock, SystemClock
from tenx_async.errors import ConfigurationError, DamagedCursor, TenxError
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.beginning import Beginning
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.consumer import CommitMode, Consumer
from tenx_async.logs.cursors import CursorStore, Marks
from tenx_async.logs.discovery import Discovery, ListServices, Look
from tenx_async.logs.findings import Gap
from tenx_async.logs.handover import Handover
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.lines import FetchPage, LogBatch, LogLine
from tenx_async.logs.order import Habits
from tenx_async.logs.pages import Pages
from tenx_async.logs.places import Places
from tenx_async.logs.polling import Polling
from tenx_async.logs.reader import ListInstances, SourceReader
from tenx_async.logs.schedule import Schedule
from tenx_async.logs.setbacks import Setbacks
from tenx_async.logs.source import Source, SourceState, SourceStatus
from tenx_async.logs.states import commit_of, resume
from tenx_async.logs.strides import Strides
from tenx_async.telemetry.events import CursorLost, FollowingEnded, Listener

PAGE_RETRIES = 4
"""So often a page is asked for again for which others were read already."""


@define(kw_only=True, eq=False)
class Follower:
    """Lines of many services as they are written; open while it is entered.

    Iterate it for lines, or `batches()` for lines as they arrived together; it has one consumer
    at a time.
    """

    region: str
    selection: Selection
    fetch: FetchPage = field(repr=False)
    list_services: ListServices = field(repr=False)
    list_instances: ListInstances = field(repr=False)
    tail: int | None = 10
    follow: bool = True
    habits: Habits = field(factory=lambda: Habits(1000), repr=False)
    remember: int = 20_000
    discover_every: float = 10.0
    calendar: Calendar = field(factory=Calendar, repr=False)
    schedule: Schedule = field(factory=Schedule, repr=False)
    allowance: Allowance = field(factory=Allowance, repr=False)
    places: Places = field(factory=Places, repr=False)
    buffer: Buffer = field(repr=False)
    clock: Clock = field(factory=SystemClock, repr=False)
    emit: Listener = field(repr=False)
    chance: Callable[[], float] = field(default=random.random, repr=False)
    cursors: CursorStore | None = field(default=None, repr=False)
    mark_every: int = 0
    commit: CommitMode = "after"
    ledger: Ledger = field(factory=Ledger, init=False, repr=False)
    _looked_on: dt.date | None = field(default=None, init=False, repr=False)
    """The day of the last look at which services there are, or of the following before."""
    _discovery: Discovery = field(init=False, repr=False)
    _reader: SourceReader = field(init=False, repr=False)
    _polling: Polling = field(init=False, repr=False)
    _consumer: Consumer = field(init=False, repr=False)
    _beginning: Beginning = field(factory=Beginning, init=False, repr=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False, repr=False)
    _is_entered: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        setbacks = Setbacks(clock=self.clock, allowance=self.allowance, chance=self.chance)
        handover = Handover(
            region=self.region,
            buffer=self.buffer,
            ledger=self.ledger,
            clock=self.clock,
            page_size=self.habits.size,
            allowance=self.allowance,
            strides=Strides(self.mark_every),
        )
        self._consumer = Consumer(self.buffer, self.commit)
        self._discovery = self._make_discovery(setbacks)
        self._reader = self._make_reader(handover)
        self._polling = Polling(
            discovery=self._discovery,
            reader=self._reader,
            handover=handover,
            schedule=self.schedule,
            setbacks=setbacks,
            allowance=self.allowance,
            places=self.places,
            beginning=self._beginning,
            buffer=self.buffer,
            calendar=self.calendar,
            clock=self.clock,
            emit=self.emit,
            follows=self.follow,
        )

    def _make_discovery(self, setbacks: Setbacks) -> Discovery:
        return Discovery(
            selection=self.selection,
            list_services=self.list_services,
            make=self._make_source,
            is_new=self.cursors.is_new if self.cursors is not None else lambda _: False,
            looked=self._note_look,
            schedule=self.schedule,
            ledger=self.ledger,
            clock=self.clock,
            emit=self.emit,
            every=self.discover_every,
            allowance=self.allowance,
            waits=self.follow,
            backoff=setbacks.backoff,
        )

    def _make_reader(self, handover: Handover) -> SourceReader:
        return SourceReader(
            pages=Pages(
                fetch=self.fetch,
                ledger=self.ledger,
                allowance=self.allowance,
                clock=self.clock,
                retries=PAGE_RETRIES if self.follow else 0,
            ),
            list_instances=self.list_instances,
            handover=handover,
            ledger=self.ledger,
            clock=self.clock,
            emit=self.emit,
            list_every=self.discover_every,
            allowance=self.allowance,
            follows=self.follow,
        )

    def _make_source(self, name: str) -> Source:
        source = Source(name, self.calendar, self.habits, remember=self.remember)
        if self.cursors is not None:
            source.marks = Marks(self.cursors)
            self._resume(source, self.cursors)
        return source

    def _resume(self, source: Source, cursors: CursorStore) -> None:
        """Go on where the source was committed, as far as that can be trusted."""
        now = self.clock.now()
        try:
            if stored := cursors.load(source.name):
                resume(source, stored, self.region, self.ledger, now)
                source.wants(self.tail)
        except DamagedCursor as error:
            source.since, source.tail = self.calendar.first(now), self.tail
            source.damage = error

    def _note_look(self, look: Look) -> None:
        """Read what came to be since the last look from then on, even if days have passed."""
        now = self.clock.now()
        today = self.calendar.earliest(now)
        before, self._looked_on = self._looked_on or today, today
        for source in look.new:
            source.since = self.calendar.since or before
        for source in look.others:
            source.since = self.calendar.first(now)
        for source in look.resumed:
            self._tell_damage(source, now)
        if self.cursors is not None:
            unknown = (*look.new, *look.others)
            begun = [commit_of(source, self.region, self.ledger) for source in unknown]
            self.cursors.note_look(look.there, today, begun)

    def _tell_damage(self, source: Source, now: dt.datetime) -> None:
        """Say of a source that it is not known where it was read to."""
        if source.damage is not None:
            self.emit(CursorLost(source=source.name, error=source.damage))
            for date in self.calendar.first_days(now)[:1]:
                self.ledger.day(source.name, date).findings.append(Gap(0, None))

    @property
    def sources(self) -> list[SourceStatus]:
        """The services that are followed, and how each is doing now."""
        now = self.clock.now()
        return [source.status(now) for source in self._discovery]

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise ConfigurationError("a follower is entered once only: make another one")
        self._is_entered = True
        try:
            self._looked_on = None if self.cursors is None else self.cursors.looked_on()
            await self._discovery.look(tail=self.tail)
        except BaseException:
            self._is_entered = False
            raise
        if self.cursors is not None:
            with suppress(TenxError):  # what was seen is noted with the next commit
                await self.cursors.commit(())
        self._task = asyncio.create_task(self._run(), name="tenx-follow")
        if self.follow and self.tail is not None:
            await self._wait_for_ends(self._task)
        return self

    async def _wait_for_ends(self, running: asyncio.Task[None]) -> None:
        there = (source for source in self._discovery if source.state is not SourceState.AWAITED)
        ends = (one.name for one in there if not one.has_begun and one.tail is not None)
        try:
            await self._beginning.wait(ends, running)
        except asyncio.CancelledError:
            await self.__aexit__(asyncio.CancelledError)
            raise

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task, self._task = self._task, None
        try:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        finally:
            await self.buffer.close()
            self._tell_the_end()
        if task is not None and kind is None and not task.cancelled():
            task.result()

    def _tell_the_end(self) -> None:
        followed = [one for one in self._discovery if one.state is not SourceState.AWAITED]
        failing = sum(source.failures > 0 for source in followed)
        self.emit(FollowingEnded(sources=len(followed), failing=failing))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LogLine:
        while (line := next(self._consumer.lines, None)) is None:
            self._consumer.unpack(await self._next_batch())
        return line

    def pause(self) -> None:
        """Spend no more calls on logs until `go_on`, since nobody can take their lines."""
        self._polling.wanted.clear()

    def go_on(self) -> None:
        """Poll again."""
        self._polling.wanted.set()

    async def batches(self) -> AsyncGenerator[LogBatch]:
        """Iterate over lines as they arrived together, each batch of one source and day."""
        with suppress(StopAsyncIteration):
            while True:
                yield await self._next_batch()

    async def _next_batch(self) -> LogBatch:
        if self._task is None and not self.buffer.closed:
            raise ConfigurationError("the follower is not open: use it inside `async with`")
        if (batch := await self._consumer.next_batch()) is not None:
            return batch
        task, self._task = self._task, None
        if task is not None:
            await task
        raise StopAsyncIteration

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                if self.follow:
                    looking = tasks.create_task(
                        self._discovery.keep_looking(self._polling.stirred.set)
                    )
                await self._polling.poll_all(tasks)
                if self.follow:
                    looking.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        finally:
            await self._reader.close()
            await self.buffer.close()
