"""Lines in an SQLite file, exactly once, with an index over their text."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from os import PathLike
from pathlib import Path

import msgspec
from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.errors import SinkUnavailable
from tenx_async.logs.cursor import Commit
from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.sink import PreparedBatch, commits_of, keep, to_the_end
from tenx_async.sinks.store import Store

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
    # a third less is written where segments are merged more seldom
    "insert into lines_fts (lines_fts, rank) values ('crisismerge', 64)",
    "create table if not exists indexed (upto integer not null)",
    "insert into indexed select 0 where not exists (select 1 from indexed)",
)
"""A line's shared facts stand once, with its batch; ids of a batch's lines follow each other."""
_AT_ONCE = 20_000
"""More lines than so many are indexed when nothing waits to be written any more."""

_LAST = "select max(upto, (select coalesce(max(id), 0) from entries)) from indexed"
"""The last id that was given to a line, or one behind it: none that was indexed is given again."""
_LAST_BATCH = "select coalesce(max(id), 0) from batches"
_BATCHES = """
insert into batches
select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[8]')
from json_each(?)
"""
_ENTRY = "insert into entries values (?, ?, ?, ?)"
_ENTRIES = "insert into entries "
_OF_INSTANCE = "select ? + key, ?, ?, value from json_each(cast(? as text))"
_TOGETHER = 50
"""So many texts go in with a statement: after each, a thread waits for its turn to go on."""
_UPTO = "select upto from indexed"
_INDEX = "insert into lines_fts (rowid, log) select id, log from entries where id > ? and id <= ?"
_INDEXED = "update indexed set upto = ?"

_ENCODER = msgspec.json.Encoder()
Texts = Sequence[tuple[str, bytes]]
"""Of each instance its texts, by their places in the batch, in JSON."""


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
        """
        self.path = Path(path)
        self._now = now
        self._store = Store(self.path, _TABLES)
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
        texts = _texts_of(batch.entries)
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
            with suppress(SinkUnavailable):  # it is indexed the next time
                while await self.rest():
                    pass
        finally:
            await to_the_end(self._store.close)

    def _write(self, batches: Sequence[LogBatch]) -> None:
        commits = commits_of(batches)
        if not self._store.has(commits):
            at = self._now().astimezone(dt.UTC).isoformat(timespec="milliseconds")
            self._work(commits, partial(_add, batches, at))

    def _index_some(self) -> bool:
        self._work((), _index_next)
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
    (last,), (known,) = (database.execute(sql).fetchone() for sql in (_LAST, _LAST_BATCH))
    facts: list[tuple[object, ...]] = []
    texts: list[tuple[int, int, str, bytes]] = []
    for number, batch in enumerate(filter(len, batches), known + 1):
        place = (batch.region, batch.source, batch.date, batch.position, batch.late)
        facts.append((number, *place, at, last + 1, len(batch)))
        of = batch.form if isinstance(batch, PreparedBatch) else _texts_of(batch.entries)
        if of is None:
            _add_one_by_one(database, batch, number, last + 1)
        else:
            texts += ((last + 1, number, instance, logs) for instance, logs in of)
        last += len(batch)
    database.execute(_BATCHES, (_ENCODER.encode(facts).decode(),))
    for start in range(0, len(texts), _TOGETHER):
        some = texts[start : start + _TOGETHER]
        statement = _ENTRIES + " union all ".join([_OF_INSTANCE] * len(some))
        database.execute(statement, list(chain.from_iterable(some)))
    (indexed,) = database.execute(_UPTO).fetchone()
    return last - indexed if last - indexed > _AT_ONCE else _index_next(database)


def _index_next(database: sqlite3.Connection) -> int:
    """Index some of what is not indexed; tell how much more there is."""
    (indexed,), (last,) = database.execute(_UPTO).fetchone(), database.execute(_LAST).fetchone()
    upto = min(last, indexed + _AT_ONCE)
    database.execute(_INDEX, (indexed, upto))
    database.execute(_INDEXED, (upto,))
    return int(last - upto)


def _texts_of(entries: Sequence[LogEntry]) -> Texts | None:
    """Put texts together by instance; `None`: one holds what JSON or SQLite's cannot."""
    try:
        texts = [(name, _ENCODER.encode(logs)) for name, logs in _by_instance(entries).items()]
        "".join(name for name, _ in texts).encode()
    except UnicodeEncodeError:  # halves of characters, which only the loose reading lets through
        return None
    return None if any(b"\\u0000" in logs for _, logs in texts) else texts


def _by_instance(entries: Sequence[LogEntry]) -> Mapping[str, list[str] | dict[int, str]]:
    """The texts of each instance by their places; of the only one in a row, which is cheaper."""
    names = {entry.instance_name for entry in entries}
    if len(names) == 1:
        return {names.pop(): [entry.log.removesuffix("\n") for entry in entries]}
    of: dict[str, dict[int, str]] = defaultdict(dict)
    for place, entry in enumerate(entries):
        of[entry.instance_name][place] = entry.log.removesuffix("\n")
    return of


def _add_one_by_one(database: sqlite3.Connection, batch: LogBatch, number: int, first: int) -> None:
    rows = (
        (place, number, _readable(entry.instance_name), _readable(entry.log.removesuffix("\n")))
        for place, entry in enumerate(batch.entries, first)
    )
    database.executemany(_ENTRY, rows)


def _readable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
