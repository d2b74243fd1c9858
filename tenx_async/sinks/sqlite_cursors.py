"""Cursors in an SQLite file, for a consumer that keeps its lines elsewhere."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Self

from attrs import define, field

from tenx_async.errors import SinkUnavailable, TenxError
from tenx_async.fleet.threads import finish
from tenx_async.logs.cursor import Commit, Stored
from tenx_async.sinks.store import Store


@define(eq=False)
class _Group:
    """Commits that are written together."""

    commits: list[Commit] = field(factory=list)
    error: Exception | None = field(factory=partial(SinkUnavailable, "the write was broken off"))
    """Why they are not durable; `None`: they are."""


@define(eq=False)
class _Queue:
    """What one event loop has to write: a lock belongs to its loop."""

    turn: asyncio.Lock = field(factory=asyncio.Lock)
    group: _Group = field(factory=_Group)
    """What is not being written yet."""


@define(eq=False, init=False)
class SqliteCursors:
    """Keeps where sources were read to in a file, beyond the life of the process.

        with tenx.SqliteCursors("cursors.sqlite") as cursors:
            async with client.follow("web-*", cursors=cursors) as lines: ...

    Commits that come while others are written go together into the next transaction. A damaged
    file is set aside and reported, and a new one begun.
    """

    _store: Store
    _queues: dict[asyncio.AbstractEventLoop, _Queue] = field(repr=False)

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open the file, and make it where there is none.

        Args:
            path: one file for the cursors of one region; one process may use it at a time.

        Raises:
            SinkUnavailable: it cannot be written to, or another process uses it.
            ConfigurationError: that is a directory's path.
        """
        self._store = Store(Path(path))
        self._queues = {}
        self._store.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self, source: str) -> Stored | None:
        """What was committed of a source; `None`: nothing.

        Raises:
            DamagedCursor: it cannot be trusted.
            SinkUnavailable: it cannot be read now.
        """
        return self._store.load(source)

    def note_look(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note, with the next commit, which sources there are on a day, and where new begin."""
        self._store.note_look(sources, on, new)

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which there are; `None`: it never was."""
        return self._store.looked_on()

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after the last look: none of it was there already."""
        return self._store.is_new(source)

    async def commit(self, commits: Sequence[Commit]) -> None:
        """Make commits durable, all or none, in their order.

        Raises:
            SinkUnavailable: they are not durable; they may be given again.
        """
        queue = self._queue()
        group = queue.group
        group.commits += commits
        async with queue.turn:
            if queue.group is group:
                queue.group = _Group()
                await finish(self._write(group))
        if group.error is not None:
            raise _told(group.error) from group.error

    def close(self) -> None:
        """Let go of the file; nothing more can be committed."""
        self._store.close()

    def _queue(self) -> _Queue:
        """That of the running loop; those of loops that are over are let go of."""
        for loop in [*self._queues]:
            if loop.is_closed():
                self._queues.pop(loop, None)
        return self._queues.setdefault(asyncio.get_running_loop(), _Queue())

    async def _write(self, group: _Group) -> None:
        try:
            await asyncio.to_thread(self._store.write, group.commits)
        except Exception as error:  # noqa: BLE001  # whoever waits is told
            group.error = error
        else:
            group.error = None


def _told(error: Exception) -> TenxError:
    """An error of its own for each who waits, as each adds its traceback."""
    if isinstance(error, TenxError):
        return type(error)(error.message)
    return SinkUnavailable(f"cannot write cursors: {error}")
