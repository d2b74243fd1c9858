"""A service whose log is followed."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import difference
from tenx_async.logs.calendar import Calendar
from tenx_async.logs.day import Day
from tenx_async.logs.digests import digests_of
from tenx_async.logs.order import Habits
from tenx_async.logs.source import Source, SourceState
from tests.clock import NOON

DATE = NOON.date()
NEXT = DATE + dt.timedelta(days=1)
MIDNIGHT = dt.datetime.combine(NEXT, dt.time(), dt.UTC)
UTC = Calendar(zones=[dt.UTC])


@pytest.fixture
def source() -> Source:
    """A source that has begun."""
    source = Source("web", UTC, Habits(100))
    source.turn(NOON)
    return source


def test_a_source_begins_with_the_open_days() -> None:
    """A day is told when it is opened, and not again."""
    source = Source("web", UTC, Habits(100))
    assert not source.has_begun

    assert [DATE] == source.turn(NOON)
    assert [] == source.turn(NOON)
    assert source.has_begun
    assert [100] == [day.habits.size for day in source.days]


def test_a_day_is_kept_over_midnight(source: Source) -> None:
    """The old day is read on from where it was, the new one from its start."""
    (old,) = source.days
    old.memory.base = 7

    assert [NEXT] == source.turn(MIDNIGHT)
    assert [(DATE, 7), (NEXT, 0)] == [(day.date, day.position) for day in source.days]
    assert source.days[0] is old


def test_a_day_is_closed_once_it_is_over_and_read(source: Source) -> None:
    """After its grace a day is read to its end all the same, and not opened again."""
    (old,) = source.days
    source.turn(MIDNIGHT)
    assert not source.is_over(old)

    assert [] == source.turn(MIDNIGHT + dt.timedelta(minutes=10))
    assert [DATE, NEXT] == [day.date for day in source.days]
    assert source.is_over(old)
    source.seal(old)
    assert [NEXT] == [day.date for day in source.days]
    assert [] == source.turn(MIDNIGHT + dt.timedelta(minutes=11))


def test_an_instance_whose_log_is_closed_is_not_read_again(source: Source) -> None:
    """Though it is listed while others' logs are read yet; once all are closed, the day is."""
    (day,) = source.days
    source.split(day, ["web-a", "web-b"], [])
    first, second = source.days
    assert not source.seal(first)

    source.admit(DATE, ["web-a", "web-b", "web-c"])
    assert ["web-b", "web-c"] == [part.instance for part in source.days]
    assert not source.seal(second)
    assert source.seal(source.days[0])


def test_a_day_split_before_what_is_remembered_repeats_nothing() -> None:
    """What was read before the first line that is remembered is known all the same."""
    source = Source("web", UTC, Habits(100), remember=10)
    source.turn(NOON)
    (day,) = source.days
    texts, day.begun = [f"line {n}" for n in range(20)], True
    read(day, *texts)
    entries = [LogEntry("web-1", text) for text in texts[:10]]
    source.split(day, ["web-1"], entries)

    assert digests_of(entries) == source.days[0].memory.digests


def test_days_can_be_handed_in() -> None:
    """A source reads on where it is told to."""
    source = Source("web", UTC, Habits(100))
    source.begin([source.day(NEXT), source.day(DATE, tail=5)], MIDNIGHT)

    assert [DATE, NEXT] == [day.date for day in source.days]
    assert [5, None] == [day.tail for day in source.days]


def test_a_source_that_was_made_anew_begins_again(source: Source) -> None:
    """Its days are read from their beginning, whatever was read before."""
    (old,) = source.days
    old.memory.base = 7
    source.succeeded(NOON, 7, more=False)
    source.reset("new")
    assert ("new", SourceState.CATCHING_UP, True) == (source.uid, source.state, source.is_anew)
    assert [old] == source.begin_anew()

    assert not source.is_anew
    assert [(DATE, 0)] == [(day.date, day.position) for day in source.days]


def read(day: Day, *texts: str) -> None:
    """Let a day come to know of such a log: nothing of it that was not there before is gone."""
    entries = [LogEntry("web-1", text) for text in texts]
    digests = digests_of(entries)
    day.accept(0, entries, digests, difference(day.memory.digests, digests))


def listed(source: Source) -> None:
    """Let a listing tell that the service is the same."""
    source.is_asked_of()
    source.confirm()


def test_what_came_of_a_log_of_which_no_listing_told_may_be_of_a_new_one(source: Source) -> None:
    """It is not delivered again when the service turns out to be made anew; all else is."""
    (day,) = source.days
    read(day, "a", "a", "b")
    source.reset("new")
    source.begin_anew()

    assert Counter(digests_of([LogEntry("web-1", text) for text in "aab"])) == source.days[0].gone


def test_what_came_before_a_listing_told_is_of_the_old_log(source: Source) -> None:
    """Equal lines of a new log are lines of it."""
    (day,) = source.days
    read(day, "a", "b")
    listed(source)
    read(day, "a", "b", "c")
    source.reset("new")
    source.begin_anew()

    assert not source.days[0].gone


@pytest.mark.parametrize("left", [[], ["a"]])
def test_what_came_since_lines_were_missing_may_be_of_a_new_log(
    source: Source, left: list[str]
) -> None:
    """That some of the old lines are there, or seem to be, does not show that it is the old log."""
    (day,) = source.days
    read(day, "a", "b")
    listed(source)
    read(day, *left, "c")
    read(day, *left, "c", "d")
    source.reset("new")
    source.begin_anew()

    assert Counter(digests_of([LogEntry("web-1", text) for text in "cd"])) == source.days[0].gone


def test_a_listing_tells_nothing_of_what_came_while_it_was_under_way(source: Source) -> None:
    """It may have been answered before."""
    (day,) = source.days
    read(day, "a", "b")
    listed(source)
    source.is_asked_of()
    read(day, "c")
    source.confirm()
    source.reset("new")
    source.begin_anew()

    assert Counter(digests_of([LogEntry("web-1", "c")])) == source.days[0].gone


def test_a_listing_tells_nothing_of_a_log_that_was_empty(source: Source) -> None:
    """What comes while it is under way may be of a new log."""
    (day,) = source.days
    source.is_asked_of()
    read(day, "a")
    source.confirm()

    assert day.proof.unproven


def test_a_listing_says_nothing_of_a_log_that_is_about_to_be_read_anew(source: Source) -> None:
    """It tells that the service is the new one; that is not the one whose log was read."""
    (day,) = source.days
    read(day, "a")
    source.reset("new")
    listed(source)
    source.begin_anew()

    assert source.days[0].gone


def test_no_more_is_kept_of_what_may_be_of_a_new_log_than_is_remembered() -> None:
    """However long no listing tells."""
    source = Source("web", UTC, Habits(100), remember=3)
    source.turn(NOON)
    (day,) = source.days
    read(day, "a", "b", "c", "d", "e")

    assert day.proof.unproven is not None
    assert digests_of([LogEntry("web-1", text) for text in "cde"]) == day.proof.unproven.made


def test_a_source_is_live_when_all_is_read(source: Source) -> None:
    """While more is certainly waiting it is catching up."""
    states = []
    for more in (True, False, True):
        source.succeeded(NOON, 1, more=more)
        states.append(source.state)

    assert [SourceState.CATCHING_UP, SourceState.LIVE, SourceState.CATCHING_UP] == states


def test_failures_are_counted_until_a_page_comes(source: Source) -> None:
    """A source that fails says so, and tells afterwards how often it had."""
    assert [1, 2] == [source.failed(), source.failed()]
    assert SourceState.FAILING is source.state

    assert 2 == source.succeeded(NOON, 0, more=False)
    assert (0, SourceState.LIVE) == (source.failures, source.state)
    assert 0 == source.succeeded(NOON, 0, more=False)


def test_a_source_that_leaves_stays_leaving(source: Source) -> None:
    """Neither pages nor failures bring a service back that is gone."""
    source.state = SourceState.LEAVING
    source.succeeded(NOON, 1, more=True)
    source.failed()

    assert SourceState.LEAVING is source.state


def test_the_last_line_and_the_last_page_are_two_things(source: Source) -> None:
    """A silent source is not one that fails."""
    later = NOON + dt.timedelta(minutes=1)
    source.succeeded(NOON, 1, more=False)
    source.succeeded(later, 0, more=False)

    assert (later, NOON) == (source.last_success, source.last_line)
