"""Which services are followed: those that there are, looked for again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

from attrs import define, field

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


def _ignore(there: list[str], new: list[Source]) -> None:
    """Make nothing of a look."""


@define(kw_only=True, eq=False)
class Discovery:
    """Keeps what is followed in step with what there is."""

    selection: Selection
    list_services: ListServices = field(repr=False)
    make: Callable[[str], Source] = field(repr=False)
    """Makes a source for a service of this name."""
    is_new: Callable[[str], bool] = field(default=lambda _: False, repr=False)
    """Tells at the first look whether a service came to be since one of an earlier following."""
    looked: Callable[[list[str], list[Source]], None] = field(default=_ignore, repr=False)
    """Is told after each look which services there are, and of sources that came to be since."""
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
    _new: list[Source] = field(factory=list, init=False, repr=False)

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
        self._meet(services, tail)
        self._has_looked, new, self._new = True, self._new, []
        self.looked([service.name for service in services], new)

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

    def _meet(self, services: Sequence[Service], tail: int | None) -> None:
        seen = {one.name: one.uid for one in services if self._is_wanted(one)}
        for name in self.selection.exact:
            if name not in seen and name not in self.sources:
                self._await(name)
        found = {name: self._find(name) for name in seen if self._is_unknown(name)}  # all or none
        for name, uid in seen.items():
            if name in found:
                self._begin(*found[name], uid, tail)
            else:
                self._welcome(name, uid)
        for name, source in self.sources.items():
            if name not in seen and source.state is not SourceState.AWAITED:
                source.state = SourceState.LEAVING

    def _is_wanted(self, service: Service) -> bool:
        name, uid = service.name, service.uid
        is_finished = name in self._finished and not _differ(uid, self._finished[name])
        return name in self.selection and not is_finished

    def _is_unknown(self, name: str) -> bool:
        source = self.sources.get(name) or self._gone.get(name)
        return source is None or source.state is SourceState.AWAITED

    def _find(self, name: str) -> tuple[Source, bool]:
        """Make a source, and tell if it came to be since the last look; either may fail."""
        source = self.make(name)
        return source, not source.has_begun and (self._has_looked or self.is_new(name))

    def _welcome(self, name: str, uid: str | None) -> None:
        source = self.sources.get(name)
        if source is None:
            self._bring_back(name, uid)
        elif _differ(uid, source.uid):
            self._reset(source, uid)
        elif uid == source.uid:
            source.confirm()
        else:
            source.recognise(uid)

    def _begin(self, source: Source, is_new: bool, uid: str | None, tail: int | None) -> None:
        """Follow a service; from its beginning, if an earlier one was read up to now."""
        name = source.name
        if is_new:
            self._new.append(source)
        else:
            source.tail = tail
        self.sources[name] = source
        self.schedule.add(name, self.clock.monotonic())
        self.emit(SourceFound(source=name))
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

    def _bring_back(self, name: str, uid: str | None) -> None:
        """Read on in a service that was taken for gone; from its beginning, if it is a new one."""
        source = self._gone.pop(name)
        source.revive()
        self.sources[name] = source
        self.schedule.add(name, self.clock.monotonic())
        self.emit(SourceFound(source=name))
        if _differ(uid, source.uid):
            self._reset(source, uid)
        source.recognise(uid)

    def _await(self, name: str) -> None:
        if not self.waits:
            raise NotFound("there is no such service", operation=f"logs {name}", status=404)
        source = self.sources[name] = self.make(name)
        source.state = SourceState.AWAITED
        self.emit(SourceAwaited(source=name))


def _differ(uid: str | None, other: str | None) -> bool:
    """Tell whether two uids are of two services; any reply may lack one."""
    return None not in (uid, other) and uid != other
