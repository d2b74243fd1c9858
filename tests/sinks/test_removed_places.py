"""Files whose place is removed while they are written: nothing comes twice, and it goes on."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tenx_async.errors import DamagedCursor, SinkUnavailable
from tenx_async.logs.cursor import Commit, Cursor
from tenx_async.logs.cursors import Marks, MemoryCursors
from tenx_async.sinks import store as stores
from tenx_async.sinks.database import transaction
from tenx_async.sinks.files import STATE, FileSink
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.store import Store
from tenx_async.telemetry.events import CursorLost
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.sinks.shipping import FakeClient, all_written, begun, in_files, paused
from tests.sinks.test_files import DAY, batch_of


class KilledError(Exception):
    """Leaves all as it is, like the end of the process."""


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


@pytest.mark.parametrize("is_whole", [True, False], ids=["the directory", "the record's"])
async def test_a_place_that_is_removed_is_gone_on_with(
    fake: FakeCloud, tmp_path: Path, is_whole: bool
) -> None:
    """By itself: where the directory is made again, or only that of its record is gone."""
    sink = tmp_path / "sink"
    fake.write("web", "old")
    client = FakeClient(fake)
    async with Ship(client, FileSink(sink)) as ship:
        await all_written(ship, fake, lambda: in_files(sink))
        shutil.rmtree(sink if is_whole else sink / STATE)
        fake.write("web", "new")
        if is_whole:
            fake.written.pop(("web", "old"))
            await paused(ship)
            sink.mkdir()
        fake.add("api")
        fake.write("api", "from the beginning")
        await all_written(ship, fake, lambda: in_files(sink))

    assert fake.written == in_files(sink)


@pytest.mark.parametrize("does_fail", [True, False], ids=["which fails", "which does not fail"])
async def test_a_record_that_goes_while_lines_are_written_repeats_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does_fail: bool
) -> None:
    """Of the write, too, that had reached its file but not its record."""
    sink, batches = FileSink(tmp_path), [batch_of("two"), batch_of("three", source="api")]
    await sink.open()
    await sink.write([batch_of("one")])

    def losing(store: Store, *work: Any) -> None:
        monkeypatch.undo()
        shutil.rmtree(tmp_path / STATE)
        if does_fail:
            raise SinkUnavailable("no more handles")
        store.write(*work)

    monkeypatch.setattr(Store, "write", losing)
    if does_fail:
        with pytest.raises(SinkUnavailable):
            await sink.write(batches)
    await sink.write(batches)
    await sink.close()

    assert {("web", "one"): 1, ("web", "two"): 1, ("api", "three"): 1} == in_files(tmp_path)


async def test_a_directory_that_goes_while_lines_are_appended_repeats_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it comes back without its record."""
    at, away, wait_for_disk = tmp_path / "at", tmp_path / "away", os.fdatasync
    sink, batches = FileSink(at), [batch_of("two"), batch_of("three", source="api")]
    await sink.open()
    await sink.write([batch_of("one")])

    def losing(handle: int) -> None:
        monkeypatch.undo()
        at.rename(away)
        wait_for_disk(handle)

    monkeypatch.setattr(os, "fdatasync", losing)
    with pytest.raises(SinkUnavailable):
        await sink.write(batches)
    shutil.rmtree(away / STATE)
    away.rename(at)
    await sink.write(batches)
    await sink.close()

    assert {("web", "one"): 1, ("web", "two"): 1, ("api", "three"): 1} == in_files(at)


async def test_what_was_committed_after_all_stays_when_the_record_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that seemed to fail was carried out, and is known to have been."""
    sink = FileSink(tmp_path)
    await sink.open()
    await sink.write([batch_of("one")])

    @contextmanager
    def failing(database: sqlite3.Connection) -> Iterator[None]:
        with transaction(database):
            yield
        monkeypatch.undo()
        raise sqlite3.OperationalError("disk I/O error")

    commit = Commit("web", Cursor(region="us", service="web", tail=2).encode(), {})
    batches = [evolve(batch_of("two"), mark=Marks(MemoryCursors()).add(commit))]
    monkeypatch.setattr(stores, "transaction", failing)
    with pytest.raises(SinkUnavailable):
        await sink.write(batches)
    await sink.write(batches)
    shutil.rmtree(tmp_path / STATE)
    await sink.write([batch_of("three")])
    await sink.close()

    assert {("web", "one"): 1, ("web", "two"): 1, ("web", "three"): 1} == in_files(tmp_path)


async def test_what_another_one_wrote_meanwhile_is_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By who goes on with the same sink after a write that failed."""
    sink, other = FileSink(tmp_path), FileSink(tmp_path)
    await sink.open()
    await sink.write([batch_of("one")])

    def failing(*_: Any) -> None:
        monkeypatch.undo()
        raise SinkUnavailable("no more handles")

    monkeypatch.setattr(Store, "write", failing)
    with pytest.raises(SinkUnavailable):
        await sink.write([batch_of("two")])
    await sink.close()
    await other.open()
    await other.write([batch_of("three")])
    await other.close()
    await sink.open()
    await sink.write([batch_of("two")])
    await sink.close()

    assert {("web", "one"): 1, ("web", "two"): 1, ("web", "three"): 1} == in_files(tmp_path)


async def test_who_is_new_is_known_while_the_directory_of_the_record_is_gone(
    tmp_path: Path,
) -> None:
    """Nothing of it is lost, and nothing needs to be written first."""
    sink = FileSink(tmp_path)
    await sink.open()
    sink.cursors.note_look(["web"], DAY, [])
    await sink.cursors.commit([])
    shutil.rmtree(tmp_path / STATE)
    assert sink.cursors.load("api") is None
    with pytest.raises(DamagedCursor, match="it is gone"):
        sink.cursors.load("web")
    await sink.close()


async def test_what_is_lost_is_remembered_until_it_is_written_down(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a new record could not be made at once."""
    fake.add("api")
    ship = Ship(FakeClient(fake), FileSink(tmp_path), tail=0)
    async with ship:
        await begun(ship)
        fake.write("api", "one")
        await all_written(ship, fake, lambda: in_files(tmp_path))

        def failing(*_: Any) -> bool:
            monkeypatch.undo()
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(stores, "prepare", failing)
        shutil.rmtree(tmp_path / STATE)
        fake.write("web", "two")
        await all_written(ship, fake, lambda: in_files(tmp_path))
    fake.write("api", "three")
    client = FakeClient(fake)
    async with Ship(client, FileSink(tmp_path), tail=0) as ship:
        await begun(ship)

    assert ["api"] == [one.source for one in client.events if isinstance(one, CursorLost)]
    assert ship.ledger.gaps


@pytest.mark.parametrize("is_gone", [True, False])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KilledError()])
async def test_a_file_that_was_cut_short_is_gone_on_with_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_gone: bool, error: Exception
) -> None:
    """Also after a write that did not come to its end: no half of a line is left."""
    sink, write = FileSink(tmp_path), os.pwritev
    path = tmp_path / "web.2015-12-29.jsonl"
    await sink.open()
    await sink.write([batch_of("one")])
    end = path.stat().st_size
    await sink.write([batch_of("long" * 100)])
    os.truncate(path, end)
    if is_gone:
        path.unlink()

    def failing(handle: int, pieces: Sequence[bytes], place: int) -> int:
        monkeypatch.undo()
        write(handle, [piece[:-9] for piece in pieces], place)
        raise error

    monkeypatch.setattr(os, "pwritev", failing)
    with pytest.raises((SinkUnavailable, KilledError)):
        await sink.write([batch_of("two")])
    await sink.close()
    await sink.open()
    await sink.write([batch_of("three")])
    await sink.close()

    kept = ["three"] if is_gone else ["one", "three"]
    assert {("web", text): 1 for text in kept} == in_files(tmp_path)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_directory_that_is_away_for_a_moment_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """What is in a file that cannot be seen then is not overwritten."""
    at, away, look = tmp_path / "at", tmp_path / "away", os.stat
    sink = FileSink(at)
    await sink.open()
    await sink.write([batch_of("one")])
    if not is_known:
        shutil.rmtree(at / STATE)

    def blinking(path: Any, **how: Any) -> os.stat_result:
        if not f"{path}".endswith(".jsonl"):
            return look(path, **how)
        at.rename(away)
        try:
            return look(path, **how)
        finally:
            away.rename(at)

    monkeypatch.setattr(os, "stat", blinking)
    await sink.write([batch_of("two")])
    await sink.close()

    assert {("web", "one"): 1, ("web", "two"): 1} == in_files(at)
