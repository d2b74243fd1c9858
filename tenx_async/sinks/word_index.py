"""An index over the words of lines, behind which a backlog may stay for a while."""

from __future__ import annotations

import sqlite3

TABLES = (
    """
    create virtual table if not exists lines_fts
    using fts5(log, content = 'entries', content_rowid = 'id', columnsize = 0)
    """,
    "insert into lines_fts (lines_fts, rank) values ('automerge', 0)",
    # a third less is written where segments are merged more seldom
    "insert into lines_fts (lines_fts, rank) values ('crisismerge', 64)",
    "create table if not exists indexed (upto integer not null)",
    "insert into indexed select 0 where not exists (select 1 from indexed)",
)
AT_ONCE = 20_000
"""More lines than so many are indexed when nothing waits to be written any more."""

_LAST = "select max(upto, (select coalesce(max(id), 0) from entries)) from indexed"
_UPTO = "select upto from indexed"
_INDEX = "insert into lines_fts (rowid, log) select id, log from entries where id > ? and id <= ?"
_INDEXED = "update indexed set upto = ?"


def last_id(database: sqlite3.Connection) -> int:
    """The last id that was given to a line, or one behind it: none is indexed twice."""
    (last,) = database.execute(_LAST).fetchone()
    return int(last)


def left(database: sqlite3.Connection) -> int:
    """How many lines are not indexed."""
    (upto,) = database.execute(_UPTO).fetchone()
    return last_id(database) - int(upto)


def go_on(database: sqlite3.Connection) -> int:
    """Index some of what is not indexed; tell how much more there is."""
    last, (indexed,) = last_id(database), database.execute(_UPTO).fetchone()
    upto = min(last, indexed + AT_ONCE)
    database.execute(_INDEX, (indexed, upto))
    database.execute(_INDEXED, (upto,))
    return last - int(upto)
