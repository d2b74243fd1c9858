"""Which services are followed: those that there are, looked for again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

from attrs import define, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.selection import Selection
from tenx_async.clock import Clock
from tenx_async.errors import NotFound, OperationError, SinkUnavailable
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.schedule import Schedule
from tenx_async.logs.source import Source, SourceState
from tenx_async.telemetry.events import (
    DiscoveryFailed,
    Listener,
    SourceAwaited,
    SourceFinished,
    SourceFound,
    SourceRemoved,
    SourceReset,
)

_POLLS_A_LOOK = 10
"""Where calls are scarce, so many are made for each look at which services there are."""
_GONE = 1000
ListServices = Callable[[], Awaitable[list[Service]]]


@frozen
class Look:
    """Which services there are, and which of them are followed from now on."""

    there: Sequence[str]
    new: list[Source] = field(factory=list)
    """Those that came to be since the look before."""
    others: list[Source] = field(factory=list)
    """Those that may have been there, and of which nothing was kept."""
    resumed: list[Source] = field(factory=list)
    """Those of which something was kept, if only to be lost."""


@define(kw_only=True, eq=False)
class Discovery:
    """Keeps what is followed in step with what there is."""

    selection: Selection
    list_services: ListServices = field(repr=False)
    make: Callable[[str], Source] = field(repr=False)
    """Makes a source for a service of this name."""
    is_new: Callable[[str], bool] = field(default=lambda _: False, repr=False)
    """Tells at the first look whether a service came to be since one of an earlier following."""
    looked: Callable[[Look], None] = field(default=lambda _: None, repr=False)
    """Is told of each look."""
    schedule: Schedule = field(repr=False)
    ledger: Ledger = field(repr=False)
    clock: Clock = field(repr=False)
    emit: Listener = field(repr=False)
    every: float = 10.0
    """Seconds between two looks; more where calls are scarce."""
    allowance: Allowance = field(factory=Allowance, repr=False)
    waits: bool = True
    """Whether a service that does not exist yet is waited for, and one that is gone is missed."""
    backoff: Callable[[int], float] = field(repr=False)
    """Seconds to wait after so many failures in a row."""
    sources: dict[str, Source] = field(factory=dict, init=False, repr=False)
    _gone: dict[str, Source] = field(factory=dict, init=False, repr=False)
    """Services that listings lacked, the last few of them."""
    _finished: dict[str, str | None] = field(factory=dict, init=False, repr=False)
    """The uids of services whose last wanted day was read to its end, by name."""

    _has_looked: bool = field(default=False, init=False, repr=False)

    def __iter__(self) -> Iterator[Source]:
        return iter(self.sources.values())

    async def look(self, *, tail: int | None = None) -> None:
        """Compare the services there are with those that are followed.

        Args:
            tail: how many of the lines that are there already to deliver of a newly found one.

        Raises:
            NotFound: a service that was asked for by name does not exist, and is not waited for.
        """
        self.ledger.listings += 1
        self.allowance.spend(self.clock.monotonic())
        for source in self:
            source.is_asked_of()
        services = await self.list_services()
        look = self._meet(services, tail)
        self._has_looked = True
        self.looked(look)

    async def keep_looking(self, stirred: Callable[[], None]) -> None:
        """Look again and again, and say each time that there may be something new."""
        failures = 0
        while True:
            rest = max(self.every, _POLLS_A_LOOK * self.allowance.interval)
            await self.clock.sleep(self.backoff(failures) if failures else rest)
            try:
                await self.look()
            except (OperationError, SinkUnavailable) as error:
                failures += 1
                self.emit(DiscoveryFailed(error=error, retry_in=self.backoff(failures)))
            else:
                failures = 0
                stirred()

    def dismiss(self, source: Source) -> None:
        """Follow a source no more: its log was read to the end."""
        gone = source.state is SourceState.LEAVING
        source.state = SourceState.GONE
        self.schedule.remove(source.name)
        del self.sources[source.name]
        if gone:
            self._remember(source)
        else:
            self._finished[source.name] = source.uid
        ended = SourceRemoved if gone else SourceFinished
        self.emit(ended(source=source.name))

    def _meet(self, services: Sequence[Service], tail: int | None) -> Look:
        seen = {one.name: one.uid for one in services if self._is_wanted(one)}
        for name in self.selection.exact:
            if name not in seen and name not in self.sources:
                self._await(name)
        found = {name: self.make(name) for name in seen if self._is_unknown(name)}  # all or none
        look = Look([service.name for service in services])
        for source in found.values():
            self._kind_of(source, look).append(source)
        for source in look.others:
            source.tail = tail
        for name, uid in seen.items():
            if name in found:
                self._take_up(found[name], uid)
            else:
                self._welcome(name, uid)
        for name, source in self.sources.items():
            if name not in seen and source.state is not SourceState.AWAITED:
                source.state = SourceState.LEAVING
        return look

    def _is_wanted(self, service: Service) -> bool:
        name, uid = service.name, service.uid
        is_finished = name in self._finished and not _differ(uid, self._finished[name])
        return name in self.selection and not is_finished

    def _is_unknown(self, name: str) -> bool:
        source = self.sources.get(name) or self._gone.get(name)
        return source is None or source.state is SourceState.AWAITED

    def _kind_of(self, source: Source, look: Look) -> list[Source]:
        if not source.is_unknown:
            return look.resumed
        return look.new if self._has_looked or self.is_new(source.name) else look.others

    def _welcome(self, name: str, uid: str | None) -> None:
        """Go on with a service that is known, also one that was taken for gone."""
        source = self.sources.get(name)
        if source is None:
            source = self._gone.pop(name)
            source.revive()
            self._take_up(source, uid)
        elif _differ(uid, source.uid):
            self._reset(source, uid)
        elif uid == source.uid:
            source.confirm()
        else:
            source.recognise(uid)

    def _take_up(self, source: Source, uid: str | None) -> None:
        """Follow a service; from its beginning, if an earlier one was read up to now."""
        self.sources[source.name] = source
        self.schedule.add(source.name, self.clock.monotonic())
        self.emit(SourceFound(source=source.name))
        if _differ(uid, source.uid):
            self._reset(source, uid)
        source.recognise(uid)

    def _reset(self, source: Source, uid: str | None) -> None:
        source.reset(uid)
        self.emit(SourceReset(source=source.name))

    def _remember(self, source: Source) -> None:
        """Keep where a service was read that is gone, in case that one listing lacked it."""
        self._gone[source.name] = source
        while len(self._gone) > _GONE:
            del self._gone[next(iter(self._gone))]

    def _await(self, name: str) -> None:
        if not self.waits:
            raise NotFound("there is no such service", operation=f"logs {name}", status=404)
        source = self.sources[name] = self.make(name)
        source.state = SourceState.AWAITED
        self.emit(SourceAwaited(source=name))


def _differ(uid: str | None, other: str | None) -> bool:
    """Tell whether two uids are of two services; any reply may lack one."""
    return None not in (uid, other) and uid != other
