"""Which days of a log are open."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tenx_async.logs.calendar import Calendar

UTC = Calendar(zones=[dt.UTC])
BOTH = Calendar()


def at(text: str) -> dt.datetime:
    """An instant of UTC at the end of 2015."""
    return dt.datetime.fromisoformat(f"2015-12-{text}Z")


def days(*numbers: int) -> list[dt.date]:
    """Days of December 2015."""
    return [dt.date(2015, 12, number) for number in numbers]


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("29 12:00:00", [29]),
        ("29 23:57:59", [29]),
        ("29 23:58:00", [29, 30]),
        ("29 23:59:59", [29, 30]),
        ("30 00:00:00", [29, 30]),
        ("30 00:09:59", [29, 30]),
        ("30 00:10:00", [30]),
    ],
)
def test_neighbouring_days_are_open_around_midnight(instant: str, expected: list[int]) -> None:
    """A day opens two minutes early and stays open for ten minutes."""
    assert days(*expected) == UTC.open_days(at(instant))


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("29 12:00:00", [29]),
        ("29 15:57:59", [29]),
        ("29 15:58:00", [29, 30]),
        ("29 20:00:00", [29, 30]),
        ("30 00:09:59", [29, 30]),
        ("30 00:10:00", [30]),
    ],
)
def test_every_likely_zone_has_its_days(instant: str, expected: list[int]) -> None:
    """Where nobody knows the server's zone, days of UTC and of China are open."""
    assert days(*expected) == BOTH.open_days(at(instant))


def test_the_zone_of_now_does_not_matter() -> None:
    """The same instant opens the same days, however it is written."""
    instant = at("29 15:58:00")

    assert BOTH.open_days(instant) == BOTH.open_days(instant.astimezone(ZoneInfo("Asia/Tokyo")))


def test_a_year_ends() -> None:
    """The day after the last of December is the first of January."""
    assert [dt.date(2015, 12, 31), dt.date(2016, 1, 1)] == UTC.open_days(at("31 23:59:00"))


def test_a_zone_may_change_its_clocks() -> None:
    """In a zone with summer time a day is open from its own midnight on."""
    calendar = Calendar(zones=[ZoneInfo("Europe/Berlin")])
    before = dt.datetime(2016, 3, 26, 22, 57, tzinfo=dt.UTC)

    assert [dt.date(2016, 3, 26)] == calendar.open_days(before)
    both = [dt.date(2016, 3, 26), dt.date(2016, 3, 27)]
    assert both == calendar.open_days(before + dt.timedelta(minutes=1))
    assert [dt.date(2016, 3, 27)] == calendar.open_days(before + dt.timedelta(hours=23))
    both = [dt.date(2016, 3, 27), dt.date(2016, 3, 28)]
    assert both == calendar.open_days(before + dt.timedelta(hours=23, minutes=1))


@given(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001  # given a zone here
def test_today_is_always_open(now: dt.datetime) -> None:
    """The days are sorted and each there once; today's is among them in every zone."""
    found = BOTH.open_days(now)

    assert sorted(set(found)) == found
    assert {now.astimezone(zone).date() for zone in BOTH.zones} <= set(found)
    assert 3 >= len(found)


@pytest.mark.parametrize(
    ("since", "until", "first", "still_open", "over"),
    [
        (None, None, [29], [29], False),
        (26, None, [26, 27, 28, 29], [29], False),
        (26, 27, [26, 27], [], True),
        (None, 27, [27], [], True),
        (29, 29, [29], [29], False),
        (None, 31, [29], [29], False),
        (30, None, [], [], False),
    ],
)
def test_only_wanted_days_are_read(
    since: int | None, until: int | None, first: list[int], still_open: list[int], over: bool
) -> None:
    """The first and the last day bound what is open, and what is read at first."""
    bounds: dict[str, Any] = {
        name: dt.date(2015, 12, day)
        for name, day in (("since", since), ("until", until))
        if day is not None
    }
    calendar, noon = Calendar(zones=[dt.UTC], **bounds), at("29 12:00:00")

    assert days(*first) == calendar.first_days(noon)
    assert days(*still_open) == calendar.open_days(noon)
    assert over == calendar.is_over(noon)


@pytest.mark.parametrize(
    ("since", "until", "noted", "expected"),
    [
        (None, None, 29, [29]),
        (None, None, 27, [27, 28, 29]),
        (None, None, 30, [29]),  # by a clock that was fast
        (28, None, 26, [26, 27, 28, 29]),  # which an earlier following wanted
        (26, None, 28, [26, 27, 28, 29]),
        (None, 28, 27, [27, 28]),
        (None, 27, 29, [27]),
    ],
)
def test_who_came_since_a_day_is_read_from_then_on(
    since: int | None, until: int | None, noted: int, expected: list[int]
) -> None:
    """What comes after the last wanted day is left out, and nothing that is read at first is."""
    calendar = Calendar(
        zones=[dt.UTC],
        since=dt.date(2015, 12, since) if since else None,
        until=dt.date(2015, 12, until) if until else None,
    )

    assert days(*expected) == calendar.days_since(dt.date(2015, 12, noted), at("29 12:00:00"))


@given(
    st.lists(st.integers(0, 11 * 365 * 24 * 3600), min_size=1),
    st.sampled_from(["UTC", "Asia/Shanghai", "Asia/Beirut", "America/Sao_Paulo", "Pacific/Apia"]),
    st.lists(st.timedeltas(dt.timedelta(0), dt.timedelta(hours=30)), max_size=20),
)
def test_what_is_open_is_worked_out_anew_whenever_it_changes(
    starts: list[int], zone: str, steps: list[dt.timedelta]
) -> None:
    """Time may pass by a little or a lot, or be set back, across any change of the clocks."""
    calendar = Calendar(zones=[dt.UTC, ZoneInfo(zone)])
    for start in starts:
        now = dt.datetime(2015, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=start)
        for step in (dt.timedelta(0), *steps):
            now += step
            assert frozenset(calendar.open_days(now)) == calendar.open_at(now)


def test_the_open_days_stay_the_same_object_until_they_change() -> None:
    """Who keeps them sees by identity that nothing is to be done."""
    before = UTC.open_at(at("29 12:00:00"))
    assert UTC.open_at(at("29 23:57:59")) is before
    assert UTC.open_at(at("29 23:58:00")) is not before
