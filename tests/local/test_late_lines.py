from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, strategies as st

from tenx_async.local import LocalCloud, LoggedLine, Quirks
from tenx_async.local.daylog import readable_at
from tenx_async.local.lines import SHARDS, Lines

from .conftest import Caller, Noon

DAY = dt.date(2015, 12, 29)


@pytest.fixture
async def cloud(noon: Noon) -> AsyncIterator[LocalCloud]:
    async with LocalCloud(clock=noon) as cloud:
        cloud.add_service("web")
        yield cloud


async def seen(call: Caller, path: str = "web/logs") -> str:
    """The day as it can be read now, every line one letter."""
    entries = (await call.service("GET", f"{path}?date=2015.12.29&size=1000")).json
    return "".join(entry if isinstance(entry, str) else entry["log"] for entry in entries)


def truth(cloud: LocalCloud) -> str:
    return "".join(line.log for line in cloud.log("web"))


async def test_a_node_hands_its_lines_in_together(
    cloud: LocalCloud, call: Caller, noon: Noon
) -> None:
    """Lines of a second instance come late, and stand where they were written."""
    cloud.quirks = Quirks(flush_every=10)
    lines = "abcdefghij"
    views = []
    for second, line in enumerate(lines):
        cloud.append("web", line, instance=("here", "there")[second % 2])
        noon.advance(seconds=1)
        views.append(await seen(call))
    for _ in range(10):
        noon.advance(seconds=1)
        views.append(await seen(call))

    assert lines == await seen(call) == truth(cloud)
    odd, even = lines[1::2], lines[::2]
    for view in views:
        assert "".join(sorted(view)) == view
        assert odd.startswith("".join(c for c in view if c in odd))
        assert even.startswith("".join(c for c in view if c in even))
    assert any(not lines.startswith(view) for view in views), "something came late"


async def test_what_waits_is_true_already(cloud: LocalCloud, call: Caller) -> None:
    """The truth tells of lines that nobody can read yet; a flush shows them."""
    cloud.quirks = Quirks(flush_every=30)
    cloud.append("web", *"ab")
    assert ("", "ab") == (await seen(call), truth(cloud))

    cloud.flush("web")

    assert "ab" == await seen(call)


async def test_an_index_refreshes_shard_by_shard(
    cloud: LocalCloud, call: Caller, noon: Noon
) -> None:
    """Within a second of refreshes each line appears once, not always the older one first."""
    cloud.quirks = Quirks(refresh_every=1)
    cloud.append("web", *"abcdefghij", instance="web-1")
    views = [await seen(call)]
    for _ in range(10):
        noon.advance(milliseconds=100)
        views.append(await seen(call))

    assert ("", "abcdefghij") == (views[0], views[-1])
    assert [0, 2, 4, 6, 8, 10] == sorted({len(view) for view in views})
    assert all("".join(sorted(view)) == view for view in views)
    assert views[-1] == await seen(call, "web/instances/web-1/logs")


async def test_a_delay_that_is_switched_off_lets_the_old_lines_come_late(
    cloud: LocalCloud, call: Caller, noon: Noon
) -> None:
    """What waits goes on waiting; what is new overtakes it."""
    cloud.quirks = Quirks(flush_every=20)
    cloud.append("web", *"ab")
    cloud.quirks = Quirks()
    noon.advance(milliseconds=5)
    cloud.append("web", *"cd")
    assert "cd" == await seen(call)

    noon.advance(seconds=20)

    assert "abcd" == await seen(call)


@pytest.mark.parametrize(
    ("position", "expected"), [(0, "XYabcde"), (2, "abXYcde"), (4, "abcdXYe"), (5, "abcdeXY")]
)
async def test_lines_are_inserted_before_a_position(
    cloud: LocalCloud, call: Caller, position: int, expected: str
) -> None:
    """Late lines stand where they are told to, for all who read."""
    cloud.append("web", *"abcde", instance="web-1")
    cloud.insert("web", *"XY", position=position, instance="web-1")

    assert expected == await seen(call) == truth(cloud)
    assert expected == await seen(call, "web/instances/web-1/logs")


async def test_lines_are_inserted_by_their_time(
    cloud: LocalCloud, call: Caller, noon: Noon
) -> None:
    """A time in the past is a place in the log, and a day."""
    before = noon.now
    cloud.append("web", *"ab")
    noon.advance(seconds=2)
    cloud.append("web", *"cd")
    cloud.insert("web", *"XY", at=before + dt.timedelta(seconds=1))
    cloud.insert("web", "yesterday", at=before - dt.timedelta(days=1))

    assert "abXYcd" == await seen(call)
    assert ["yesterday"] == [line.log for line in cloud.log("web", DAY - dt.timedelta(days=1))]


async def test_a_day_without_lines_takes_late_ones(cloud: LocalCloud, call: Caller) -> None:
    """Also where lines are that nobody can read yet, and where all were taken away."""
    cloud.lose_shard("web", date=DAY)
    cloud.insert("web", "a", position=3, date=DAY)
    assert "" == await seen(call)
    assert "a" == await seen(call)
    cloud.wipe("web", lines=slice(9))
    cloud.quirks = Quirks(flush_every=60)
    cloud.append("web", "c")

    cloud.insert("web", "b", position=3)

    assert "b" == await seen(call)
    assert "bc" == "".join(sorted(truth(cloud)))


async def test_a_wiped_day_is_missing(cloud: LocalCloud, call: Caller) -> None:
    """A log may be taken away, as a whole or in part; what comes then begins anew."""
    cloud.append("web", *"abcde")
    cloud.wipe("web", lines=slice(2))
    assert "cde" == await seen(call) == truth(cloud)

    cloud.wipe("web", DAY)
    cloud.quirks = Quirks(missing_day="404")
    assert 404 == (await call.service("GET", "web/logs?date=2015.12.29")).status
    cloud.append("web", "f")

    assert "f" == await seen(call)


async def test_a_lost_shard_is_back_at_the_next_reply(cloud: LocalCloud, call: Caller) -> None:
    """A reply may lack lines, once, with a 200."""
    cloud.append("web", *"abcdefgh")
    cloud.lose_shard("web", replies=2)

    assert ["abdefg", "abdefg", "abcdefgh"] == [await seen(call) for _ in range(3)]


async def test_partial_replies_take_turns(cloud: LocalCloud, call: Caller) -> None:
    """Another shard is lost each time."""
    cloud.append("web", *"abcde")
    cloud.quirks = Quirks(partial_every=1)

    views = [await seen(call) for _ in range(SHARDS)]

    assert Counter("abcde" * 4) == Counter("".join(views))
    assert SHARDS == len(set(views))


@given(
    written=st.floats(0, 2e9),
    flush=st.sampled_from([0, 0.5, 5, 30]),
    refresh=st.sampled_from([0, 1.0]),
    number=st.integers(0, 1000),
)
def test_no_line_waits_longer_than_the_quirks_say(
    written: float, flush: float, refresh: float, number: int
) -> None:
    """A line is read after at most one flush and one refresh, and never before it was written."""
    quirks = Quirks(flush_every=flush, refresh_every=refresh)

    delay = readable_at(written, "web-1", number, quirks) - written

    assert -1e-6 <= delay <= flush + refresh + 1e-6


@given(st.lists(st.integers(0, 9), max_size=40), st.data())
def test_a_replica_has_the_same_lines_of_each_moment(times: list[int], data: st.DataObject) -> None:
    """The other replica swaps lines of one moment only, and each stays one place from its own."""
    lines = Lines()
    for number, time in enumerate(times):
        lines.add(time, [str(number).encode()], number)
    start = data.draw(st.integers(0, 40))
    size = data.draw(st.integers(0, 40))

    ours, theirs = lines.page(0, 40), lines.page(0, 40, swapped=True)

    assert Counter(ours) == Counter(theirs)
    assert all(abs(place - theirs.index(entry)) <= 1 for place, entry in enumerate(ours))
    assert theirs[start : start + size] == lines.page(start, size, swapped=True)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=30))
def test_lines_are_kept_in_the_order_of_their_time(batches: list[tuple[int, int]]) -> None:
    """Whenever they come: by time, and those of a moment by their coming."""
    lines = Lines()
    expected: list[tuple[int, int]] = []
    for time, count in batches:
        first = len(expected)
        expected += [(time, first + step) for step in range(count)]
        lines.add(time, [b"x"] * count, first)

    assert sorted(expected) == [(time, number) for time, number, _ in lines]


def test_a_line_is_by_somebody(noon: Noon) -> None:
    """A line that is inserted has a writer, as any other."""
    cloud = LocalCloud(clock=noon)
    cloud.add_service("web", status="Stopped")
    cloud.insert("web", "line", at=noon.now)

    assert [LoggedLine("web", "line")] == cloud.log("web")
