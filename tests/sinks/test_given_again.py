"""What is given again because its write seemed to fail: it is carried out once."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

import pytest

from tenx_async.api.entries import LogEntry
from tenx_async.errors import SinkUnavailable
from tenx_async.logs.cursor import Commit, Edit
from tenx_async.logs.cursors import Marks, MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.sinks.cursor_tables import CursorTables
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tests.sinks.shipping import KINDS
from tests.sinks.test_sqlite_cursors import DAY, commit_of

ALL = array("Q", range(40))
"""What is remembered of a day in the end, were nothing of it forgotten."""
SINKS = pytest.mark.parametrize("kind", KINDS)
FAILURES = pytest.mark.parametrize("failing", ["note", "apply"])
"""After it was carried out, and before."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cursors.sqlite"


def deliveries(source: str, *texts: str) -> list[LogBatch]:
    """What is read of a source, one line after the other."""
    marks, batches = Marks(MemoryCursors()), []
    for number, text in enumerate(texts):
        digests = array("Q", range(number + 1))
        mark = marks.add(commit_of(Edit(0, 0, digests), digests, source, number + 1))
        entries = [LogEntry(f"{source}-1", text)]
        batches.append(LogBatch("us", source, DAY, number, entries, mark=mark))
    return batches


async def failed(work: Awaitable[None], failing: str) -> None:
    """Do work that is told to have failed."""

    def fail(*_: object) -> None:
        raise OSError("the answer was lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorTables, failing, fail)
        with pytest.raises(SinkUnavailable, match="the answer was lost"):
            await work


def of(source: str) -> list[Commit]:
    """Commits of which none but the first may be carried out twice, or left out."""
    commits = []
    for start in range(0, 40, 10):
        base = max(0, start - 2)
        edit = Edit(base, start, ALL[start : start + 10])
        commits.append(commit_of(edit, ALL[base : start + 10], source))
    return commits


def is_whole(cursors: SqliteCursors, source: str) -> bool:
    """Whether all of those commits are durable."""
    stored = cursors.load(source)
    return stored is not None and stored.memories[DAY, ""] == ALL[28:]


@FAILURES
@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_of_commits_that_are_written_together_each_is_carried_out_once(
    path: Path, failing: str, order: str
) -> None:
    """Whichever of them had been before."""
    given = {source: of(source) for source in order}
    with SqliteCursors(path) as cursors:
        await cursors.commit(given["b"][:1])
        await failed(cursors.commit(given["b"][1:]), failing)
        async with cursors._queue().turn:
            works = (cursors.commit(given[source][source == "b" :]) for source in order)
            tasks = [asyncio.create_task(work) for work in works]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

        assert is_whole(cursors, "a")
        assert is_whole(cursors, "b")


@pytest.mark.parametrize("failing", ["note", "apply", ""])
async def test_what_several_give_is_carried_out_once(path: Path, failing: str) -> None:
    """Each gives all that is not known to be durable, with what it adds."""
    first, *commits = of("a")
    with SqliteCursors(path) as cursors:
        await cursors.commit([first])
        before = cursors.commit(commits[:1])
        await (failed(before, failing) if failing else before)
        async with cursors._queue().turn:
            works = (cursors.commit(commits[:end]) for end in (1, 2, 3))
            tasks = [asyncio.create_task(work) for work in works]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

        assert is_whole(cursors, "a")


@FAILURES
async def test_what_is_in_doubt_remains_so_until_it_is_given_again(
    path: Path, failing: str
) -> None:
    """Others may succeed meanwhile."""
    first, *commits = of("b")
    with SqliteCursors(path) as cursors:
        await cursors.commit([first])
        await failed(cursors.commit(commits), failing)
        await cursors.commit(of("a"))
        await cursors.commit(commits)

        assert is_whole(cursors, "a")
        assert is_whole(cursors, "b")


@FAILURES
async def test_what_was_added_since_is_carried_out(path: Path, failing: str) -> None:
    """Though it comes with what had been before."""
    first, *commits = of("a")
    with SqliteCursors(path) as cursors:
        await cursors.commit([first])
        await failed(cursors.commit(commits[:2]), failing)
        await cursors.commit(commits)

        assert is_whole(cursors, "a")


@FAILURES
@SINKS
async def test_lines_that_are_given_again_with_others_are_kept_once(
    tmp_path: Path, kind: str, failing: str
) -> None:
    """Of the same service, and of another one, before them and behind them."""
    make, read = KINDS[kind]
    sink = make(tmp_path)
    a, b, c = deliveries("a", "1", "2", "3"), deliveries("b", "1"), deliveries("c", "1")
    await sink.open()
    await failed(sink.write([a[0], c[0], a[1]]), failing)
    await sink.write([*b, *a, *c])
    await sink.close()

    assert Counter([("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1")]) == read(tmp_path)


@FAILURES
@SINKS
async def test_lines_that_are_given_again_after_others_are_kept_once(
    tmp_path: Path, kind: str, failing: str
) -> None:
    """What was written behind them does not take them away."""
    make, read = KINDS[kind]
    sink = make(tmp_path)
    a, b = deliveries("a", "1", "2"), deliveries("b", "1")
    await sink.open()
    await failed(sink.write(a), failing)
    await sink.write(b)
    await sink.write(a)
    await sink.close()

    assert Counter([("a", "1"), ("a", "2"), ("b", "1")]) == read(tmp_path)
    await sink.open()
    await sink.close()

    assert Counter([("a", "1"), ("a", "2"), ("b", "1")]) == read(tmp_path)


@FAILURES
@SINKS
async def test_a_batch_without_a_mark_is_kept_with_the_next_one_that_has_one(
    tmp_path: Path, kind: str, failing: str
) -> None:
    """A delivery may come in several."""
    make, read = KINDS[kind]
    sink = make(tmp_path)
    (first,), (part,) = deliveries("a", "2"), deliveries("a", "1")
    batches = [LogBatch("us", "a", DAY, 0, part.entries), first]
    await sink.open()
    await failed(sink.write(batches), failing)
    await sink.write([*batches, *deliveries("b", "1")])
    await sink.close()

    assert Counter([("a", "1"), ("a", "2"), ("b", "1")]) == read(tmp_path)
