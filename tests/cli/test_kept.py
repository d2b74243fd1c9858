from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tenx_async import FileSink, LogBatch, TenxError
from tenx_async.api.entries import LogEntry
from tenx_async.cli.kept import Damage, FilesKept, KeptLine

DAY = dt.date(2015, 12, 29)


async def fill(folder: Path, *texts: str, date: dt.date = DAY, **options: Any) -> None:
    """Write lines as `tenx ship` does."""
    sink = FileSink(folder, **options)
    await sink.open()
    entries = [LogEntry("web-x1", text) for text in texts]
    await sink.write([LogBatch("us", "web", date, 0, entries)])
    await sink.close()


def texts(folder: Path) -> Iterable[str]:
    """What counts of the day's lines."""
    return [line.log for line in FilesKept(folder).lines(DAY) if isinstance(line, KeptLine)]


def damages(folder: Path) -> Iterable[str]:
    """What is told of files that cannot be read."""
    return [str(line) for line in FilesKept(folder).lines(DAY) if isinstance(line, Damage)]


@pytest.mark.parametrize("compress", [False, True])
async def test_what_was_written_is_read_again(tmp_path: Path, compress: bool) -> None:
    """Of the day alone, also where it is compressed in several pieces."""
    if compress:
        pytest.importorskip("zstandard")
    await fill(tmp_path, "one", "two\nrows", compress=compress)
    await fill(tmp_path, "another day", date=DAY - dt.timedelta(days=1), compress=compress)
    await fill(tmp_path, "three", compress=compress)

    assert texts(tmp_path) == ["one", "two\nrows", "three"]


async def test_what_nobody_committed_does_not_count(tmp_path: Path) -> None:
    """A process that writes, or was killed, has more in the file."""
    await fill(tmp_path, "one")
    file = tmp_path / f"web.{DAY}.jsonl"
    file.write_bytes(file.read_bytes() * 2 + b'{"region"')

    assert texts(tmp_path) == ["one"]


async def test_a_day_in_one_file_with_others_is_found(tmp_path: Path) -> None:
    """Where the name tells no day, each line does."""
    await fill(tmp_path, "one", rotate_daily=False)
    await fill(tmp_path, "another day", date=DAY - dt.timedelta(days=1), rotate_daily=False)

    assert texts(tmp_path) == ["one"]


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda whole: whole + b"garbage", "it cannot be read to its end"),
        (lambda whole: whole * 2 + whole[:-9], "it ends in the middle of a frame"),
    ],
)
async def test_frames_before_a_damaged_one_are_read(
    tmp_path: Path, spoil: Callable[[bytes], bytes], what: str
) -> None:
    """Where nothing tells how much of a file counts."""
    pytest.importorskip("zstandard")
    await fill(tmp_path / "logs", "one", "two", compress=True)
    file = tmp_path / f"web.{DAY}.jsonl.zst"
    file.write_bytes(spoil((tmp_path / "logs" / file.name).read_bytes()))

    (damage,) = damages(tmp_path)

    assert damage.startswith(f"{file}: {what}")
    assert list(texts(tmp_path))[:2] == ["one", "two"]


async def test_half_a_character_is_read(tmp_path: Path) -> None:
    """Only a loose reader takes it."""
    line = {"region": "us", "service": "web", "instance_name": "w", "log": "\ud800", "date": "x"}
    (tmp_path / "web.jsonl").write_text(json.dumps({**line, "date": str(DAY)}) + "\n")

    assert texts(tmp_path) == ["\ud800"]


async def test_texts_alone_cannot_be_compared(tmp_path: Path) -> None:
    """They do not tell where a line ends."""
    await fill(tmp_path, "one", form="text")

    with pytest.raises(TenxError, match="only JSON lines can be compared"):
        texts(tmp_path)


async def test_texts_are_found_by_service_and_day(tmp_path: Path) -> None:
    """Whatever else tells them apart; those of others are not taken for theirs."""
    names = [f"web.{DAY}.log", f"web.{DAY}.1.log.zst", "web.log", f"lines.{DAY}.log"]
    others = [f"web.{DAY}.jsonl", "web.2015-12-28.log", f"web-2.{DAY}.log", f"web.{DAY}.log.gz"]
    for name in names + others:
        (tmp_path / name).touch()

    found = FilesKept(tmp_path).texts("web", DAY)

    assert sorted(names) == [file.name for file in found]
