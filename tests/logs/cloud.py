"""The logs of a cloud as a follower is handed them: plain calls, no sockets, faults at will."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.api.models import Instance, Service
from tenx_async.clock import Clock
from tenx_async.errors import MethodNotAllowed, NotFound, TenxError
from tenx_async.logs.lines import LogPage
from tenx_async.logs.order import Order

Line = tuple[str, str]


@define
class Gate:
    """Where listings pass; closed, it holds them until it is opened."""

    reached: asyncio.Event = field(factory=asyncio.Event)
    """Somebody waits."""
    opened: asyncio.Event | None = None

    def close(self) -> None:
        """Hold whoever comes."""
        self.reached.clear()
        self.opened = asyncio.Event()

    def open(self) -> None:
        """Let all pass."""
        if self.opened:
            self.opened.set()

    async def passed(self) -> None:
        """Pass, or wait."""
        if self.opened:
            self.reached.set()
            await self.opened.wait()


@define
class FakeCloud:
    """Services and their logs, oldest line first."""

    clock: Clock
    zone: dt.tzinfo = dt.UTC
    """Where the day of a log begins."""
    order: Order = Order.OLDEST_FIRST
    cap: int | None = None
    """The most entries of a page."""
    uids: dict[str, str | None] = field(factory=dict)
    logs: dict[str, dict[dt.date, list[LogEntry]]] = field(
        factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    written: Counter[Line] = field(factory=Counter)
    """Every (service, text) that was ever written."""
    calls: Counter[str] = field(factory=Counter)
    listings: int = 0
    failing: dict[str, TenxError] = field(factory=dict)
    """Services whose log cannot be read."""
    listing_fails: TenxError | None = None
    asked: Gate = field(factory=Gate)
    """Listings pass it before they are answered."""
    answered: Gate = field(factory=Gate)
    """Listings pass it when their answer is made: held there, it is out of date."""
    on_call: Callable[[str], None] = field(default=lambda _: None)
    """Is told of every page that is asked for, before it is answered."""

    def add(self, *names: str, uid: str = "u1") -> None:
        """Make services, each with an empty log."""
        for name in names:
            self.uids[name] = uid
            self.logs[name].clear()

    def remove(self, name: str) -> None:
        """Delete a service and its log."""
        del self.uids[name]
        self.logs[name].clear()

    def write(self, name: str, *texts: str, date: dt.date | None = None) -> None:
        """Append lines to today's log, or to another day's."""
        day = date or self.today
        self.logs[name][day] += [LogEntry(f"{name}-1", text) for text in texts]
        self.written.update((name, text) for text in texts)

    @property
    def today(self) -> dt.date:
        """The day of the log that is written to."""
        return self.clock.now().astimezone(self.zone).date()

    async def list_services(self) -> list[Service]:
        """What the list operation would give."""
        self.listings += 1
        if self.listing_fails is not None:
            raise self.listing_fails
        await self.asked.passed()
        services = [Service(name=name, uid=uid) for name, uid in self.uids.items()]
        await self.answered.passed()
        return services

    async def list_instances(self, _: str) -> list[Instance]:
        """What there is of instances: a server without this operation."""
        raise MethodNotAllowed("no such operation", status=405)

    async def fetch(
        self, service: str, *, date: dt.date, from_: int, size: int, instance: str = ""
    ) -> LogPage:
        """What a page of a day's log would be."""
        assert not instance
        self.calls[service] += 1
        self.on_call(service)
        if service in self.failing:
            raise self.failing[service]
        if service not in self.uids:
            raise NotFound("no such service", operation=f"logs {service}", status=404)
        return LogPage(
            date, from_, self._page(self.logs[service][date], from_, min(size, self.cap or size))
        )

    def _page(self, log: list[LogEntry], from_: int, size: int) -> list[LogEntry]:
        if not self.order.counts_back:
            return log[from_ : from_ + size]
        stop = max(0, len(log) - from_)
        page = log[max(0, stop - size) : stop]
        return page[::-1] if self.order is Order.NEWEST_FIRST else page
