"""A following that is broken off, and another one that goes on with what was committed."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.errors import ConfigurationError, DamagedCursor, ServerError, SinkUnavailable
from tenx_async.logs.allowance import Allowance
from tenx_async.logs.consumer import CommitMode
from tenx_async.logs.cursor import Commit, Cursor, Edit
from tenx_async.logs.cursors import CursorStore, MemoryCursors
from tenx_async.logs.findings import Gap, Reset
from tenx_async.logs.follow import Follower
from tenx_async.logs.lines import LogBatch
from tenx_async.logs.order import Habits, Order
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower, quiet

Line = tuple[str, str]
ORDERS = pytest.mark.parametrize("order", [*Order, None], ids=str)


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web", "api")
    return cloud


@define
class Sink:
    """Keeps lines and cursors together: what is not committed is cut off when it is opened."""

    cursors: CursorStore = field(factory=MemoryCursors)
    lines: list[Line] = field(factory=list)
    _open: dict[str, list[Line]] = field(factory=dict)
    """What was written of each source since it was last committed."""

    def open(self) -> None:
        """Cut off what is not committed."""
        self._open.clear()

    async def write(self, batch: LogBatch) -> None:
        """Write a batch, and commit where it may be."""
        waiting = self._open.setdefault(batch.source, [])
        waiting += [(batch.source, entry.log) for entry in batch.entries]
        if batch.mark is not None:
            await batch.commit()
            self.lines += waiting
            waiting.clear()


def following(
    fake: FakeCloud,
    order: Order | None,
    store: CursorStore,
    commit: CommitMode = "manual",
    mark_every: int = 0,
) -> Follower:
    settings: dict[str, Any] = {"cursors": store, "commit": commit, "mark_every": mark_every}
    return follower(fake, tail=None, habits=Habits(40, order), **settings)[0]


async def follow_for(lines: Follower, sink: Sink, batches: int) -> None:
    """Write so many batches, and be broken off; or fewer, if no more come."""
    async with lines:
        taking = lines.batches()
        for _ in range(batches):
            batch, rest = asyncio.ensure_future(anext(taking)), asyncio.ensure_future(quiet(300))
            await asyncio.wait([batch, rest], return_when=asyncio.FIRST_COMPLETED)
            rest.cancel()
            if not batch.done():
                batch.cancel()
                await asyncio.wait([batch])
                return
            await sink.write(batch.result())


@define
class Treatment:
    """What a server does to the logs between two followings."""

    fake: FakeCloud
    chance: random.Random
    _serial: int = 0

    def go_on(self) -> None:
        """Write lines, some of them late, and let time pass."""
        for name in self.fake.uids:
            for _ in range(self.chance.choice([0, 1, 30, 120])):
                self._write(name)
        if self.chance.random() < 0.3:
            self.fake.clock.advance(self.chance.choice([60, 6 * 3600, 2 * 86_400]))  # type: ignore[attr-defined]  # manual

    def _write(self, name: str) -> None:
        self._serial += 1
        text = "tick" if self.chance.random() < 0.3 else f"line {self._serial}"
        log = self.fake.logs[name][self.fake.today]
        back = self.chance.choice([0, 0, 0, 1, 5, 50])
        log.insert(max(0, len(log) - back), LogEntry(f"{name}-1", text))
        self.fake.written[name, text] += 1


@ORDERS
@pytest.mark.parametrize("seed", range(25))
async def test_every_line_is_kept_once_however_often_it_is_broken_off(
    fake: FakeCloud, order: Order | None, seed: int
) -> None:
    """Late lines, days that pass while nobody follows: the sink holds what was written."""
    fake.order = order or Order.OLDEST_FIRST
    sink, treatment = Sink(), Treatment(fake, random.Random(seed))
    stride = treatment.chance.choice([0, 100, 1_000])
    await follow_for(following(fake, order, sink.cursors, mark_every=stride), sink, 2)
    for _ in range(6):
        treatment.go_on()
        sink.open()
        lines = following(fake, order, sink.cursors, mark_every=stride)
        await follow_for(lines, sink, treatment.chance.randrange(8))
    sink.open()
    await follow_for(following(fake, order, sink.cursors), sink, 1_000)

    assert fake.written == Counter(sink.lines)


@pytest.mark.parametrize(("commit", "expected"), [("after", 40), ("before", 72), ("manual", 0)])
async def test_a_batch_is_committed_when_it_was_said(
    fake: FakeCloud, commit: CommitMode, expected: int
) -> None:
    """When the next one is asked for, before it is given, or by hand."""
    store = MemoryCursors()
    fake.write("web", *(f"line {number}" for number in range(80)))
    fake.remove("api")
    async with following(fake, Order.OLDEST_FIRST, store, commit) as lines:
        taking = lines.batches()
        for _ in range(2):
            await anext(taking)

    stored = store.load("web")
    assert expected == (sum(map(len, stored.memories.values())) if stored else 0)


async def test_a_silent_service_is_resumed_where_it_was(fake: FakeCloud) -> None:
    """With a tail of nothing: what was written while nobody followed is new."""
    store = MemoryCursors()
    fake.write("web", "old")
    for _ in range(2):
        lines, _events = follower(fake, "web", tail=0, cursors=store)
        async with lines:
            task = asyncio.ensure_future(anext(lines))
            await quiet()
            task.cancel()
    fake.write("web", "new")
    lines, _events = follower(fake, "web", tail=0, cursors=store)
    async with lines:
        assert "new" == (await anext(lines)).log


@ORDERS
async def test_a_service_that_was_made_anew_meanwhile_is_read_from_its_beginning(
    fake: FakeCloud, order: Order | None
) -> None:
    """Even if its log begins with the very lines of the one before."""
    fake.order = order or Order.OLDEST_FIRST
    sink = Sink()
    fake.write("web", "start", "tick", "tick")
    await follow_for(following(fake, order, sink.cursors), sink, 1_000)
    fake.remove("web")
    fake.add("web", uid="u2")
    fake.write("web", "start", "tick", "tick", "more")
    lines = following(fake, order, sink.cursors)
    await follow_for(lines, sink, 1_000)

    assert fake.written == Counter(sink.lines)
    assert [Reset(3)] == lines.ledger.day("web", fake.today).resets


async def test_a_batch_that_cannot_be_committed_before_it_is_given_is_given_later(
    fake: FakeCloud,
) -> None:
    """It is not skipped, although it is committed with the next one."""

    class Full(MemoryCursors):
        failures = 2

        async def commit(self, commits: Sequence[Commit]) -> None:
            if self.failures and commits:
                self.failures -= 1
                raise SinkUnavailable("the disk is full")
            await super().commit(commits)

    fake.write("web", *(f"line {number}" for number in range(100)))
    lines, _events = follower(fake, tail=None, follow=False, cursors=Full(), commit="before")
    async with lines:
        for _ in range(2):
            with pytest.raises(SinkUnavailable):
                await anext(lines)

        assert fake.written == Counter([(line.service, line.log) async for line in lines])


async def test_what_was_read_in_another_region_is_refused(fake: FakeCloud) -> None:
    """A service of the same name there is another one."""
    store = MemoryCursors()
    cursor = Cursor(region="elsewhere", service="web")
    await store.commit([Commit("web", cursor.encode(), {})])
    with pytest.raises(ConfigurationError, match="elsewhere"):
        async with following(fake, None, store):
            pass


async def test_what_cannot_be_trusted_is_told(fake: FakeCloud) -> None:
    """A cursor whose store is damaged is not used, and the place is in the ledger."""

    class Damaged(MemoryCursors):
        def load(self, source: str) -> None:
            raise DamagedCursor("its checksum does not fit")

    fake.write("web", "a")
    lines, events = follower(fake, "web", tail=None, cursors=Damaged())
    async with lines:
        assert "a" == (await anext(lines)).log

    assert [Gap(0, None)] == lines.ledger.day("web", fake.today).gaps
    assert "CursorLost" in {type(event).__name__ for event in events}


def test_a_cursor_tells_whether_it_is_whole() -> None:
    """Not a byte of it can change unseen."""
    cursor = Cursor(region="us", service="web", last_sealed=dt.date(2015, 12, 29))
    raw = cursor.encode()

    assert cursor == Cursor.decode(raw)
    for place in range(len(raw)):
        with pytest.raises(DamagedCursor):
            Cursor.decode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
    with pytest.raises(DamagedCursor, match="version 1"):
        Cursor.decode(Cursor(version=1, region="us", service="web").encode())


def test_an_edit_is_refused_where_it_does_not_fit() -> None:
    """What is remembered is never put together from what does not belong together."""
    with pytest.raises(DamagedCursor):
        Edit(10, 20, array("Q", [1])).apply(0, array("Q", [1, 2, 3]))


async def test_a_backlog_can_be_committed_at_its_end_and_when_it_cannot_be_read_on(
    fake: FakeCloud,
) -> None:
    """In between only now and then, for each place costs."""
    fake.write("web", *(f"line {number}" for number in range(400)))
    fake.remove("api")
    store = MemoryCursors()
    marked: list[int] = []
    async with following(fake, Order.OLDEST_FIRST, store, mark_every=1_000) as lines:
        count = 0
        async for batch in lines.batches():
            count += len(batch)
            marked += [count] if batch.mark else []
            if count == 240 and "web" not in fake.failing:
                fake.failing["web"] = ServerError("down", status=500)
            elif marked and fake.failing:
                fake.failing.clear()
            elif count == 400 and marked[-1] == 400:
                break

    assert 240 <= marked[0] < 400
    assert 400 == marked[-1]
    assert 5 > len(marked)


async def test_where_calls_are_dear_each_page_of_a_backlog_can_be_committed(
    fake: FakeCloud,
) -> None:
    """None of them is read again by who goes on."""
    fake.write("web", *(f"line {number}" for number in range(400)))
    fake.remove("api")
    store = MemoryCursors()
    dear = Allowance(per_second=1e9)
    marked: list[bool] = []
    lines, _events = follower(
        fake, tail=None, cursors=store, commit="manual", mark_every=1_000, allowance=dear
    )
    async with lines:
        taking = lines.batches()
        while sum(marked) < 4:
            marked.append((await anext(taking)).mark is not None)

    assert all(marked)


async def test_an_order_that_was_taken_wrongly_is_turned_round_by_who_goes_on(
    fake: FakeCloud,
) -> None:
    """That it was committed does not make it certain."""
    fake.write("web", *(f"{one}{two}" for one in "abcdef" for two in "klmno"))
    sink = Sink()
    await follow_for(following(fake, Order.NEWEST_FIRST, sink.cursors), sink, 1_000)
    habits = Habits(40)
    known: dict[str, Any] = {"habits": habits, "cursors": sink.cursors, "commit": "manual"}
    for text in ("uno", "due", "tre"):
        fake.write("web", text)
        sink.open()
        await follow_for(follower(fake, tail=None, **known)[0], sink, 1_000)

    assert fake.written == Counter(sink.lines)
    assert Order.OLDEST_FIRST is habits.order
