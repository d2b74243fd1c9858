"""Databases that are only read."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from tenx_async.errors import ConfigurationError


def connect(file: Path) -> sqlite3.Connection:
    """Open a database that somebody else may be writing to; nothing is changed.

    SQLite needs files beside it for that. Where it cannot make them, a database that was closed in
    good order is taken as one that nobody writes to.

    Raises:
        sqlite3.Error: it cannot be opened.
        ConfigurationError: part of it can only be read where files can be made.
    """
    how = "mode=ro" if _has_room(file) else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True)


def _has_room(file: Path) -> bool:
    """Whether the files that SQLite needs beside a database are there, or can be made."""
    real = Path(os.path.realpath(file))
    log, index = (real.with_name(f"{real.name}-{what}") for what in ("wal", "shm"))
    if os.access(real.parent, os.W_OK) or (log.exists() and index.exists()):
        return True
    if log.exists() and log.stat().st_size:
        raise ConfigurationError(
            f"{file}: its last lines are in {log.name}, and {real.parent} cannot be written to: "
            "copy both files to where you can write, and read them there"
        )
    return False
