"""Lines that were shipped into SQLite, as they are found again."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tenx_async.cli.database import connect
from tenx_async.cli.literals import words_query
from tenx_async.errors import TenxError
from tenx_async.logs.lines import LogLine

_LINES = "SELECT region, service, instance, log, date, position, late FROM lines"
IN_SPAN = (
    "id BETWEEN (SELECT min(first) FROM batches WHERE {0})"
    " AND (SELECT max(first + count) FROM batches WHERE {0})"
)
"""Where lines of some batches can be at all: the database does not find that out by itself."""
_WITH_WORDS = (
    "id IN (SELECT rowid FROM lines_fts WHERE lines_fts MATCH :words"
    " UNION ALL SELECT id FROM entries WHERE id > (SELECT upto FROM indexed))"
)
"""What is not indexed yet is looked at line by line."""

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
            TenxError: it is no such file, or damaged.
        """
        try:
            with closing(connect(file)) as database:
                yield from self._wanted(database)
        except sqlite3.Error as error:
            raise TenxError(f"{file}: {error}") from error
        except (ValueError, TypeError) as error:
            raise TenxError(f"{file}: it is damaged: {error}") from error

    def _wanted(self, database: sqlite3.Connection) -> Iterator[LogLine]:
        if self.last is None:
            yield from self._found(database, "id")
        else:
            newest_first = islice(self._found(database, "id DESC"), min(self.last, sys.maxsize))
            yield from reversed(list(newest_first))

    def _found(self, database: sqlite3.Connection, order: str) -> Iterator[LogLine]:
        sql, values = self._query()
        for row in database.execute(f"{_LINES}{sql} ORDER BY {order}", values):
            if self._matches(line := _line(row)):
                yield line

    def _query(self) -> tuple[str, dict[str, str]]:
        """Let the database leave out what it can."""
        times = {"since": self.since, "until": self.until}
        asked = {name: moment for name, moment in times.items() if moment is not None}
        of_batches = " AND ".join(_LIMITS[name](moment) for name, moment in asked.items())
        words = words_query(self.pattern)
        conditions = [of_batches, IN_SPAN.format(of_batches)] if asked else []
        conditions += [_WITH_WORDS] if words else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return where, {"words": words or ""} | {name: _text(asked[name]) for name in asked}

    def _matches(self, line: LogLine) -> bool:
        return (
            fnmatchcase(line.service, self.service)
            and fnmatchcase(line.instance_name, self.instance)
            and self.pattern.search(line.log) is not None
        )


def _since(moment: Moment) -> str:
    """A line that is kept as of the millisecond in which a time lies was received before it."""
    if isinstance(moment, dt.datetime):
        return "at > :since" if moment.microsecond % 1000 else "at >= :since"
    return "date >= :since"


def _until(moment: Moment) -> str:
    return "at <= :until" if isinstance(moment, dt.datetime) else "date <= :until"


_LIMITS = {"since": _since, "until": _until}


def _text(moment: Moment) -> str:
    if isinstance(moment, dt.datetime):
        return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    return moment.isoformat()


def _line(row: tuple[Any, ...]) -> LogLine:
    region, service, instance, log, date, position, late = row
    day = dt.date.fromisoformat(date)
    return LogLine(region, service, instance, log, day, position, late=bool(late))
