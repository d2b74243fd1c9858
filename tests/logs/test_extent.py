"""A log that is read once, while it grows: all that was there comes, and it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs import extent
from tenx_async.logs.lines import LogLine
from tenx_async.logs.order import Habits, Order
from tenx_async.logs.reading import read_batches
from tenx_async.telemetry.logging import log_event
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower

SIZE = 100
MOST = 360
"""Calls beyond those for the pages that were there at first: so far a growing log is read on."""
ORDERS = pytest.mark.parametrize("order", [*Order, None], ids=str)
TEXTS: dict[str, Callable[[int], str]] = {
    "different": lambda n: f"line {n}",
    "half equal": lambda n: "GET /health" if n % 2 else f"line {n}",
    "equal": lambda _: "GET /health",
}


@define
class Growing:
    """A cloud whose log gets lines with every call."""

    cloud: FakeCloud
    text: Callable[[int], str]
    lines: int = 0
    """How many a call."""
    back: int = 0
    """How far before the end they are inserted."""
    first: Counter[str] = field(factory=Counter)
    _count: int = 0

    def begin(self, count: int) -> None:
        """Write what is there at first, and let it grow from then on."""
        self._write(count)
        self.first.update(self.written)
        self.cloud.on_call = lambda _: self._write(self.lines)

    def _write(self, count: int) -> None:
        log = self.cloud.logs["web"][self.cloud.today]
        texts = [self.text(n) for n in range(self._count, self._count + count)]
        place = max(0, len(log) - self.back)
        log[place:place] = [LogEntry("web-1", text) for text in texts]
        self._count += count

    @property
    def written(self) -> Counter[str]:
        days = self.cloud.logs["web"].values()
        return Counter(entry.log for day in days for entry in day)

    async def follow(self, order: Order | None, tail: int | None = None) -> AsyncIterator[LogLine]:
        """Read it with a follower that does not follow."""
        habits = Habits(SIZE, order)
        lines, _ = follower(self.cloud, tail=tail, follow=False, habits=habits)
        async with lines:
            async for line in lines:
                yield line

    async def read(self, order: Order | None, tail: int | None = None) -> AsyncIterator[LogLine]:
        """Read the day."""
        batches = read_batches(
            self.cloud.fetch,
            "web",
            region="us",
            date=self.cloud.today,
            tail=tail,
            habits=Habits(SIZE, order),
            emit=log_event,
        )
        async for batch in batches:
            for line in batch:
                yield line


Reads = Callable[..., AsyncIterator[LogLine]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look early where a log ends."""
    monkeypatch.setattr(extent, "PATIENCE", 32)


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


@pytest.mark.parametrize("reads", [Growing.follow, Growing.read])
@pytest.mark.parametrize("count", [1, 100, 950])
@pytest.mark.parametrize("lines", [1, 20])
@ORDERS
async def test_a_reading_ends_while_lines_are_written(
    fake: FakeCloud, order: Order | None, lines: int, count: int, reads: Reads
) -> None:
    """What was there comes, nothing comes twice, and it takes not many more calls."""
    fake.order = order or Order.OLDEST_FIRST
    log = Growing(fake, TEXTS["half equal"], lines)
    log.begin(count)
    taken = Counter([line.log async for line in reads(log, order)])

    assert not log.first - taken
    assert not taken - log.written
    assert fake.calls["web"] <= 2 * (count // SIZE) + MOST


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("count", [1, 950, 5000])
@pytest.mark.parametrize("order", [Order.OLDEST_FIRST, None], ids=str)
async def test_a_log_that_outgrows_its_reader_is_read_to_where_it_was(
    fake: FakeCloud, order: Order | None, count: int, text: Callable[[int], str]
) -> None:
    """More comes with every call than a page holds."""
    log = Growing(fake, text, 2 * SIZE)
    log.begin(count)
    taken = Counter([line.log async for line in log.read(order)])

    assert not log.first - taken
    assert not taken - log.written
    assert fake.calls["web"] <= 2 * (count // SIZE) + MOST


async def test_lines_that_move_away_faster_than_they_are_read_are_not_run_after_for_ever(
    fake: FakeCloud,
) -> None:
    """More comes before them with every call than a page holds."""
    log = Growing(fake, TEXTS["different"], 2 * SIZE, back=500)
    log.begin(100)
    taken = Counter([line.log async for line in log.read(Order.OLDEST_FIRST)])

    assert not taken - log.written
    assert fake.calls["web"] <= 2_000


@pytest.mark.parametrize("reads", [Growing.follow, Growing.read])
@pytest.mark.parametrize("lines", [0, 1, 20])
@ORDERS
async def test_a_tail_is_no_longer_for_what_is_written_meanwhile(
    fake: FakeCloud, order: Order | None, lines: int, reads: Reads
) -> None:
    """It is the last lines of when its end was found."""
    fake.order = order or Order.OLDEST_FIRST
    log = Growing(fake, TEXTS["different"], lines)
    log.begin(950)
    taken = [line.log async for line in reads(log, order, 10)]

    assert 10 == len(taken)
    assert set(taken) <= set(log.written)
    assert taken[-1] >= "line 949" or lines


@pytest.mark.parametrize("cap", [30, 60])
@ORDERS
async def test_a_growing_log_ends_at_a_server_of_short_pages(
    fake: FakeCloud, order: Order | None, cap: int
) -> None:
    """Pages that are shorter than asked are not taken for the end."""
    fake.order, fake.cap = order or Order.OLDEST_FIRST, cap
    log = Growing(fake, TEXTS["half equal"], 3)
    log.begin(2000)
    taken = Counter([line.log async for line in log.read(order)])

    assert not log.first - taken
    assert not taken - log.written


@pytest.mark.parametrize("order", [Order.NEWEST_FIRST, Order.NEWEST_PAGE], ids=str)
async def test_a_log_that_grows_faster_than_it_is_read_back_is_not_read_for_ever(
    fake: FakeCloud, order: Order
) -> None:
    """What was not reached is told."""
    fake.order = order
    log = Growing(fake, TEXTS["different"], SIZE - 10)
    log.begin(950)
    lines, _ = follower(fake, tail=None, follow=False, habits=Habits(SIZE, order))
    async with lines:
        taken = Counter([line.log async for line in lines])
        gaps = lines.ledger.gaps

    assert not taken - log.written
    assert gaps or not log.first - taken
    assert fake.calls["web"] <= 2_000


@pytest.mark.parametrize("reads", [Growing.follow, Growing.read])
async def test_a_tail_of_a_log_that_outgrows_its_reader_ends(fake: FakeCloud, reads: Reads) -> None:
    """The end is not run after for ever."""
    log = Growing(fake, TEXTS["different"], SIZE + 50)
    log.begin(950)
    taken = [line.log async for line in reads(log, Order.OLDEST_FIRST, 100)]

    assert 100 == len(taken)
    assert set(taken) <= set(log.written)
    assert fake.calls["web"] <= 1_000


@pytest.mark.parametrize("reads", [Growing.follow, Growing.read])
@pytest.mark.parametrize("at", [1, 3, 8])
@pytest.mark.parametrize("cap", [13, 60])
@ORDERS
async def test_pages_may_grow_shorter_while_a_log_is_read(
    fake: FakeCloud, order: Order | None, cap: int, at: int, reads: Reads
) -> None:
    """A page that is shorter than earlier ones is not taken for the end."""
    fake.order = order or Order.OLDEST_FIRST
    log = Growing(fake, TEXTS["half equal"])
    log.begin(950)

    def shrink(_: str) -> None:
        fake.cap = cap if fake.calls["web"] > at else None

    fake.on_call = shrink
    taken = Counter([line.log async for line in reads(log, order)])

    assert log.written == taken
