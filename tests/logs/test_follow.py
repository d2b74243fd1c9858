"""The follower against a cloud without sockets, in time that passes at once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Any

import pytest

from tenx_async.api.selection import Selection
from tenx_async.errors import ConfigurationError, NotFound, ServerError, Unauthorized
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.findings import Gap
from tenx_async.logs.follow import Follower
from tenx_async.logs.order import Habits, Order
from tenx_async.logs.schedule import Schedule
from tenx_async.logs.source import SourceState
from tenx_async.telemetry.events import (
    DiscoveryFailed,
    Event,
    SourceAwaited,
    SourceFailed,
    SourceFound,
    SourceRecovered,
    SourceRemoved,
    SourceReset,
)
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud

UTC_ONLY = Calendar(zones=(dt.UTC,))


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    return FakeCloud(clock)


def follower(fake: FakeCloud, *patterns: str, **more: Any) -> tuple[Follower, list[Event]]:
    """A follower of the fake cloud, and the events that it will tell of."""
    events: list[Event] = []
    settings: dict[str, Any] = {
        "calendar": UTC_ONLY,
        "schedule": Schedule(min_age=0.5, max_age=10.0, price=1.0),
        "buffer": Buffer(20_000),
        "habits": Habits(100, Order.OLDEST_FIRST),
        **more,
    }
    lines = Follower(
        region="beijing1",
        selection=Selection(patterns, settings.pop("exclude", ())),
        fetch=fake.fetch,
        list_services=fake.list_services,
        list_instances=fake.list_instances,
        clock=fake.clock,
        emit=events.append,
        **settings,
    )
    return lines, events


async def take(lines: Follower, count: int) -> Counter[tuple[str, str]]:
    """The next so many lines, as (service, text)."""
    taken: list[tuple[str, str]] = []
    async for line in lines:
        taken.append((line.service, line.log))
        if len(taken) >= count:
            break
    return Counter(taken)


async def quiet(turns: int = 2000) -> None:
    """Let a follower run on for a while."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_lines_of_many_services_arrive_each_once(fake):
    """What is there and what comes later arrives as a multiset of what was written."""
    fake.add("web", "api", "db")
    for name in fake.uids:
        fake.write(name, *(f"{name} {n % 7}" for n in range(250)))
    lines, _ = follower(fake, tail=None)
    async with lines:
        taken = await take(lines, 750)
        for name in fake.uids:
            fake.write(name, "same", "same", f"later {name}")
        taken += await take(lines, 9)
    assert taken == fake.written


async def test_batches_keep_the_order_and_the_place_of_lines(fake):
    """A batch knows its source, its day and the position of its first line."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(230)))
    lines, _ = follower(fake, tail=None, follow=False)
    async with lines:
        batches = [batch async for batch in lines.batches()]
    assert [(b.source, b.date, b.position, len(b)) for b in batches] == [
        ("web", fake.today, 0, 100),
        ("web", fake.today, 100, 92),
        ("web", fake.today, 192, 38),
    ]
    assert [line.log for batch in batches for line in batch] == [str(n) for n in range(230)]


@pytest.mark.parametrize(("written", "tail", "expected"), [
    (0, 10, 0), (5, 10, 5), (10, 10, 10), (99, 10, 10), (100, 10, 10), (101, 10, 10),
    (1234, 10, 10), (1234, 250, 250), (1234, 0, 0), (1234, None, 1234), (200, 150, 150),
])  # fmt: skip
async def test_tail_gives_the_last_lines_and_no_others(fake, written, tail, expected):
    """`tail` counts from the end, whatever the size of pages."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(written)))
    lines, _ = follower(fake, tail=tail, follow=False)
    async with lines:
        texts = [line.log async for line in lines]
    assert texts == [str(n) for n in range(written - expected, written)]


async def test_tail_reaches_back_over_the_days_that_are_open(fake, clock):
    """Where today has too few lines, yesterday's last ones come first, while it is open."""
    clock.start = dt.datetime(2015, 12, 30, 0, 5, tzinfo=dt.UTC)
    fake.add("web")
    fake.write("web", *(f"old {n}" for n in range(50)), date=dt.date(2015, 12, 29))
    fake.write("web", "new 0", "new 1", date=dt.date(2015, 12, 30))
    lines, _ = follower(fake, tail=5, follow=False)
    async with lines:
        texts = [line.log async for line in lines]
    assert texts == ["old 47", "old 48", "old 49", "new 0", "new 1"]


async def test_lines_written_after_the_tail_follow_it(fake):
    """What comes after the tail was read is neither lost nor repeated."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(500)))
    lines, _ = follower(fake, tail=0)
    async with lines:
        await quiet()
        fake.write("web", *(f"new {n}" for n in range(300)))
        taken = await take(lines, 300)
    assert taken == Counter(("web", f"new {n}") for n in range(300))


async def test_a_new_service_is_followed_from_its_first_line(fake):
    """A service that appears later has no history: all of its lines are new."""
    fake.add("web")
    lines, events = follower(fake, "w*", tail=0)
    async with lines:
        await quiet()
        fake.add("worker", "other")
        fake.write("worker", *(str(n) for n in range(120)))
        taken = await take(lines, 120)
    assert taken == Counter(("worker", str(n)) for n in range(120))
    assert SourceFound(source="worker") in events
    assert SourceFound(source="other") not in events


async def test_a_removed_service_is_let_go(fake):
    """A deleted service leaves, with an event, and is not asked for any more."""
    fake.add("web", "api")
    lines, events = follower(fake)
    async with lines:
        await quiet()
        fake.remove("web")
        await quiet()
        asked = fake.calls["web"]
        await quiet()
        assert [source.name for source in lines.sources] == ["api"]
        assert fake.calls["web"] == asked
    assert SourceRemoved(source="web") in events


async def test_a_service_made_anew_is_followed_from_its_new_beginning(fake):
    """Another uid under the same name means another log."""
    fake.add("web")
    fake.write("web", *(f"old {n}" for n in range(30)))
    lines, events = follower(fake, tail=None)
    async with lines:
        assert (await take(lines, 30)).total() == 30
        fake.remove("web")
        fake.add("web", uid="u2")
        fake.write("web", *(f"new {n}" for n in range(40)))
        taken = await take(lines, 40)
    assert taken == Counter(("web", f"new {n}") for n in range(40))
    assert SourceReset(source="web") in events


async def test_what_could_not_be_read_at_first_is_a_gap_with_its_place(fake):
    """Where an end is found only after failures, lines before the tail may be new: that is told."""
    fake.add("web")
    fake.failing["web"] = ServerError("out of order", operation="logs web", status=500)
    lines, _ = follower(fake, tail=10)
    async with lines:
        fake.write("web", *(str(n) for n in range(50)))
        fake.failing.clear()
        assert await take(lines, 10) == Counter(("web", str(n)) for n in range(40, 50))
        await quiet()
        assert [Gap(40, None)] == [gap for day in lines.ledger for gap in day.gaps]


async def test_a_follower_outside_its_block_says_so(fake):
    """Neither before nor after does iterating hang."""
    lines, _ = follower(fake)
    with pytest.raises(ConfigurationError, match="async with"):
        await anext(lines)
    async with lines:
        pass
    with pytest.raises(StopAsyncIteration):
        await anext(lines)


async def test_a_name_that_does_not_exist_yet_is_waited_for(fake):
    """Like `tail -F`: an exact name is awaited, and followed from its first line."""
    lines, events = follower(fake, "web")
    async with lines:
        assert [source.state for source in lines.sources] == [SourceState.AWAITED]
        await quiet()
        assert fake.calls["web"] == 0
        fake.add("web")
        fake.write("web", "first")
        assert await take(lines, 1) == Counter([("web", "first")])
    assert events[0] == SourceAwaited(source="web")


async def test_a_missing_name_is_an_error_when_only_reading(fake):
    """Without following there is nothing to wait for."""
    lines, _ = follower(fake, "web", follow=False)
    with pytest.raises(NotFound, match="no such service"):
        async with lines:
            pass


async def test_one_failing_source_neither_ends_nor_delays_the_others(fake):
    """It is tried again, loudly, for ever; the others go on; nothing of it is lost."""
    fake.add("bad", "good")
    fake.failing["bad"] = ServerError("out of order", operation="logs bad", status=500)
    lines, events = follower(fake, tail=None)
    async with lines:
        await quiet()
        fake.write("bad", "kept")
        fake.write("good", *(str(n) for n in range(500)))
        taken = await take(lines, 500)
        assert taken == Counter(("good", str(n)) for n in range(500))
        failures = [event for event in events if isinstance(event, SourceFailed)]
        assert len(failures) >= 3
        assert {event.source for event in failures} == {"bad"}
        assert all(0 < event.retry_in <= 30 for event in failures)
        assert {s.name: s.state for s in lines.sources}["bad"] == SourceState.FAILING
        del fake.failing["bad"]
        assert await take(lines, 1) == Counter([("bad", "kept")])
    assert any(isinstance(event, SourceRecovered) for event in events)
    assert lines.ledger.failures == max(event.failures for event in failures)


@pytest.mark.parametrize(("failing", "failures"), [
    (range(1, 2), [1]), (range(3, 4), []), (range(3, 7), []), (range(3, 8), [1]),
])  # fmt: skip
async def test_a_failure_while_the_tail_is_sought_repeats_nothing(fake, failing, failures):
    """A page after the first is asked for again; at last seeking begins again, lines come once."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(950)))
    error = ServerError("out of order", operation="logs web", status=500)
    fake.on_call = lambda name: (
        fake.failing.update(web=error) if fake.calls[name] in failing else fake.failing.clear()
    )
    lines, events = follower(fake, tail=20)
    async with lines:
        taken = await take(lines, 20)
        await quiet()
        assert lines.ledger.delivered == 20
    assert taken == Counter(("web", str(n)) for n in range(930, 950))
    assert [event.failures for event in events if isinstance(event, SourceFailed)] == failures
    assert lines.ledger.failures == len(failing)


async def test_reading_without_following_raises_what_a_source_raises(fake):
    """`follow=False` reads what is there or says why it cannot."""
    fake.add("web")
    fake.failing["web"] = Unauthorized("bad token", operation="logs web", status=401)
    lines, _ = follower(fake, follow=False)
    with pytest.raises(Unauthorized, match="bad token"):
        async with lines:
            async for _ in lines:
                pass


async def test_a_first_listing_that_fails_is_raised_at_once(fake):
    """Who cannot even list is told so before anything else."""
    fake.listing_fails = Unauthorized("bad token", operation="list", status=401)
    lines, _ = follower(fake)
    with pytest.raises(Unauthorized):
        async with lines:
            pass


async def test_a_later_listing_that_fails_is_tried_again(fake):
    """What is known is followed on meanwhile."""
    fake.add("web")
    lines, events = follower(fake, tail=0)
    async with lines:
        fake.listing_fails = ServerError("out of order", operation="list", status=500)
        await quiet()
        fake.write("web", "still here")
        assert await take(lines, 1) == Counter([("web", "still here")])
        fake.listing_fails = None
        fake.add("api")
        fake.write("api", "found after all")
        assert await take(lines, 1) == Counter([("api", "found after all")])
    assert any(isinstance(event, DiscoveryFailed) for event in events)


async def test_leaving_a_loop_in_the_middle_of_a_batch_loses_nothing(fake):
    """The next loop goes on with the line after the last one taken."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(90)))
    lines, _ = follower(fake, tail=None, follow=False)
    async with lines:
        taken = [(await anext(lines)).log for _ in range(7)]
        async for line in lines:
            taken.append(line.log)
            if len(taken) == 50:
                break
        taken += [line.log async for line in lines]
    assert taken == [str(n) for n in range(90)]


async def test_a_day_is_read_out_even_if_its_grace_ends_first(fake, clock):
    """A consumer that was away for days still gets all of the day that it had begun."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(1000)))
    lines, _ = follower(fake, tail=None, buffer=Buffer(100))
    async with lines:
        await take(lines, 100)
        clock.advance(3 * 86_400)
        taken = await take(lines, 900)
    assert taken == Counter(("web", str(n)) for n in range(100, 1000))


async def test_exclusion_and_globs_choose_the_services(fake):
    """Globs include, `exclude` leaves out, and what is left out costs no call."""
    fake.add("web-1", "web-2", "db-1")
    for name in fake.uids:
        fake.write(name, name)
    lines, _ = follower(fake, "web-*", "db-*", exclude=("*-2",), tail=None, follow=False)
    async with lines:
        assert sorted([line.log async for line in lines]) == ["db-1", "web-1"]
    assert fake.calls["web-2"] == 0


async def test_a_day_passes_without_a_line_lost_or_repeated(fake, clock):
    """Around midnight both days are read; late ones of yesterday arrive in its grace."""
    clock.start = dt.datetime(2015, 12, 29, 23, 59, tzinfo=dt.UTC)
    fake.add("web")
    lines, _ = follower(fake, tail=None)
    yesterday, today = dt.date(2015, 12, 29), dt.date(2015, 12, 30)
    taken: Counter[tuple[str, str]] = Counter()
    async with lines:
        for minute in range(15):
            fake.write("web", f"minute {minute}")
            if clock.now().date() == today and minute < 8:
                fake.write("web", f"late {minute}", date=yesterday)
            taken += await take(lines, fake.written.total() - taken.total())
            clock.advance(60)
        days = {account.date: account.delivered for account in lines.ledger}
    assert taken == fake.written
    assert days[yesterday] > 1
    assert days[today] >= 10


@pytest.mark.parametrize("hours", [0, 8])
async def test_without_a_time_zone_both_likely_midnights_are_right(fake, clock, hours):
    """UTC and UTC+8 servers are both followed over their midnight when no zone is given."""
    fake.zone = dt.timezone(dt.timedelta(hours=hours))
    midnight = dt.datetime(2015, 12, 30, tzinfo=fake.zone)
    clock.start = (midnight - dt.timedelta(minutes=5)).astimezone(dt.UTC)
    fake.add("web")
    lines, _ = follower(fake, tail=0, calendar=Calendar())
    taken: Counter[tuple[str, str]] = Counter()
    async with lines:
        await quiet()
        for minute in range(10):
            fake.write("web", f"minute {minute}")
            taken += await take(lines, 1)
            clock.advance(60)
    assert taken == fake.written


async def test_a_slow_consumer_pauses_polling_and_loses_nothing(fake):
    """The buffer's bound holds, but for a page a poll under way; then all arrives."""
    fake.add(*(f"web-{n}" for n in range(5)))
    for name in fake.uids:
        fake.write(name, *(f"{n}" for n in range(5000)))
    lines, _ = follower(fake, tail=None, buffer=Buffer(1000))
    async with lines:
        await quiet(3000)
        calls = fake.calls.total()
        await quiet(3000)
        assert fake.calls.total() == calls
        assert 1000 <= lines.buffer.lines < 1000 + 5 * 100
        taken = await take(lines, 25_000)
    assert taken == fake.written


async def test_a_pause_ends_polling_also_of_what_is_due(fake):
    """What is under way comes to its end; the rest is asked for when it goes on."""
    names = [f"s{number}" for number in range(100)]
    fake.add(*names)
    lines, _ = follower(fake, tail=None)

    def pause_at_the_tenth(_: str) -> None:
        if fake.calls.total() == 10:
            lines.pause()

    fake.on_call = pause_at_the_tenth
    async with lines:
        reading = asyncio.ensure_future(anext(lines))
        await quiet()
        asked = fake.calls.total()
        await quiet()
        assert asked == fake.calls.total() < 50
        fake.write("s99", "new")
        lines.go_on()
        assert "new" == (await reading).log


async def test_a_busy_source_does_not_starve_a_silent_one(fake):
    """While one source has an endless backlog, another's line arrives within a few pages."""
    fake.add("busy", "calm")
    fake.write("busy", *(str(n) for n in range(100_000)))
    lines, _ = follower(fake, tail=None, buffer=Buffer(200))
    async with lines:
        await take(lines, 1000)
        fake.write("calm", "hello")
        calls = fake.calls["busy"]
        async for line in lines:
            if line.service == "calm":
                break
        assert fake.calls["busy"] - calls < 200


async def test_leaving_ends_every_task(fake):
    """After the block nothing of the follower runs on, whether its consumer was done or not."""
    fake.add("web", "api")
    before = asyncio.all_tasks()
    lines, _ = follower(fake)
    async with lines:
        await quiet(50)
    assert asyncio.all_tasks() == before


async def test_cancelling_the_consumer_ends_every_task(fake):
    """A cancelled consumer takes its follower with it."""
    fake.add("web")
    lines, _ = follower(fake)

    async def consume() -> None:
        async with lines:
            async for _ in lines:
                pass

    before = asyncio.all_tasks()
    task = asyncio.create_task(consume())
    await quiet(50)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before


async def test_a_defect_in_polling_reaches_the_consumer(fake):
    """What is nobody's operation error is not tried again: it is raised where lines are read."""
    fake.add("web")

    def explode(_: str) -> None:
        raise RuntimeError("a defect")

    fake.on_call = explode
    lines, _ = follower(fake)
    with pytest.raises(RuntimeError, match="a defect"):
        async with lines:
            async for _ in lines:
                pass


async def test_the_ledger_counts_what_was_asked_and_what_came(fake):
    """Calls, entries and lines of every day, and the calls that list services."""
    fake.add("web")
    fake.write("web", *(str(n) for n in range(150)))
    lines, _ = follower(fake, tail=None, follow=False)
    async with lines:
        async for _ in lines:
            pass
    (day,) = lines.ledger
    assert (day.calls, day.fetched, day.delivered, day.failures) == (3, 166, 150, 0)
    assert day.reread == 16
    assert lines.ledger.calls == 4 == fake.calls.total() + fake.listings


async def test_a_follower_is_entered_once_only(fake):
    """What it has of its services was handed on already; a second entry would end at once."""
    lines, _events = follower(fake, tail=None)
    entered, refused = await asyncio.gather(
        lines.__aenter__(), lines.__aenter__(), return_exceptions=True
    )
    assert entered is lines
    assert isinstance(refused, ConfigurationError)
    await lines.__aexit__(None)
    with pytest.raises(ConfigurationError, match="once only"):
        await lines.__aenter__()


async def test_a_service_that_came_while_none_could_be_listed_is_read_whole(fake, clock):
    """For more than a day: it is read from the day of the last listing on."""
    lines, _events = follower(fake, tail=None)
    async with lines:
        fake.listing_fails = ServerError("down", status=500)
        fake.add("db")
        fake.write("db", "at first")
        clock.advance(2 * 86_400)
        fake.write("db", "later")
        fake.listing_fails = None
        assert await take(lines, 2) == fake.written
