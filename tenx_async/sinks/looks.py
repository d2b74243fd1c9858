"""Which sources were seen, when it was last looked, and where newcomers begin."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterable, Sequence

from attrs import define, evolve, field, frozen

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


@frozen
class Seen:
    """What looks showed, as a whole: one thread notes it, another one writes it."""

    there: Sequence[str] = ()
    on: dt.date | None = None
    new: Sequence[Commit] = ()
    """Where sources begin that came to be since."""


@define(eq=False)
class Looks:
    """What looks showed that a file does not know yet; it is written with the next commit."""

    _seen: Seen = field(factory=Seen, init=False, repr=False)
    _ever: set[str] = field(factory=set, init=False, repr=False)
    """All that were ever there."""
    _noted: dt.date | None = field(default=None, init=False, repr=False)
    """The day that the file knows of."""
    _turn: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    """Held by who puts something else in the place of what was seen."""

    def note(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note which sources there are on a day, and where new ones begin."""
        there = ("", *sources)  # a name that none has: there may be no sources
        self._ever.update(there)
        with self._turn:
            self._seen = Seen(there, on, (*self._seen.new, *new))

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be since this process looked first."""
        return bool(self._ever) and source not in self._ever

    def forget(self) -> None:
        """Note that the file may be another one."""
        self._noted = None

    def write(self, database: sqlite3.Connection, cursors: CursorTables) -> Seen:
        """Write it in whatever transaction is open; tell what is `written` if that is committed.

        Where a source begins is left out if it was committed: a write that seemed to fail may
        have been carried out.
        """
        seen = self._seen
        cursors.apply(database, [one for one in seen.new if not _is_known(database, one.source)])
        if seen.on is not None and seen.on != self._noted:
            database.execute("delete from seen")
            database.executemany(_SEE, ((source,) for source in seen.there))
            set_fact(database, _LOOKED_ON, f"{seen.on}")
        return seen

    def written(self, seen: Seen) -> None:
        """Note that so much is durable."""
        with self._turn:
            self._seen = evolve(self._seen, new=self._seen.new[len(seen.new) :])
        self._noted = seen.on


def is_new(database: sqlite3.Connection, source: str) -> bool:
    """Tell whether a source came to be after the last look."""
    return database.execute(_IS_NEW, (source,)).fetchone() is not None


def looked_on(database: sqlite3.Connection) -> dt.date | None:
    """The day on which it was last noted which there are; `None`: it never was."""
    day = fact(database, _LOOKED_ON)
    return dt.date.fromisoformat(day) if day else None


def _is_known(database: sqlite3.Connection, source: str) -> bool:
    return database.execute(_IS_KNOWN, (source,)).fetchone() is not None
