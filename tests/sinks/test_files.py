"""Files of lines: their names, their forms, and what is cut off."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tenx_async.api.entries import LogEntry
from tenx_async.errors import ConfigurationError, DamagedCursor, SinkUnavailable
from tenx_async.logs.cursor import Commit, Cursor
from tenx_async.logs.cursors import Marks, MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.disk import write_at
from tenx_async.sinks.files import STATE, FileSink, _Place

DAY = dt.date(2015, 12, 29)


def batch_of(*texts: str, source: str = "web", date: dt.date = DAY) -> LogBatch:
    """A whole delivery."""
    mark = Marks(MemoryCursors()).add(
        Commit(source, Cursor(region="us", service=source).encode(), {})
    )
    entries = [LogEntry(f"{source}-1", text) for text in texts]
    return LogBatch("us", source, date, 7, entries, mark=mark)


async def written(sink: FileSink, *writes: Sequence[LogBatch]) -> None:
    """Write, each at once."""
    await sink.open()
    for batches in writes:
        await sink.write(batches)
    await sink.close()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_file())


async def test_a_line_says_where_it_comes_from(tmp_path: Path) -> None:
    """One object on one line, whatever its text holds."""
    await written(FileSink(tmp_path), [batch_of("über\n")])

    assert {
        "region": "us",
        "service": "web",
        "instance_name": "web-1",
        "log": "über",
        "date": "2015-12-29",
        "position": 7,
        "late": False,
    } == json.loads((tmp_path / "web.2015-12-29.jsonl").read_text())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["api.2015-12-30.jsonl", "web.2015-12-29.jsonl"]),
        ({"rotate_daily": False}, ["api.jsonl", "web.jsonl"]),
        ({"per_service": False}, ["lines.2015-12-29.jsonl", "lines.2015-12-30.jsonl"]),
        ({"per_service": False, "rotate_daily": False, "form": "text"}, ["lines.log"]),
        ({"rotate_daily": False, "compress": True}, ["api.jsonl.zst", "web.jsonl.zst"]),
    ],
)
async def test_files_are_named_by_what_is_in_them(
    tmp_path: Path, options: dict[str, Any], expected: list[str]
) -> None:
    """By service and by the server's day, as far as they are kept apart."""
    batches = [batch_of("a"), batch_of("b", source="api", date=DAY + dt.timedelta(1))]
    await written(FileSink(tmp_path, **options), batches)

    assert expected == names(tmp_path)


async def test_text_stands_behind_its_instance(tmp_path: Path) -> None:
    """And its service's name, where several are in one file."""
    await written(FileSink(tmp_path / "a", form="text"), [batch_of("one", "two")])
    await written(FileSink(tmp_path / "b", form="text", per_service=False), [batch_of("one")])

    assert "web-1 one\nweb-1 two\n" == (tmp_path / "a/web.2015-12-29.log").read_text()
    assert "web web-1 one\n" == (tmp_path / "b/lines.2015-12-29.log").read_text()


async def test_a_file_that_is_large_enough_is_left(tmp_path: Path) -> None:
    """The next one has a number, and none changes its name."""
    sink = FileSink(tmp_path, form="text", rotate_daily=False, rotate_size=20)
    await written(sink, [batch_of("1234")], [batch_of("5678")], [batch_of("9")])

    assert ["web.1.log", "web.log"] == names(tmp_path)
    assert "web-1 5678\nweb-1 9\n" == (tmp_path / "web.1.log").read_text()


async def test_each_write_is_a_frame_of_its_own(tmp_path: Path) -> None:
    """So a compressed file can be cut off between any two, and read by any tool."""
    sink = FileSink(tmp_path, form="text", rotate_daily=False, compress=True)
    await written(sink, [batch_of("a")], [batch_of("b")])

    def frames() -> Iterator[bytes]:
        with (tmp_path / "web.log.zst").open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            yield from iter(lambda: reader.read(1 << 16), b"")

    assert b"web-1 a\nweb-1 b\n" == b"".join(frames())


async def test_what_is_not_committed_is_cut_off(tmp_path: Path) -> None:
    """As a process leaves it that is killed between the lines and the commit."""
    path = tmp_path / "web.log"
    sink = FileSink(tmp_path, form="text", rotate_daily=False)
    await written(sink, [batch_of("a")])
    _append(path, "web-1 not comm")
    await sink.open()
    assert "web-1 a\n" == path.read_text()
    _append(path, "web-1 not committed either\n")
    await sink.write([batch_of("b")])
    await sink.close()

    assert "web-1 a\nweb-1 b\n" == path.read_text()


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_a_file_that_cannot_be_cut_off_is_waited_for(tmp_path: Path) -> None:
    """The directory is let go of, so that it can be opened when the cause is gone."""
    path, sink = tmp_path / "web.log", FileSink(tmp_path, form="text", rotate_daily=False)
    await written(sink, [batch_of("a")])
    path.rename(tmp_path / "aside")
    path.mkdir()
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match="directory"):
            await sink.open()
    path.rmdir()
    (tmp_path / "aside").rename(path)
    await written(sink, [batch_of("b")])

    assert "web-1 a\nweb-1 b\n" == path.read_text()


async def test_a_file_that_was_never_committed_is_emptied(tmp_path: Path) -> None:
    """Its name is known before it is written to, so it is told from a file of somebody else."""
    sink = FileSink(tmp_path, form="text", rotate_daily=False)
    await sink.open()
    sink._store.announce(partial(sink._set, [_Place("web", ".log", 0, 0)]))
    await sink.close()
    _append(tmp_path / "web.log", "web-1 not committed\n")
    await sink.open()
    await sink.close()

    assert "" == (tmp_path / "web.log").read_text()


@pytest.mark.parametrize("length", [0, 5, 10**6])
async def test_a_length_that_was_not_written_there_cuts_nothing_off(
    tmp_path: Path, length: int
) -> None:
    """What is kept of the directory is set aside, which is told of each source."""
    sink = FileSink(tmp_path, form="text", rotate_daily=False)
    await written(sink, [batch_of("a", "b")])
    with closing(sqlite3.connect(tmp_path / STATE / "cursors.sqlite")) as database, database:
        database.execute("update lengths set length = ?", [length])
    with pytest.raises(SinkUnavailable, match=r"the length of web\.log"):
        await sink.open()
    await sink.open()
    with pytest.raises(DamagedCursor, match="set aside as"):
        sink.cursors.load("web")
    await sink.close()
    await written(sink, [batch_of("c")])

    assert "web-1 a\nweb-1 b\n" == (tmp_path / "web.log").read_text()
    assert "web-1 c\n" == (tmp_path / "web.1.log").read_text()


async def test_a_file_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    """Nor one of an earlier sink whose record is gone."""
    (tmp_path / "web.log").write_text("mine\n")
    await written(FileSink(tmp_path, form="text", rotate_daily=False), [batch_of("a")])

    assert "mine\n" == (tmp_path / "web.log").read_text()
    assert "web-1 a\n" == (tmp_path / "web.1.log").read_text()


async def test_another_form_leaves_the_files_of_the_first_alone(tmp_path: Path) -> None:
    """And when it is changed back, they are gone on with where they end."""
    await written(FileSink(tmp_path), [batch_of("a", "b")])
    await written(FileSink(tmp_path, form="text"), [batch_of("c")])
    await written(FileSink(tmp_path), [batch_of("d")])

    path = tmp_path / "web.2015-12-29.jsonl"
    assert ["a", "b", "d"] == [json.loads(line)["log"] for line in path.read_text().splitlines()]
    assert "web-1 c\n" == (tmp_path / "web.2015-12-29.log").read_text()


async def test_a_name_with_dots_is_no_other_services_next_file(tmp_path: Path) -> None:
    """Both may be begun in one write."""
    sink = FileSink(tmp_path, form="text", rotate_daily=False, rotate_size=10)
    batches = [batch_of("b"), batch_of("c", source="web.1")]
    await written(sink, [batch_of("a")], batches)

    assert ["web%2E1.log", "web.1.log", "web.log"] == names(tmp_path)
    assert "web.1-1 c\n" == (tmp_path / "web%2E1.log").read_text()


async def test_a_file_may_be_moved_away(tmp_path: Path) -> None:
    """A new one is begun in its place."""
    sink = FileSink(tmp_path, form="text", rotate_daily=False)
    await written(sink, [batch_of("a")])
    (tmp_path / "web.log").rename(tmp_path / "old.log")
    await written(sink, [batch_of("b")])

    assert ["web-1 a\n", "web-1 b\n"] == [(tmp_path / name).read_text() for name in names(tmp_path)]


async def test_half_a_character_is_kept(tmp_path: Path) -> None:
    """What no encoding can hold is written as JSON can."""
    await written(FileSink(tmp_path), [batch_of("\ud800")])

    assert "\ud800" == json.loads((tmp_path / "web.2015-12-29.jsonl").read_text())["log"]


@pytest.mark.parametrize("options", [{"form": "xml"}, {"rotate_size": 0}])
def test_what_makes_no_sense_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    """Before anything is touched."""
    with pytest.raises(ConfigurationError):
        FileSink(tmp_path, **options)


async def test_what_the_system_takes_only_a_part_of_is_written_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal may come between, or room be short for a moment."""

    def some(handle: int, pieces: Sequence[bytes], place: int) -> int:
        return os.pwrite(handle, b"".join(pieces)[:5], place)

    monkeypatch.setattr("tenx_async.sinks.disk.os.pwritev", some)
    await written(FileSink(tmp_path), [batch_of("a", "b"), batch_of("c")], [batch_of("d")])

    kept = (tmp_path / "web.2015-12-29.jsonl").read_text().splitlines()
    assert ["a", "b", "c", "d"] == [json.loads(line)["log"] for line in kept]


async def test_a_name_that_is_too_long_for_a_file_is_cut(tmp_path: Path) -> None:
    """Two that begin alike are told apart."""
    services = ["\u670d" * 60 + end for end in ("1", "2")]
    await written(FileSink(tmp_path), [batch_of("a", source=service) for service in services])

    assert 2 == len(names(tmp_path))
    assert all(len(name) < 255 for name in names(tmp_path))


def test_advice_that_the_system_refuses_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Much is written, and the system told that it need not keep it; or not."""
    advised: list[int] = []

    def refuse(_handle: int, start: int, _length: int, _advice: int) -> None:
        advised.append(start)
        raise OSError("no such advice")

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    path = tmp_path / "lines"
    path.write_bytes(b"good")

    assert 4 + 2**20 == write_at(path, 4, [bytes(2**19)] * 2)
    assert 4 + 2**20 + 1 == write_at(path, 4 + 2**20, [b"1"])
    assert [4] == advised
