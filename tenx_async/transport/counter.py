"""A count of calls that survives the process and is shared by all processes of a user."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from pathlib import Path

from attrs import define, field

from tenx_async.errors import ConfigurationError
from tenx_async.settings import Credentials

_SCHEMA = """
create table if not exists calls (
    account text not null, day text not null, calls integer not null, primary key (account, day)
) without rowid
"""
_ADD = """
insert into calls values (?1, ?2, ?3)
on conflict do update set calls = calls + ?3 returning calls
"""


@define
class SqliteCounter:
    """Counts calls in a file of the state directory, one row for each account and day."""

    account: str
    _database: sqlite3.Connection = field(repr=False)

    @classmethod
    def open(cls, directory: Path, endpoint: str, credentials: Credentials) -> SqliteCounter:
        """Open the count of an account, which the file knows by a digest only.

        Raises:
            ConfigurationError: the directory cannot be written to.
        """
        file = directory / "calls.sqlite"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = sqlite3.connect(file, isolation_level=None, timeout=5.0)
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = off")
            database.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"cannot count calls in {file}: {error}") from error
        name = f"{endpoint}\n{credentials.username}"
        return cls(hashlib.sha256(name.encode()).hexdigest()[:16], database)

    def add(self, day: dt.date, calls: int) -> int:
        """Add calls and return how many the day has now, those of other processes included."""
        rows = self._database.execute(_ADD, (self.account, day.isoformat(), calls)).fetchall()
        return int(rows[0][0])

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
