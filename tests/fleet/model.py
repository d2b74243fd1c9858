"""A fleet without a wire: services that do as a test likes, by a clock that takes no time."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.errors import TenxError
from tenx_async.fleet.choice import Choice
from tenx_async.fleet.fleet import Fleet, Means
from tenx_async.fleet.journal import NoJournal
from tenx_async.fleet.plan import Plan, Write
from tests.clock import ManualClock
from tests.fleet.plans import names, outcome, service

AWAY = {"restart": "Restarting", "stop": "Stopped", "delete": "Terminating"}


@define(eq=False, slots=False)
class Model:
    """Services, and what was done to them."""

    count: int
    services: dict[str, Service] = field(init=False)
    clock: ManualClock = field(factory=ManualClock)
    lasts: float = 3.0
    """Seconds for which a restarted service is away."""
    slow: float = 0.0
    """Seconds that a write takes."""
    answer: Callable[[str, Write], Outcome | None] = lambda _, __: None
    """What comes of a write instead of its execution."""
    show: Callable[[dict[str, Service]], Iterable[Service]] = lambda services: services.values()
    """What a list shows of the services."""
    status_of: Callable[[str, float], str] = lambda _, __: "Running"
    """What becomes of a service so many seconds after it has come back."""
    written: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    lists: list[float] = field(factory=list, init=False)
    """When the services were listed."""
    most_away: int = field(default=0, init=False)
    most_at_once: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)
    _back: dict[str, float] = field(factory=dict, init=False)
    """When a restarted service comes back."""

    def __attrs_post_init__(self) -> None:
        self.services = {name: service(name) for name in names(self.count)}

    async def list_services(self) -> list[Service]:
        """List them, as the test likes."""
        self.lists.append(self.clock.monotonic())
        await asyncio.sleep(0)
        self._settle()
        return list(self.show(self.services))

    async def do(self, name: str, write: Write, _: Service | None, __: float) -> Outcome:
        """Write, or give the test's own answer."""
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await self.clock.sleep(self.slow)
        finally:
            self._under_way -= 1
        if answer := self.answer(name, write):
            return answer
        self.written[write.verb, name] += 1
        self._carry_out(name, write)
        return outcome()

    def _carry_out(self, name: str, write: Write) -> None:
        self._settle()
        if write.verb == "delete":
            del self.services[name]
            return
        self._set(name, AWAY.get(write.verb, "Starting"))
        if write.verb in {"restart", "start"}:
            self._back[name] = self.clock.monotonic() + self.lasts
        self.most_away = max(self.most_away, self.away)

    @property
    def away(self) -> int:
        """How many are not at work."""
        return sum(not one.has_status("Running") for one in self.services.values())

    def _set(self, name: str, status: str) -> None:
        self.services[name] = evolve(self.services[name], status=status)

    def _settle(self) -> None:
        now = self.clock.monotonic()
        for name, back in self._back.items():
            if now >= back and name in self.services:
                self._set(name, self.status_of(name, now - back))

    def fleet(self, journal: NoJournal | None = None, **more: Any) -> Fleet:
        """All of them."""
        means = Noted(
            region="beijing1",
            list_services=self.list_services,
            do=self.do,
            settle=_never,
            clock=self.clock,
            journal=journal or NoJournal(),
        )
        return Fleet(choice=Choice(**more), means=means)


@frozen(kw_only=True)
class Noted(Means):
    """Runs that are noted where a test can see it."""

    journal: NoJournal

    def new_journal(self, manifest: Path | None = None) -> NoJournal:
        return self.journal


async def _never(*what: object) -> Outcome:
    raise AssertionError(f"nothing was left open: {what}")


@define
class Full(NoJournal):
    """A journal whose disk is full when it has taken so many notes of a kind."""

    full: Mapping[str, int] = field(factory=dict)
    notes: Counter[str] = field(factory=Counter)
    state: str = ""

    async def intend(self, step: int, write: int) -> None:
        self._note("intend")

    async def answered(self, step: int, write: int, outcome: Outcome) -> None:
        self._note("answered")

    async def over(self, step: int, outcome: Outcome) -> None:
        self._note("over")

    async def begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        self._note("begin")

    async def end(self, state: str) -> None:
        self.state = state

    def _note(self, kind: str) -> None:
        if self.notes[kind] >= self.full.get(kind, 10**9):
            raise TenxError("the disk is full")
        self.notes[kind] += 1


@define(eq=False)
class SetClock(ManualClock):
    """A clock whose time of day somebody sets."""

    offset: dt.timedelta = dt.timedelta()

    def now(self) -> dt.datetime:
        """The time of day, as set."""
        return super().now() + self.offset
