"""Writing together what comes together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from attrs import define, field

from tenx_async.errors import ConfigurationError
from tenx_async.fleet.group_commit import GroupCommit, Statement


@define
class Disk:
    """Notes what it is given, once it is let."""

    batches: list[list[str]] = field(factory=list)
    fails: bool = False
    free: threading.Event = field(factory=threading.Event)

    def write(self, statements: Sequence[Statement]) -> None:
        assert self.free.wait(10)
        if self.fails:
            raise ConfigurationError("the disk is full")
        self.batches.append([sql for sql, _ in statements])


@pytest.fixture
def disk() -> Disk:
    disk = Disk()
    disk.free.set()
    return disk


async def test_what_comes_meanwhile_goes_into_the_next_batch(disk: Disk) -> None:
    """All of it, in the order in which it came."""
    disk.free.clear()
    commits = GroupCommit(disk.write)
    tasks = [asyncio.create_task(commits.put("a"))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(commits.put(sql)) for sql in "bcd"]
    await asyncio.sleep(0)
    disk.free.set()
    await asyncio.gather(*tasks)

    assert [["a"], ["b", "c", "d"]] == disk.batches
    assert 2 == commits.batches


async def test_a_failure_is_told_to_all_that_it_concerns(disk: Disk) -> None:
    """Each gets an error of its own; what comes later is tried again."""
    commits = GroupCommit(disk.write)
    disk.fails = True
    told = await asyncio.gather(commits.put("a"), commits.put("b"), return_exceptions=True)
    disk.fails = False
    await commits.put("c")

    assert ["the disk is full"] * 2 == [str(error) for error in told]
    assert told[0] is not told[1]
    assert [["c"]] == disk.batches


async def test_a_thread_that_cannot_be_started_is_a_failure_like_any_other(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is taken for cancelled."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    commits = GroupCommit(disk.write)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)
        told = await asyncio.gather(commits.put("a"), commits.put("b"), return_exceptions=True)
    await commits.put("c")

    assert [ConfigurationError] * 2 == [type(error) for error in told]
    assert ["can't start new thread"] * 2 == [str(error) for error in told]
    assert [["c"]] == disk.batches


async def test_who_is_cancelled_is_written_all_the_same(disk: Disk) -> None:
    """It may be too late to take back what is on its way; others do not notice."""
    commits = GroupCommit(disk.write)
    one, other = (asyncio.create_task(commits.put(sql)) for sql in "ab")
    await asyncio.sleep(0)
    one.cancel()
    await other
    await commits.finish()

    assert one.cancelled()
    assert [["a", "b"]] == disk.batches


async def test_nobody_waits_for_ever(disk: Disk) -> None:
    """Where the loop ends all its tasks, those that wait for the disk end as well."""
    disk.free.clear()
    commits = GroupCommit(disk.write)
    tasks = [asyncio.create_task(commits.put("a"))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(commits.put("b")))
    await asyncio.sleep(0)
    assert commits._writing
    commits._writing.cancel()
    await asyncio.wait(tasks)
    disk.free.set()

    assert all(task.cancelled() for task in tasks)
