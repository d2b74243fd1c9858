from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tenx_async import ConfigurationError
from tenx_async.cli.database import connect


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database that is written to, beside which a log stands."""
    with closing(sqlite3.connect(tmp_path / "l.sqlite", isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table lines (log)")
        database.execute("insert into lines values ('one')")
        yield database


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A directory where no file can be made, also if all may be done to files."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    can = os.access
    monkeypatch.setattr(os, "access", lambda path, how: Path(path) != folder and can(path, how))
    yield folder
    folder.chmod(0o755)


def logs(file: Path) -> list[str]:
    """What is read."""
    with closing(connect(file)) as database:
        return [log for (log,) in database.execute("select log from lines")]


def test_what_is_being_written_is_read(writer: sqlite3.Connection, tmp_path: Path) -> None:
    """Also what stands in the log beside it alone."""
    assert logs(tmp_path / "l.sqlite") == ["one"]


@pytest.mark.parametrize("log", [None, b""])
def test_one_that_was_closed_is_read_where_nothing_can_be_written(
    writer: sqlite3.Connection, tmp_path: Path, sealed: Path, log: bytes | None
) -> None:
    """Nothing is made beside it, whether or not an empty log was left there."""
    writer.close()
    file = shutil.copy(tmp_path / "l.sqlite", sealed)
    if log is not None:
        (sealed / "l.sqlite-wal").write_bytes(log)
    names = sorted(sealed.iterdir())
    sealed.chmod(0o555)

    assert logs(Path(file)) == ["one"]
    assert sorted(sealed.iterdir()) == names


def test_one_that_was_not_closed_has_to_be_copied(
    writer: sqlite3.Connection, tmp_path: Path, sealed: Path
) -> None:
    """Its last lines would be left out."""
    for file in tmp_path.glob("l.sqlite*"):
        shutil.copy(file, sealed)
    (sealed / "l.sqlite-shm").unlink()

    with pytest.raises(ConfigurationError, match="copy both files to where you can write"):
        connect(sealed / "l.sqlite")


def test_one_that_is_written_to_by_another_is_read(
    writer: sqlite3.Connection, tmp_path: Path, sealed: Path
) -> None:
    """Who may not write there reads with the files that the other has made."""
    for file in tmp_path.glob("l.sqlite*"):
        shutil.copy(file, sealed)
    sealed.chmod(0o555)

    assert logs(sealed / "l.sqlite") == ["one"]
