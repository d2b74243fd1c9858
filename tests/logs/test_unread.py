"""Services that were there at first, and whose logs could not be read then."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tenx_async.errors import ServerError
from tenx_async.logs.buffer import Buffer
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.cursors import CursorStore, MemoryCursors
from tenx_async.logs.findings import Gap
from tenx_async.logs.ledger import Ledger
from tenx_async.logs.order import Habits, Order
from tenx_async.sinks.sqlite_cursors import SqliteCursors
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.logs.test_cursors import Sink, follow_for
from tests.logs.test_follow import follower, quiet, take

WELL = ("web", "well")
DOWN = ServerError("down", status=500)
A_DAY = dt.timedelta(days=1)
Open = Callable[[], CursorStore]


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    """A cloud of two services, the log of one of which cannot be read."""
    cloud = FakeCloud(clock)
    cloud.add("web", "api")
    cloud.write("web", "well")
    cloud.write("api", *(f"line {number}" for number in range(20)))
    cloud.failing["api"] = DOWN
    return cloud


@pytest.fixture(params=["memory", "file"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path, no_threads: None) -> Iterator[Open]:
    """Opens what keeps cursors, as a process does that goes on."""
    kept = MemoryCursors()
    with ExitStack() as stack:

        def reopen() -> CursorStore:
            if request.param == "memory":
                return kept
            stack.close()
            return stack.enter_context(SqliteCursors(tmp_path / "cursors"))

        yield reopen


async def read_what_is_well(fake: FakeCloud, cursors: CursorStore, **options: Any) -> None:
    """Follow, and get nothing of the other one."""
    lines, _ = follower(fake, cursors=cursors, commit="before", **options)
    async with lines:
        assert {WELL: 1} == await take(lines, 1)


async def read_to_the_end(
    fake: FakeCloud, cursors: CursorStore, tail: int | None
) -> tuple[Counter[tuple[str, str]], Ledger]:
    """Go on with all of them, and give what comes."""
    fake.failing.clear()
    lines, _ = follower(fake, cursors=cursors, commit="before", tail=tail, follow=False)
    async with lines:
        return Counter([(line.service, line.log) async for line in lines]), lines.ledger


def gaps_of(ledger: Ledger, source: str) -> dict[dt.date, list[object]]:
    return {day.date: list(day.gaps) for day in ledger if day.source == source and day.gaps}


@pytest.mark.parametrize("passed", [0, 2])
async def test_they_are_read_from_their_beginning_by_who_goes_on(
    fake: FakeCloud, clock: ManualClock, reopened: Open, passed: int
) -> None:
    """However late that is, and however many could not."""
    await read_what_is_well(fake, reopened(), tail=None)
    for text in ("once", "twice"):
        clock.advance(passed * 86_400)
        fake.write("api", text)
        fake.write("web", text)
        lines, _ = follower(fake, cursors=reopened(), commit="before", tail=None)
        async with lines:
            assert {("web", text): 1} == await take(lines, 1)
    clock.advance(passed * 86_400)
    taken, ledger = await read_to_the_end(fake, reopened(), None)

    assert taken == Counter({line: n for line, n in fake.written.items() if line[0] == "api"})
    assert 0 == ledger.gaps


async def test_days_that_pass_meanwhile_are_read(fake: FakeCloud, clock: ManualClock) -> None:
    """By the same following, and without cursors."""
    lines, _ = follower(fake, tail=None)
    async with lines:
        assert {WELL: 1} == await take(lines, 1)
        for text in ("second", "third"):
            await clock.sleep(86_400)
            fake.write("api", text)
        fake.failing.clear()

        assert fake.written - Counter([WELL]) == await take(lines, 22)
    assert 0 == lines.ledger.gaps


@pytest.mark.parametrize(("tail", "then", "count"), [(0, 0, 0), (5, 5, 5), (5, 7, 7), (7, 5, 7)])
async def test_what_may_be_missing_is_told_where_little_was_wanted(
    fake: FakeCloud, reopened: Open, tail: int, then: int, count: int
) -> None:
    """For nobody knows what was there at first."""
    lines, _ = follower(fake, cursors=reopened(), commit="before", tail=tail)
    async with lines:
        fake.write("web", "next")
        await take(lines, 1)
    taken, ledger = await read_to_the_end(fake, reopened(), then)

    assert count == sum(n for (service, _), n in taken.items() if service == "api")
    assert {fake.today: [Gap(20 - count, None)]} == gaps_of(ledger, "api")
    assert not gaps_of(ledger, "web")


async def test_all_is_read_if_all_is_wanted_in_the_end(fake: FakeCloud, reopened: Open) -> None:
    """Though less was wanted at first."""
    await read_what_is_well(fake, reopened(), tail=1)
    taken, ledger = await read_to_the_end(fake, reopened(), None)

    assert fake.written - Counter([WELL]) == taken
    assert 0 == ledger.gaps


async def test_each_day_that_may_lack_lines_is_told(
    fake: FakeCloud, clock: ManualClock, reopened: Open
) -> None:
    """Of those that passed since they were first to be read."""
    first = fake.today
    await read_what_is_well(fake, reopened(), tail=3)
    clock.advance(86_400)
    fake.write("api", *(f"second day, {number}" for number in range(4)))
    taken, ledger = await read_to_the_end(fake, reopened(), 3)

    assert {first: [Gap(20, None)], first + A_DAY: [Gap(1, None)]} == gaps_of(ledger, "api")
    assert {("api", f"second day, {number}"): 1 for number in (1, 2, 3)} == taken


async def test_who_was_only_listed_is_begun_as_is_wanted(fake: FakeCloud, reopened: Open) -> None:
    """It was not asked for before, so nothing of it is missing."""
    fake.failing.clear()
    lines, _ = follower(fake, "web", tail=1, cursors=reopened(), commit="before")
    async with lines:
        assert {WELL: 1} == await take(lines, 1)
    taken, ledger = await read_to_the_end(fake, reopened(), 1)

    assert {("api", "line 19"): 1} == taken
    assert 0 == ledger.gaps


async def test_a_newcomer_that_nobody_could_read_is_read_whole(
    fake: FakeCloud, clock: ManualClock, reopened: Open
) -> None:
    """Though days passed, and little was wanted of those that were there."""
    fake.failing.clear()
    lines, _ = follower(fake, cursors=reopened(), commit="before", tail=0)
    async with lines:
        fake.add("new")
        fake.failing["new"] = DOWN
        fake.write("new", "one", "two")
        await clock.sleep(60)
        fake.write("web", "next")
        assert {("web", "next"): 1} == await take(lines, 1)
    for text in ("three", "four"):
        clock.advance(86_400)
        fake.write("new", text)
        fake.write("web", text)
        lines, _ = follower(fake, cursors=reopened(), commit="before", tail=0)
        async with lines:
            assert {("web", text): 1} == await take(lines, 1)
    taken, ledger = await read_to_the_end(fake, reopened(), 0)

    assert Counter({line: n for line, n in fake.written.items() if line[0] == "new"}) == taken
    assert 0 == ledger.gaps


async def test_days_that_passed_are_handed_on_one_after_the_other(
    fake: FakeCloud, clock: ManualClock
) -> None:
    """Not all at once when all of them are read, for they may be many, and large."""
    fake.order = Order.NEWEST_FIRST
    fake.failing.clear()
    for text in range(10):
        clock.advance(86_400)
        fake.write("web", *(f"day {text}, line {number}" for number in range(1_000)))
    calendar = Calendar(zones=(dt.UTC,), since=fake.today - 9 * A_DAY, until=fake.today)
    options: dict[str, Any] = {"habits": Habits(100), "calendar": calendar, "buffer": Buffer(200)}
    lines, _ = follower(fake, "web", tail=None, follow=False, **options)
    taken: list[str] = []
    async with lines:
        async for batch in lines.batches():
            if not taken:
                assert 40 > fake.calls["web"]
            taken += (line.log for line in batch)

    assert 10_000 == len(taken)
    assert [text for _, text in fake.written.elements()][-10_000:] == taken


@pytest.mark.parametrize("tail", [None, 0, 5])
async def test_one_that_was_made_anew_is_read_once(
    fake: FakeCloud, reopened: Open, tail: int | None
) -> None:
    """All of it, whatever was wanted of the one before, of which nothing was read."""
    await read_what_is_well(fake, reopened(), tail=1)
    fake.remove("api")
    fake.add("api", uid="u2")
    fake.write("api", "new", "newer")
    taken, ledger = await read_to_the_end(fake, reopened(), tail)
    again, later = await read_to_the_end(fake, reopened(), tail)

    assert {("api", "new"): 1, ("api", "newer"): 1} == taken
    assert not again
    assert 0 == ledger.gaps + later.gaps
    assert not any(account.resets for one in (ledger, later) for account in one)


async def test_one_that_is_made_anew_meanwhile_is_read_once(fake: FakeCloud) -> None:
    """Also by the following that could not read the one before, and by who goes on."""
    cursors = MemoryCursors()
    lines, _ = follower(fake, cursors=cursors, commit="before", tail=5, discover_every=1.0)
    async with lines:
        assert {WELL: 1} == await take(lines, 1)
        fake.remove("api")
        fake.add("api", uid="u2")
        fake.write("api", *(f"new {number}" for number in range(20)))
        await fake.clock.sleep(10)
        fake.failing.clear()
        taken = await take(lines, 20)
    again, ledger = await read_to_the_end(fake, cursors, 5)

    assert {("api", f"new {number}"): 1 for number in range(20)} == taken
    assert not again
    assert 0 == ledger.gaps


async def test_days_that_were_wanted_at_first_are_read_by_who_wants_fewer(
    fake: FakeCloud, clock: ManualClock, reopened: Open
) -> None:
    """As those of a service that was read are."""
    first = fake.today - 3 * A_DAY
    fake.write("api", "on the first day", date=first)
    calendar = Calendar(zones=(dt.UTC,), since=first)
    await read_what_is_well(fake, reopened(), tail=None, calendar=calendar)
    fake.add("new")
    fake.failing["new"] = DOWN
    fake.write("new", "on the first day of all", date=first)
    lines, _ = follower(fake, cursors=reopened(), tail=None, calendar=calendar)
    async with lines:
        await quiet(100)
    clock.advance(2 * 86_400)
    fake.write("api", "later")
    fake.failing.clear()
    calendar = Calendar(zones=(dt.UTC,), since=fake.today)
    lines, _ = follower(
        fake, cursors=reopened(), commit="before", tail=None, calendar=calendar, follow=False
    )
    async with lines:
        taken = Counter([(line.service, line.log) async for line in lines])

    assert fake.written - Counter([WELL]) == taken


async def test_one_that_is_made_anew_while_it_is_first_read_is_read_once(fake: FakeCloud) -> None:
    """Of which the lines are that came is not known then."""
    sink = Sink()
    fake.failing.clear()
    lines, _ = follower(fake, "api", cursors=sink.cursors, commit="manual", tail=5)

    def make_anew(name: str) -> None:
        fake.on_call = lambda _: None
        fake.remove(name)
        fake.add(name, uid="u2")
        fake.write(name, *(f"new {number}" for number in range(20)))
        next(iter(lines._discovery)).reset("u2")

    fake.on_call = make_anew
    await follow_for(lines, sink, 1)
    lines, _ = follower(fake, "api", cursors=sink.cursors, commit="manual", tail=5)
    await follow_for(lines, sink, 3)

    assert Counter(("api", f"new {number}") for number in range(20)) == Counter(sink.lines)


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize(("lines_there", "tail"), [(20, 50), (20, 20), (100, 40)])
async def test_nothing_is_told_to_be_missing_where_all_was_read(
    fake: FakeCloud, reopened: Open, order: Order, lines_there: int, tail: int
) -> None:
    """Only where the log is longer than what was wanted of it, as far as that can be seen."""
    fake.order = order
    fake.write("api", *(f"more {number}" for number in range(lines_there - 20)))
    await read_what_is_well(fake, reopened(), tail=tail, habits=Habits(40, order))
    fake.failing.clear()
    lines, _ = follower(fake, cursors=reopened(), tail=tail, habits=Habits(40, order), follow=False)
    async with lines:
        taken = [line async for line in lines]

    assert min(lines_there, tail) <= len(taken)
    assert (tail < lines_there) == bool(gaps_of(lines.ledger, "api"))


async def test_a_newcomer_of_many_lines_holds_up_no_beginning(
    fake: FakeCloud, reopened: Open
) -> None:
    """Nobody takes its lines before the following has begun."""
    fake.order = Order.NEWEST_FIRST
    fake.failing.clear()
    lines, _ = follower(fake, cursors=reopened(), commit="before", tail=0)
    async with lines:
        await quiet(100)
    fake.add("new")
    fake.write("new", *(f"line {number}" for number in range(500)))
    lines, _ = follower(
        fake, cursors=reopened(), tail=0, buffer=Buffer(50), habits=Habits(40, fake.order)
    )
    async with asyncio.timeout(10), lines:
        assert 500 == (await take(lines, 500)).total()
