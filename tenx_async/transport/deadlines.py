"""Deadlines that cost next to nothing unless they are reached."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from attrs import define, field


@define(eq=False)
class Deadlines:
    """Watches what is under way, by one timer for all of it.

    A timer for each, as of `asyncio.timeout`, is set and cancelled in vain nearly always.
    """

    _loop: asyncio.AbstractEventLoop
    _scopes: set[Scope] = field(factory=set, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def within(self, seconds: float) -> Scope:
        """Bound a block as `asyncio.timeout` does."""
        return Scope(self, self._loop.time() + seconds)

    def watch(self, scope: Scope) -> None:
        """Wake up in time to end a scope."""
        self._scopes.add(scope)
        if self._timer is None or scope.due < self._timer.when():
            self._wake_at(scope.due)

    def let_go(self, scope: Scope) -> None:
        """Forget a scope that was left."""
        self._scopes.discard(scope)

    def _wake_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for scope in [scope for scope in self._scopes if scope.due <= now]:
            self._scopes.remove(scope)
            scope.end()
        if self._scopes:
            self._wake_at(min(scope.due for scope in self._scopes))


@define(eq=False)
class Scope:
    """A block whose task is cancelled at a time; the block then raises `TimeoutError`."""

    deadlines: Deadlines
    due: float
    """By the loop's time."""
    _task: asyncio.Task[object] | None = field(default=None, init=False)
    _cancellations: int = field(default=0, init=False)
    """How many others had asked for when the block began."""
    _has_ended: bool = field(default=False, init=False)

    def end(self) -> None:
        """Cancel what goes on in the block."""
        self._has_ended = True
        if self._task is not None:
            self._task.cancel()

    def take_back(self) -> bool:
        """Undo its cancellation, which was caught; false if others ask for one as well."""
        if not self._has_ended or self._task is None:
            return False
        self._has_ended = False
        return self._task.uncancel() <= self._cancellations

    def __enter__(self) -> Self:
        task = self._task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task that it can end")
        self._cancellations = task.cancelling()
        self.deadlines.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.deadlines.let_go(self)
        if self.take_back() and kind is asyncio.CancelledError:
            raise TimeoutError from error
