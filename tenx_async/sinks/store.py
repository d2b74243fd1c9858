"""The SQLite file of a sink: cursors, and whatever else is to be durable with them."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from attrs import define, field

from tenx_async.errors import ConfigurationError, DamagedCursor, SinkUnavailable
from tenx_async.fleet.lock import Lock
from tenx_async.logs.cursor import Commit, Stored
from tenx_async.sinks import cursor_tables
from tenx_async.sinks.cursor_tables import CursorTables, NotWholeError
from tenx_async.telemetry.logging import logger

_PATIENCE = 2.0
"""Seconds to wait, in a thread, for another process that has the file."""
_VERSION = 1
_PAGE = 16_384
"""Bytes of a page: four times the usual, with which many lines take a third less time."""
_MOST_CHECKED = 64 * 2**20
"""Bytes up to which a file is looked through when it is opened."""
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_TEXT = "Could not decode to UTF-8"

Work = Callable[[sqlite3.Connection], object]


class _DamagedError(Exception):
    """The file is no database, or not a whole one."""


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
    """What was damaged, and is begun anew."""
    _turn: threading.RLock = field(factory=threading.RLock, init=False, repr=False)
    """Held by the thread that is at the file."""

    def open(self) -> None:
        """Make the file where there is none, and keep other processes from it.

        Raises:
            SinkUnavailable: it cannot be used, or another process has it.
            ConfigurationError: it was written by a newer version.
        """
        with self._turn, told(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = Lock.take(self.path.with_name(self.path.name + ".lock"))
            if self._lock is None:
                raise SinkUnavailable(f"{self.path} is used by another process")
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
            with _transaction(database):
                work(database)
            database.execute("pragma synchronous = normal")

    def write(self, commits: Sequence[Commit], work: Work | None = None) -> None:
        """Do work and write commits in one transaction.

        Raises:
            SinkUnavailable: nothing of it was written.
        """
        with self._turn, self._recovering(), told(self.path):
            database = self._connected()
            given, commits = bool(commits), self._cursors.unwritten(commits)
            with _transaction(database):
                if work is not None:
                    work(database)
                self._cursors.apply(database, commits)
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
            raise _DamagedError(what)

    def load(self, source: str) -> Stored | None:
        """What was committed of a source; waits for nobody who writes.

        Raises:
            DamagedCursor: it cannot be trusted.
        """
        try:
            self._reader = self._reader or _connect(self.path)
            stored = cursor_tables.load(self._reader, source)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise DamagedCursor(f"{self.path} cannot be read: {error}") from error
        if stored is None and self._lost:
            raise DamagedCursor(self._lost)
        return stored

    async def commit(self, commits: Sequence[Commit]) -> None:
        """Make commits durable without lines.

        Raises:
            SinkUnavailable: they are not durable; they may be given again.
        """
        await asyncio.to_thread(self.write, commits)

    def close(self) -> None:
        """Let go of the file, and let others have it."""
        with self._turn:
            self._disconnect()
            self._end_reading()
            lock, self._lock = self._lock, None
            if lock is not None:
                with suppress(OSError):
                    lock.release()

    def _connected(self) -> sqlite3.Connection:
        """The open file; where it is damaged, it is set aside and a new one begun."""
        if self._database is not None and self._is_gone():
            self._disconnect()
            self._end_reading()
        if self._database is None:
            try:
                self._connect()
            except _DamagedError as damage:
                self._begin_anew(damage)
        assert self._database
        return self._database

    def _is_gone(self) -> bool:
        """Whether the file was moved away or replaced since it was opened."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _connect(self) -> None:
        with suppress(FileExistsError):  # to open and close a file that is used unlocks it
            self.path.touch(mode=0o600, exist_ok=False)
        database = _connect(self.path)
        try:
            with _noticing_damage():
                _prepare(database, self.path, (*cursor_tables.TABLES, *self.tables))
        except BaseException:
            database.close()
            raise
        self._database, self._inode = database, self.path.stat().st_ino

    def _begin_anew(self, damage: _DamagedError) -> None:
        self._disconnect()
        self._end_reading()
        aside = _set_aside(self.path)
        self._lost = f"{self.path} is damaged ({damage}); it was set aside as {aside}"
        logger.error("%s, and a new one is begun", self._lost)
        self._connect()

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
            with _noticing_damage():
                yield
        except _DamagedError as damage:
            with told(self.path):
                self._begin_anew(damage)
            raise SinkUnavailable(self._lost) from damage
        except BaseException:
            self._in_doubt = True
            self._disconnect()
            raise


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False)


def _prepare(database: sqlite3.Connection, path: Path, tables: Iterable[str]) -> None:
    database.execute(f"pragma page_size = {_PAGE}")  # of a new file
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = normal")
    if path.stat().st_size <= _MOST_CHECKED:
        (finding,) = database.execute("pragma quick_check(1)").fetchone()
        if finding != "ok":
            raise _DamagedError(finding.splitlines()[-1])
    (version,) = database.execute("pragma user_version").fetchone()
    if version > _VERSION:
        raise ConfigurationError(f"{path} was written by a newer version of this program")
    if version < _VERSION:
        with _transaction(database):
            for statement in (*tables, f"pragma user_version = {_VERSION}"):
                database.execute(statement)


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    with database:  # commits at the end, or takes back
        database.execute("begin immediate")
        yield


@contextmanager
def _noticing_damage() -> Iterator[None]:
    try:
        yield
    except (UnicodeDecodeError, NotWholeError) as error:  # even a complaint may quote the damage
        raise _DamagedError(str(error)) from error
    except (sqlite3.DatabaseError, SinkUnavailable) as error:
        cause = error.__cause__ if isinstance(error, SinkUnavailable) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE or str(cause).startswith(_NO_TEXT):
            raise _DamagedError(str(cause)) from error
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Tell that what is kept somewhere cannot be written now."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        raise SinkUnavailable(f"cannot write to {path}: {error}") from error


def _set_aside(path: Path) -> Path:
    """Give a damaged file, and what belongs to it, a name under which nobody writes to it."""
    aside = path.with_name(f"{path.name}-damaged-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S-%f}")
    for ending in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            os.rename(path.with_name(path.name + ending), aside.with_name(aside.name + ending))  # noqa: PTH104  # as short
    return aside
