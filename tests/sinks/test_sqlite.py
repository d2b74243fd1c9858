"""Lines in SQLite: what can be asked of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from tenx_async.api.entries import LogEntry
from tenx_async.cli.found import Search
from tenx_async.errors import SinkUnavailable
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks import word_index
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.rows import TOGETHER, readable
from tenx_async.sinks.sink import commits_of
from tenx_async.sinks.sqlite import SqliteSink
from tests.sinks.test_files import DAY, batch_of

NOON = dt.datetime(2015, 12, 29, 20, tzinfo=dt.timezone(dt.timedelta(hours=8)))


async def written(path: Path, *batches: LogBatch) -> None:
    """Write batches, each at once."""
    sink = SqliteSink(path, now=lambda: NOON)
    await sink.open()
    for batch in batches:
        await sink.write([batch])
    await sink.close()


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


async def test_a_line_says_where_it_comes_from(tmp_path: Path) -> None:
    """All its facts in one row, and when it was received."""
    path = tmp_path / "lines.sqlite"
    await written(path, batch_of("a\n", "b"), batch_of("nul \0 byte", "\ud800", source="api"))

    web = ("us", "web", "web-1", f"{DAY}")
    at = "2015-12-29T12:00:00.000+00:00"
    assert [(1, *web, 7, 0, at, "a"), (2, *web, 8, 0, at, "b")] == ask(
        path, "select * from lines where service = 'web'"
    )
    assert [("nul \0 byte",), ("\\ud800",)] == ask(
        path, "select log from lines where service = 'api' order by id"
    )


async def test_words_are_found(tmp_path: Path) -> None:
    """By the index over the text."""
    path = tmp_path / "lines.sqlite"
    await written(path, batch_of("GET /items 200", "POST /items 500"), batch_of("DELETE 500"))
    found = ask(
        path,
        "select log from lines where id in"
        " (select rowid from lines_fts where lines_fts match '500 NOT post')",
    )

    assert [("DELETE 500",)] == found
    ask(path, "insert into lines_fts (lines_fts) values ('integrity-check')")


async def test_a_days_lines_are_found_without_looking_at_all(tmp_path: Path) -> None:
    """Neither a day nor a word needs a scan of the lines."""
    path = tmp_path / "lines.sqlite"
    await written(path, batch_of("a"))
    for where in (
        "service = 'web' and date = '2015-12-29'",
        "id in (select rowid from lines_fts where lines_fts match 'a')",
    ):
        plan = ask(path, f"explain query plan select * from lines where {where}")
        assert not [row for row in plan if row[3] in {"SCAN entries", "SCAN batches"}], plan


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put off to index more than a few lines."""
    monkeypatch.setattr(word_index, "AT_ONCE", 4)


def matching(path: Path, word: str) -> list[str]:
    sql = f"select log from entries where id in (select rowid from lines_fts('{word}'))"
    return [log for (log,) in ask(path, sql)]


@pytest.mark.usefixtures("_hasty")
async def test_a_backlog_is_indexed_when_nothing_waits(tmp_path: Path) -> None:
    """A few lines at a time; until then a search looks at them one by one."""
    path = tmp_path / "lines.sqlite"
    sink = SqliteSink(path, now=lambda: NOON)
    await sink.open()
    await sink.write([batch_of(*(f"word {number}" for number in range(10)))])
    found = list(Search(pattern=re.compile("word")).lines(path))
    steps = [matching(path, "word")]
    while await sink.rest():
        steps.append(matching(path, "word"))
    await sink.write([batch_of("another word")])
    await sink.close()

    assert [0, 4, 8] == [len(step) for step in steps]
    assert 10 == len(found)
    assert 11 == len(matching(path, "word"))
    ask(path, "insert into lines_fts (lines_fts) values ('integrity-check')")


@pytest.mark.usefixtures("_hasty")
async def test_what_is_not_indexed_when_a_process_ends_is_indexed_by_the_next(
    tmp_path: Path,
) -> None:
    """How far the index reaches is kept with it."""
    path = tmp_path / "lines.sqlite"
    killed = SqliteSink(path)
    await killed.open()
    await killed.write([batch_of(*(f"word {number}" for number in range(10)))])
    killed._store.close()
    await written(path)

    assert 10 == len(matching(path, "word"))


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("kept", [0, 2])
async def test_words_are_found_after_lines_were_deleted(tmp_path: Path, kept: int) -> None:
    """No line has the id of one that was indexed, or the index would take it for that one."""
    path = tmp_path / "lines.sqlite"
    await written(path, batch_of("old a", "old b", "old c"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("delete from entries where id > ?", (kept,))
        database.execute("insert into lines_fts (lines_fts) values ('rebuild')")
    await written(path, batch_of("new a", "new b"), batch_of(*["new"] * 5))

    assert 7 == len(matching(path, "new"))
    assert kept == len(matching(path, "old"))
    ask(path, "insert into lines_fts (lines_fts, rank) values ('integrity-check', 1)")


@pytest.mark.usefixtures("_hasty")
async def test_what_could_not_be_indexed_is_indexed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full as the last lines are indexed does not make them forgotten."""
    path = tmp_path / "lines.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    await sink.write([batch_of(*["word"] * 5)])
    await sink.rest()
    with monkeypatch.context() as full:
        full.setattr(sink._store, "_cursors", FullDisk())
        with pytest.raises(SinkUnavailable):
            await sink.rest()
    await sink.close()

    assert 5 == len(matching(path, "word"))


class FullDisk(CursorTables):
    """Fails what is written with it at its end."""

    def apply(self, *_: object) -> None:
        """Find no room."""
        raise sqlite3.OperationalError("database or disk is full")


TEXTS = st.text(st.characters(codec=None), max_size=12) | st.sampled_from(
    ["a\n", "\\u0000", "\0", "\ud800", '"', "\u2028", "{}", "a\n\n", "\\"]
)


@given(st.lists(st.tuples(st.sampled_from(["web-1", "web-2", "\ud800"]), TEXTS), min_size=1))
def test_what_is_prepared_is_what_is_written(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str]]
) -> None:
    """Whatever a text holds, it is the same whether the database reads it or is given it."""
    path = tmp_path_factory.mktemp("sink") / "lines.sqlite"
    entries = [LogEntry(*line) for line in lines]

    async def write() -> None:
        sink = SqliteSink(path)
        await sink.open()
        batch = evolve(batch_of("none"), entries=entries)
        await sink.write([sink.prepare(batch)])
        await sink.write([evolve(batch_of("none"), entries=entries)])
        await sink.close()

    asyncio.run(write())
    kept = ask(path, "select instance, log from entries order by id")
    expected = [(readable(name), readable(log.removesuffix("\n"))) for name, log in lines]

    assert expected * 2 == kept


async def test_many_batches_at_once_are_each_where_they_belong(tmp_path: Path) -> None:
    """Of one instance or of several, readable or not, late or not: far more than a statement's."""
    batches = [
        LogBatch("us", f"s{number % 7}", DAY, 10 * number, _entries(number), number % 5 == 0)
        for number in range(3 * TOGETHER)
    ]
    path = tmp_path / "lines.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    await sink.write([sink.prepare(batch) for batch in batches[::2]] + batches[1::2])
    await sink.close()

    expected = [
        (batch.source, readable(entry.instance_name), batch.position + n, batch.late, entry.log)
        for batch in [*batches[::2], *batches[1::2]]
        for n, entry in enumerate(batch.entries)
    ]
    found = ask(path, "select service, instance, position, late, log from lines order by id")
    assert expected == found


def _entries(number: int) -> list[LogEntry]:
    names = [
        f"web-{k % (1 + number % 4)}" + "\ud800" * (number % 11 == 0) for k in range(number % 6)
    ]
    return [LogEntry(name, f"line {number}.{k}") for k, name in enumerate(names)]


async def test_what_seemed_to_fail_is_not_written_again_after_a_rest(tmp_path: Path) -> None:
    """What was put off tells nothing of whether it was carried out."""
    path = tmp_path / "lines.sqlite"
    sink = SqliteSink(path)
    await sink.open()
    batch = batch_of("a", "b")
    await asyncio.to_thread(sink._write, [batch])
    sink._store._cursors.doubt(commits_of([batch]))
    sink._is_behind = True
    await sink.rest()
    await sink.write([batch])
    await sink.close()

    assert [("a",), ("b",)] == ask(path, "select log from lines order by id")
