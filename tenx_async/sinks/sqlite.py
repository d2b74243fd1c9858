"""Lines in an SQLite file, exactly once, with an index over their text."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path

from attrs import define, field

from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.sink import commits_of, keep, to_the_end
from tenx_async.sinks.store import Store, StoreCursors

_TABLES = (
    """
    create table if not exists batches (
        id integer primary key, region text not null, service text not null, date text not null,
        position integer not null, late integer not null, at text not null,
        first integer not null, count integer not null
    )
    """,
    "create index if not exists batches_of_days on batches (service, date)",
    """
    create table if not exists entries (
        id integer primary key, batch integer not null, instance text not null, log text not null
    )
    """,
    """
    create view if not exists lines as
    select entries.id, region, service, instance, date, position + entries.id - first as position,
        late, at, log
    from entries join batches
    on batches.id = entries.batch and entries.id between first and first + count - 1
    """,
    """
    create virtual table if not exists lines_fts
    using fts5(log, content = 'entries', content_rowid = 'id', columnsize = 0)
    """,
    "insert into lines_fts (lines_fts, rank) values ('automerge', 0)",
)
"""A line's shared facts stand once, with its batch; ids of a batch's lines follow each other."""

_LAST = "select coalesce(max(id), 0) from entries"
_BATCH = """
insert into batches (region, service, date, position, late, at, first, count)
values (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ENTRY = "insert into entries values (?, ?, ?, ?)"
_INDEX = "insert into lines_fts (rowid, log) select id, log from entries where id > ?"


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@define(eq=False, init=False)
class SqliteSink:
    """Lines in a file that SQL can be asked, each line exactly once.

    The view `lines` has `id, region, service, instance, date, position, late, at, log`, in the
    order of arrival; `at` is when a line was received, in UTC. `lines_fts` is an FTS5 index over
    `log`, whose rowid is a line's `id`. Lines and cursors are written in one transaction.
    """

    path: Path
    _now: Callable[[], dt.datetime] = field(repr=False)
    _store: Store = field(repr=False)

    def __init__(
        self, path: str | PathLike[str], *, now: Callable[[], dt.datetime] = _utc_now
    ) -> None:
        """Choose the file; nothing is touched before it is opened.

        Args:
            path: for the lines of one region; one process may write to it at a time, any may read.
            now: tells the time of day, with its zone.
        """
        self.path = Path(path)
        self._now = now
        self._store = Store(self.path, _TABLES)

    @property
    def cursors(self) -> CursorStore:
        """What a following goes on from."""
        return StoreCursors(self._store)

    async def open(self) -> None:
        """Make the file where there is none.

        Raises:
            SinkUnavailable: it cannot be written to, or another process does.
        """
        await to_the_end(self._store.open)

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Add whole deliveries.

        Raises:
            SinkUnavailable: none of it is kept; it may be given again.
        """
        await keep(self._write, batches)

    async def close(self) -> None:
        """Let others write there."""
        await to_the_end(self._store.close)

    def _write(self, batches: Sequence[LogBatch]) -> None:
        commits = commits_of(batches)
        if not self._store.has(commits):
            at = self._now().astimezone(dt.UTC).isoformat(timespec="milliseconds")
            self._store.write(commits, partial(_add, batches, at))


def _add(batches: Sequence[LogBatch], at: str, database: sqlite3.Connection) -> None:
    (before,) = database.execute(_LAST).fetchone()
    last = before
    for batch in batches:
        if batch.entries:
            _add_batch(database, batch, at, last + 1)
            last += len(batch)
    database.execute(_INDEX, (before,))


def _add_batch(database: sqlite3.Connection, batch: LogBatch, at: str, first: int) -> None:
    place = (batch.region, batch.source, batch.date.isoformat(), batch.position, batch.late, at)
    number = database.execute(_BATCH, (*place, first, len(batch))).lastrowid
    rows = [
        (place, number, entry.instance_name, entry.log.removesuffix("\n"))
        for place, entry in enumerate(batch.entries, first)
    ]
    try:
        database.executemany(_ENTRY, rows)
    except UnicodeEncodeError:  # halves of characters, which only the loose reading lets through
        database.execute("delete from entries where id >= ?", (first,))
        database.executemany(_ENTRY, [(*row[:2], *map(_readable, row[2:])) for row in rows])


def _readable(text: object) -> str:
    return str(text).encode(errors="backslashreplace").decode()
