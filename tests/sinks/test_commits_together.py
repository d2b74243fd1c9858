"""Commits that are written together."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path
from typing import Any

import pytest

from tenx_async.logs.cursor import Commit, Edit
from tenx_async.sinks.sqlite_cursors import SqliteCursors
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
