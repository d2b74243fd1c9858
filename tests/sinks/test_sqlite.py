"""Lines in SQLite: what can be asked of them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tenx_async.logs.lines import LogBatch
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
