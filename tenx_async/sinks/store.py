"""The SQLite file of a sink: cursors, and whatever else is to be durable with them."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

from attrs import define, field

from tenx_async.errors import ConfigurationError, DamagedCursor, SinkUnavailable
from tenx_async.fleet.lock import Lock
from tenx_async.logs.cursor import Commit, Stored
from tenx_async.sinks import cursor_tables
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.database import (
    DamagedError,
    connect,
    noticing_damage,
    prepare,
    set_aside,
    told,
    transaction,
)
from tenx_async.sinks.sink import to_the_end
from tenx_async.telemetry.logging import logger

Work = Callable[[sqlite3.Connection], object]


@define(eq=False)
class Store:
    """One file, one process that writes to it; what `write` returns from survives the process.

    It is not waited for the disk: what a machine that loses power forgets are the last commits,
    which is no loss, since lines that are not committed are read again.
    """

    path: Path
    tables: Sequence[str] = field(default=(), repr=False)
    """Statements that make what is kept besides cursors."""
    _cursors: CursorTables = field(factory=CursorTables, init=False, repr=False)
    _lock: Lock | None = field(default=None, init=False, repr=False)
    _database: sqlite3.Connection | None = field(default=None, init=False, repr=False)
    _reader: sqlite3.Connection | None = field(default=None, init=False, repr=False)
    _inode: int = field(default=0, init=False, repr=False)
    _in_doubt: bool = field(default=False, init=False, repr=False)
    """Whether a transaction failed of which it is not known whether it was taken back."""
    _lost: str = field(default="", init=False)
    """What this file stands for that was damaged, or is gone."""
    _there: Sequence[str] = field(default=(), init=False, repr=False)
    """Which sources there were when it was last looked."""
    _looked_on: dt.date | None = field(default=None, init=False, repr=False)
    """The day of that."""
    _noted: dt.date | None = field(default=None, init=False, repr=False)
    """What the file knows of that."""
    _new: list[Commit] = field(factory=list, init=False, repr=False)
    """Where sources begin that came to be since, as far as the file does not know it."""
    _token: str = field(default="", init=False, repr=False)
    """What tells this writer from others."""
    _turn: threading.RLock = field(factory=threading.RLock, init=False, repr=False)
    """Held by the thread that is at the file."""

    def __attrs_post_init__(self) -> None:
        if self.path.name in {"", ".."}:
            raise ConfigurationError(f"{self.path} is a directory, not a file")

    def open(self) -> None:
        """Make the file where there is none, and keep other processes from it.

        Raises:
            SinkUnavailable: it cannot be used, or another process has it.
            ConfigurationError: it was written by a newer version.
        """
        with self._turn, told(self.path):
            if self._lock is not None:
                raise SinkUnavailable(f"{self.path} is used already")
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._inode, self._token = 0, uuid4().hex
            try:
                self._connected()
            except BaseException:
                self.close()
                raise

    def has(self, commits: Sequence[Commit]) -> bool:
        """Tell whether a write that seemed to fail was carried out all the same.

        Raises:
            SinkUnavailable: that cannot be told now.
        """
        if not self._in_doubt or not commits:
            return False
        with self._turn, self._recovering(), told(self.path):
            return cursor_tables.holds(self._connected(), commits[-1])

    def announce(self, work: Work) -> None:
        """Do work that has to be known after a loss of power: wait for the disk, too.

        Raises:
            SinkUnavailable: nothing of it was written.
        """
        with self._turn, self._recovering(), told(self.path):
            database = self._connected()
            database.execute("pragma synchronous = full")
            with transaction(database):
                work(database)
            database.execute("pragma synchronous = normal")

    def write(self, commits: Sequence[Commit], work: Work | None = None) -> None:
        """Do work and write commits in one transaction.

        Raises:
            SinkUnavailable: nothing of it was written.
        """
        with self._turn, self._recovering(), told(self.path):
            database = self._connected()
            given, new, looked_on = bool(commits), list(self._new), self._looked_on
            commits = self._cursors.unwritten(commits)
            with transaction(database):
                self._cursors.apply(database, cursor_tables.unknown(database, new))
                if work is not None:
                    work(database)
                if looked_on and looked_on != self._noted:
                    cursor_tables.begin(database, self._there)
                    cursor_tables.set_fact(database, "looked on", f"{looked_on}")
                self._cursors.apply(database, commits)
            self._noted = looked_on
            del self._new[: len(new)]
            self._cursors.note(commits)
            self._in_doubt = self._in_doubt and not given

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        Raises:
            SinkUnavailable: it cannot be read.
        """
        with self._turn, self._recovering(), told(self.path):
            return self._connected().execute(sql, values).fetchall()

    def refuse(self, what: str) -> NoReturn:
        """Set the file aside, since something that was read there is not what was written.

        Raises:
            SinkUnavailable: always; a new file is begun.
        """
        with self._turn, self._recovering():
            raise DamagedError(what)

    def load(self, source: str) -> Stored | None:
        """What was committed of a source; waits for nobody who writes.

        Raises:
            DamagedCursor: it cannot be trusted.
        """
        try:
            stored = cursor_tables.load(self._reading(), source)
            is_lost = stored is None and self._lost and not self.is_new(source)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise DamagedCursor(f"{self.path} cannot be read: {error}") from error
        if is_lost:
            raise DamagedCursor(self._lost)
        return stored

    def note_look(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note, with the next commit, which sources there are on a day, and where new begin."""
        self._there = ["", *sources]  # a name that none has: there may be no sources
        self._looked_on = on
        self._new += new

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which there are; `None`: it never was."""
        try:
            return dt.date.fromisoformat(cursor_tables.fact(self._reading(), "looked on"))
        except (sqlite3.Error, ValueError):
            return None

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after that: none of it was there already."""
        try:
            return cursor_tables.is_new(self._reading(), source)
        except sqlite3.Error:
            return False  # what cannot be read is told where it is loaded

    async def commit(self, commits: Sequence[Commit]) -> None:
        """Make commits durable without lines.

        Raises:
            SinkUnavailable: they are not durable; they may be given again.
        """
        await to_the_end(partial(self.write, commits))

    def close(self) -> None:
        """Let go of the file, and let others have it."""
        with self._turn:
            self._disconnect()
            self._end_reading()
            lock, self._lock = self._lock, None
            if lock is not None:
                with suppress(OSError):
                    (lock.release if lock.is_there else lock.abandon)()

    def _connected(self) -> sqlite3.Connection:
        """The open file; where it is damaged, it is set aside and a new one begun."""
        if self._database is not None and self._is_gone():
            self._disconnect()
            self._end_reading()
        if self._database is None:
            self._hold()
            try:
                self._connect(self._lost_meanwhile())
            except DamagedError as damage:
                self._begin_anew(damage)
        assert self._database
        return self._database

    def _is_gone(self) -> bool:
        """Whether the file was moved away or replaced since it was opened, or others may use it."""
        try:
            is_other = self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True
        return is_other or self._lock is None or not self._lock.is_there

    def _lost_meanwhile(self) -> str:
        """What is to be remembered by a file that is made where one was used before."""
        if not self._inode or self.path.exists():
            return ""
        lost = f"{self.path} was moved away while it was used"
        logger.warning("%s", lost)
        return lost

    def _hold(self) -> None:
        """Keep other processes from the file, also where it was moved away and is begun anew."""
        before = self._lock
        if before is not None and before.is_there:
            return
        self._lock = Lock.take(self.path.with_name(self.path.name + ".lock")) or before
        if self._lock is before:
            raise SinkUnavailable(f"{self.path} is used by another process")
        if before is not None:
            before.abandon()

    def _connect(self, lost: str) -> None:
        """Open the file; a new one remembers what was lost before it."""
        with suppress(FileExistsError):  # to open and close a file that is used unlocks it
            self.path.touch(mode=0o600, exist_ok=False)
        database = connect(self.path)
        try:
            with noticing_damage():
                tables = (*cursor_tables.TABLES, *self.tables)
                prepare(database, self.path, tables, lost)
                cursor_tables.check(database)
                self._refuse_another(database)
                cursor_tables.set_fact(database, "writer", self._token)
                self._lost = cursor_tables.fact(database, "lost")
        except BaseException:
            database.close()
            raise
        self._database, self._inode, self._noted = database, self.path.stat().st_ino, None

    def _refuse_another(self, database: sqlite3.Connection) -> None:
        """See that nobody else has written meanwhile: who goes on here has to begin with that."""
        is_other = self._inode != self.path.stat().st_ino
        is_others = cursor_tables.fact(database, "writer") != self._token
        if self._inode and (is_other or is_others) and cursor_tables.has_any(database):
            raise ConfigurationError(
                f"{self.path} was replaced, or written to by another process: start again"
            )

    def _begin_anew(self, damage: DamagedError) -> None:
        self._disconnect()
        self._end_reading()
        aside = set_aside(self.path)
        lost = f"{self.path} is damaged ({damage}); it was set aside as {aside}"
        logger.error("%s, and a new one is begun", lost)
        self._connect(lost)

    def _reading(self) -> sqlite3.Connection:
        self._reader = self._reader or connect(self.path)
        return self._reader

    def _disconnect(self) -> None:
        database, self._database = self._database, None
        self._cursors.forget()
        if database is not None:
            database.close()

    def _end_reading(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    @contextmanager
    def _recovering(self) -> Iterator[None]:
        """Connect anew after a failure, for what failed may have been the connection."""
        try:
            with noticing_damage():
                yield
        except DamagedError as damage:
            with told(self.path):
                self._begin_anew(damage)
            raise SinkUnavailable(self._lost) from damage
        except BaseException:
            self._in_doubt = True
            self._disconnect()
            raise
