"""A file that has two names is written to by one of them only."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tenx_async.errors import ConfigurationError
from tenx_async.sinks.sqlite import SqliteSink
from tests.sinks.shipping import contents, in_sqlite
from tests.sinks.test_files import batch_of


async def ship(path: Path, *texts: str) -> None:
    """Open, write, close."""
    sink = SqliteSink(path)
    await sink.open()
    await sink.write([batch_of(text) for text in texts])
    await sink.close()


@pytest.mark.parametrize("place", ["b.sqlite", "other/a.sqlite"])
async def test_a_file_is_not_written_to_by_another_name(tmp_path: Path, place: str) -> None:
    """Neither while it is used nor afterwards: not a byte of it is changed."""
    one, other = tmp_path / "a.sqlite", tmp_path / place
    other.parent.mkdir(exist_ok=True)
    sink = SqliteSink(one)
    await sink.open()
    os.link(one, other)
    await sink.write([batch_of("one")])
    before = contents(tmp_path)
    with pytest.raises(ConfigurationError, match=r"is .*a\.sqlite by another name"):
        await SqliteSink(other).open()
    assert before == contents(tmp_path)
    await sink.close()
    with pytest.raises(ConfigurationError, match="by another name"):
        await ship(other, "two")
    await ship(one, "two")

    assert {("web", "one"): 1, ("web", "two"): 1} == in_sqlite(one)


@pytest.mark.parametrize("move", [os.rename, shutil.copy])
async def test_a_file_may_be_moved_or_copied(
    tmp_path: Path, move: Callable[[Path, Path], object]
) -> None:
    """Where it is then, it is gone on with; nor may it go back by a link."""
    one, other = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    await ship(one, "one")
    move(one, other)
    await ship(other, "two")

    assert {("web", "one"): 1, ("web", "two"): 1} == in_sqlite(other)
    one.unlink(missing_ok=True)
    os.link(other, one)
    with pytest.raises(ConfigurationError, match=r"is .*b\.sqlite by another name"):
        await ship(one, "three")


async def test_a_directory_may_be_reached_in_two_ways(tmp_path: Path) -> None:
    """What stands beside the file is beside it in both."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "link").symlink_to("logs")
    await ship(tmp_path / "logs" / "a.sqlite", "one")
    await ship(tmp_path / "link" / "a.sqlite", "two")

    assert {("web", "one"): 1, ("web", "two"): 1} == in_sqlite(tmp_path / "logs" / "a.sqlite")


async def test_a_file_may_leave_a_link_where_it_was(tmp_path: Path) -> None:
    """It is one file by both names."""
    (tmp_path / "big").mkdir()
    one, other = tmp_path / "a.sqlite", tmp_path / "big" / "b.sqlite"
    await ship(one, "one")
    one.rename(other)
    one.symlink_to(other)
    await ship(one, "two")
    await ship(other, "three")

    assert {("web", "one"): 1, ("web", "two"): 1, ("web", "three"): 1} == in_sqlite(other)


@pytest.mark.parametrize("home", ["", "file:///nowhere", "file:///%00", "x" * 5000])
async def test_a_home_that_makes_no_sense_is_none(tmp_path: Path, home: str) -> None:
    """It is written down anew."""
    path = tmp_path / "a.sqlite"
    await ship(path, "one")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("update facts set value = ? where name = 'home'", (home,))
    await ship(path, "two")

    assert {("web", "one"): 1, ("web", "two"): 1} == in_sqlite(path)


async def test_a_name_need_be_no_text(tmp_path: Path) -> None:
    """The system takes any bytes."""
    path = tmp_path / os.fsdecode(b"\xff%20.sqlite")
    await ship(path, "one")
    os.link(path, tmp_path / "b.sqlite")
    with pytest.raises(ConfigurationError, match="by another name"):
        await ship(tmp_path / "b.sqlite", "two")


async def test_an_emptied_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It may be one that somebody has just made, too: it is begun."""
    path = tmp_path / "a.sqlite"
    await ship(path, "one")
    assert not caplog.messages
    os.truncate(path, 0)
    await ship(path, "two")

    assert [f"{path} is empty: it is begun as a new one"] == caplog.messages
    assert {("web", "two"): 1} == in_sqlite(path)
