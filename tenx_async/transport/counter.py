"""A count of calls that survives the process and is shared by all processes of a user."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field

from tenx_async.errors import ConfigurationError
from tenx_async.settings import Credentials

_PATIENCE = 0.5
"""Seconds to wait for another process that writes, in which this one's event loop stands still."""
_PREPARATION = (
    "pragma synchronous = off",
    """
    create table if not exists calls (
        account text not null, day text not null, calls integer not null, primary key (account, day)
    ) without rowid
    """,
    "begin immediate",  # shows whether the file can be written to
    "commit",
)
_ADD = """
insert into calls values (?1, ?2, ?3)
on conflict do update set calls = calls + ?3 returning calls
"""


@define
class SqliteCounter:
    """Counts calls in a file of the state directory, one row for each account and day."""

    account: str
    _file: Path
    _database: sqlite3.Connection = field(repr=False)

    @classmethod
    def open(cls, directory: Path, endpoint: str, credentials: Credentials) -> SqliteCounter:
        """Open the count of an account, which the file knows by a digest only.

        Raises:
            ConfigurationError: the directory cannot be written to.
        """
        file = directory / "calls.sqlite"
        name = f"{endpoint}\n{credentials.username}"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = sqlite3.connect(file, isolation_level=None, timeout=_PATIENCE)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(file, error) from error
        counter = cls(hashlib.sha256(name.encode()).hexdigest()[:16], file, database)
        try:
            counter._prepare()
        except ConfigurationError:
            database.close()
            raise
        return counter

    def _prepare(self) -> None:
        for statement in _PREPARATION:
            self._execute(statement)
        with suppress(sqlite3.OperationalError):  # another process may be switching it just now
            self._database.execute("pragma journal_mode = wal")

    def add(self, day: dt.date, calls: int) -> int:
        """Add calls and return how many the day has now, those of other processes included.

        Raises:
            ConfigurationError: the file cannot be written to any more.
        """
        return int(self._execute(_ADD, self.account, day.isoformat(), calls)[0][0])

    def _execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _unusable(self._file, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _unusable(file: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"cannot count calls in {file}: {error}")
