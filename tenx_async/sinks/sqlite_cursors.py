"""Cursors in an SQLite file, for a consumer that keeps its lines elsewhere."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Self
from uuid import uuid4

from attrs import define, field

from tenx_async.errors import SinkUnavailable, TenxError
from tenx_async.fleet.threads import finish
from tenx_async.logs.cursor import Commit, Stored
from tenx_async.sinks.cursor_tables import cursor_of
from tenx_async.sinks.facts import fact, set_fact
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

    def __init__(self, path: str | PathLike[str], *, opened: bool = True) -> None:
        """Open the file, and make it where there is none.

        Args:
            path: one file for the cursors of one region; one process may use it at a time.
            opened: open it now; else the sink that it is of does, and waits until it can be used.

        Raises:
            SinkUnavailable: it cannot be written to, or another process uses it.
            ConfigurationError: that is a directory's path.
        """
        self._store = Store(Path(path))
        self._queues = {}
        if opened:
            self.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open the file, unless it is open.

        Raises:
            SinkUnavailable: it cannot be written to, or another process uses it.
            ConfigurationError: it was written by a newer version, or is another program's.
        """
        if not self._store.is_open:
            self._store.open()

    def load(self, source: str) -> Stored | None:
        """What was committed of a source; `None`: nothing.

        Raises:
            DamagedCursor: it cannot be trusted.
            SinkUnavailable: it cannot be read now.
        """
        return self._store.load(source)

    def salt(self) -> str:
        """Tell this file from all others; it is made with the first question.

        Raises:
            SinkUnavailable: it cannot be read now, or not be kept.
        """
        if not (salt := self._store.ask(partial(fact, name="salt"))):
            salt = uuid4().hex
            self._store.announce(partial(set_fact, name="salt", value=salt))
        return salt

    def committed(self, source: str) -> bytes:
        """The cursor of a source as it is kept; empty: there is none.

        Raises:
            SinkUnavailable: it cannot be read now.
        """
        return self._store.ask(partial(cursor_of, source=source))

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
        """Let go of the file; nothing can be committed until it is opened again."""
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
