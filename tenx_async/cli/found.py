"""Lines that were shipped into SQLite, as they are found again."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from tenx_async.cli.literals import words_query
from tenx_async.logs.lines import LogLine

_LINES = "SELECT region, service, instance, log, date, position, late FROM lines"
_WITH_WORDS = "id IN (SELECT rowid FROM lines_fts WHERE lines_fts MATCH ?)"

Moment = dt.date | dt.datetime
"""A day of the server's, or when a line was received."""


@frozen(kw_only=True)
class Search:
    """What is looked for, and where."""

    pattern: re.Pattern[str]
    """Is searched for in each text."""
    since: Moment | None = None
    until: Moment | None = None
    service: str = "*"
    instance: str = "*"
    last: int | None = field(default=None)
    """How many of the lines that are found are wanted; `None`: all."""

    def lines(self, file: Path) -> Iterator[LogLine]:
        """Read what is found, in the order in which it was received.

        Raises:
            sqlite3.Error: it is no such file.
        """
        with closing(connect(file)) as database:
            if self.last is None:
                yield from self._found(database, "id")
            else:
                newest_first = islice(self._found(database, "id DESC"), self.last)
                yield from reversed(list(newest_first))

    def _found(self, database: sqlite3.Connection, order: str) -> Iterator[LogLine]:
        conditions = self._conditions()
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        for row in database.execute(f"{_LINES}{where} ORDER BY {order}", [*conditions.values()]):
            if self._matches(line := _line(row)):
                yield line

    def _conditions(self) -> dict[str, Any]:
        """What the database itself can leave out."""
        conditions: dict[str, Any] = {}
        if words := words_query(self.pattern):
            conditions[_WITH_WORDS] = words
        for moment, sign in ((self.since, ">="), (self.until, "<=")):
            if isinstance(moment, dt.datetime):
                conditions[f"at {sign} ?"] = moment.astimezone(dt.UTC).isoformat(
                    timespec="milliseconds"
                )
            elif moment is not None:
                conditions[f"date {sign} ?"] = moment.isoformat()
        return conditions

    def _matches(self, line: LogLine) -> bool:
        return (
            fnmatchcase(line.service, self.service)
            and fnmatchcase(line.instance_name, self.instance)
            and self.pattern.search(line.log) is not None
        )


def connect(file: Path) -> sqlite3.Connection:
    """Open a database that somebody else may be writing to; nothing is changed.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)


def _line(row: tuple[Any, ...]) -> LogLine:
    region, service, instance, log, date, position, late = row
    day = dt.date.fromisoformat(date)
    return LogLine(region, service, instance, log, day, position, late=bool(late))
