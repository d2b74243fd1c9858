"""A cloud's services and logs in a SQLite file, written before an answer tells of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from attrs import asdict, define, field, fields, filters

from tenx_async.api.dates import parse_instant
from tenx_async.errors import ConfigurationError
from tenx_async.local.daylog import DayLog
from tenx_async.local.lines import Row
from tenx_async.local.services import Execution, Instance, Service

_SCHEMA = """
CREATE TABLE service (uid TEXT PRIMARY KEY, shown BLOB NOT NULL);
CREATE TABLE line (uid TEXT, day TEXT, time INTEGER, number INTEGER, entry BLOB);
CREATE INDEX line_by_day ON line (uid, day);
CREATE TABLE execution (operation TEXT, service TEXT, region TEXT, at TEXT);
"""
_TABLES = {"service", "line", "execution"}
_VERSION = 1
_LONGEST_OPEN = 0.5
"""Seconds for which what nobody asks for may be uncommitted."""


@define(eq=False)
class State:
    """What a restart keeps; what is not yet committed has not been answered either."""

    path: Path
    _file: sqlite3.Connection = field(init=False)
    _soon: asyncio.TimerHandle | None = field(default=None, init=False)

    def open(self) -> None:
        """Take the file, new or as a cloud before has left it.

        Raises:
            ConfigurationError: it is no such file, or another cloud has it.
        """
        try:
            self._file = sqlite3.connect(self.path, timeout=0)
        except sqlite3.Error as error:
            raise self._useless(error) from None
        with self.reading():
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._check_origin()
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let the file go when it does not hold what it should.

        Raises:
            ConfigurationError: it does not.
        """
        try:
            yield
        except (sqlite3.Error, msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            self._file.close()
            raise self._useless(error) from None

    def _commit_soon(self) -> None:
        if not self._soon:
            self._soon = asyncio.get_running_loop().call_later(_LONGEST_OPEN, self.commit)

    def _check_origin(self) -> None:
        tables = {name for (name,) in self._file.execute("SELECT name FROM sqlite_master")}
        (version,) = self._file.execute("PRAGMA user_version").fetchone()
        if not tables and not version:
            self._file.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
        elif version != _VERSION or not tables >= _TABLES:
            raise sqlite3.DatabaseError("it is of another version or another program")

    def _useless(self, error: Exception) -> ConfigurationError:
        reason = error if isinstance(error, sqlite3.Error) else f"it is damaged: {error!r}"
        return ConfigurationError(f"cannot keep the state in {self.path}: {reason}")

    def commit(self) -> None:
        """Make sure of all that was written."""
        if self._soon:
            self._soon.cancel()
            self._soon = None
        if self._file.in_transaction:
            self._file.commit()

    def close(self) -> None:
        """Let the file go."""
        self.commit()
        self._file.close()

    def services(self) -> Iterable[Service]:
        """The services that are kept, without their logs."""
        for (shown,) in self._file.execute("SELECT shown FROM service ORDER BY rowid"):
            raw = msgspec.json.decode(shown)
            raw["created_at"] = parse_instant(raw["created_at"])
            raw["instances"] = msgspec.convert(raw["instances"], list[Instance])
            yield Service(**raw)

    def save(self, service: Service) -> None:
        """Keep a service as it is now."""
        shown = asdict(service, filter=filters.exclude(fields(Service).logbook))
        self._file.execute(
            "INSERT INTO service VALUES (?1, ?2) ON CONFLICT (uid) DO UPDATE SET shown = ?2",
            (service.uid, msgspec.json.encode(shown)),
        )
        self._commit_soon()

    def forget(self, uid: str) -> None:
        """Keep a service no more, nor its log."""
        for table in ("service", "line"):
            self._file.execute(f"DELETE FROM {table} WHERE uid = ?", (uid,))  # noqa: S608 - ours

    def days(self, uid: str) -> dict[dt.date, DayLog]:
        """The log of a service."""
        rows: dict[dt.date, list[Row]] = defaultdict(list)
        for day, *row in self._file.execute(
            "SELECT day, time, number, entry FROM line WHERE uid = ? ORDER BY day, time, number",
            (uid,),
        ):
            rows[dt.date.fromisoformat(day)].append(tuple(row))
        return {day: DayLog.of_rows(lines) for day, lines in rows.items()}

    def write(self, uid: str, day: dt.date, rows: Iterable[Row]) -> None:
        """Keep lines that came to a log."""
        values = ((uid, day.isoformat(), *row) for row in rows)
        self._file.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?)", values)
        self._commit_soon()

    def rewrite(self, uid: str, day: dt.date, rows: Iterable[Row]) -> None:
        """Keep these lines of a day instead of others."""
        self._file.execute("DELETE FROM line WHERE uid = ? AND day = ?", (uid, day.isoformat()))
        self.write(uid, day, rows)

    def executions(self) -> Iterable[Execution]:
        """What was carried out, in order."""
        rows = self._file.execute("SELECT * FROM execution ORDER BY rowid")
        for operation, service, region, at in rows:
            yield Execution(operation, service, region, parse_instant(at))

    def executed(self, execution: Execution) -> None:
        """Keep that a write was carried out."""
        self._file.execute(
            "INSERT INTO execution VALUES (?, ?, ?, ?)",
            (execution.operation, execution.service, execution.region, execution.at.isoformat()),
        )
