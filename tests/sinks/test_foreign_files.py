"""What another program keeps in a file is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tenx_async.errors import ConfigurationError
from tenx_async.sinks.sqlite import SqliteSink
from tests.sinks.shipping import contents, in_sqlite
from tests.sinks.test_files import batch_of


@pytest.mark.parametrize(
    "statement",
    [
        "create table orders (id integer primary key)",
        "create table cursors (id); pragma user_version = 3",
        "create table orders (id); pragma user_version = 99",
        "pragma application_id = 5",
    ],
)
async def test_another_programs_database_is_left_alone(tmp_path: Path, statement: str) -> None:
    """Not a byte of it is changed, nor of what it has beside it."""
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statement)
    path.with_name("shop.sqlite.lock").write_bytes(b"its own")
    before = contents(tmp_path)
    sink = SqliteSink(path)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="another program's database"):
            await sink.open()

    assert before == contents(tmp_path)


async def test_a_database_that_another_program_has_just_begun_is_left_alone(
    tmp_path: Path,
) -> None:
    """All of it is in its log as yet."""
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table orders (id integer primary key)")
        with pytest.raises(ConfigurationError, match="another program's database"):
            await SqliteSink(path).open()
        assert [("orders",)] == database.execute("select name from sqlite_master").fetchall()


async def test_a_file_whose_head_is_damaged_is_its_own(tmp_path: Path) -> None:
    """By its tables: it is not another program's."""
    path = tmp_path / "lines.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    await sink.write([batch_of("one")])
    await sink.close()
    with path.open("r+b") as file:  # a few bytes
        file.seek(68)  # where a database says whose it is
        file.write(b"????")
    await sink.open()
    await sink.write([batch_of("two")])
    await sink.close()

    assert {("web", "one"): 1, ("web", "two"): 1} == in_sqlite(path)


async def test_a_form_that_is_not_known_is_damage(tmp_path: Path) -> None:
    """It is set aside, and not waited for."""
    path = tmp_path / "lines.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    await sink.close()
    with path.open("r+b") as file:
        file.seek(44)  # where a database says in what form its tables are told
        file.write(b"\xff\xff\xff\xff")
    await sink.open()
    await sink.close()

    assert 2 == len([name for name in contents(tmp_path) if "-wal" not in name.name])
