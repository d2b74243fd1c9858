"""What looks show, and what of it a file knows, while one thread notes and another one writes."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from tenx_async.logs.cursor import Commit
from tenx_async.sinks import cursor_tables, facts, looks
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.looks import Looks

DAY = dt.date(2015, 12, 29)
API = Commit("api", b"from its first line on", {})


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        for table in (*facts.TABLES, *cursor_tables.TABLES, *looks.TABLES):
            database.execute(table)
        yield database


class Interrupted(CursorTables):
    """Notes a look while another one is being written."""

    def __init__(self, seen: Looks) -> None:
        super().__init__()
        self.seen = seen

    def apply(self, database: sqlite3.Connection, commits: Sequence[Commit]) -> None:
        """Write, and be looked past meanwhile."""
        super().apply(database, commits)
        self.seen.note(["web", "api"], DAY, [API])


def test_a_source_that_is_found_meanwhile_stays_new_until_its_place_is_written(
    database: sqlite3.Connection,
) -> None:
    """Or it would be one that was there at first, for who goes on after a kill."""
    seen = Looks()
    seen.note(["web"], DAY, [])
    written = seen.write(database, Interrupted(seen))

    assert looks.is_new(database, "api")

    seen.written(written)
    tables = CursorTables()
    seen.written(seen.write(database, tables))
    assert [("api",)] == database.execute("select source from cursors").fetchall()
    assert not seen.write(database, tables).new
