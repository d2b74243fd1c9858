"""What a sink's file tells of itself, by name: `lost`, `writer`, `home`, `salt`, `looked on`."""

from __future__ import annotations

import sqlite3

TABLES = (
    "create table if not exists facts (name text primary key, value text not null) without rowid",
)
_SET = "insert into facts values (?1, ?2) on conflict do update set value = ?2"
_GET = "select value from facts where name = ?"


def fact(database: sqlite3.Connection, name: str) -> str:
    """What is kept by a name; empty: nothing."""
    (value,) = database.execute(_GET, (name,)).fetchone() or ("",)
    return str(value)


def set_fact(database: sqlite3.Connection, name: str, value: str) -> None:
    """Keep something by a name."""
    database.execute(_SET, (name, value))
