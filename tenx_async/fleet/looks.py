"""What the fleet looks like: one list call for all who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set as AbstractSet

from attrs import define, field, frozen

from tenx_async.api.models import Service
from tenx_async.clock import Clock

ListServices = Callable[[], Awaitable[Sequence[Service]]]
"""Lists the services of the region, in one call."""

FRESH = 5.0
"""Seconds for which a look is believed."""


@frozen
class Look:
    """What the fleet looked like."""

    at: float
    """When the call for it began, by the clock's `monotonic`."""
    services: Mapping[str, Service] = field(repr=False)


@define(eq=False)
class Looks:
    """Looks at the fleet, one at a time."""

    list_services: ListServices = field(repr=False)
    clock: Clock = field(repr=False)
    _last: Look | None = field(default=None, init=False, repr=False)
    _before: AbstractSet[str] | None = field(default=None, init=False, repr=False)
    """The names that the look before the last one showed."""
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)

    async def fresh(self) -> Look:
        """Give the last look if it is not old, else take one.

        Raises:
            TenxError: the services could not be listed.
        """
        async with self._turn:
            is_old = self._last is None or self.clock.monotonic() > self._last.at + FRESH
            return await self._take() if is_old or self._last is None else self._last

    async def find(self, name: str) -> Service | None:
        """Tell what a service looks like; gone is what two looks do not show.

        Raises:
            TenxError: as `fresh`.
        """
        look = await self.fresh()
        if name not in look.services and (self._before is None or name in self._before):
            look = await self.again()
        return look.services.get(name)

    async def again(self) -> Look:
        """Take a look.

        Raises:
            TenxError: as `fresh`.
        """
        async with self._turn:
            return await self._take()

    async def _take(self) -> Look:
        at = self.clock.monotonic()
        services = await self.list_services()
        self._before = frozenset(self._last.services) if self._last else None
        self._last = Look(at, {service.name: service for service in services})
        return self._last
