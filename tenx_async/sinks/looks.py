"""Which sources were seen, when it was last looked, and where newcomers begin."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Sequence

from attrs import define, field

from tenx_async.logs.cursor import Commit
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.facts import fact, set_fact

TABLES = ("create table if not exists seen (source text primary key) without rowid",)
_LOOKED_ON = "looked on"
_SEE = "insert or ignore into seen values (?)"
_IS_NEW = """
select 1 where exists (select 1 from seen) and not exists (select 1 from seen where source = ?)
"""
_IS_KNOWN = "select 1 from cursors where source = ?"


Seen = tuple[int, dt.date | None]
"""How many begin, and the day."""


@define(eq=False)
class Looks:
    """What looks showed that a file does not know yet; it is written with the next commit."""

    _there: Sequence[str] = field(default=(), init=False, repr=False)
    _looked_on: dt.date | None = field(default=None, init=False, repr=False)
    _noted: dt.date | None = field(default=None, init=False, repr=False)
    """The day that the file knows of."""
    _new: list[Commit] = field(factory=list, init=False, repr=False)
    """Where sources begin that came to be since."""

    def note(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note which sources there are on a day, and where new ones begin."""
        self._new += new  # first: a thread may be about to write
        self._there = ["", *sources]  # a name that none has: there may be no sources
        self._looked_on = on

    def forget(self) -> None:
        """Note that the file may be another one."""
        self._noted = None

    def write(self, database: sqlite3.Connection, cursors: CursorTables) -> Seen:
        """Write it in whatever transaction is open; tell what is `written` if that is committed.

        Where a source begins is left out if it was committed: a write that seemed to fail may
        have been carried out.
        """
        new, looked_on = list(self._new), self._looked_on
        cursors.apply(database, [one for one in new if not _is_known(database, one.source)])
        if looked_on is not None and looked_on != self._noted:
            database.execute("delete from seen")
            database.executemany(_SEE, ((source,) for source in self._there))
            set_fact(database, _LOOKED_ON, f"{looked_on}")
        return len(new), looked_on

    def written(self, new: int, looked_on: dt.date | None) -> None:
        """Note that so much is durable."""
        del self._new[:new]
        self._noted = looked_on


def is_new(database: sqlite3.Connection, source: str) -> bool:
    """Tell whether a source came to be after the last look."""
    return database.execute(_IS_NEW, (source,)).fetchone() is not None


def looked_on(database: sqlite3.Connection) -> dt.date | None:
    """The day on which it was last noted which there are; `None`: it never was."""
    day = fact(database, _LOOKED_ON)
    return dt.date.fromisoformat(day) if day else None


def _is_known(database: sqlite3.Connection, source: str) -> bool:
    return database.execute(_IS_KNOWN, (source,)).fetchone() is not None
