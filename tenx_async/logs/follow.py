"""Follow the logs of many services at once: discovery, polls under way, delivery."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Self

from attrs import define, evolve, field

from tenx_async.api.entries import LogEntry
from tenx_async.api.models import Service
from tenx_async.clock import Clock, SystemClock
from tenx_async.errors import ApiError, ConfigurationError, NotFound, OperationError
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.day import Day, Delivery, Gap, Reading
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.lines import FetchPage, LogBatch, LogLine
from tenx_async.logs.order import Habits, PageRequest
from tenx_async.logs.poll import audit, poll
from tenx_async.logs.reading import carry_out
from tenx_async.logs.schedule import Schedule
from tenx_async.logs.selection import Selection
from tenx_async.logs.source import Source, SourceState
from tenx_async.telemetry.events import (
    DayOpened,
    DiscoveryFailed,
    FollowingEnded,
    Listener,
    LogChanged,
    SourceAwaited,
    SourceFailed,
    SourceFinished,
    SourceFound,
    SourceRecovered,
    SourceRemoved,
    SourceReset,
)

ListServices = Callable[[], Awaitable[list[Service]]]

POLLS_AT_ONCE = 32
LONGEST_BACKOFF = 30.0
PATIENCE = 10.0
"""Seconds that entering may take for finding the ends of the logs."""


@define(kw_only=True, eq=False)
class Follower:
    """Lines of many services as they are written; open while it is entered.

    Iterate it for lines, or `batches()` for lines as they arrived together.
    """

    region: str
    selection: Selection
    fetch: FetchPage = field(repr=False)
    list_services: ListServices = field(repr=False)
    tail: int | None = 10
    follow: bool = True
    habits: Habits = field(factory=lambda: Habits(1000), repr=False)
    remember: int = 20_000
    discover_every: float = 10.0
    calendar: Calendar = field(factory=Calendar, repr=False)
    schedule: Schedule = field(factory=Schedule, repr=False)
    buffer: Buffer = field(repr=False)
    clock: Clock = field(factory=SystemClock, repr=False)
    emit: Listener = field(repr=False)
    chance: Callable[[], float] = field(default=random.random, repr=False)
    ledger: Ledger = field(factory=Ledger, init=False, repr=False)
    _sources: dict[str, Source] = field(factory=dict, init=False, repr=False)
    _stirred: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    _unpacked: Iterator[LogLine] = field(factory=lambda: iter(()), init=False, repr=False)
    _unbegun: set[str] = field(factory=set, init=False, repr=False)
    """Services of which it is not known yet where their logs end."""
    _begun: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False, repr=False)

    @property
    def sources(self) -> list[Source]:
        """The services that are followed, and how each is doing."""
        return list(self._sources.values())

    async def __aenter__(self) -> Self:
        self._meet(await self._list(), tail=self.tail)
        self._task = asyncio.create_task(self._run(), name="tenx-follow")
        if self.follow and self.tail is not None:
            await self._wait_for_ends()
        return self

    async def _wait_for_ends(self) -> None:
        """Wait until it is known where the logs end, so that what is written from now on is new.

        Where that takes long, as with a slow server and many long days, the waiting has an end.
        """
        self._unbegun = {name for name, source in self._sources.items() if not source.has_begun}
        ended = asyncio.ensure_future(self._begun.wait())
        patience = asyncio.ensure_future(asyncio.sleep(PATIENCE))
        waited = {ended, patience, *filter(None, [self._task])}
        try:
            if self._unbegun:
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.__aexit__(asyncio.CancelledError)
            raise
        finally:
            ended.cancel()
            patience.cancel()

    def _note_begun(self, source: Source) -> None:
        self._unbegun.discard(source.name)
        if not self._unbegun:
            self._begun.set()

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

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LogLine:
        while (line := next(self._unpacked, None)) is None:
            self._unpacked = iter(await self._next_batch())
        return line

    async def batches(self) -> AsyncGenerator[LogBatch]:
        """Iterate over lines as they arrived together, each batch of one source and day."""
        with suppress(StopAsyncIteration):
            while True:
                yield await self._next_batch()

    async def _next_batch(self) -> LogBatch:
        if self._task is None and not self.buffer.closed:
            raise ConfigurationError("the follower is not open: use it inside `async with`")
        batch = await self.buffer.get()
        if batch is not None:
            return batch
        task, self._task = self._task, None
        if task is not None:
            await task
        raise StopAsyncIteration

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                discovery = tasks.create_task(self._discover()) if self.follow else None
                await self._poll_all(tasks)
                if discovery is not None:
                    discovery.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        finally:
            await self.buffer.close()

    async def _poll_all(self, tasks: asyncio.TaskGroup) -> None:
        places = asyncio.Semaphore(POLLS_AT_ONCE)
        while self.follow or self._sources:
            if not self._unbegun:
                await self.buffer.room()
            await places.acquire()
            source = self.schedule.next(self.clock.monotonic())
            if source is None:
                places.release()
                await self._rest()
            else:
                poll = tasks.create_task(self._poll(self._sources[source]))
                poll.add_done_callback(lambda _: places.release())

    async def _rest(self) -> None:
        """Sleep until the schedule has something to do, or something happened."""
        self._stirred.clear()
        now = self.clock.monotonic()
        stirred = asyncio.ensure_future(self._stirred.wait())
        slept = asyncio.ensure_future(self.clock.sleep(min(self.schedule.wake(now) - now, 3600)))
        try:
            await asyncio.wait({stirred, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stirred.cancel()
            slept.cancel()

    async def _discover(self) -> None:
        failures = 0
        while True:
            pause = self.discover_every if not failures else self._backoff(failures)
            await self.clock.sleep(pause)
            try:
                self._meet(await self._list(), tail=None)
                failures = 0
            except OperationError as error:
                failures += 1
                self.emit(DiscoveryFailed(error=error, retry_in=self._backoff(failures)))

    async def _list(self) -> list[Service]:
        self.ledger.listings += 1
        return [service for service in await self.list_services() if service.name in self.selection]

    def _meet(self, services: Sequence[Service], *, tail: int | None) -> None:
        """Compare the services there are with those that are followed."""
        seen = {service.name: service.uid for service in services}
        for name in self.selection.exact:
            if name not in seen and name not in self._sources:
                self._await(name)
        for name, uid in seen.items():
            self._welcome(name, uid, tail)
        for name, source in self._sources.items():
            if name not in seen and source.state is not SourceState.AWAITED:
                source.state = SourceState.LEAVING
        self._stirred.set()

    def _welcome(self, name: str, uid: str | None, tail: int | None) -> None:
        source = self._sources.get(name)
        if source is None or source.state is SourceState.AWAITED:
            self._sources[name] = Source(
                name, self.calendar, self.habits, tail, remember=self.remember, uid=uid
            )
            self.schedule.add(name, self.clock.monotonic())
            self.emit(SourceFound(source=name))
        elif uid != source.uid:
            source.reset(uid)
            self.emit(SourceReset(source=name))
        else:
            source.confirm()

    def _await(self, name: str) -> None:
        if not self.follow:
            raise NotFound("there is no such service", operation=f"logs {name}", status=404)
        self._sources[name] = Source(name, self.calendar, self.habits, state=SourceState.AWAITED)
        self.emit(SourceAwaited(source=name))

    def _dismiss(self, source: Source) -> None:
        source.state = SourceState.GONE
        self._note_begun(source)
        self.schedule.remove(source.name)
        del self._sources[source.name]
        ended = SourceRemoved if self.follow else SourceFinished
        self.emit(ended(source=source.name))

    def _tell_the_end(self) -> None:
        followed = [one for one in self.sources if one.state is not SourceState.AWAITED]
        failing = sum(source.failures > 0 for source in followed)
        self.emit(FollowingEnded(sources=len(followed), failing=failing))

    async def _poll(self, source: Source) -> None:
        try:
            lines, more = await self._read(source)
        except OperationError as error:
            if not self.follow:
                raise
            self._failed(source, error)
        else:
            self._succeeded(source, lines, more=more)
        self._note_begun(source)
        self._stirred.set()

    async def _read(self, source: Source) -> tuple[int, bool]:
        """Poll each day once, and hand on what is new in them."""
        if not source.has_begun:
            return await self._begin(source)
        for date in source.turn(self.clock.now()):
            self.emit(DayOpened(source=source.name, date=date))
        lines, more = 0, False
        for day in source.days:
            delivery = await self._ask(source, day, poll(day))
            await self._deliver(source, day, delivery)
            lines += delivery.lines
            more = more or delivery.more
            if source.is_over(day) and not delivery.more:
                await self._seal(source, day)
        return lines, more

    async def _begin(self, source: Source) -> tuple[int, bool]:
        """Find where the open days end, the newest first, until the tail is complete."""
        missing, found = source.tail, []
        for date in reversed(self.calendar.open_days(self.clock.now())):
            day = source.day(date, tail=missing)
            delivery = await self._ask(source, day, poll(day))
            if not day.begun:
                day.tail = None
            found.append((day, delivery))
            missing = None if missing is None else max(0, missing - delivery.lines)
        source.begin(day for day, _ in found)
        self._note_begun(source)
        for day, delivery in reversed(found):
            if source.failures and source.tail is not None:
                late = Gap(day.position - delivery.lines, None)
                delivery = evolve(delivery, findings=[*delivery.findings, late])  # noqa: PLW2901
            await self._deliver(source, day, delivery)
        more = any(delivery.more for _, delivery in found)
        return sum(delivery.lines for _, delivery in found), more

    async def _seal(self, source: Source, day: Day) -> None:
        """Read all that is remembered of a day once more, and close its account."""
        if day.begun:
            delivery = await self._ask(source, day, audit(day))
            await self._deliver(source, day, delivery)
        source.seal(day)
        self.ledger.day(source.name, day.date).sealed = True

    async def _ask(self, source: Source, day: Day, reading: Reading[Delivery]) -> Delivery:
        return await carry_out(reading, lambda request: self._page(source, day, request))

    async def _page(self, source: Source, day: Day, request: PageRequest) -> Sequence[LogEntry]:
        account = self.ledger.day(source.name, day.date)
        account.calls += 1
        try:
            entries = await self.fetch(
                source.name, date=day.date, from_=request.from_, size=request.size
            )
        except OperationError as error:
            if _means_no_such_day(error):
                return ()
            account.failures += 1
            raise
        account.fetched += len(entries)
        return entries

    async def _deliver(self, source: Source, day: Day, delivery: Delivery) -> None:
        account = self.ledger.day(source.name, day.date)
        account.enter(delivery)
        for finding in delivery.findings:
            self.emit(LogChanged(source=source.name, date=day.date, finding=finding))
        for stretch in delivery.stretches:
            await self.buffer.put(
                LogBatch(
                    self.region,
                    source.name,
                    day.date,
                    stretch.position,
                    stretch.entries,
                    stretch.late,
                )
            )

    def _succeeded(self, source: Source, lines: int, *, more: bool) -> None:
        failures = source.succeeded(self.clock.now(), lines, more=more)
        if failures:
            self.emit(SourceRecovered(source=source.name, failures=failures))
        is_read_out = self.follow or not lines
        self.schedule.observe(source.name, self.clock.monotonic(), lines, more or not is_read_out)
        is_leaving = not self.follow or source.state is SourceState.LEAVING
        if is_leaving and not more and not lines:
            self._dismiss(source)

    def _failed(self, source: Source, error: OperationError) -> None:
        retry_in = self._backoff(source.failed())
        now = self.clock.monotonic()
        self.schedule.failed(source.name, now, now + retry_in)
        self.emit(
            SourceFailed(
                source=source.name, error=error, failures=source.failures, retry_in=retry_in
            )
        )

    def _backoff(self, failures: int) -> float:
        longest = min(LONGEST_BACKOFF, 0.5 * 2.0 ** min(failures, 10))
        return longest * (1 + self.chance()) / 2


def _means_no_such_day(error: OperationError) -> bool:
    """Tell whether an error says only that the day has no line so far.

    Servers of this kind answer 404, or a server error that tells of a missing index. Whether the
    service itself is gone is for discovery to find out.
    """
    if isinstance(error, NotFound):
        return True
    if not isinstance(error, ApiError) or error.status < 500:
        return False
    said = error.body.casefold()
    return "index" in said and any(word in said for word in ("missing", "not found", "no such"))
