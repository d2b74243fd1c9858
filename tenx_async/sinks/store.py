"""The SQLite file of a sink: cursors, and whatever else is to be durable with them."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar
from uuid import uuid4

from attrs import Factory, define, field

from tenx_async.errors import ConfigurationError, SinkUnavailable
from tenx_async.fleet.aside import set_aside
from tenx_async.fleet.lock import Lock
from tenx_async.fleet.threads import to_the_end
from tenx_async.logs.cursor import Commit, Stored
from tenx_async.sinks import cursor_tables, looks
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.database import (
    DamagedError,
    connect,
    lock_of,
    make_file,
    note_name,
    noticing_damage,
    prepare,
    real,
    refuse_foreign,
    told,
    transaction,
)
from tenx_async.sinks.facts import fact, set_fact
from tenx_async.sinks.looks import Looks
from tenx_async.sinks.reader import Reader
from tenx_async.telemetry.logging import logger

T = TypeVar("T")
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
    within: Path = field(
        default=Factory(lambda self: self.path.parent, takes_self=True), kw_only=True, repr=False
    )
    """Where this directory is, others below it are made; where it is not, it is waited for."""
    _cursors: CursorTables = field(factory=CursorTables, init=False, repr=False)
    is_open: bool = field(default=False, init=False)
    _lock: Lock | None = field(default=None, init=False, repr=False)
    _database: sqlite3.Connection | None = field(default=None, init=False, repr=False)
    _reader: Reader = field(init=False, repr=False)
    _inode: int = field(default=0, init=False, repr=False)
    _lost: str = field(default="", init=False)
    """What this file stands for that was damaged, or is gone."""
    _damage: str = field(default="", init=False)
    """What was damaged, until there is a file that remembers it."""
    _missed: Callable[[], str] = field(default=str, init=False, repr=False)
    """Tells what was lost if there is no file when this is opened."""
    _looks: Looks = field(factory=Looks, init=False, repr=False)
    _token: str = field(default="", init=False, repr=False)
    """What tells this writer from others."""
    _turn: threading.RLock = field(factory=threading.RLock, init=False, repr=False)
    """Held by the thread that is at the file."""

    def __attrs_post_init__(self) -> None:
        if self.path.name in {"", ".."}:
            raise ConfigurationError(f"{self.path} is a directory, not a file")
        self._reader = Reader(self.path, self.within)

    def open(self, missed: Callable[[], str] = str) -> None:
        """Make the file where there is none, and keep other processes from it.

        Args:
            missed: tells what was lost if there is none, or an empty one.

        Raises:
            SinkUnavailable: it cannot be used, or another process has it.
            ConfigurationError: it was written by a newer version, or is another program's.
        """
        with self._turn, told(self.path):
            if self.is_open:
                raise SinkUnavailable(f"{self.path} is used already, by this sink")
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._inode, self._token, self._missed = 0, uuid4().hex, missed
            self.is_open = True
            try:
                self._connected()
            except BaseException:
                self.close()
                raise

    def carried_out(self, commits: Sequence[Commit]) -> set[int]:
        """The ids of those that writes which seemed to fail carried out all the same.

        Raises:
            SinkUnavailable: that cannot be told now.
        """
        return self.ask(partial(self._cursors.carried_out, commits=commits))

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
        """Do work and write commits, but those that were written before, in one transaction.

        Raises:
            SinkUnavailable: nothing of it was written.
        """
        with self._turn, self._recovering(), told(self.path):
            database = self._connected()
            unwritten = self._cursors.unwritten(database, commits)
            self._cursors.doubt(commits)
            with transaction(database):
                if work is not None:
                    work(database)
                seen = self._looks.write(database, self._cursors)
                self._cursors.apply(database, unwritten)
            self._looks.written(seen)
            self._cursors.note(commits)

    def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Tell what the file says of something.

        Raises:
            SinkUnavailable: it cannot be read.
        """
        with self._turn, self._recovering(), told(self.path):
            return question(self._connected())

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
            SinkUnavailable: it cannot be read now.
        """
        return self._reader.load(source, self._lost, is_new=self._looks.is_new(source))

    def note_look(self, sources: Iterable[str], on: dt.date, new: Sequence[Commit]) -> None:
        """Note, with the next commit, which sources there are on a day, and where new begin."""
        self._looks.note(sources, on, new)

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which there are; `None`: it never was."""
        return self._reader.looked_on()

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after the last look: none of it was there already."""
        return self._reader.is_new(source)

    async def commit(self, commits: Sequence[Commit]) -> None:
        """Make commits durable without lines.

        Raises:
            SinkUnavailable: they are not durable; they may be given again.
        """
        await to_the_end(partial(self.write, commits))

    def close(self) -> None:
        """Let go of the file, and let others have it; nothing is written until it is opened."""
        with self._turn:
            self.is_open = False
            self._disconnect()
            self._reader.close()
            lock, self._lock = self._lock, None
            if lock is not None:
                lock.let_go()

    def _connected(self) -> sqlite3.Connection:
        """The open file; where it is damaged, it is set aside and a new one begun."""
        if not self.is_open:
            raise SinkUnavailable(f"{self.path} is closed")
        if self._database is not None and self._is_gone():
            self._disconnect()
            self._reader.close()
        if self._database is None:
            if self.within.is_dir():
                self.path.parent.mkdir(mode=0o700, exist_ok=True)
            refuse_foreign(self.path)
            self._hold()
            try:
                self._connect()
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

    def _hold(self) -> None:
        """Keep other processes from the file, also where it was moved away and is begun anew."""
        before, file = self._lock, lock_of(self.path)
        if before is not None and before.is_there and before.file == file:
            return
        self._lock = Lock.take(file) or before
        if self._lock is before:
            raise SinkUnavailable(f"{self.path} is used already, by this or another process")
        if before is not None:
            before.let_go()

    def _connect(self) -> None:
        """Open the file; a new one remembers what was lost before it."""
        make_file(self.path)
        database = connect(self.path)
        try:
            with noticing_damage():
                tables = (*cursor_tables.TABLES, *looks.TABLES, *self.tables)
                if lost := prepare(database, self.path, tables, self._what_is_missed):
                    logger.error("%s; a new one is begun", lost)
                cursor_tables.check(database)
                self._refuse_another(database)
                set_fact(database, "writer", self._token)
                note_name(database, self.path)
                self._lost = fact(database, "lost")
        except BaseException:
            database.close()
            raise
        self._database, self._inode, self._damage = database, self.path.stat().st_ino, ""
        self._looks.forget()

    def _what_is_missed(self) -> str:
        gone = f"{self.path} was moved away, or emptied, while it was used"
        return self._damage or (gone if self._inode else self._missed())

    def _refuse_another(self, database: sqlite3.Connection) -> None:
        """See that nobody else has written meanwhile: who goes on here has to begin with that."""
        is_other = self._inode != self.path.stat().st_ino
        is_others = fact(database, "writer") != self._token
        if self._inode and (is_other or is_others) and cursor_tables.has_any(database):
            raise ConfigurationError(
                f"{self.path} was replaced, or written to by another process: start again"
            )

    def _begin_anew(self, damage: DamagedError) -> None:
        self._disconnect()
        with self._reader.turn:  # nobody begins to read what is set aside
            self._reader.close()
            aside = set_aside(path := real(self.path), f"{path.name}-damaged-*")
        self._damage = f"{self.path} is damaged ({damage}); it was set aside as {aside}"
        self._connect()

    def _disconnect(self) -> None:
        database, self._database = self._database, None
        self._cursors.forget()
        if database is not None:
            database.close()

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
            self._disconnect()
            raise
