"""What a sink holds of a day, wherever it keeps it."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

import msgspec
from attrs import frozen

from tenx_async.cli.comparison import FEW
from tenx_async.cli.database import connect
from tenx_async.cli.found import IN_SPAN
from tenx_async.cli.packed import PACKED, UnreadableError, rows_of
from tenx_async.errors import ConfigurationError, TenxError
from tenx_async.sinks.file_names import Naming
from tenx_async.sinks.files import STATE

_OF_DAY = "date = ?1"
_LINES = "SELECT region, service, instance, log, id FROM lines"
_KEPT = f"{_LINES} WHERE {_OF_DAY} AND {IN_SPAN.format(_OF_DAY)} ORDER BY id"
_LENGTHS = "SELECT stem, ending, number, length FROM lengths"
_JSON = ".jsonl"
_TEXT = re.compile(r"(.+?)(\.\d+)?\.log(\.zst)?")
_DAY = re.compile(r"[^.]+\.(\d{4}-\d\d-\d\d)\.")


@frozen
class KeptLine:
    """A line, and where it is kept."""

    region: str
    service: str
    instance_name: str
    log: str
    place: str


@frozen
class Damage:
    """What is kept and cannot be read."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


class Kept(Protocol):
    """What a sink holds."""

    def lines(self, date: dt.date) -> Iterator[KeptLine | Damage]:
        """Read all of a day's that can be read, in the order in which they were received.

        Raises:
            TenxError: none can be read.
        """

    def texts(self, service: str, date: dt.date) -> Sequence[Path]:
        """Find files that may have more of a service's day, as texts that cannot be compared."""


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

    def lines(self, date: dt.date) -> Iterator[KeptLine | Damage]:
        """Read all of a day's, in the order in which they were received."""
        try:
            with closing(connect(self.file)) as database:
                database.text_factory = _as_text
                for *facts, number in database.execute(_KEPT, [date.isoformat()]):
                    yield _line_at(f"{self.file}, id {number}", facts)
        except (sqlite3.Error, ValueError) as error:
            raise TenxError(f"{self.file}: {error}") from error

    def texts(self, service: str, date: dt.date) -> Sequence[Path]:  # noqa: ARG002  # none has any
        """There are none beside."""
        return ()


def _as_text(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


def _line_at(place: str, facts: Sequence[object]) -> KeptLine | Damage:
    try:
        region, service, instance, log = msgspec.convert(facts, tuple[str, str, str, str])
    except msgspec.ValidationError as error:
        return _no_line(place, error)
    return KeptLine(region, service, instance, log, place)


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

    def lines(self, date: dt.date) -> Iterator[KeptLine | Damage]:
        """Read all of a day's, file by file."""
        files = [file for file in sorted(self.directory.iterdir()) if _may_hold(file, date)]
        if not files and any(self.directory.glob("*.log*")):
            raise ConfigurationError(
                f"{self.directory} has texts alone, which do not tell where a line ends; "
                "only JSON lines can be compared"
            )
        lengths = self._lengths()
        for file in files:
            yield from _lines_of(file, lengths.get(file.name), date.isoformat())

    def texts(self, service: str, date: dt.date) -> Sequence[Path]:
        """Find texts alone, by the names that they may have."""
        stems = {
            Naming(per_service=per_service, daily=daily).stem_of(service, date.isoformat())
            for per_service in (True, False)
            for daily in (True, False)
        }
        files = sorted(self.directory.iterdir())
        return [file for file in files if (of := _TEXT.fullmatch(file.name)) and of[1] in stems]

    def _lengths(self) -> Mapping[str, int]:
        """How much of each file counts; behind that may be what nobody has committed."""
        state = self.directory / STATE / "cursors.sqlite"
        if not state.is_file():
            return {}
        try:
            with closing(connect(state)) as database:
                rows = database.execute(_LENGTHS).fetchall()
        except sqlite3.Error as error:
            raise TenxError(f"{state}: {error}") from error
        return {
            Naming(ending=ending).name(stem, number): length
            for stem, ending, number, length in rows
        }


def _may_hold(file: Path, date: dt.date) -> bool:
    """Whether lines of a day may be in a file; the names of most tell which day is."""
    day = _DAY.match(file.name)
    return file.name.removesuffix(PACKED).endswith(_JSON) and (
        not day or day[1] == date.isoformat()
    )


def _lines_of(file: Path, length: int | None, day: str) -> Iterator[KeptLine | Damage]:
    spoilt = 0
    try:
        for number, row in enumerate(rows_of(file, length), 1):
            where = f"{file}:{number}"
            line = _read(row, where)
            if isinstance(line, Damage):
                spoilt += 1
                if spoilt <= FEW:
                    yield line
            elif line.date == day:
                yield KeptLine(line.region, line.service, line.instance_name, line.log, where)
    except UnreadableError as error:
        yield Damage(f"{file}", f"{error}")
    if spoilt > FEW:
        yield Damage(f"{file}", f"{spoilt - FEW:,} more are no lines of a log")


def _read(raw: bytes, place: str) -> _Written | Damage:
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as error:
        return _no_line(place, error)
    except ValueError as error:
        return _read_loosely(raw, place, error)


def _read_loosely(raw: bytes, place: str, error: Exception) -> _Written | Damage:
    """Read a line with halves of characters, which only the standard library takes."""
    try:
        return msgspec.convert(json.loads(raw), _Written)
    except (ValueError, RecursionError):
        return _no_line(place, error)


def _no_line(place: str, error: Exception) -> Damage:
    return Damage(place, f"that is no line of a log: {error}")
