"""Lines on their way into a sink: each exactly once, whatever breaks them off or holds them up."""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import math
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tenx_async.errors import (
    ConfigurationError,
    ConnectFailed,
    OperationError,
    ServerError,
    SinkUnavailable,
    Throttled,
    Unauthorized,
)
from tenx_async.fleet.threads import to_the_end
from tenx_async.logs import extent
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.cursors import MemoryCursors
from tenx_async.logs.lines import LogBatch
from tenx_async.logs.order import Order
from tenx_async.sinks.files import FileSink
from tenx_async.sinks.function import FunctionSink
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import Sink, commits_of
from tenx_async.telemetry.events import DiscoveryFailed, SinkPaused, SinkResumed
from tests.clock import NOON, ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_cursors import ORDERS, Treatment
from tests.logs.test_follow import quiet
from tests.sinks.shipping import KINDS, FakeClient, Line, all_written, paused, until
from tests.sinks.test_files import DAY

ONE_DAY = dt.timedelta(days=1)
Read = Callable[[Path], Counter[Line]]
EVERYWHERE = pytest.mark.parametrize(("make", "read"), KINDS.values(), ids=KINDS)


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web", "api")
    return cloud


@EVERYWHERE
@ORDERS
@pytest.mark.parametrize("seed", range(3))
async def test_every_line_is_there_once_however_often_it_is_broken_off(  # noqa: PLR0917  # fixtures
    fake: FakeCloud,
    tmp_path: Path,
    make: Callable[[Path], Sink],
    read: Read,
    order: Order | None,
    seed: int,
) -> None:
    """Cancelled anywhere, under late lines, while days pass and nobody ships."""
    fake.order = order or Order.OLDEST_FIRST
    treatment = Treatment(fake, random.Random(seed))
    client = FakeClient(fake, order)
    await Ship(client, make(tmp_path), follow=False).run()
    for _ in range(6):
        treatment.go_on()
        ship = Ship(client, make(tmp_path), flush_lines=treatment.chance.choice([1, 50, 5_000]))
        running = asyncio.ensure_future(ship.run())
        await quiet(treatment.chance.choice([0, 1, 100, 1_000, 3_000]))
        running.cancel()
        await asyncio.wait([running])
    async with Ship(client, make(tmp_path)) as ship:
        await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)


@EVERYWHERE
async def test_all_that_is_there_is_carried_over(
    fake: FakeCloud, tmp_path: Path, make: Callable[[Path], Sink], read: Read
) -> None:
    """Without following, it ends by itself."""
    fake.write("web", *(f"line {number}" for number in range(1_000)))
    fake.write("api", "one")
    ship = Ship(FakeClient(fake), make(tmp_path), follow=False)
    await ship.run()

    assert fake.written == read(tmp_path)
    assert (1_001, 0, "ended") == (ship.status.lines, ship.status.waiting, ship.status.state)


@pytest.mark.parametrize("kind", ["a file for each day", "sqlite"])
async def test_what_is_read_of_a_log_that_outgrows_its_reader_is_written(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Without following, it is read to where it ended, though more is waiting by then."""
    make, read = KINDS[kind]
    monkeypatch.setattr(extent, "PATIENCE", 8)
    fake.write("web", *(f"line {number}" for number in range(300)))
    there, day = fake.written.copy(), fake.today
    fake.on_call = lambda name: fake.write(name, *(["more"] * 80), date=day)
    ship = Ship(FakeClient(fake), make(tmp_path), "web", follow=False, flush_seconds=1e-6)
    await ship.run()

    assert not there - read(tmp_path)
    assert not ship.status.waiting


async def test_what_was_taken_is_written_while_the_server_wants_no_call(
    fake: FakeCloud, tmp_path: Path
) -> None:
    """For an hour, as it says to one of those that are far behind."""
    make, read = KINDS["a file for each day"]
    names = [f"web-{number}" for number in range(12)]
    fake.add(*names)
    for name in names:
        fake.write(name, *(f"line {number}" for number in range(1_000)))
    refusal = Throttled("too many calls", operation="logs", status=429, retry_after=1e9)

    def refuse(_: str) -> None:
        if fake.calls.total() > 30:
            fake.failing = dict.fromkeys(fake.uids, refusal)

    fake.on_call = refuse
    async with Ship(FakeClient(fake), make(tmp_path), flush_seconds=1e-6) as ship:
        await until(lambda: bool(fake.failing))
        await until(lambda: not ship.status.waiting)

    assert ship.status.lines == read(tmp_path).total() > 30 * 20


async def test_no_more_lines_are_held_than_may_be_where_days_are_read_together(
    fake: FakeCloud,
) -> None:
    """Of all services together, the first pages of the days before the last one included."""
    names = [f"web-{number}" for number in range(30)]
    fake.add(*names)
    for name in names:
        for date in (DAY - ONE_DAY, DAY):
            fake.write(name, *(f"{date} {number}" for number in range(90)), date=date)
    calendar = Calendar(zones=(dt.UTC,), since=DAY - ONE_DAY, until=DAY)
    options: dict[str, Any] = {"commit": "manual", "mark_every": 200, "calendar": calendar}
    lines = FakeClient(fake).follow(tail=None, follow=False, cursors=MemoryCursors(), **options)
    held, most = Counter[str](), 0
    async with lines:
        async for batch in lines.batches():
            held[batch.source] += len(batch)
            most = max(most, held.total())
            if batch.mark:
                del held[batch.source]

    assert most <= 200 + 3 * 40
    assert not held


async def test_what_was_taken_is_written_at_the_stop(fake: FakeCloud, tmp_path: Path) -> None:
    """A stop does not lose what is complete, though it has not waited long."""
    make, read = KINDS["sqlite"]
    fake.write("web", "a", "b")
    ship = Ship(FakeClient(fake), make(tmp_path), flush_seconds=1e9)
    running = asyncio.ensure_future(ship.run())
    await until(lambda: ship.status.waiting > 0)
    ship.stop()
    await running

    assert fake.written == read(tmp_path)


class Disk:
    """Stands in for the system: one of its calls on files fails as long as it is told to."""

    def __init__(self, call: str, code: int) -> None:
        self.fails = False
        self._call = call
        self._code = code

    def __getattr__(self, name: str) -> Any:
        return self._fail if self.fails and name == self._call else getattr(os, name)

    def _fail(self, handle: Any, pieces: Any = None, *_: Any) -> None:
        if self._call == "pwritev":
            os.write(handle, pieces[0][:5])
        raise OSError(self._code, os.strerror(self._code))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("pwritev", errno.ENOSPC),
        ("fdatasync", errno.EIO),
        ("open", errno.EROFS),
        ("open", errno.EACCES),
    ],
)
async def test_it_waits_until_files_can_be_written(
    fake: FakeCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
) -> None:
    """Polling pauses, the reason is shown, it is told once, and it goes on by itself."""
    make, read = KINDS["a file for each day"]
    client = FakeClient(fake)
    disk = Disk(call, code)
    monkeypatch.setattr("tenx_async.sinks.disk.os", disk)
    async with Ship(client, make(tmp_path), flush_lines=100, buffer=Buffer(100)) as ship:
        fake.write("web", "first")
        await all_written(ship, fake, lambda: read(tmp_path))
        disk.fails = True
        fake.write("web", *(f"line {number}" for number in range(2_000)))
        await paused(ship)
        await quiet()
        calls = fake.calls["web"]
        await quiet()
        status = ship.status
        assert calls == fake.calls["web"]
        disk.fails = False
        await all_written(ship, fake, lambda: read(tmp_path))

    assert os.strerror(code) in status.reason
    assert status.waiting
    assert [SinkPaused, SinkResumed] == [
        type(event) for event in client.events if isinstance(event, SinkPaused | SinkResumed)
    ]


@pytest.mark.parametrize("kind", ["a file for each day", "sqlite"])
async def test_it_may_be_cancelled_at_every_turn(
    fake: FakeCloud, tmp_path: Path, kind: str
) -> None:
    """Of the event loop, while a backlog is read and more is written."""
    make, read = KINDS[kind]
    await Ship(FakeClient(fake), make(tmp_path), follow=False).run()
    for turn in range(70):
        fake.write("web", *(f"line {turn} {number}" for number in range(9)))
        ship = Ship(FakeClient(fake), make(tmp_path), flush_lines=50)
        running = asyncio.ensure_future(ship.run())
        for _ in range(turn):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        assert not read(tmp_path) - fake.written
    await Ship(FakeClient(fake), make(tmp_path), follow=False).run()

    assert fake.written == read(tmp_path)


async def test_who_is_cancelled_again_and_again_waits_for_a_write_all_the_same() -> None:
    """Else the sink is let go of, and opened by the next, while a thread writes to it."""
    goes_on = threading.Event()
    work = asyncio.ensure_future(to_the_end(goes_on.wait))
    for _ in range(3):
        await quiet(3)
        work.cancel()
    await quiet(3)
    is_done = work.done()
    goes_on.set()
    await asyncio.wait([work])

    assert not is_done
    assert work.cancelled()


@EVERYWHERE
async def test_it_waits_until_another_process_lets_go(
    fake: FakeCloud, tmp_path: Path, make: Callable[[Path], Sink], read: Read
) -> None:
    """Two never write to one sink."""
    fake.write("web", "a")
    first = make(tmp_path)
    await first.open()
    async with Ship(FakeClient(fake), make(tmp_path)) as ship:
        await paused(ship)
        assert "another process" in ship.status.reason
        await first.close()
        await all_written(ship, fake, lambda: read(tmp_path))


async def test_a_ship_that_cannot_write_can_be_stopped(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for the disk; what was not written is read again the next time."""
    make, read = KINDS["a file for each day"]
    fake.write("web", "a")
    disk = Disk("pwritev", errno.ENOSPC)
    disk.fails = True
    monkeypatch.setattr("tenx_async.sinks.disk.os", disk)
    async with Ship(FakeClient(fake), make(tmp_path)) as ship:
        await paused(ship)
    disk.fails = False
    first_day = Calendar(zones=(dt.UTC,), since=NOON.date())  # meanwhile days may have passed
    await Ship(FakeClient(fake), make(tmp_path), follow=False, calendar=first_day).run()

    assert fake.written == read(tmp_path)


async def test_what_cannot_be_waited_for_is_raised(fake: FakeCloud, tmp_path: Path) -> None:
    """At the end of the block, unless that failed itself; and the sink is let go of."""
    make, _ = KINDS["sqlite"]
    fake.listing_fails = Unauthorized("no such token", operation="list", status=401)
    with pytest.raises(Unauthorized):
        async with Ship(FakeClient(fake), make(tmp_path)) as ship:
            await until(lambda: ship.status.state == "ended")
    with pytest.raises(ZeroDivisionError):
        async with Ship(FakeClient(fake), make(tmp_path)):
            raise ZeroDivisionError


PASSING = [
    ConnectFailed("nobody answers", operation="list"),
    ServerError("it is not well", operation="list", status=502),
    Throttled("too many calls", operation="list", status=429),
]


@EVERYWHERE
@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
async def test_an_api_that_is_down_at_first_is_waited_for(
    fake: FakeCloud,
    tmp_path: Path,
    make: Callable[[Path], Sink],
    read: Read,
    error: OperationError,
) -> None:
    """Each try is told, and when the next one is; all that was written meanwhile is there."""
    fake.listing_fails = error
    client = FakeClient(fake)
    async with Ship(client, make(tmp_path)) as ship:
        await until(lambda: len(failed_looks(client)) >= 8)
        fake.write("web", "one", "two")
        fake.listing_fails = None
        await all_written(ship, fake, lambda: read(tmp_path))

    assert fake.written == read(tmp_path)
    pauses = [seconds for why, seconds in failed_looks(client) if why is error]
    assert [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == pauses[:8]


async def test_who_waits_for_an_api_may_be_stopped(fake: FakeCloud, tmp_path: Path) -> None:
    """It need not answer before."""
    fake.listing_fails = PASSING[0]
    client = FakeClient(fake)
    async with Ship(client, KINDS["sqlite"][0](tmp_path)) as ship:
        await until(lambda: bool(failed_looks(client)))
    assert "ended" == ship.status.state


async def test_who_reads_what_is_there_does_not_wait_for_an_api(
    fake: FakeCloud, tmp_path: Path
) -> None:
    """Whoever asked for that is told why it was not read."""
    fake.listing_fails = PASSING[0]
    with pytest.raises(ConnectFailed):
        await Ship(FakeClient(fake), KINDS["sqlite"][0](tmp_path), follow=False).run()


def failed_looks(client: FakeClient) -> list[tuple[Exception, float]]:
    """Each failed look at which services there are, and in how many seconds the next one is."""
    return [
        (event.error, event.retry_in)
        for event in client.events
        if isinstance(event, DiscoveryFailed)
    ]


async def test_a_ship_that_fails_is_told_at_once(
    fake: FakeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    """Not only at the end of the block that it runs beside, which may end otherwise."""

    async def take(_: object) -> None:
        raise ZeroDivisionError("a mistake")

    fake.write("web", "one")
    with pytest.raises(KeyError) as caught:
        async with Ship(FakeClient(fake), FunctionSink(take)) as ship:
            await until(lambda: ship.status.state == "ended")
            await asyncio.sleep(0)
            assert ["shipping has ended: ZeroDivisionError('a mistake')"] == [
                record.getMessage() for record in caplog.records if record.levelname == "ERROR"
            ]
            raise KeyError

    assert "a mistake" == ship.status.reason
    assert ["the ship had ended before: ZeroDivisionError('a mistake')"] == caught.value.__notes__


async def test_what_is_cancelled_inside_a_sink_is_done_again(fake: FakeCloud) -> None:
    """It has failed, and nobody wants the ship to end."""
    taken: Counter[Line] = Counter()
    calls = 0

    async def take(batches: Sequence[LogBatch]) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            lost = asyncio.get_running_loop().create_future()
            lost.cancel()
            await lost
        taken.update((line.service, line.log) for batch in batches for line in batch)

    fake.write("web", "one", "two")
    await Ship(FakeClient(fake), FunctionSink(take), follow=False).run()

    assert fake.written == taken
    assert 3 == calls


async def test_a_sink_that_cancels_who_takes_lines_ends_the_ship(fake: FakeCloud) -> None:
    """As an error: not all is written."""

    class Torn(FunctionSink):
        def prepare(self, batch: LogBatch) -> LogBatch:
            raise asyncio.CancelledError

    async def take(_: object) -> None:
        raise AssertionError

    fake.write("web", "one")
    with pytest.raises(SinkUnavailable, match="was cancelled"):
        await Ship(FakeClient(fake), Torn(take), follow=False).run()


async def test_a_log_is_not_asked_for_while_nobody_can_take_its_lines(fake: FakeCloud) -> None:
    """Calls are scarce; what is written meanwhile is read when it goes on."""
    taken: Counter[Line] = Counter()
    fails = False

    async def take(batches: Sequence[LogBatch]) -> None:
        if fails:
            raise SinkUnavailable("not now")
        taken.update((line.service, line.log) for batch in batches for line in batch)

    fake.write("web", "one")
    async with Ship(FakeClient(fake), FunctionSink(take)) as ship:
        await until(lambda: fake.written == taken)
        fails = True
        fake.write("web", "two")
        await paused(ship)
        await quiet()
        before = fake.calls.copy()
        fake.write("api", "three")
        await quiet()
        assert before == fake.calls
        fails = False
        await until(lambda: fake.written == taken)
    assert fake.calls["api"] > before["api"]


@EVERYWHERE
@pytest.mark.parametrize("ends", ["stopped", "cancelled"])
async def test_a_ship_that_waits_for_a_sink_does_not_close_it(
    fake: FakeCloud, tmp_path: Path, make: Callable[[Path], Sink], read: Read, ends: str
) -> None:
    """Another ship has it, which goes on."""
    sink = make(tmp_path)
    async with Ship(FakeClient(fake), sink) as ship:
        await until(lambda: ship.status.state == "ok")
        other = Ship(FakeClient(fake), sink)
        waiting = asyncio.ensure_future(other.run())
        await paused(other)
        waiting.cancel() if ends == "cancelled" else other.stop()
        await asyncio.wait([waiting])
        fake.write("web", "one")
        await all_written(ship, fake, lambda: read(tmp_path))


@EVERYWHERE
@pytest.mark.parametrize("commit", ["before", "after", "manual"])
async def test_lines_whose_place_is_kept_elsewhere_are_written_all_the_same(
    fake: FakeCloud,
    tmp_path: Path,
    make: Callable[[Path], Sink],
    read: Read,
    commit: str,
) -> None:
    """Even where they were committed there before they are given."""
    fake.write("web", *(f"line {number}" for number in range(100)))
    sink = make(tmp_path)
    await sink.open()
    options = {"tail": None, "cursors": MemoryCursors(), "commit": commit, "follow": False}
    async with FakeClient(fake).follow("web", **options) as lines:
        async for batch in lines.batches():
            await sink.write([batch])
    await sink.close()

    assert fake.written == read(tmp_path)


@EVERYWHERE
async def test_a_write_that_failed_may_be_given_again(
    fake: FakeCloud, tmp_path: Path, make: Callable[[Path], Sink], read: Read
) -> None:
    """Even where it had succeeded, and only the answer was lost."""
    fake.write("web", *(f"line {number}" for number in range(100)))
    sink = make(tmp_path)

    class Deaf:
        cursors, open, close = sink.cursors, sink.open, sink.close
        prepare, rest = sink.prepare, sink.rest
        is_deaf = True

        async def write(self, batches: Any) -> None:
            if self.is_deaf:
                self.is_deaf = False
                await asyncio.to_thread(sink._write, batches)  # type: ignore[attr-defined]  # both have it
                sink._store._cursors.doubt(commits_of(batches))  # type: ignore[attr-defined]  # both have it
                raise SinkUnavailable("the answer was lost")
            await sink.write(batches)

    await Ship(FakeClient(fake), Deaf(), follow=False).run()

    assert fake.written == read(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        *[{"flush_lines": value} for value in (0, -1, 0.5)],
        *[{"flush_seconds": value} for value in (-1, math.nan, math.inf)],
    ],
)
def test_settings_that_make_no_sense_are_refused(
    fake: FakeCloud, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    """Rather than to hang."""
    ((setting, value),) = wrong.items()
    with pytest.raises(ConfigurationError, match=f"^{setting}: {value!r} is no"):
        Ship(FakeClient(fake), FileSink(tmp_path), **wrong)


async def test_lines_need_not_wait_for_others(fake: FakeCloud, tmp_path: Path) -> None:
    """With 0 seconds, what is there is written."""
    make, read = KINDS["a file for each day"]
    fake.write("web", "one", "two")
    await Ship(FakeClient(fake), make(tmp_path), flush_seconds=0, follow=False).run()

    assert fake.written == read(tmp_path)


@pytest.mark.parametrize("given", [{"cursors": MemoryCursors()}, {"commit": "after"}])
def test_a_place_of_ones_own_is_refused(
    fake: FakeCloud, tmp_path: Path, given: dict[str, Any]
) -> None:
    """Rather than never to be asked: lines and places are kept together."""
    with pytest.raises(ConfigurationError, match=f"^{next(iter(given))}: .* in its sink"):
        Ship(FakeClient(fake), FileSink(tmp_path), **given)
