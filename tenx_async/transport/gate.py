"""The one gate that every call of an account passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field


@define(kw_only=True)
class Gate:
    """Bounds how many calls are under way at once, and counts them."""

    limit: int = 8
    calls: int = 0
    in_flight: int = 0
    _places: asyncio.Semaphore = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.limit)

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it."""
        async with self._places:
            self.calls += 1
            self.in_flight += 1
            try:
                yield
            finally:
                self.in_flight -= 1
