"""What is read from a sink's file beside whoever writes: it waits for nobody."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

from tenx_async.errors import DamagedCursor
from tenx_async.logs.cursor import Stored
from tenx_async.sinks import cursor_tables, looks
from tenx_async.sinks.database import DamagedError, connect, noticing_damage, told


class _GoneError(DamagedError):
    """There is no file any more, or nothing in it yet."""


@define(eq=False)
class Reader:
    """Reads what was committed; whoever writes may close it from a thread."""

    path: Path
    within: Path
    """The directory without which it is not known whether the file is gone."""
    turn: threading.RLock = field(factory=threading.RLock, init=False, repr=False)
    """Held by who reads, or closes: a connection that is closed under its reader is a crash."""
    _database: sqlite3.Connection | None = field(default=None, init=False, repr=False)

    def load(self, source: str, lost: str, *, is_new: bool = False) -> Stored | None:
        """What was committed of a source.

        Args:
            source: its name.
            lost: what the file stands for that is lost, and that may have held it.
            is_new: whether it is known to have come to be since, so that nothing held it.

        Raises:
            DamagedCursor: it cannot be trusted, or was lost.
            SinkUnavailable: it cannot be read now.
        """
        try:
            with self._reading() as database:
                stored = cursor_tables.load(database, source)
                is_new = is_new or looks.is_new(database, source)
        except _GoneError as error:
            stored, lost = None, f"{self.path} cannot be read: {error}"
        except (DamagedError, ValueError, TypeError) as error:
            raise DamagedCursor(f"{self.path} cannot be read: {error}") from error
        if stored is None and lost and not is_new:
            raise DamagedCursor(lost)
        return stored

    def looked_on(self) -> dt.date | None:
        """The day on which it was last noted which there are; `None`: it never was.

        Raises:
            SinkUnavailable: it cannot be read now.
        """
        with suppress(DamagedError, ValueError), self._reading() as database:
            return looks.looked_on(database)
        return None  # damage is told where sources are loaded

    def is_new(self, source: str) -> bool:
        """Tell whether a source came to be after the last look.

        Raises:
            SinkUnavailable: it cannot be read now.
        """
        with suppress(DamagedError), self._reading() as database:
            return looks.is_new(database, source)
        return False

    def close(self) -> None:
        """Let go of the file; who reads again connects to what is there then."""
        with self.turn:
            database, self._database = self._database, None
            if database is not None:
                database.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Tell damage from what cannot be read now; whatever it is, connect anew after it."""
        with self.turn:
            try:
                with told(self.path, "read"), noticing_damage():
                    yield self._connected()
            except BaseException:
                self.close()
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            if self.within.is_dir() and not self.path.exists():
                raise _GoneError("it is gone")
            self._database = connect(self.path, "mode=rw")  # or whoever writes would not miss it
            if self._database.execute("pragma user_version").fetchone() == (0,):
                raise _GoneError("it is empty")
        return self._database
