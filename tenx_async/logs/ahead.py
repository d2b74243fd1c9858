"""Pages that are asked for before their turn, while a log is caught up with.

Who catches up asks for one full page after the other, each as far behind the last; from that the
next requests are guessed. One that was not guessed means that something moved: then all guesses
are dropped, for they were read before it did.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.order import BeyondWindow, Habits, PageRequest

MOST_AHEAD = 16
_RUN_A_PAGE = 4
"""So many pages in a row are worth one more ahead: what is guessed in vain stays little."""

_QUEUEING = 2.0
"""A page that takes so many times the least time waits for others at the server."""

Page = Awaitable[Sequence[LogEntry]]
Fetch = Callable[[PageRequest], Page]


@define(eq=False)
class ReadAhead:
    """The pages of one log that are under way."""

    fetch: Fetch = field(repr=False)
    room: Callable[[], int] = field(repr=False)
    """How many more pages may be under way, for all that else is."""
    now: Callable[[], float] = field(repr=False)
    """Tells the time in seconds."""
    depth: int = 1
    """Pages under way beside the one that is awaited.

    It grows as long as that is waited for, unless a page takes much longer than one alone: then
    they wait for each other at the server, and more of them bring nothing.
    """
    _last: PageRequest | None = field(default=None, init=False)
    _stride: int = field(default=0, init=False)
    _run: int = field(default=0, init=False)
    """Requests in a row that were equally far apart."""
    _guessed: dict[PageRequest, asyncio.Task[Sequence[LogEntry]]] = field(
        factory=dict, init=False, repr=False
    )
    """The next ones, as many as there are."""
    _took: float = field(default=0.0, init=False)
    """Seconds in which the last page came."""
    _least: float = field(default=math.inf, init=False)
    """Seconds in which any came."""

    def __len__(self) -> int:
        return len(self._guessed)

    async def page(self, request: PageRequest, habits: Habits) -> Sequence[LogEntry]:
        """Read a page, and have the next ones under way meanwhile."""
        self._follow(request)
        task = self._guessed.pop(request, None)
        if task is None:
            await self.drop()
            self._guess(request, habits)
            return await self._fetch(request)
        if not task.done() and self._took <= _QUEUEING * self._least:
            self.depth = min(self.depth + 1, MOST_AHEAD)
        self._guess(request, habits)
        return await task

    async def _fetch(self, request: PageRequest) -> Sequence[LogEntry]:
        began = self.now()
        page = await self.fetch(request)
        self._took = self.now() - began
        self._least = min(self._least, self._took)
        return page

    async def drop(self) -> None:
        """Give up what was guessed."""
        if not self._guessed:
            return
        tasks = list(self._guessed.values())
        self._guessed.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _follow(self, request: PageRequest) -> None:
        stride = request.from_ - self._last.from_ if self._last else 0
        self._run = self._run + 1 if stride == self._stride > 0 else 0
        self._stride, self._last = stride, request

    def _guess(self, request: PageRequest, habits: Habits) -> None:
        """Ask for the pages that will probably be asked for next."""
        wanted = min(self.depth, self._run // _RUN_A_PAGE)
        try:
            for steps in range(len(self._guessed) + 1, wanted + 1):
                if self.room() < 1:
                    return
                guess = habits.request(request.from_ + steps * self._stride)
                self._guessed[guess] = asyncio.ensure_future(self._fetch(guess))
        except BeyondWindow:
            return
