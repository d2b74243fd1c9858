"""What a sink holds of a day, wherever it keeps it."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec
from attrs import frozen

from tenx_async.cli.found import IN_SPAN, connect
from tenx_async.errors import ConfigurationError, TenxError
from tenx_async.sinks.file_names import Naming
from tenx_async.sinks.files import STATE

_OF_DAY = "date = ?1"
_LINES = "SELECT region, service, instance, log, id FROM lines"
_KEPT = f"{_LINES} WHERE {_OF_DAY} AND {IN_SPAN.format(_OF_DAY)} ORDER BY id"
_LENGTHS = "SELECT stem, ending, number, length FROM lengths"
_JSON, _PACKED = ".jsonl", ".jsonl.zst"
_DAY = re.compile(r"[^.]+\.(\d{4}-\d\d-\d\d)\.")


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
                for row in database.execute(_KEPT, [date.isoformat()]):
                    region, service, instance, log, number = row
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
        files = [file for file in sorted(self.directory.iterdir()) if _may_hold(file, date)]
        if not files and any(self.directory.glob("*.log*")):
            raise ConfigurationError(
                f"{self.directory} has texts alone, which do not tell where a line ends; "
                "only JSON lines can be compared"
            )
        lengths = self._lengths()
        for file in files:
            yield from _lines_of(file, lengths.get(file.name), date.isoformat())

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
    return file.name.endswith((_JSON, _PACKED)) and (not day or day[1] == date.isoformat())


def _lines_of(file: Path, length: int | None, day: str) -> Iterator[KeptLine]:
    with _opened(file, length) as rows:
        for number, row in enumerate(rows, 1):
            where = f"{file}:{number}"
            line = _read(row, where)
            if line.date == day:
                yield KeptLine(line.region, line.service, line.instance_name, line.log, where)


def _opened(file: Path, length: int | None) -> IO[bytes]:
    """Open what counts of a file."""
    raw = file.open("rb")
    counting = raw if length is None else io.BufferedReader(_Beginning(raw, length))
    return _unpacked(counting) if file.name.endswith(_PACKED) else counting


def _unpacked(packed: IO[bytes]) -> IO[bytes]:
    try:
        import zstandard  # noqa: PLC0415  # an extra
    except ImportError:
        raise ConfigurationError(
            "compressed files need the extra `zstd`: tenx-async[zstd]"
        ) from None
    reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    return io.BufferedReader(reader)


class _Beginning(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read more."""
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _read(raw: bytes, place: str) -> _Written:
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise TenxError(f"{place}: that is no line of a log: {error}") from error
    except ValueError as error:
        return _read_loosely(raw, place, error)


def _read_loosely(raw: bytes, place: str, error: Exception) -> _Written:
    """Read a line with halves of characters, which only the standard library takes."""
    try:
        return msgspec.convert(json.loads(raw), _Written)
    except ValueError:
        raise TenxError(f"{place}: that is no line of a log: {error}") from error
