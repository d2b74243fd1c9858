"""Lines in an SQLite file, exactly once, with an index over their text."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from os import PathLike
from pathlib import Path

from attrs import define, field

from tenx_async.errors import TenxError
from tenx_async.fleet.threads import to_the_end
from tenx_async.logs.cursor import Commit
from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks import rows, word_index
from tenx_async.sinks.sink import PreparedBatch, commits_of, keep, not_kept
from tenx_async.sinks.store import Store


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@define(eq=False, init=False)
class SqliteSink:
    """Lines in a file that SQL can be asked, each line exactly once.

    The view `lines` has `id, region, service, instance, date, position, late, at, log`, in the
    order of arrival; `at` is when a line was received, in UTC. `lines_fts` is an FTS5 index over
    `log`, whose rowid is a line's `id`. Lines and cursors are written in one transaction, and the
    index with them; a backlog's lines are indexed up to the id `indexed.upto`, and the rest as
    soon as nothing waits to be written, at the latest when it is closed. Who rebuilds the index by
    hand sets `indexed.upto` to the last id.
    """

    path: Path
    _now: Callable[[], dt.datetime] = field(repr=False)
    _store: Store = field(repr=False)
    _is_behind: bool = field(repr=False)
    """Whether lines were written that are not indexed."""

    def __init__(
        self, path: str | PathLike[str], *, now: Callable[[], dt.datetime] = _utc_now
    ) -> None:
        """Choose the file; nothing is touched before it is opened.

        Args:
            path: for the lines of one region; one process may write to it at a time, any may read.
            now: tells the time of day, with its zone.

        Raises:
            ConfigurationError: that is a directory's path.
        """
        self.path = Path(path)
        self._now = now
        self._store = Store(self.path, (*rows.TABLES, *word_index.TABLES))
        self._is_behind = True

    @property
    def cursors(self) -> CursorStore:
        """What a following goes on from."""
        return self._store

    async def open(self) -> None:
        """Make the file where there is none.

        Raises:
            SinkUnavailable: it cannot be written to, or another process does.
        """
        await to_the_end(self._store.open)

    def prepare(self, batch: LogBatch) -> LogBatch:
        """Make texts of the lines that the database can read by itself, as far as it can."""
        texts = rows.texts_of(batch.entries)
        return batch if texts is None else PreparedBatch.of(batch, texts)

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Add whole deliveries.

        Raises:
            SinkUnavailable: none of it is kept; it may be given again.
        """
        await keep(self._write, batches)

    async def rest(self) -> bool:
        """Index some of what is not indexed.

        Raises:
            SinkUnavailable: it cannot be written to.
        """
        return self._is_behind and await to_the_end(self._index_some)

    async def close(self) -> None:
        """Index what is left, and let others write there."""
        try:
            with suppress(TenxError):  # it is indexed the next time
                while await self.rest():
                    pass
        finally:
            await to_the_end(self._store.close)

    def _write(self, batches: Sequence[LogBatch]) -> None:
        commits = commits_of(batches)
        left = not_kept(batches, self._store.carried_out(commits))
        at = self._now().astimezone(dt.UTC).isoformat(timespec="milliseconds")
        self._work(commits, partial(_add, left, at))

    def _index_some(self) -> bool:
        self._work((), word_index.go_on)
        return self._is_behind

    def _work(self, commits: Sequence[Commit], work: Callable[[sqlite3.Connection], int]) -> None:
        """Do work that tells how many lines are left to index; if it fails, some may be."""
        left = 0

        def do(database: sqlite3.Connection) -> None:
            nonlocal left
            left = work(database)

        self._is_behind = True
        self._store.write(commits, do)
        self._is_behind = left > 0


def _add(batches: Sequence[LogBatch], at: str, database: sqlite3.Connection) -> int:
    rows.add(database, batches, at, word_index.last_id(database))
    left = word_index.left(database)
    return left if left > word_index.AT_ONCE else word_index.go_on(database)
