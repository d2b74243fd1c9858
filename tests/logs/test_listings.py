"""A service that is made anew while a listing, which tells so, is late or out of date."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Any

import pytest

from tenx_async.errors import ServerError
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.findings import Gap, Reset
from tenx_async.logs.follow import Follower
from tenx_async.logs.lines import LogPage
from tenx_async.logs.order import Habits, Order
from tenx_async.telemetry.events import SourceFinished, SourceFound, SourceReset
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower, take

ORDERS = pytest.mark.parametrize("order", [*Order, None], ids=str)
BOOT = [f"boot {n}" for n in range(10)]
OLD = [f"old {n}" for n in range(20)]
NEW = [f"new {n}" for n in range(5)]


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


def following(fake: FakeCloud, order: Order | None, size: int = 100, **more: int) -> Follower:
    """A follower that is told the order of the cloud, or is not."""
    fake.order = order or Order.OLDEST_FIRST
    return follower(fake, tail=None, habits=Habits(size, order), **more)[0]


def remake(fake: FakeCloud, *texts: str) -> None:
    """Delete the service and make it again, with a log that begins so."""
    fake.remove("web")
    fake.add("web", uid=f"after {fake.listings} listings")
    fake.write("web", *texts)


async def listings(fake: FakeCloud, count: int) -> None:
    wanted = fake.listings + count
    while fake.listings < wanted:  # noqa: ASYNC110  # time passes only when somebody waits for it
        await asyncio.sleep(0)


@ORDERS
async def test_a_new_log_may_begin_as_the_old_one_did(fake: FakeCloud, order: Order | None) -> None:
    """Lines that came before it was known to be new are not delivered again, the others are."""
    fake.write("web", *BOOT, *OLD)
    async with following(fake, order) as lines:
        taken = await take(lines, 30)
        await listings(fake, 3)
        fake.asked.close()
        await fake.asked.reached.wait()
        remake(fake, *BOOT, *NEW)
        taken += await take(lines, len(NEW))
        fake.asked.open()
        taken += await take(lines, len(BOOT))
        await listings(fake, 5)
        assert 0 == lines.buffer.lines
    assert taken == fake.written
    assert [Reset(15)] == [reset for day in lines.ledger for reset in day.resets]


@ORDERS
async def test_an_answer_that_is_out_of_date_says_nothing_of_a_new_log(
    fake: FakeCloud, order: Order | None
) -> None:
    """A service that is made anew while it is listed is read once."""
    fake.write("web", *OLD)
    async with following(fake, order) as lines:
        taken = await take(lines, len(OLD))
        fake.answered.close()
        await fake.answered.reached.wait()
        remake(fake, *NEW)
        taken += await take(lines, len(NEW))
        fake.answered.open()
        await listings(fake, 5)
        assert 0 == lines.buffer.lines
    assert taken == fake.written
    assert [Reset(20)] == [reset for day in lines.ledger for reset in day.resets]


@ORDERS
async def test_a_service_may_be_made_anew_before_its_first_page_is_read(
    fake: FakeCloud, order: Order | None
) -> None:
    """The log that is found is the new one already: that is no reset of a log."""
    fake.write("web", *OLD)
    read = fake.on_call

    def remake_first(_: str) -> None:
        fake.on_call = read
        remake(fake, *BOOT, *NEW)

    fake.on_call = remake_first
    async with following(fake, order) as lines:
        taken = await take(lines, 15)
        await listings(fake, 5)
        assert 0 == lines.buffer.lines
    assert taken == fake.written - Counter(("web", text) for text in OLD)
    assert [] == [reset for day in lines.ledger for reset in day.resets]


@ORDERS
async def test_a_service_may_be_made_anew_while_it_leaves(
    fake: FakeCloud, order: Order | None
) -> None:
    """What was read of the new log by then is not read again when it is found."""
    fake.write("web", *OLD)
    async with following(fake, order) as lines:
        taken = await take(lines, len(OLD))
        await listings(fake, 3)
        del fake.uids["web"]
        fake.answered.close()
        await fake.answered.reached.wait()
        remake_unlisted(fake)
        fake.answered.open()
        taken += await take(lines, len(NEW))
        await listings(fake, 5)
        assert ["web"] == [source.name for source in lines.sources]
        assert 0 == lines.buffer.lines
    assert taken == fake.written


def remake_unlisted(fake: FakeCloud) -> None:
    """Make the service again after a listing that lacks it was answered."""
    fake.uids["web"] = "new"
    fake.logs["web"].clear()
    fake.write("web", *NEW)


async def test_what_is_repeated_of_a_new_log_is_told(fake: FakeCloud) -> None:
    """Where more came of it than is remembered before a listing told, in a gap."""
    fake.write("web", *OLD)
    async with following(fake, Order.OLDEST_FIRST, remember=10) as lines:
        taken = await take(lines, len(OLD))
        await listings(fake, 3)
        fake.asked.close()
        await fake.asked.reached.wait()
        remake(fake, *BOOT, *NEW)
        taken += await take(lines, 15)
        fake.asked.open()
        await listings(fake, 5)
        taken += await take(lines, lines.buffer.lines)
        gaps = [gap for day in lines.ledger for gap in day.gaps]
    assert not fake.written - taken
    assert taken != fake.written
    assert [Gap(15, None)] == gaps


async def test_a_service_made_anew_during_a_poll_is_read_once(clock: ManualClock) -> None:
    """A poll that is under way is ended where the new log begins."""
    clock.start = dt.datetime(2015, 12, 30, 0, 1, tzinfo=dt.UTC)
    fake = FakeCloud(clock)
    fake.add("web")
    fake.write("web", *OLD)
    lines, events = follower(fake, tail=None)
    yesterday = fake.today - dt.timedelta(days=1)
    fetch, gate, held = lines.fetch, asyncio.Event(), asyncio.Event()

    async def fetch_slowly(service: str, *, date: dt.date, **page: Any) -> LogPage:
        if date == yesterday and fake.listings > 3:
            held.set()
            await gate.wait()
        return await fetch(service, date=date, **page)

    lines._reader.pages.fetch = fetch_slowly
    async with lines:
        taken = await take(lines, len(OLD))
        await held.wait()
        remake(fake, *NEW)
        await listings(fake, 2)
        assert SourceReset(source="web") in events
        gate.set()
        taken += await take(lines, len(NEW))
        await listings(fake, 3)
        assert 0 == lines.buffer.lines
    assert taken == fake.written


@pytest.mark.parametrize("uids", [("u1", None, "u1"), (None, "u1", None, "u1")], ids=str)
async def test_a_listing_that_lacks_a_uid_tells_of_no_new_service(
    fake: FakeCloud, uids: tuple[str | None, ...]
) -> None:
    """Nothing comes again; another uid does tell of one."""
    fake.uids["web"] = uids[0]
    fake.write("web", *OLD)
    async with following(fake, Order.OLDEST_FIRST) as lines:
        taken = await take(lines, len(OLD))
        for uid in uids[1:]:
            fake.uids["web"] = uid
            await listings(fake, 2)
        fake.write("web", "later")
        taken += await take(lines, 1)
        assert taken == fake.written
        assert not [reset for day in lines.ledger for reset in day.resets]
        remake(fake, *NEW)
        taken += await take(lines, len(NEW))
    assert taken == fake.written


async def test_a_service_that_is_finished_stays_so_if_a_listing_lacks_its_uid(
    fake: FakeCloud, clock: ManualClock
) -> None:
    """Its last wanted day is not read again while others are followed yet."""
    fake.add("api")
    fake.failing["api"] = ServerError("out of order", operation="logs api", status=500)
    yesterdays = Calendar(zones=(dt.UTC,), until=clock.now().date() - dt.timedelta(days=1))
    lines, events = follower(fake, tail=None, calendar=yesterdays)
    async with lines:
        while not any(isinstance(event, SourceFinished) for event in events):  # noqa: ASYNC110  # time passes only when somebody waits for it
            await asyncio.sleep(0)
        fake.uids["web"] = None
        await listings(fake, 3)
        assert 1 == events.count(SourceFound(source="web"))
