"""Read what is new of one source: poll its days, hand on what comes, close what is over."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from attrs import define, evolve, field

from tenx_async.api.entries import LogEntry
from tenx_async.api.models import Instance
from tenx_async.clock import Clock
from tenx_async.errors import BadRequest, MethodNotAllowed, NotFound
from tenx_async.logs.ahead import ReadAhead
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.day import Day, Reading, T
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.extent import Extent
from tenx_async.logs.findings import Alike, Finding, Gap, OutOfReach, Reset
from tenx_async.logs.handover import Handover
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.oldest import read_all
from tenx_async.logs.order import PageRequest
from tenx_async.logs.pages import Ask, NoSuchDay, Pages
from tenx_async.logs.poll import audit, poll
from tenx_async.logs.reading import carry_out
from tenx_async.logs.seal import Seal
from tenx_async.logs.source import Source
from tenx_async.telemetry.events import DayOpened, DaySealed, Listener, LogChanged

_NO_SUCH_THING = (NoSuchDay, NotFound, MethodNotAllowed, BadRequest)
Log = tuple[str, dt.date, str]
"""A service, a day, and an instance, if it is its own log."""
ListInstances = Callable[[str], Awaitable[Sequence[Instance]]]


@define(kw_only=True, eq=False)
class SourceReader:
    """Reads sources, one poll of all open days at a time."""

    pages: Pages = field(repr=False)
    list_instances: ListInstances = field(repr=False)
    handover: Handover = field(repr=False)
    ledger: Ledger = field(repr=False)
    clock: Clock = field(repr=False)
    emit: Listener = field(repr=False)
    list_every: float = 10.0
    """Seconds between two looks at the instances of a source that is read through them."""
    allowance: Allowance = field(factory=Allowance, repr=False)
    follows: bool = True
    """Whether logs are read on and on; else to where they ended, though they go on growing."""
    _extents: defaultdict[Log, Extent] = field(
        factory=lambda: defaultdict(Extent), init=False, repr=False
    )
    _ahead: dict[Log, ReadAhead] = field(factory=dict, init=False, repr=False)
    """Of the logs that are being caught up with."""

    async def read(self, source: Source) -> tuple[int, bool]:
        """Poll each day once, and hand on what is new; tell how many lines, and if there are more.

        Raises:
            OperationError: a page could not be read; what was read before it is handed on.
        """
        if not source.has_begun:
            source.forget_other()
            if source.tail is not None:
                return await self._begin(source, source.tail)
            source.begin_whole(self.clock.now())
        if source.is_anew:
            self._begin_anew(source)
        for date in source.turn(self.clock.now()):
            self.emit(DayOpened(source=source.name, date=date))
        if dates := source.split_days:
            await self._look_for_instances(source, dates)
        lines, more = 0, False
        for day in source.days:
            delivery = await self._poll(source, day)
            lines += delivery.lines
            if delivery.more or day.is_cut or not self.follows:
                more = await self._has_more(source, day, delivery) or more
            if source.is_anew:
                return lines, True
            if day.is_cut or source.is_over(day):
                await self._conclude(source, day, more=delivery.more)
        return lines, more

    async def _conclude(self, source: Source, day: Day, *, more: bool) -> None:
        """Leave a day that is over, or read it elsewhere if its end is out of reach."""
        with suppress(NoSuchDay):
            if self._must_go_around(day):
                await self._go_around(source, day)
            elif source.is_over(day) and not more:
                await self._seal(source, day)

    async def _begin(self, source: Source, missing: int) -> tuple[int, bool]:
        """Find where the wanted days end, the newest first, until the tail is complete."""
        found: list[tuple[Day, Delivery]] = []
        now = self.clock.now()
        for date in reversed(source.days_to_begin_with(now)):
            day = source.day(date, tail=missing)
            delivery = await self._ask(source, day, poll, is_first=not found)
            if not day.begun and not day.is_cut:
                day.tail = None
            found.append((day, delivery))
            missing = max(0, missing - delivery.lines)
        if source.is_anew:  # meanwhile: nobody knows whose lines these are
            return 0, True
        source.begin((day for day, _ in found), now)
        for day, delivery in reversed(found):
            late = self._begun_late(source, day, delivery)
            self._enter(source, day, evolve(delivery, findings=[*delivery.findings, *late]))
            await self.handover.put(source, day, delivery, is_last=day is found[0][0])
        more = [await self._has_more(source, day, delivery) for day, delivery in found]
        return sum(delivery.lines for _, delivery in found), any(more)

    async def _has_more(self, source: Source, day: Day, delivery: Delivery) -> bool:
        """Tell whether a day is to be read on."""
        if self.follows or self._must_go_around(day):
            return delivery.more or self._must_go_around(day)
        extent = self._extents[source.name, day.date, day.instance]
        extent.note(day, delivery)
        if extent.is_sought:
            await self._ask(source, day, extent.find, is_first=False)
        return not extent.is_reached

    def _begin_anew(self, source: Source) -> None:
        """Tell where a log was left, and where more of the new one came than is remembered."""
        for day in source.begin_anew():
            if day.position and not day.proof.is_fresh:
                self.ledger.day(source.name, day.date).findings.append(Reset(day.position))
            if day.proof.is_cut:
                self._enter(source, day, Delivery(findings=[Gap(day.position, None)]))

    def _note_read_anew(self, source: Source, day: Day) -> None:
        """Tell whether there was an earlier log: what came and is not in this one was in that."""
        if day.gone and day.proof.left_at:
            self.ledger.day(source.name, day.date).findings.append(Reset(day.proof.left_at))
        if (alike := day.proof.presumed - day.gone.total()) > 0:
            self._enter(source, day, Delivery(findings=[Alike(day.position, alike)]))
        day.gone.clear()
        day.proof.left_at = day.proof.presumed = 0

    @staticmethod
    def _begun_late(source: Source, day: Day, delivery: Delivery) -> list[Finding]:
        """Tell that lines may have passed before it was known where the log ended."""
        is_late = source.is_late or source.failures or source.throttled
        left_out = day.position - delivery.lines
        return [Gap(left_out, None)] if is_late and (left_out or not day.memory.whole) else []

    async def close(self) -> None:
        """Give up the pages that were asked for before their turn."""
        while self._ahead:
            await self._ahead.popitem()[1].drop()

    async def _poll(self, source: Source, day: Day) -> Delivery:
        delivery = await self._read_on(source, day)
        is_anew = day.proof.left_at or day.proof.presumed
        if is_anew and not delivery.more and not day.is_absent:
            self._note_read_anew(source, day)
        if delivery.more or self._ahead:
            await self._look_ahead(source, day, more=delivery.more)
        self._enter(source, day, delivery)
        if delivery.stretches or source.has_news:
            source.has_news = False
            await self.handover.put(source, day, delivery)
        return delivery

    async def _read_on(self, source: Source, day: Day) -> Delivery:
        try:
            delivery = await self._ask(source, day, poll)
        except NoSuchDay:
            return day.miss()
        day.is_absent = False
        return delivery

    async def _look_ahead(self, source: Source, day: Day, *, more: bool) -> None:
        log = (source.name, day.date, day.instance)
        if not more:
            if ahead := self._ahead.pop(log, None):
                await ahead.drop()
        elif not self.allowance.interval and log not in self._ahead:
            fetch = partial(self.pages.page, *log)
            self._ahead[log] = ReadAhead(fetch, self._room_ahead, self.clock.monotonic)

    def _room_ahead(self) -> int:
        """How many more pages can wait, so that all that waits fits into the buffer."""
        under_way = sum(map(len, self._ahead.values()))
        buffer, page = self.handover.buffer, self.handover.page_size
        return (buffer.limit - buffer.lines) // page - under_way

    @staticmethod
    def _must_go_around(day: Day) -> bool:
        return day.is_cut and not day.settles and not day.is_absent

    async def _go_around(self, source: Source, day: Day) -> None:
        """Read a day on in the logs of its instances, past what the log window reaches."""
        entries = [] if day.instance else await self._ask(source, day, read_all)
        wrote = sorted({one.instance_name for one in entries if one.instance_name})
        without = [name for name in wrote if not await self._has_log(source, day, name)]
        has_way = len(without) < len(wrote)
        listed = await self._instances(source) if has_way else []
        around = sorted({*wrote, *listed}.difference(without))
        if around:
            source.split(day, around, entries[: day.position])
        day.settles = True
        reach = OutOfReach(day.habits.window or day.position, tuple(around), tuple(without))
        forgotten = [Gap(day.position, None)] if around and day.memory.base > len(entries) else []
        self._enter(source, day, Delivery(findings=[reach, *forgotten]))

    async def _has_log(self, source: Source, day: Day, instance: str) -> bool:
        """Tell whether an instance that wrote has a log of its own."""
        request = PageRequest(0, 1)
        try:
            return bool(await self.pages.page(source.name, day.date, instance, request))
        except _NO_SUCH_THING:
            return False

    async def _instances(self, source: Source) -> list[str]:
        """List the instances whose own logs can be read, if the server tells them."""
        self.ledger.listings += 1
        source.instances_seen = self.clock.monotonic()
        self.allowance.spend(source.instances_seen)
        try:
            return [one.name for one in await self.list_instances(source.name)]
        except _NO_SUCH_THING:
            return []

    async def _look_for_instances(self, source: Source, dates: Iterable[dt.date]) -> None:
        if self.clock.monotonic() - source.instances_seen >= self.list_every:
            names = await self._instances(source)
            for date in dates:
                source.admit(date, names)

    async def _seal(self, source: Source, day: Day) -> None:
        """Read all that is remembered of a day once more, and close its account if that is all."""
        account = self.ledger.day(source.name, day.date)
        if day.is_absent:
            account.seals.append(Seal.of(0, (), day.instance))
        elif day.begun:
            delivery = await self._ask(source, day, audit)
            await self._deliver(source, day, delivery)
            if delivery.more:
                return
            account.seals.append(Seal.of(day.position, delivery.window, day.instance))
        account.sealed = source.seal(day)
        await self.handover.put(source, day, Delivery())
        if account.sealed:
            seals = tuple(account.seals)
            self.emit(DaySealed(source=source.name, date=day.date, seals=seals))

    async def _ask(
        self, source: Source, day: Day, read: Callable[[Day], Reading[T]], *, is_first: bool = True
    ) -> T:
        """Carry a reading out; insist on its pages, save on the first one that is asked for.

        Raises:
            NoSuchDay: the server has no log of that day although lines of it are known.
            OperationError: a page could not be read.
        """
        log = (source.name, day.date, day.instance)
        again = page = partial(self._if_known, day, partial(self.pages.page, *log))
        if (ahead := self._ahead.get(log)) is not None:
            page = partial(self._if_known, day, partial(ahead.page, habits=day.habits))
        insist = partial(self.pages.insist, ask=page, again=again)
        return await carry_out(partial(read, day), day.habits, page if is_first else insist, insist)

    async def _if_known(self, day: Day, ask: Ask, request: PageRequest) -> Sequence[LogEntry]:
        """Ask for a page; of a log that is not there it is empty, unless it was not so before."""
        try:
            return await ask(request)
        except NoSuchDay as said:
            if request.from_ >= day.position:
                return ()
            if not self.follows:
                raise said.error from said
            raise

    async def _deliver(self, source: Source, day: Day, delivery: Delivery) -> None:
        self._enter(source, day, delivery)
        await self.handover.put(source, day, delivery)

    def _enter(self, source: Source, day: Day, delivery: Delivery) -> None:
        self.ledger.day(source.name, day.date).enter(delivery)
        for finding in delivery.findings:
            self.emit(
                LogChanged(
                    source=source.name, date=day.date, finding=finding, instance=day.instance
                )
            )
