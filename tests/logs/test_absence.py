"""A log that is not there for a while, though lines of it were read."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock

import pytest

from tenx_async.errors import NotFound, OperationError, ServerError
from tenx_async.logs.findings import Absence, Finding, Reset
from tenx_async.logs.follow import Follower
from tenx_async.logs.lines import LogPage
from tenx_async.logs.order import Habits, Order
from tenx_async.telemetry.events import DaySealed, SourceFailed
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_follow import follower, quiet, take

ORDERS = pytest.mark.parametrize("order", [*Order, None], ids=str)
NO_LOG = NotFound("no such day", operation="logs web", status=404)
NO_INDEX = ServerError("oh", operation="logs web", status=500, body="index [x] is missing")
A_PROXYS_PAGE = ServerError(
    "oh", operation="logs web", status=502, body='<meta name="noindex">upstream not found'
)
LINES = [f"line {n}" for n in range(250)]


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


def following(fake: FakeCloud, order: Order | None = Order.OLDEST_FIRST) -> Follower:
    """A follower that is told the order of the cloud, or is not."""
    fake.order = order or Order.OLDEST_FIRST
    return follower(fake, tail=None, habits=Habits(100, order))[0]


async def absent(fake: FakeCloud, said: OperationError = NO_LOG) -> None:
    """Let the log be away for some polls."""
    fake.failing["web"] = said
    asked = fake.calls["web"]
    await quiet()
    assert asked + 3 < fake.calls["web"]


def findings(lines: Follower) -> list[Finding]:
    return [finding for day in lines.ledger for finding in day.findings]


@ORDERS
@pytest.mark.parametrize("said", [NO_LOG, NO_INDEX], ids=["404", "500"])
async def test_a_log_that_comes_back_is_read_on(
    fake: FakeCloud, order: Order | None, said: OperationError
) -> None:
    """Nothing comes again; what was written meanwhile comes once; each absence is told once."""
    fake.write("web", *LINES)
    async with following(fake, order) as lines:
        taken = await take(lines, len(LINES))
        for n in (1, 2):
            await absent(fake, said)
            assert n == len(findings(lines))
            fake.write("web", f"meanwhile {n}")
            del fake.failing["web"]
            taken += await take(lines, 1)
        await quiet()
        assert 0 == lines.buffer.lines
    assert fake.written == taken
    assert [Absence(250), Absence(251)] == findings(lines)


@ORDERS
async def test_another_log_that_comes_is_read_from_its_beginning(
    fake: FakeCloud, order: Order | None
) -> None:
    """So is a log that was wiped."""
    fake.write("web", *LINES)
    async with following(fake, order) as lines:
        taken = await take(lines, len(LINES))
        await absent(fake)
        fake.logs["web"].clear()
        fake.write("web", *(f"new {n}" for n in range(120)))
        del fake.failing["web"]
        taken += await take(lines, 120)
    assert fake.written == taken
    assert [Absence(250), Reset(250)] == findings(lines)


async def test_a_proxys_page_is_a_failure(fake: FakeCloud) -> None:
    """Whatever words stand on it."""
    fake.write("web", *LINES)
    lines, events = follower(fake, tail=None)
    async with lines:
        taken = await take(lines, len(LINES))
        await absent(fake, A_PROXYS_PAGE)
        del fake.failing["web"]
        fake.write("web", "later")
        taken += await take(lines, 1)
    assert fake.written == taken
    assert not findings(lines)
    assert [event for event in events if isinstance(event, SourceFailed)]


async def test_an_absent_day_delays_no_other_and_is_closed(
    fake: FakeCloud, clock: ManualClock
) -> None:
    """Its grace ends as that of any day; its seal says that nothing was there."""
    yesterday = clock.now().date()
    fake.write("web", *LINES)
    there = fake.fetch

    async def fetch(service: str, *, date: dt.date, **more: Any) -> LogPage:
        if date == yesterday and fake.today > yesterday:
            raise NO_LOG
        return await there(service, date=date, **more)

    with mock.patch.object(FakeCloud, "fetch", staticmethod(fetch)):
        lines, events = follower(fake, tail=None)
    async with lines:
        taken = await take(lines, len(LINES))
        while fake.today == yesterday:
            await quiet(1)
        fake.write("web", "today")
        taken += await take(lines, 1)
        while not any(isinstance(event, DaySealed) for event in events):
            await quiet(1)
    assert fake.written == taken
    assert [Absence(250)] == lines.ledger.day("web", yesterday).findings
    assert [0] == [seal.lines for seal in lines.ledger.day("web", yesterday).seals]


async def test_a_log_that_goes_while_it_is_only_read_is_an_error(fake: FakeCloud) -> None:
    """It was not read to its end."""
    fake.write("web", *LINES)
    lines, _ = follower(fake, tail=None, follow=False, habits=Habits(100, Order.OLDEST_FIRST))
    fake.on_call = lambda _: fake.failing.update(web=NO_LOG) if fake.calls["web"] == 3 else None
    with pytest.raises(NotFound):
        async with lines:
            await take(lines, 1000)
