"""Poll the sources of a following, each when it is worth the next call, several at once."""

from __future__ import annotations

import asyncio

from attrs import define, field

from tenx_async.clock import Clock, sleep_unless
from tenx_async.errors import OperationError
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.beginning import Beginning
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.discovery import Discovery
from tenx_async.logs.handover import Handover
from tenx_async.logs.places import Places
from tenx_async.logs.reader import SourceReader
from tenx_async.logs.schedule import Schedule
from tenx_async.logs.setbacks import Setbacks
from tenx_async.logs.source import Source, SourceState
from tenx_async.telemetry.events import Listener, SourceRecovered

LONGEST_REST = 3600.0


@define(kw_only=True, eq=False)
class Polling:
    """Polls sources: which one next, how many at once, and what an outcome means for it."""

    discovery: Discovery = field(repr=False)
    reader: SourceReader = field(repr=False)
    handover: Handover = field(repr=False)
    schedule: Schedule = field(repr=False)
    setbacks: Setbacks = field(repr=False)
    allowance: Allowance = field(repr=False)
    places: Places = field(repr=False)
    beginning: Beginning = field(repr=False)
    buffer: Buffer = field(repr=False)
    calendar: Calendar = field(repr=False)
    clock: Clock = field(repr=False)
    emit: Listener = field(repr=False)
    follows: bool = True
    """Whether logs are read on and on; else to where they ended."""
    stirred: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    """Something happened for which it is worth to look at the schedule."""
    wanted: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    """Whether somebody can take lines."""

    def __attrs_post_init__(self) -> None:
        self.wanted.set()

    async def poll_all(self, tasks: asyncio.TaskGroup) -> None:
        """Poll sources as they are due, several at once, until all are read or for ever."""
        while self._goes_on():
            if self.beginning.is_over:
                await self.wanted.wait()
                await self.buffer.room()
            await self._wait_for_allowance()
            await self.places.take()
            name = self.schedule.next(self.clock.monotonic())
            if name is None:
                self.places.give_back()
                await self._rest()
            else:
                poll = tasks.create_task(self._poll_on(name))
                poll.add_done_callback(lambda _: self.places.give_back())
                await asyncio.sleep(0)  # its first call counts before the next one is chosen

    async def _wait_for_allowance(self) -> None:
        while wait := self.allowance.wait(self.clock.monotonic()):
            await self._mark_idle()
            await self.clock.sleep(min(wait, LONGEST_REST))

    async def _mark_idle(self) -> None:
        """Let all be committed of the sources whose turn may be long in coming."""
        for source in list(self.discovery):
            if not self.schedule.is_out(source.name):
                await self.handover.mark(source)

    def _goes_on(self) -> bool:
        has_end = not self.follows or self.calendar.is_over(self.clock.now())
        return bool(self.discovery.sources) or not has_end

    async def _rest(self) -> None:
        """Sleep until the schedule has something to do, or something happened."""
        self.stirred.clear()
        now = self.clock.monotonic()
        rest = min(self.schedule.wake(now) - now, LONGEST_REST)
        await sleep_unless(self.clock, rest, self.stirred.wait())

    async def _poll_on(self, name: str | None) -> None:
        """Poll a source, and whatever is due then, until there is nothing or no room."""
        while name is not None:
            await self._poll(self.discovery.sources[name])
            name = self._next_at_once()
            self.places.look()
        self.stirred.set()

    def _next_at_once(self) -> str | None:
        now = self.clock.monotonic()
        is_idle = self.buffer.is_full or not self.wanted.is_set()
        must_wait = self.places.are_too_many or is_idle or self.allowance.wait(now)
        return None if must_wait else self.schedule.next(now)

    async def _poll(self, source: Source) -> None:
        try:
            lines, more = await self.reader.read(source)
        except OperationError as error:
            await self.handover.mark(source)
            if not self.follows:
                raise
            self._failed(source, error)
            self.beginning.failed(source.name, source.failures)
        else:
            if not more or self.allowance.held_back(self.clock.monotonic()):
                await self.handover.mark(source)
            self._succeeded(source, lines, more=more)
            self.beginning.succeeded(source.name)
        if source.state is not SourceState.CATCHING_UP:
            self.stirred.set()

    def _succeeded(self, source: Source, lines: int, *, more: bool) -> None:
        failures = source.succeeded(self.clock.now(), lines, more=more)
        if failures:
            self.emit(SourceRecovered(source=source.name, failures=failures))
        self.schedule.observe(source.name, self.clock.monotonic(), lines, more)
        if self._is_last(source) and not more and not (lines and self.follows):
            self.discovery.dismiss(source)

    def _is_last(self, source: Source) -> bool:
        """Tell whether a source that has nothing new now will never have."""
        is_over = self.calendar.is_over(self.clock.now()) and not source.days
        return not self.follows or source.state is SourceState.LEAVING or is_over

    def _failed(self, source: Source, error: OperationError) -> None:
        event, now = self.setbacks.of(source, error), self.clock.monotonic()
        self.schedule.failed(source.name, now, now + event.retry_in)
        self.emit(event)
