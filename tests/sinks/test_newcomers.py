"""Services that came to be since a sink was begun: they are read from their first line on."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenx_async.errors import ServerError
from tenx_async.logs.calendar import Calendar
from tenx_async.sinks.ship import Ship
from tenx_async.sinks.sink import Sink
from tests.clock import ManualClock
from tests.logs.cloud import FakeCloud
from tests.sinks.shipping import KINDS, FakeClient, Line, until

TWO = pytest.mark.parametrize(
    ("make", "read"), [KINDS[kind] for kind in ("a file for each day", "sqlite")]
)
Make = Callable[[Path], Sink]
Read = Callable[[Path], Counter[Line]]
A_DAY = dt.timedelta(days=1)


@pytest.fixture
def fake(clock: ManualClock) -> FakeCloud:
    cloud = FakeCloud(clock)
    cloud.add("web")
    cloud.write("web", "first")
    return cloud


def days(since: dt.date | None = None, until: dt.date | None = None) -> Calendar:
    return Calendar(zones=(dt.UTC,), since=since, until=until)


async def once(fake: FakeCloud, sink: Sink, *patterns: str, **options: Any) -> None:
    """Ship what is there."""
    await Ship(FakeClient(fake), sink, *patterns, follow=False, **options).run()


@pytest.mark.parametrize(("before", "after"), [(2, 0), (0, 2)])
@TWO
async def test_it_is_read_though_another_one_was_committed_later(  # noqa: PLR0917  # fixtures
    fake: FakeCloud,
    clock: ManualClock,
    tmp_path: Path,
    make: Make,
    read: Read,
    before: int,
    after: int,
) -> None:
    """While its own log could not be read, on its first day or days after."""
    await once(fake, make(tmp_path))
    fake.add("api")
    fake.write("api", "at first")
    clock.advance(before * 86_400)
    fake.write("web", "later")
    fake.failing["api"] = ServerError("down", status=500)
    async with Ship(FakeClient(fake), make(tmp_path)) as ship:
        await until(lambda: not ship.status.waiting and read(tmp_path)["web", "later"] > 0)
    clock.advance(after * 86_400)
    fake.failing.clear()
    await once(fake, make(tmp_path))

    assert fake.written == read(tmp_path)


@pytest.mark.parametrize("patterns", [(), ("api*",)])
@TWO
async def test_it_is_read_though_all_that_was_known_is_gone(  # noqa: PLR0917  # fixtures
    fake: FakeCloud,
    clock: ManualClock,
    tmp_path: Path,
    make: Make,
    read: Read,
    patterns: tuple[str, ...],
) -> None:
    """Or is not asked for any more."""
    await once(fake, make(tmp_path))
    if not patterns:
        fake.remove("web")
    fake.add("api")
    fake.write("api", "at first")
    clock.advance(86_400)
    fake.write("api", "later")
    await once(fake, make(tmp_path), *patterns)

    assert fake.written == read(tmp_path)


@pytest.mark.parametrize("passed", [0, 3])
@TWO
async def test_it_is_read_from_the_first_day_that_is_asked_for(  # noqa: PLR0917  # fixtures
    fake: FakeCloud, clock: ManualClock, tmp_path: Path, make: Make, read: Read, passed: int
) -> None:
    """Also where others were read later, and where no wanted day is open any more."""
    day = fake.today
    await once(fake, make(tmp_path), "web", calendar=days(day))
    fake.add("api")
    fake.write("api", "at first")
    clock.advance(passed * 86_400)
    await once(fake, make(tmp_path), "web", calendar=days(day))
    await once(fake, make(tmp_path), calendar=days(day, day + A_DAY))

    assert fake.written == read(tmp_path)


@pytest.mark.parametrize("tail", [0, 5])
@TWO
async def test_it_is_read_though_there_was_nothing_at_first(
    clock: ManualClock, tmp_path: Path, make: Make, read: Read, tail: int
) -> None:
    """Nothing to commit is not the same as nothing known."""
    fake = FakeCloud(clock)
    await once(fake, make(tmp_path), tail=tail)
    fake.add("web")
    fake.write("web", *map(str, range(30)))
    await once(fake, make(tmp_path), tail=tail)

    assert fake.written == read(tmp_path)


@TWO
async def test_it_is_read_though_services_could_not_be_listed_when_it_came(
    fake: FakeCloud, clock: ManualClock, tmp_path: Path, make: Make, read: Read
) -> None:
    """For more than a day, while the others were followed."""
    async with Ship(FakeClient(fake), make(tmp_path)) as ship:
        await until(lambda: ship.status.lines == 1)
        fake.listing_fails = ServerError("down", status=500)
        fake.add("api")
        fake.write("api", "at first")
        day = fake.today
        await until(lambda: fake.today > day + A_DAY)
        fake.listing_fails = None
        fake.write("api", "later")
        await until(lambda: not ship.status.waiting and read(tmp_path)["api", "later"] > 0)

    assert fake.written == read(tmp_path)
