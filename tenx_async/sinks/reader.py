"""What is read from a sink's file beside whoever writes: it waits for nobody."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

from attrs import define, field

from tenx_async.errors import DamagedCursor
from tenx_async.logs.cursor import Stored
from tenx_async.sinks import cursor_tables, looks
from tenx_async.sinks.database import connect


@define(eq=False)
class Reader:
    """Reads what was committed."""

    path: Path
    _database: sqlite3.Connection | None = field(default=None, init=False, repr=False)

    def load(self, source: str, lost: str) -> Stored | None:
        """What was committed of a source.

        Args:
            source: its name.
            lost: what the file stands for that is lost, and that may have held it.

        Raises:
            DamagedCursor: it cannot be trusted, or was lost.
        """
        try:
            stored = cursor_tables.load(self._connected(), source)
            is_lost = stored is None and lost and not self.is_new(source)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise DamagedCursor(f"{self.path} cannot be read: {error}") from error
        if is_lost:
            raise DamagedCursor(lost)
        return stored

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which sources there are; `None`: it never was."""
        try:
            return looks.looked_on(self._connected())
        except (sqlite3.Error, ValueError):
            return None

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after the last look."""
        try:
            return looks.is_new(self._connected(), source)
        except sqlite3.Error:
            return False  # what cannot be read is told where it is loaded

    def close(self) -> None:
        """Let go of the file; who reads again connects to what is there then."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _connected(self) -> sqlite3.Connection:
        self._database = self._database or connect(self.path)
        return self._database
