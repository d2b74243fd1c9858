"""Commits that are written together: each is told what became of it."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tenx_async.errors import ConfigurationError, SinkUnavailable, TenxError
from tenx_async.logs.cursor import Commit, Edit
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tenx_async.sinks.store import Store
from tests.sinks.test_sqlite_cursors import commit_of

NAMES = "abcd"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cursors.sqlite"


def begun(source: str) -> Commit:
    """What is durable of a source of which a line was read."""
    digests = array("Q", [1])
    return commit_of(Edit(0, 0, digests), digests, source)


async def committed(cursors: SqliteCursors, names: str = NAMES) -> list[Any]:
    """What each is told that commits at the same time."""
    commits = (cursors.commit([begun(name)]) for name in names)
    return await asyncio.gather(*commits, return_exceptions=True)


def kept(cursors: SqliteCursors, names: str = NAMES) -> str:
    """The sources of which something is durable."""
    return "".join(name for name in names if cursors.load(name))


def test_they_serve_one_event_loop_after_the_other(path: Path) -> None:
    """Also where commits wait for each other in both."""
    with SqliteCursors(path) as cursors:
        for names in ("abcd", "efgh"):
            assert [None] * 4 == asyncio.run(committed(cursors, names))

        assert "abcdefgh" == kept(cursors, "abcdefgh")
        assert 1 == len(cursors._queues)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SinkUnavailable("no room"), SinkUnavailable),
        (ConfigurationError("start again"), ConfigurationError),
        (MemoryError("too many"), SinkUnavailable),
    ],
)
async def test_a_failure_is_told_to_all_whom_it_concerns(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: type[TenxError]
) -> None:
    """Each gets an error of its own, and may commit again."""

    def fail(_: Store, commits: Sequence[Commit]) -> None:
        if len(commits) > 1:
            raise error

    with SqliteCursors(path) as cursors:
        with monkeypatch.context() as patch:
            patch.setattr(Store, "write", fail)
            first, *others = await committed(cursors)
        assert first is None
        assert [told] * 3 == [type(one) for one in others]
        assert all(str(error) in str(one) and one.__cause__ is error for one in others)
        assert 3 == len(set(map(id, others)))

        assert [None] * 4 == await committed(cursors)
        assert NAMES == kept(cursors)


async def test_nobody_is_told_of_success_where_no_thread_can_be_started(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was written by anybody then."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with SqliteCursors(path) as cursors:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)
            told = await committed(cursors)

        assert [SinkUnavailable] * 4 == [type(one) for one in told]
        assert "" == kept(cursors)


async def test_who_is_cancelled_while_it_writes_for_others_does_not_hide_that_it_failed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told, whatever became of the one that wrote."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with SqliteCursors(path) as cursors:
        queue = cursors._queue()
        async with queue.turn:
            tasks = [asyncio.create_task(cursors.commit([begun(name)])) for name in NAMES]
            await asyncio.sleep(0)
        monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)
        while queue.group.commits:  # noqa: ASYNC110  # who takes it tells no one
            await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait(tasks)

    assert tasks[0].cancelled()
    assert [SinkUnavailable] * 3 == [type(task.exception()) for task in tasks[1:]]
