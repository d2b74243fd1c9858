"""Lines in files, exactly once: what is not committed is cut off."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from os import PathLike
from pathlib import Path
from zlib import crc32

from attrs import astuple, define, evolve, field, frozen

from tenx_async.errors import ConfigurationError, SinkUnavailable
from tenx_async.fleet.threads import to_the_end
from tenx_async.logs.cursors import CursorStore
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.database import told
from tenx_async.sinks.disk import cut_to, end_of, size_of, sync_names, write_at
from tenx_async.sinks.file_names import Naming
from tenx_async.sinks.forms import Encode, Form, compression, encoding
from tenx_async.sinks.sink import PreparedBatch, commits_of, keep, not_kept
from tenx_async.sinks.store import Store

STATE = ".tenx"
RECORD = Path(STATE, "cursors.sqlite")
"""Where in the directory it is kept how long each file is, and where sources were read to."""
_TABLES = (
    """
    create table if not exists lengths (
        stem text not null, ending text not null, number integer not null,
        length integer not null, sum integer not null, primary key (stem, ending, number)
    ) without rowid
    """,
)
_ALL = "select stem, ending, number, length, sum from lengths"
_ONE = f"{_ALL} where ending = ? and stem = ? and number = ?"
_NEWEST = f"{_ALL} where ending = ? and stem = ? order by number desc limit 1"
_SET = """
insert into lengths values (?1, ?2, ?3, ?4, ?5) on conflict do update set length = ?4, sum = ?5
"""


@frozen
class _Place:
    """Up to where a file is good."""

    stem: str
    ending: str
    number: int
    length: int

    @property
    def sum(self) -> int:
        """Stands for all of it: a length that is damaged would cut good lines off."""
        return crc32(f"{self.stem}.{self.number}{self.ending}:{self.length}".encode())


@define(eq=False, init=False)
class FileSink:
    """Files of lines in a directory, each line exactly once.

    A file is only ever appended to, and its name does not change; so it may be moved away or
    deleted as soon as it is not written to any more. How much of each file is good is kept with
    the cursors: what a process that was killed had written beyond that is cut off.
    """

    directory: Path
    _naming: Naming = field(repr=False)
    _encode: Encode = field(repr=False)
    _compress: Callable[[bytes], bytes] | None = field(repr=False)
    _rotate_size: int | None = field(repr=False)
    _store: Store = field(repr=False)
    _in_doubt: Sequence[_Place] = field(repr=False)
    """Up to where files were good to which lines were written whose commit failed."""

    def __init__(
        self,
        directory: str | PathLike[str],
        *,
        per_service: bool = True,
        form: Form = "jsonl",
        rotate_size: int | None = None,
        rotate_daily: bool = True,
        compress: bool = False,
    ) -> None:
        """Choose how; nothing is touched before it is opened.

        Args:
            directory: for the files of one region; one process may write to it at a time.
            per_service: a file for each service, or one for all.
            form: `jsonl`, a line of JSON each; or `text`, behind the name of its instance.
            rotate_size: bytes; what would make a file larger begins a new one: `web.1.jsonl`, …
            rotate_daily: a file for each day of the server's: `web.2015-12-29.jsonl`.
            compress: by zstd; needs the extra `zstd`.

        Raises:
            ConfigurationError: there is no such form or size, or zstd is not installed.
        """
        if rotate_size is not None and rotate_size < 1:
            raise ConfigurationError(f"rotate_size is a number of bytes: {rotate_size!r}")
        self.directory = Path(directory)
        ending = (".jsonl" if form == "jsonl" else ".log") + ".zst" * compress
        self._naming = Naming(per_service=per_service, daily=rotate_daily, ending=ending)
        self._encode = encoding(form, per_service=per_service)
        self._compress = compression() if compress else None
        self._rotate_size = rotate_size
        self._store = Store(self.directory / RECORD, _TABLES, within=self.directory)
        self._in_doubt = ()

    @property
    def cursors(self) -> CursorStore:
        """What a following goes on from."""
        return self._store

    async def open(self) -> None:
        """Make the directory, and cut off what is not committed.

        Raises:
            SinkUnavailable: it cannot be written to, or another process does.
        """
        await to_the_end(self._open)

    def prepare(self, batch: LogBatch) -> LogBatch:
        """Make bytes of the lines."""
        return PreparedBatch.of(batch, self._encode(batch))

    async def write(self, batches: Sequence[LogBatch]) -> None:
        """Append whole deliveries to their files.

        Raises:
            SinkUnavailable: none of it is kept; it may be given again.
        """
        await keep(self._write, batches)

    async def rest(self) -> bool:
        """Nothing is put off."""
        return False

    async def close(self) -> None:
        """Let others write there."""
        await to_the_end(self._store.close)

    def _open(self) -> None:
        with told(self.directory):
            was_used = self._naming.daily or self._store.path.parent.is_dir()
        self._store.open(self._missed if was_used else str)
        self._in_doubt = ()
        try:
            self._cut_off()
        except BaseException:
            self._store.close()  # or it could not be opened again
            raise

    def _missed(self) -> str:
        """What was lost if there is no record, or an empty one, beside files."""
        if any(self._naming.is_ours(file.name) for file in self.directory.iterdir()):
            return f"{self._store.path}, which told of the files, is gone or empty"
        return ""

    def _cut_off(self) -> None:
        places = self._known(_ALL)
        with told(self.directory):
            for place in places:
                if place.ending == self._naming.ending:
                    cut_to(self._path(place.stem, place.number), place.length)

    def _write(self, batches: Sequence[LogBatch]) -> None:
        commits = commits_of(batches)
        left = not_kept(batches, self._store.carried_out(commits))
        self._in_doubt = [place for place in self._in_doubt if not self._was_committed(place)]
        self._take_back()
        groups = self._naming.groups([batch for batch in left if len(batch)])
        data = {stem: self._pieces_of(group) for stem, group in groups}
        known = [self._place(stem, sum(map(len, pieces))) for stem, pieces in data.items()]
        places = [self._as_found(place) for place in known]
        pairs = zip(known, places, strict=True)
        changed = [found for place, found in pairs if not found.length or found != place]
        if changed:
            self._store.announce(partial(self._set, changed))  # or it would be cut off elsewhere
        self._in_doubt = places
        written = self._append_all(places, data, has_new_names=bool(changed))
        self._store.write(commits, partial(self._set, written))
        self._in_doubt = ()

    def _was_committed(self, place: _Place) -> bool:
        """Whether more is known to be good, so that the commit which seemed to fail did not."""
        known = self._known(_ONE, place.ending, place.stem, place.number)
        return any(one.length > place.length for one in known)

    def _take_back(self) -> None:
        """Give the room back that lines took which are not committed; they may go elsewhere now."""
        with told(self.directory):
            for place in self._in_doubt:
                cut_to(self._path(place.stem, place.number), place.length)
        self._in_doubt = ()

    def _pieces_of(self, batches: Iterable[LogBatch]) -> list[bytes]:
        pieces = [
            batch.form if isinstance(batch, PreparedBatch) else self._encode(batch)
            for batch in batches
        ]
        return [self._compress(b"".join(pieces))] if self._compress else pieces

    def _append_all(
        self, places: Sequence[_Place], data: Mapping[str, Sequence[bytes]], *, has_new_names: bool
    ) -> list[_Place]:
        try:
            with told(self.directory):
                written = [self._append(place, data[place.stem]) for place in places]
                sync_names([self.directory] if has_new_names else [])
        except SinkUnavailable:
            with suppress(SinkUnavailable):  # or when it is tried again
                self._take_back()
            raise
        return written

    def _place(self, stem: str, size: int) -> _Place:
        """Where the next bytes of a file go; to a file that is not known, nothing is written."""
        for place in self._known(_NEWEST, self._naming.ending, stem):
            room = (self._rotate_size or math.inf) - place.length
            return place if not place.length or size <= room else self._next(stem, place.number + 1)
        return self._next(stem, 0)

    def _as_found(self, place: _Place) -> _Place:
        """Where a file is good up to that somebody may have cut short, or moved away."""
        if not place.length:
            return place
        with told(self.directory):
            return evolve(place, length=end_of(self._path(place.stem, place.number), place.length))

    def _known(self, sql: str, *values: object) -> list[_Place]:
        places = []
        for *facts, total in self._store.ask(lambda file: file.execute(sql, values).fetchall()):
            places.append(place := _Place(*facts))
            if place.sum != total:
                name = Naming(ending=place.ending).name(place.stem, place.number)
                self._store.refuse(f"the length of {name}")
        return places

    def _next(self, stem: str, number: int) -> _Place:
        with told(self.directory):
            while size_of(self._path(stem, number)) is not None:
                number += 1
        return _Place(stem, self._naming.ending, number, 0)

    def _append(self, place: _Place, pieces: Sequence[bytes]) -> _Place:
        path = self._path(place.stem, place.number)
        return evolve(place, length=write_at(path, place.length, pieces))

    def _path(self, stem: str, number: int) -> Path:
        return self.directory / self._naming.name(stem, number)

    def _set(self, places: Sequence[_Place], database: sqlite3.Connection) -> None:
        database.executemany(_SET, [(*astuple(place), place.sum) for place in places])
