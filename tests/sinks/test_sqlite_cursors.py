"""Cursors in a file: kept beyond the process, whatever becomes of the file."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import sqlite3
from array import array
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tenx_async.errors import DamagedCursor, SinkUnavailable
from tenx_async.logs.cursor import Commit, Cursor, DayState, Edit, Stored, sum_of
from tenx_async.logs.order import Order
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.reader import Reader
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_cursors import ORDERS, Sink, Treatment, follow_for, following

DAY = dt.date(2015, 12, 29)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "cursors.sqlite"


def commit_of(edit: Edit, digests: array[int], source: str = "web", delivered: int = 0) -> Commit:
    """What is durable of a source of one day once an edit is."""
    state = DayState(
        date=DAY,
        base=edit.base,
        length=len(digests),
        sum=sum_of(digests),
        order="oldest-first",
        delivered=delivered,
    )
    cursor = Cursor(region="us", service=source, days=[state])
    return Commit(source, cursor.encode(), {(DAY, ""): edit})


def grown(count: int, remember: int = 500) -> list[tuple[Commit, array[int]]]:
    """Commits of a day to which a few lines are appended each time, and what is then remembered."""
    told: list[tuple[Commit, array[int]]] = []
    digests, base = array("Q"), 0
    for number in range(count):
        start, more = base + len(digests), array("Q", range(number * 7, number * 7 + 7))
        digests += more
        cut = max(0, len(digests) - remember)
        digests, base = digests[cut:], base + cut
        edit = Edit(base, start if number else base, more if number else digests)
        told.append((commit_of(edit, digests), digests))
    return told


@ORDERS
@pytest.mark.parametrize("seed", range(4))
async def test_every_line_is_kept_once_however_often_it_is_broken_off(
    path: Path, clock: ManualClock, order: Order | None, seed: int
) -> None:
    """As with cursors in memory, but each following opens the file anew."""
    fake = FakeCloud(clock)
    fake.add("web", "api")
    fake.order = order or Order.OLDEST_FIRST
    sink, treatment = Sink(), Treatment(fake, random.Random(seed))
    for batches in (2, *(treatment.chance.randrange(8) for _ in range(6)), 1_000):
        with SqliteCursors(path) as cursors:
            sink.cursors = cursors
            await follow_for(following(fake, order, cursors), sink, batches)
        sink.open()
        if batches < 1_000:
            treatment.go_on()
    with SqliteCursors(path) as sink.cursors:
        await follow_for(following(fake, order, sink.cursors), sink, 1_000)

    assert fake.written == Counter(sink.lines)


async def test_what_is_remembered_is_put_together_now_and_then(path: Path) -> None:
    """Many small changes of a day are as good as a whole one, and do not pile up."""
    told = grown(1_500)
    with SqliteCursors(path) as cursors:
        for commit, _ in told:
            await cursors.commit([commit])
        stored = cursors.load("web")

    assert stored
    assert told[-1][1] == stored.memories[DAY, ""]
    with sqlite3.connect(path) as database:
        (edits,) = database.execute("select count(*) from edits").fetchone()
    database.close()
    assert edits <= 256


async def test_days_that_are_over_are_forgotten(path: Path) -> None:
    """What is not in a commit is not in the file."""
    with SqliteCursors(path) as cursors:
        await cursors.commit([grown(1)[0][0]])
        await cursors.commit([Commit("web", Cursor(region="us", service="web").encode(), {})])
    with SqliteCursors(path) as cursors:
        stored = cursors.load("web")

    assert stored
    assert {} == stored.memories


async def test_commits_that_come_together_are_written_together(path: Path) -> None:
    """All are durable, whoever gave them."""
    with SqliteCursors(path) as cursors:
        digests = array("Q", [1])
        edit = Edit(0, 0, digests)
        names = [f"s{number}" for number in range(50)]
        commits = [commit_of(edit, digests, name) for name in names]
        await asyncio.gather(*(cursors.commit([commit]) for commit in commits))

        assert all(cursors.load(name) for name in names)


async def test_a_commit_that_is_given_again_is_written_once(path: Path) -> None:
    """Whoever was cancelled while it was written does not know that it was."""
    told = grown(200, remember=20)
    with SqliteCursors(path) as cursors:
        for first in range(0, 200, 2):
            commits = [commit for commit, _ in told[first : first + 2]]
            task = asyncio.ensure_future(cursors.commit(commits))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await cursors.commit(commits)
        stored = cursors.load("web")

    assert stored
    assert told[-1][1] == stored.memories[DAY, ""]


def overwrite(path: Path, what: bytes) -> None:
    """Put what is no text into the place of a text."""
    path.write_bytes(path.read_bytes().replace(what, b"\xff" * len(what)))


def spoil(path: Path, damage: bytes) -> None:
    """Put something else into a file, or cut it off in the middle."""
    raw = path.read_bytes()
    path.write_bytes(damage or raw[: len(raw) // 2])


def test_a_second_process_is_kept_out(path: Path) -> None:
    """Until the first one is done."""
    with SqliteCursors(path), pytest.raises(SinkUnavailable, match="by this or another process"):
        SqliteCursors(path)
    SqliteCursors(path).close()


async def test_nothing_is_committed_once_it_is_closed(path: Path) -> None:
    """Nor is the next one kept out, who goes on where this one ended."""
    digests = array("Q", [1])
    web, api = (commit_of(Edit(0, 0, digests), digests, name) for name in ("web", "api"))
    with SqliteCursors(path) as cursors:
        await cursors.commit([web])
    with pytest.raises(SinkUnavailable, match="is closed"):
        await cursors.commit([api])

    assert [path] == [*path.parent.iterdir()]
    with SqliteCursors(path) as cursors:
        assert cursors.load("web")
        assert cursors.load("api") is None


@pytest.mark.parametrize("damage", [b"", b"not a database, certainly" * 400])
async def test_a_damaged_file_is_set_aside(path: Path, damage: bytes) -> None:
    """It is reported for each source, and a new file serves from then on."""
    commit, digests = grown(1)[0]
    with SqliteCursors(path) as cursors:
        await cursors.commit([commit])
    spoil(path, damage)
    with SqliteCursors(path) as cursors:
        with pytest.raises(DamagedCursor, match="set aside as"):
            cursors.load("web")
        await cursors.commit([commit])
        stored = cursors.load("web")

    assert stored
    assert digests == stored.memories[DAY, ""]
    assert [*path.parent.glob("*-damaged-*")]


@pytest.mark.parametrize("what", [b"TABLE cursors", b"2015-12-29"])
async def test_text_that_is_none_is_damage(path: Path, what: bytes) -> None:
    """It is neither raised as it is, nor ever met again."""
    commit, digests = grown(1)[0]
    with SqliteCursors(path) as cursors:
        await cursors.commit([commit])
    overwrite(path, what)
    with SqliteCursors(path) as cursors:
        with pytest.raises(DamagedCursor):
            cursors.load("web")
        with suppress(SinkUnavailable):
            await cursors.commit([commit])
        await cursors.commit([commit])
        stored = cursors.load("web")

    assert stored
    assert digests == stored.memories[DAY, ""]


async def test_where_a_source_begins_is_not_noted_behind_where_it_was_read_to(path: Path) -> None:
    """Though it was not known whether that had been committed."""
    begins, grew = (commit for commit, _ in grown(2))
    with SqliteCursors(path) as cursors:
        cursors.note_look(["web"], DAY, [begins])
        await cursors.commit([begins, grew])
        cursors.note_look(["web"], DAY, [begins])
        await cursors.commit([])
        stored = cursors.load("web")

    assert stored
    assert Cursor.decode(grew.cursor) == stored.cursor


def test_no_digest_can_change_unseen() -> None:
    """A line that is known would be delivered once more."""
    commit, digests = grown(100)[-1]
    for place in range(len(digests)):
        changed = digests[:place] + array("Q", [digests[place] ^ 1]) + digests[place + 1 :]
        with pytest.raises(DamagedCursor, match="is lost"):
            Stored.of(commit.cursor, {(DAY, ""): [Edit(0, 0, changed)]})


async def test_a_file_that_is_lost_while_it_is_used_does_not_stop_who_commits(path: Path) -> None:
    """However many changes come of what it held: whoever reads them is told."""
    told = grown(600)
    with SqliteCursors(path) as cursors:
        for commit, _ in told[:100]:
            await cursors.commit([commit])
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink()
        for commit, _ in told[100:]:
            await cursors.commit([commit])
        with pytest.raises(DamagedCursor, match="not whole"):
            cursors.load("web")


def test_who_reads_makes_no_file(path: Path) -> None:
    """Or whoever writes would not see that its own is gone."""
    path.parent.mkdir()
    with pytest.raises(DamagedCursor, match="it is gone"):
        Reader(path, path.parent).load("web", "")

    assert not path.exists()


async def test_a_file_that_is_locked_can_be_written_later(path: Path) -> None:
    """A failed commit may be given again."""
    commit, digests = grown(1)[0]
    with SqliteCursors(path) as cursors:
        cursors._store._database.execute("pragma busy_timeout = 1")  # type: ignore[union-attr]  # open
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(SinkUnavailable, match="locked"):
            await cursors.commit([commit])
        other.execute("rollback")
        other.close()
        await cursors.commit([commit])
        stored = cursors.load("web")

    assert stored
    assert digests == stored.memories[DAY, ""]


async def test_a_commit_that_did_succeed_is_not_written_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure may hide that the file was written all the same."""
    told = grown(3, remember=10)
    with SqliteCursors(path) as cursors:
        with monkeypatch.context() as patch:
            patch.setattr(CursorTables, "note", _failing)
            with pytest.raises(SinkUnavailable):
                await cursors.commit([commit for commit, _ in told])
        await cursors.commit([commit for commit, _ in told])
        stored = cursors.load("web")

    assert stored
    assert told[-1][1] == stored.memories[DAY, ""]


def _failing(*_: object) -> None:
    raise OSError("the answer was lost")
