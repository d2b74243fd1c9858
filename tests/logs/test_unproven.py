"""A service that is made anew when it is not known yet whose lines came: what a restart keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tenx_async.logs.buffer import Buffer
from tenx_async.logs.findings import Alike, Reset
from tenx_async.logs.follow import Follower
from tenx_async.logs.order import Habits, Order
from tenx_async.telemetry.events import LogChanged, SourceReset
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_cursors import ORDERS, Sink, follow_for
from tests.logs.test_follow import follower


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    return cloud


def remake(fake: FakeCloud, *texts: str) -> None:
    """Delete the service, and make it again, which writes lines."""
    fake.remove("web")
    fake.add("web", uid="u2")
    fake.write("web", *texts)


def at_the_first_page(fake: FakeCloud, *acts: Callable[[], None]) -> None:
    """Do something between the first listing and the first page."""

    def act(_: str) -> None:
        fake.on_call = lambda _: None
        for one in acts:
            one()

    fake.on_call = act


def following(
    fake: FakeCloud, order: Order | None, sink: Sink, **more: Any
) -> tuple[Follower, list[Any]]:
    fake.order = order or Order.OLDEST_FIRST
    settings: dict[str, Any] = {"cursors": sink.cursors, "commit": "manual", **more}
    return follower(fake, "web", tail=None, habits=Habits(40, order), **settings)


async def followed(fake: FakeCloud, order: Order | None, sink: Sink) -> tuple[Follower, list[Any]]:
    """A following that has read all there is."""
    lines, events = following(fake, order, sink)
    await follow_for(lines, sink, 1_000)
    return lines, events


@ORDERS
async def test_what_came_of_a_new_log_is_not_repeated_by_who_goes_on(
    fake: FakeCloud, order: Order | None
) -> None:
    """Though nobody had listed services since; that the lines may be the old one's is told."""
    sink = Sink()
    at_the_first_page(fake, fake.asked.close, partial(remake, fake, *map(str, range(20))))
    await followed(fake, order, sink)
    fake.asked.open()
    assert fake.written == Counter(sink.lines)
    lines, events = await followed(fake, order, sink)

    assert fake.written == Counter(sink.lines)
    assert [20] == [
        event.finding.lines
        for event in events
        if isinstance(event, LogChanged) and isinstance(event.finding, Alike)
    ]
    assert 1 == lines.ledger.gaps
    assert not lines.ledger.day("web", fake.today).resets


@ORDERS
async def test_that_a_service_was_made_anew_is_told_once(
    fake: FakeCloud, order: Order | None
) -> None:
    """Who goes on knows it, though no line had come since."""
    sink = Sink()
    at_the_first_page(fake, partial(remake, fake, *map(str, range(20))))
    _, events = await followed(fake, order, sink)
    assert 1 == sum(isinstance(event, SourceReset) for event in events)
    _, events = await followed(fake, order, sink)

    assert not any(isinstance(event, SourceReset) for event in events)
    assert fake.written == Counter(sink.lines)


@ORDERS
async def test_a_new_log_like_the_old_one_is_read_where_the_old_one_was_known_for_its_own(
    fake: FakeCloud, order: Order | None
) -> None:
    """It is kept that a listing had confirmed it, though no line had come since."""
    sink = Sink()
    fake.write("web", "starting", "listening")
    await followed(fake, order, sink)
    remake(fake, "starting", "listening", "other")
    lines, _ = await followed(fake, order, sink)

    assert fake.written == Counter(sink.lines)
    assert not lines.ledger.gaps


@ORDERS
async def test_lines_like_those_of_an_earlier_log_are_not_left_out_in_silence(
    fake: FakeCloud, order: Order | None
) -> None:
    """Where it was made anew before anybody could know whose they were."""
    sink = Sink()
    fake.write("web", "starting", "listening")
    at_the_first_page(fake, fake.asked.close)
    await followed(fake, order, sink)
    fake.asked.open()
    remake(fake, "starting", "listening", "other")
    lines, _ = await followed(fake, order, sink)

    missing = fake.written - Counter(sink.lines)
    assert missing.total() == sum(
        finding.lines
        for day in lines.ledger
        for finding in day.findings
        if isinstance(finding, Alike)
    )
    assert {("web", "starting"): 1, ("web", "listening"): 1} == missing


async def test_what_is_taken_for_a_new_logs_is_told_by_who_goes_on(fake: FakeCloud) -> None:
    """Though the one that took it for that was broken off amid the new log."""
    sink, order = Sink(), Order.OLDEST_FIRST
    fake.write("web", "starting", "listening")
    at_the_first_page(fake, fake.asked.close)
    await followed(fake, order, sink)
    fake.asked.open()
    remake(fake, "starting", "listening", *map(str, range(400)))
    lines, _ = following(fake, order, sink, buffer=Buffer(1))
    await follow_for(lines, sink, 1)
    sink.open()
    lines, _ = await followed(fake, order, sink)

    assert 2 == (fake.written - Counter(sink.lines)).total()
    assert 1 == lines.ledger.gaps


@ORDERS
async def test_lines_of_a_new_log_may_stand_before_those_of_the_old_one(
    fake: FakeCloud, order: Order | None
) -> None:
    """Then they are not the last ones of what is remembered."""
    sink = Sink()
    old = [f"old {number}" for number in range(10)]
    fake.write("web", *old)
    await followed(fake, order, sink)
    new = [f"new {number}" for number in range(8)]
    at_the_first_page(fake, fake.asked.close, partial(remake, fake, *new, *old))
    await followed(fake, order, sink)
    fake.asked.open()
    sink.open()
    await followed(fake, order, sink)

    assert fake.written == Counter(sink.lines)


@ORDERS
async def test_an_earlier_log_is_said_to_have_ended_where_it_was_read_to(
    fake: FakeCloud, order: Order | None
) -> None:
    """Once: also where the last lines of it might have been the new one's, and were not."""
    sink = Sink()
    fake.write("web", *(f"old {number}" for number in range(10)))
    await followed(fake, order, sink)
    fake.write("web", *(f"more {number}" for number in range(5)))
    at_the_first_page(fake, fake.asked.close)
    await followed(fake, order, sink)
    fake.asked.open()
    remake(fake, "new", "newer")
    lines, _ = await followed(fake, order, sink)

    assert fake.written == Counter(sink.lines)
    assert [Reset(15)] == lines.ledger.day("web", fake.today).resets
    assert not lines.ledger.gaps
