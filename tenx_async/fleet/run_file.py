"""The file that runs are kept in: SQLite, durable with every commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define, field

from tenx_async.errors import ConfigurationError
from tenx_async.fleet.aside import set_aside
from tenx_async.fleet.group_commit import Statement
from tenx_async.telemetry.logging import logger

FILE_NAME = "runs.sqlite"
DAMAGED_NAMES = "runs-damaged-*.sqlite"
_PATIENCE = 30.0
"""Seconds to wait, in a thread, for another process that writes."""
_VERSION = 1
_TABLES = (
    """
    create table if not exists runs (
        id text primary key, account text not null, manifest text, began text not null,
        operation text not null, region text not null, fleet integer not null,
        planned_at text not null, terms blob not null, settled blob not null, counts blob not null,
        state text check (state in ('finished', 'stopped', 'interrupted'))
    )
    """,
    """
    create table if not exists steps (
        run text not null references runs on delete cascade, step integer not null,
        record blob not null, primary key (run, step)
    ) without rowid
    """,
    """
    create table if not exists entries (
        id integer primary key, run text not null references runs on delete cascade,
        at text not null, kind text not null, step integer not null, write integer,
        result text, outcome blob
    )
    """,
    "create index if not exists entries_of_runs on entries (run)",
    f"pragma user_version = {_VERSION}",
)
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class _DamagedError(Exception):
    """The file is no database, or not a whole one."""


@define(eq=False)
class RunFile:
    """An open file of runs."""

    path: Path
    _database: sqlite3.Connection = field(repr=False)

    @classmethod
    def open(cls, directory: Path, *, afresh: bool = False) -> RunFile:
        """Open the file of a directory, and make both where there is none.

        Args:
            directory: where it is.
            afresh: begin a new file in place of one that is damaged.

        Raises:
            ConfigurationError: it cannot be written to; or it is damaged, and now set aside.
        """
        path = directory / FILE_NAME
        with _told(path):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return cls._open(path)
            except _DamagedError as damage:
                aside = set_aside(path, DAMAGED_NAMES)
                message = f"{path} is damaged ({damage}); it was set aside as {aside}"
                if not afresh:
                    raise ConfigurationError(
                        f"{message}, and what it held cannot be resumed"
                    ) from None
                logger.warning("%s", message)
                return cls._open(path)

    @classmethod
    def _open(cls, path: Path) -> RunFile:
        with suppress(FileExistsError):  # to open and close a file that is used unlocks it
            path.touch(mode=0o600, exist_ok=False)
        database = sqlite3.connect(
            path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False
        )
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
        return cls(path, database)

    def write(self, statements: Iterable[Statement]) -> None:
        """Carry out all of them, durably, or none.

        Raises:
            ConfigurationError: none was carried out.
        """
        with _told(self.path), _transaction(self._database) as database:
            for sql, values in statements:
                database.execute(sql, values)

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        Raises:
            ConfigurationError: it cannot be read.
        """
        with _told(self.path):
            return self._database.execute(sql, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    with _noticing_damage():
        with suppress(sqlite3.OperationalError):  # another process may be switching it just now
            database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        database.execute("pragma foreign_keys = on")
        (finding,) = database.execute("pragma quick_check(1)").fetchone()
        (version,) = database.execute("pragma user_version").fetchone()
    if finding != "ok":
        raise _DamagedError(finding.splitlines()[-1])
    if version > _VERSION:
        raise ConfigurationError(f"{path} was written by a newer version of this program")
    if version < _VERSION:
        with _transaction(database):
            for statement in _TABLES:
                database.execute(statement)


@contextmanager
def _noticing_damage() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            raise _DamagedError(str(error)) from error
        raise


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with database:  # commits at the end, or takes back
        database.execute("begin immediate")
        yield database


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"cannot keep the journal of runs in {path}: {error}") from error
