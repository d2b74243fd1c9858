"""Polls under way: as many as may call at once, so that what is chosen is not left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import define, field

MOST = 32
"""Polls under way, whatever else there is room for."""


def _unbounded(_: int) -> bool:
    return True


@define(eq=False)
class Places:
    """Places for polls; there is always one."""

    has_room: Callable[[int], bool] = field(default=_unbounded, repr=False)
    """Tells whether one more may begin beside so many."""
    taken: int = field(default=0, init=False)
    _freed: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    @property
    def are_too_many(self) -> bool:
        """Whether one of those who have a place has to give it back."""
        return self.taken > 1 and not self.has_room(self.taken - 1)

    async def take(self) -> None:
        """Wait for a place, and take it."""
        while not self._is_one_free():
            self._freed.clear()
            await self._freed.wait()
        self.taken += 1

    def give_back(self) -> None:
        """Leave a place to others."""
        self.taken -= 1
        self.look()

    def look(self) -> None:
        """See whether there is room for more than there was."""
        if self._is_one_free():
            self._freed.set()

    def _is_one_free(self) -> bool:
        return not self.taken or (self.taken < MOST and self.has_room(self.taken))
