"""Who takes lines: one at a time, by lines and by batches, and what is committed by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from tenx_async.errors import ConfigurationError
from tenx_async.logs.cursor import Commit, Stored
from tenx_async.logs.cursors import MemoryCursors
from tenx_async.logs.lines import LogBatch, LogLine
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower, quiet


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    cloud.write("web", *(f"line {number}" for number in range(250)))
    return cloud


async def test_batches_begin_where_lines_were_left(fake: FakeCloud) -> None:
    """Each line is given once, whichever way it is asked for, and with its place."""
    lines, _ = follower(fake, tail=None)
    taken: list[LogLine] = []
    async with lines:
        taken += [await anext(lines) for _ in range(30)]
        batches = lines.batches()
        while len(taken) < 150:
            taken += await anext(batches)
        while len(taken) < 250:
            taken.append(await anext(lines))

    assert list(range(250)) == [line.position for line in taken]
    assert fake.written == Counter((line.service, line.log) for line in taken)


async def test_what_is_left_of_a_batch_is_committed_with_it(fake: FakeCloud) -> None:
    """Not before all of it was taken."""
    store = MemoryCursors()
    lines, _ = follower(fake, tail=None, cursors=store)
    async with lines:
        first = await anext(lines)
        rest = await anext(lines.batches())
        assert not remembered(store.load("web"))
    lines, _ = follower(fake, tail=None, cursors=store)
    async with lines:
        again = await anext(lines)

    assert (0, 1, 99) == (first.position, rest.position, len(rest))
    assert again == first


async def test_a_second_consumer_is_refused(fake: FakeCloud) -> None:
    """It would take lines from the first one, and commit what that has not seen to."""
    lines, _ = follower(fake, tail=0)
    async with lines:
        waiting = asyncio.ensure_future(anext(lines))
        await quiet()
        for ask in (anext(lines), anext(lines.batches())):
            with pytest.raises(ConfigurationError, match="one consumer at a time"):
                await ask
        fake.write("web", "new")
        assert "new" == (await waiting).log


class SlowCursors(MemoryCursors):
    """Lets others go on while it commits."""

    async def commit(self, commits: Sequence[Commit]) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await super().commit(commits)


def remembered(stored: Stored | None) -> int:
    return sum(map(len, stored.memories.values())) if stored else 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0), (2, 0, 1), (0, 2, 1)])
async def test_batches_may_be_committed_at_the_same_time(
    fake: FakeCloud, order: Sequence[int]
) -> None:
    """The store goes forward only, and what it holds is whole."""
    store = SlowCursors()
    lines, _ = follower(fake, tail=None, cursors=store, commit="manual")
    async with lines:
        taking = lines.batches()
        batches: list[LogBatch] = [await anext(taking) for _ in range(3)]
        ends = [batch.position + len(batch) for batch in batches]
        await asyncio.gather(*(batches[place].commit() for place in order))
        assert ends[max(order)] == remembered(store.load("web"))
        await batches[-1].commit()

    assert ends[-1] == remembered(store.load("web"))
