"""Lines as rows of an SQLite database.

Few statements write many of them: after each, a thread has to wait for its turn to go on.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

import msgspec

from tenx_async.api.entries import LogEntry
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.sink import PreparedBatch

TABLES = (
    """
    create table if not exists batches (
        id integer primary key, region text not null, service text not null, date text not null,
        position integer not null, late integer not null, at text not null,
        first integer not null, count integer not null
    )
    """,
    "create index if not exists batches_of_days on batches (service, date)",
    """
    create table if not exists entries (
        id integer primary key, batch integer not null, instance text not null, log text not null
    )
    """,
    """
    create view if not exists lines as
    select entries.id, region, service, instance, date, position + entries.id - first as position,
        late, at, log
    from entries join batches
    on batches.id = entries.batch and entries.id between first and first + count - 1
    """,
)
"""A line's shared facts stand once, with its batch; ids of a batch's lines follow each other."""
TOGETHER = 50
"""Texts of so many instances go in with one statement."""

_LAST_BATCH = "select coalesce(max(id), 0) from batches"
_BATCHES = """
insert into batches
select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[8]')
from json_each(?)
"""
_ENTRY = "insert into entries values (?, ?, ?, ?)"
_ENTRIES = "insert into entries "
_OF_INSTANCE = "select ? + key, ?, ?, value from json_each(cast(? as text))"
_ENCODER = msgspec.json.Encoder()
Texts = Sequence[tuple[str, bytes]]
"""Of each instance its texts, by their places in the batch, in JSON."""


def add(database: sqlite3.Connection, batches: Sequence[LogBatch], at: str, last: int) -> None:
    """Add batches that were received at a time; ids of their lines go on after a last one."""
    (known,) = database.execute(_LAST_BATCH).fetchone()
    facts: list[tuple[object, ...]] = []
    texts: list[tuple[int, int, str, bytes]] = []
    for number, batch in enumerate(filter(len, batches), known + 1):
        place = (batch.region, batch.source, batch.date, batch.position, batch.late)
        facts.append((number, *place, at, last + 1, len(batch)))
        of = batch.form if isinstance(batch, PreparedBatch) else texts_of(batch.entries)
        if of is None:
            _add_one_by_one(database, batch, number, last + 1)
        else:
            texts += ((last + 1, number, instance, logs) for instance, logs in of)
        last += len(batch)
    database.execute(_BATCHES, (_ENCODER.encode(facts).decode(),))
    for start in range(0, len(texts), TOGETHER):
        some = texts[start : start + TOGETHER]
        statement = _ENTRIES + " union all ".join([_OF_INSTANCE] * len(some))
        database.execute(statement, list(chain.from_iterable(some)))


def texts_of(entries: Sequence[LogEntry]) -> Texts | None:
    """Put texts together by instance; `None`: one holds what JSON or SQLite's cannot."""
    try:
        texts = [(name, _ENCODER.encode(logs)) for name, logs in _by_instance(entries).items()]
        "".join(name for name, _ in texts).encode()
    except UnicodeEncodeError:  # halves of characters, which only the loose reading lets through
        return None
    return None if any(b"\\u0000" in logs for _, logs in texts) else texts


def _by_instance(entries: Sequence[LogEntry]) -> Mapping[str, list[str] | dict[int, str]]:
    """The texts of each instance by their places; of the only one in a row, which is cheaper."""
    names = {entry.instance_name for entry in entries}
    if len(names) == 1:
        return {names.pop(): [entry.log.removesuffix("\n") for entry in entries]}
    of: dict[str, dict[int, str]] = defaultdict(dict)
    for place, entry in enumerate(entries):
        of[entry.instance_name][place] = entry.log.removesuffix("\n")
    return of


def _add_one_by_one(database: sqlite3.Connection, batch: LogBatch, number: int, first: int) -> None:
    rows = (
        (place, number, readable(entry.instance_name), readable(entry.log.removesuffix("\n")))
        for place, entry in enumerate(batch.entries, first)
    )
    database.executemany(_ENTRY, rows)


def readable(text: str) -> str:
    """Write out halves of characters, which are no text."""
    return text.encode(errors="backslashreplace").decode()
