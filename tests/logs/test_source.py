"""A service whose log is followed."""

from __future__ import annotations

import datetime as dt

import pytest

from tenx_async.api.entries import LogEntry
from tenx_async.logs.calendar import Calendar
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
    source.is_asked_of()
    source.confirm()
    assert [old] == source.reset("new")

    assert ("new", SourceState.CATCHING_UP) == (source.uid, source.state)
    assert [(DATE, 0)] == [(day.date, day.position) for day in source.days]


def test_a_day_that_began_again_by_itself_is_not_read_twice(source: Source) -> None:
    """Where the log was seen to begin anew since the uid was confirmed, it is the new one."""
    (day,) = source.days
    source.is_asked_of()
    day.restart([LogEntry("web-1", "a")], more=False)
    source.confirm()
    source.reset("new")
    assert day is source.days[0]

    source.is_asked_of()
    source.confirm()
    source.reset("newer")
    assert day is not source.days[0]
    assert (True, False) == (source.reads(source.days[0]), source.reads(day))


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
