"""The tables that cursors are kept in: a cursor each, and all that changed of what it remembers."""

from __future__ import annotations

import datetime as dt
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from weakref import ref

from attrs import define, field

from tenx_async.errors import DamagedCursor
from tenx_async.logs.cursor import Commit, Cursor, DayKey, Edit, Stored, replay

TABLES = (
    """
    create table if not exists cursors (source text primary key, cursor blob not null)
    without rowid
    """,
    """
    create table if not exists edits (
        id integer primary key, source text not null, date text not null, instance text not null,
        base integer not null, start integer not null, digests blob not null
    )
    """,
    "create index if not exists edits_of_days on edits (source, date, instance)",
)
_SET = "insert into cursors values (?1, ?2) on conflict do update set cursor = ?2"
_ADD = """
insert into edits (source, date, instance, base, start, digests) values (?, ?, ?, ?, ?, ?)
"""
_OF_DAY = "from edits where source = ? and date = ? and instance = ?"
_OF_SOURCE = """
select date, instance, base, start, digests from edits where source = ? order by id
"""
_DAYS = """
select date, instance, count(*), sum(length(digests)) / 8 from edits where source = ?
group by date, instance
"""
_MANY = 256
"""Edits of a day that are put together to one."""
_LITTLE = 16_384
"""Digests of them that are never too many."""
Changes = dict[DayKey, list[Edit]]


class NotWholeError(Exception):
    """What is in the tables was not written there."""


@define
class _Weight:
    """How much is kept of a day; a guess is enough, since it only tells when to put it together."""

    edits: int = 0
    digests: int = 0
    whole: int = 0
    """How many digests there were when it was last put together."""

    @property
    def is_much(self) -> bool:
        return self.edits >= _MANY or self.digests >= _LITTLE + 2 * self.whole


@define(eq=False)
class CursorTables:
    """Writes commits into the tables, in whatever transaction is open."""

    _weights: dict[str, dict[DayKey, _Weight]] = field(factory=dict, init=False, repr=False)

    _written: dict[str, ref[Commit]] = field(factory=dict, init=False, repr=False)
    """The last commit of each source, as long as somebody else has it."""

    _in_doubt: set[str] = field(factory=set, init=False, repr=False)
    """Sources whose last write failed, though it may have been carried out all the same."""

    def unwritten(self, database: sqlite3.Connection, commits: Sequence[Commit]) -> list[Commit]:
        """Leave out what was written before, and is given again.

        By who was cancelled meanwhile, or told of a failure that was none.
        """
        given = list({id(one): one for one in commits}.values())
        written = _up_to_last(
            given, lambda one: self._is_last(one) or self._was_carried_out(database, one)
        )
        return [one for one in given if id(one) not in written]

    def carried_out(self, database: sqlite3.Connection, commits: Sequence[Commit]) -> set[int]:
        """The ids of those that writes which seemed to fail carried out all the same."""
        return _up_to_last(commits, lambda one: self._was_carried_out(database, one))

    def doubt(self, commits: Sequence[Commit]) -> None:
        """Note that commits are about to be written: who fails does not know whether they were."""
        self._in_doubt.update(commit.source for commit in commits)

    def note(self, commits: Sequence[Commit]) -> None:
        """Note that commits are durable."""
        self._written.update((commit.source, ref(commit)) for commit in commits)
        self._in_doubt.difference_update(commit.source for commit in commits)

    def forget(self) -> None:
        """Note that a transaction was taken back."""
        self._weights.clear()

    def apply(self, database: sqlite3.Connection, commits: Sequence[Commit]) -> None:
        """Write commits, in their order: of each source the last place, and all that changed."""
        changes: dict[str, Changes] = {}
        for commit in commits:
            changes[commit.source] = _joined(changes.get(commit.source, {}), commit)
        cursors = {commit.source: commit.cursor for commit in commits}
        database.executemany(_SET, cursors.items())
        for source, edits in changes.items():
            self._change(database, source, edits)

    def _is_last(self, commit: Commit) -> bool:
        written = self._written.get(commit.source)
        return written is not None and written() is commit

    def _was_carried_out(self, database: sqlite3.Connection, commit: Commit) -> bool:
        return commit.source in self._in_doubt and _holds(database, commit)

    def _change(self, database: sqlite3.Connection, source: str, changes: Changes) -> None:
        weights = self._of(database, source)
        for key in weights.keys() - changes.keys():
            database.execute(f"delete {_OF_DAY}", _where(source, key))
            del weights[key]
        for key, edits in changes.items():
            weight = weights.setdefault(key, _Weight())
            for edit in edits:
                _add(database, _where(source, key), edit, weight)

    def _of(self, database: sqlite3.Connection, source: str) -> dict[DayKey, _Weight]:
        if source not in self._weights:
            rows = database.execute(_DAYS, (source,))
            try:
                self._weights[source] = {
                    (dt.date.fromisoformat(date), instance): _Weight(edits, digests)
                    for date, instance, edits, digests in rows
                }
            except (ValueError, TypeError) as error:
                raise NotWholeError(f"what is kept of {source}: {error}") from error
        return self._weights[source]


def check(database: sqlite3.Connection) -> None:
    """See whether each cursor is of the source that it is kept for.

    Raises:
        NotWholeError: one is not.
    """
    for source, raw in database.execute("select source, cursor from cursors"):
        if not isinstance(raw, bytes):
            raise NotWholeError(f"the cursor of {source!r}")
        with suppress(DamagedCursor):  # that is told of its source
            if (service := Cursor.decode(raw).service) != source:
                raise NotWholeError(f"what is kept of {service} is kept as that of {source!r}")


def has_any(database: sqlite3.Connection) -> bool:
    """Tell whether anything was committed."""
    return database.execute("select 1 from cursors").fetchone() is not None


def load(database: sqlite3.Connection, source: str) -> Stored | None:
    """Read what was committed of a source; `None`: nothing.

    Raises:
        DamagedCursor: it does not fit together.
    """
    if not (cursor := cursor_of(database, source)):
        return None
    edits: dict[DayKey, list[Edit]] = defaultdict(list)
    for date, instance, base, start, digests in database.execute(_OF_SOURCE, (source,)):
        edits[dt.date.fromisoformat(date), instance].append(_edit(base, start, digests))
    return Stored.of(cursor, edits)


def cursor_of(database: sqlite3.Connection, source: str) -> bytes:
    """The cursor of a source as it is kept; empty: there is none."""
    sql = "select cursor from cursors where source = ?"
    (cursor,) = database.execute(sql, (source,)).fetchone() or (b"",)
    return cursor


def _holds(database: sqlite3.Connection, commit: Commit) -> bool:
    """Tell whether a commit is the last one that was written of its source."""
    return cursor_of(database, commit.source) == commit.cursor


def _up_to_last(commits: Sequence[Commit], is_last: Callable[[Commit], bool]) -> set[int]:
    """The ids of commits, each given once, up to the one of their source written last."""
    last = {one.source: place for place, one in enumerate(commits) if is_last(one)}
    return {id(one) for place, one in enumerate(commits) if place <= last.get(one.source, -1)}


def _joined(changes: Changes, commit: Commit) -> Changes:
    """Edits that follow each other, put together as far as they are all of one write."""
    joined: Changes = {}
    for key, edit in commit.edits.items():
        *before, last = changes.get(key, [None])
        joined[key] = [*before, *(_join(last, edit) if last else [edit])]
    return joined


def _join(first: Edit, then: Edit) -> list[Edit]:
    """Two edits as one; those that do not fit are left for the reader to refuse."""
    if then.start in {then.base, first.start}:
        return [then]
    kept = then.start - first.start
    if first.base > then.base or not 0 < kept <= len(first.digests):
        return [first, then]
    start = max(first.start, then.base)
    return [Edit(then.base, start, first.digests[start - first.start : kept] + then.digests)]


Where = tuple[str, str, str]


def _where(source: str, key: DayKey) -> Where:
    return source, key[0].isoformat(), key[1]


def _add(database: sqlite3.Connection, where: Where, edit: Edit, weight: _Weight) -> None:
    if weight.is_much or edit.start == edit.base:
        edit = _together(database, where, edit)
        database.execute(f"delete {_OF_DAY}", where)
        weight.edits = weight.digests = 0
        weight.whole = len(edit.digests)
    database.execute(_ADD, (*where, edit.base, edit.start, edit.digests.tobytes()))
    weight.edits += 1
    weight.digests += len(edit.digests)


def _together(database: sqlite3.Connection, where: Where, edit: Edit) -> Edit:
    """All that is remembered of a day as one edit: a whole one.

    Where a part was lost it stays this edit alone, for the reader to refuse.
    """
    if edit.start == edit.base:
        return edit
    rows = database.execute(f"select base, start, digests {_OF_DAY} order by id", where)
    try:
        return Edit(edit.base, edit.base, replay([*(_edit(*row) for row in rows), edit]))
    except DamagedCursor:
        return edit


def _edit(base: int, start: int, digests: bytes) -> Edit:
    return Edit(base, start, array("Q", digests))
