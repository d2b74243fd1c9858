"""SQLite files of sinks: how they are opened, what is damage, and where a damaged one goes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tenx_async.errors import ConfigurationError, SinkUnavailable
from tenx_async.sinks.cursor_tables import NotWholeError
from tenx_async.sinks.facts import TABLES as FACTS, fact, set_fact
from tenx_async.telemetry.logging import logger

_PATIENCE = 2.0
"""Seconds to wait, in a thread, for another process that has the file."""
_APPLICATION = int.from_bytes(b"tenx")
"""Stands in the head of a file that is ours."""
_NAMES = {"facts", "cursors", "edits"}
"""Tables of one that is ours, whatever became of its head."""
_VERSION = 3
_HEAD = (f"pragma application_id = {_APPLICATION}", f"pragma user_version = {_VERSION}")
_PAGE = 16_384
"""Bytes of a page: four times the usual, with which many lines take a third less time."""
_MOST_CHECKED = 64 * 2**20
"""Bytes up to which a file is looked through when it is opened."""
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DAMAGED = (
    "Could not decode to UTF-8",
    "no such table",
    "no such column",
    "unsupported file format",
)


class DamagedError(Exception):
    """The file is no database, or not a whole one."""


def connect(path: Path, how: str = "mode=rwc") -> sqlite3.Connection:
    """Connect to a file, whatever its name is, from any thread."""
    name = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(
        name, uri=True, isolation_level=None, timeout=_PATIENCE, check_same_thread=False
    )


def make_file(path: Path) -> None:
    """Make a file where there is none, for its owner only; tell of one that was emptied."""
    file = real(path)
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:  # which is not opened: to close a file that is used unlocks it
        if not file.stat().st_size:
            logger.warning("%s is empty: it is begun as a new one", path)


def real(path: Path) -> Path:
    """The file itself, whatever links lead there."""
    return Path(os.path.realpath(path))


def lock_of(path: Path) -> Path:
    """The file that whoever writes to a file has locked, by whatever name."""
    file = real(path)
    return file.with_name(f"{file.name}.lock")


def refuse_foreign(path: Path) -> None:
    """See that a file is ours and has this name, and change nothing: nor what stands beside it.

    Raises:
        ConfigurationError: it is another program's, or a file of another name.
    """
    with (
        suppress(sqlite3.DatabaseError, UnicodeDecodeError),  # damage is told by who writes
        closing(connect(path, "mode=ro&immutable=1")) as database,
    ):
        _refuse_foreign(database, path)
        _refuse_another_name(database, path)


def _refuse_foreign(database: sqlite3.Connection, path: Path) -> None:
    (application,) = database.execute("pragma application_id").fetchone()
    names = {name for (name,) in database.execute("select name from sqlite_master")}
    is_ours = application == _APPLICATION or names >= _NAMES
    if not is_ours and (application or names):
        raise ConfigurationError(f"{path} is another program's database: name another file")


def _refuse_another_name(database: sqlite3.Connection, path: Path) -> None:
    """See that a file is not one of another name, beside which the newest of it may be."""
    with suppress(OSError, ValueError):  # it was moved from there
        file, home = real(path), real(_home_of(database))
        if file.samefile(home) and not (file.name == home.name and _is_beside(file, home)):
            raise ConfigurationError(
                f"{path} is {home} by another name (a hard link or a mount): name that one, for "
                "SQLite keeps beside it what was written last"
            )


def _is_beside(file: Path, other: Path) -> bool:
    return file.parent.samefile(other.parent)


def _home_of(database: sqlite3.Connection) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(fact(database, "home").removeprefix("file://"))))


def note_name(database: sqlite3.Connection, path: Path) -> None:
    """Note, for who comes by another name, which name a file has."""
    home = real(path).as_uri()
    if fact(database, "home") != home:
        set_fact(database, "home", home)
        database.execute("pragma wal_checkpoint")  # or it would stand beside this name only


def prepare(
    database: sqlite3.Connection, path: Path, tables: Iterable[str], lost: Callable[[], str]
) -> str:
    """Make tables where there are none; what was lost before them is remembered, and returned.

    Raises:
        DamagedError: it is not whole.
        ConfigurationError: it was written by a newer version, or is another program's.
    """
    _refuse_foreign(database, path)  # which may have all of it in its log
    database.execute(f"pragma page_size = {_PAGE}")  # of a new file
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = normal")
    if path.stat().st_size <= _MOST_CHECKED:
        (finding,) = database.execute("pragma quick_check(1)").fetchone()
        if finding != "ok":
            raise DamagedError(finding.splitlines()[-1])
    (version,) = database.execute("pragma user_version").fetchone()
    if version > _VERSION:
        raise ConfigurationError(f"{path} was written by a newer version of this program")
    if version < _VERSION:
        with transaction(database):
            for statement in (*FACTS, *tables, *_HEAD):
                database.execute(statement)
            if version == 0:
                set_fact(database, "lost", what := lost())
                return what
    return ""


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing."""
    with database:  # commits at the end, or takes back
        database.execute("begin immediate")
        yield


@contextmanager
def noticing_damage() -> Iterator[None]:
    """Tell what fails for damage from what fails for now.

    Raises:
        DamagedError: the file is damaged.
    """
    try:
        yield
    except (UnicodeDecodeError, NotWholeError) as error:  # even a complaint may quote the damage
        raise DamagedError(str(error)) from error
    except (sqlite3.DatabaseError, SinkUnavailable) as error:
        cause = error.__cause__ if isinstance(error, SinkUnavailable) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE or str(cause).startswith(_DAMAGED):
            raise DamagedError(str(cause)) from error
        raise


@contextmanager
def told(path: Path, verb: str = "write to") -> Iterator[None]:
    """Tell that what is kept somewhere cannot be used now."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        raise SinkUnavailable(f"cannot {verb} {path}: {error}") from error
