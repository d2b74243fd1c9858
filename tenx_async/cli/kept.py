"""What a sink holds of a day, wherever it keeps it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import msgspec
from attrs import frozen

from tenx_async.cli.found import connect
from tenx_async.errors import ConfigurationError, TenxError

_KEPT = "SELECT region, service, instance, log, id FROM lines WHERE date = ? ORDER BY id"


@frozen
class KeptLine:
    """A line, and where it is kept."""

    region: str
    service: str
    instance_name: str
    log: str
    place: str


class Kept(Protocol):
    """What a sink holds."""

    def lines(self, date: dt.date) -> Iterator[KeptLine]:
        """Read all of a day's, in the order in which they were received.

        Raises:
            TenxError: they cannot be read.
        """


def kept_at(address: str) -> Kept:
    """Find what is kept at `files:DIR` or `sqlite:FILE`.

    Raises:
        ConfigurationError: it is no such address, or nothing is there.
    """
    kind, _, path = address.partition(":")
    if kind not in {"files", "sqlite"} or not path:
        raise ConfigurationError(f"{address!r} is neither files:DIR nor sqlite:FILE")
    place = Path(path)
    if not (place.is_dir() if kind == "files" else place.is_file()):
        raise ConfigurationError(f"there is no {'directory' if kind == 'files' else 'file'} {path}")
    return FilesKept(place) if kind == "files" else SqliteKept(place)


@frozen
class SqliteKept:
    """Lines in SQLite."""

    file: Path

    def lines(self, date: dt.date) -> Iterator[KeptLine]:
        """Read all of a day's, in the order in which they were received."""
        try:
            with closing(connect(self.file)) as database:
                for *line, number in database.execute(_KEPT, [date.isoformat()]):
                    region, service, instance, log = line
                    yield KeptLine(region, service, instance, log, f"{self.file}, id {number}")
        except sqlite3.Error as error:
            raise TenxError(f"{self.file}: {error}") from error


class _Written(msgspec.Struct):
    region: str
    service: str
    instance_name: str
    log: str
    date: str


_decoder = msgspec.json.Decoder(_Written)


@frozen
class FilesKept:
    """Lines in files of JSON lines."""

    directory: Path

    def lines(self, date: dt.date) -> Iterator[KeptLine]:
        """Read all of a day's, file by file."""
        for file in sorted(self.directory.rglob("*.jsonl")):
            yield from _lines_of(file, date.isoformat())


def _lines_of(file: Path, day: str) -> Iterator[KeptLine]:
    with file.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            line = _read(raw, f"{file}:{number}")
            if line.date == day:
                where = f"{file}:{number}"
                yield KeptLine(line.region, line.service, line.instance_name, line.log, where)


def _read(raw: bytes, place: str) -> _Written:
    try:
        return _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise TenxError(f"{place}: that is no line of a log: {error}") from error
