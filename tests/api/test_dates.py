"""Days and instants."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, strategies as st

from tenx_async.api.dates import format_day, format_instant, parse_day, parse_instant

DAYS = st.dates(min_value=dt.date(1000, 1, 1))


@given(DAYS)
def test_a_day_is_read_as_it_is_written(day: dt.date) -> None:
    """The API's notation and ISO's stand for the same day."""
    assert day == parse_day(format_day(day)) == parse_day(day.isoformat())


def test_a_day_is_written_as_documented() -> None:
    """A day has dots and leading zeros."""
    assert "2016.01.02" == format_day(dt.date(2016, 1, 2))


@pytest.mark.parametrize(
    "text", ["", "2015.13.01", "2015.02.29", "15.12.29", "20151229", "2015-W53-2", "2015.12-29"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    """Only the two notations are taken."""
    with pytest.raises(ValueError):
        parse_day(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2015-11-27T08:51:08Z", "2015-11-27T08:51:08Z"),
        ("2015-11-27T16:51:08+08:00", "2015-11-27T08:51:08Z"),
        ("2015-11-27T16:51:08+0800", "2015-11-27T08:51:08Z"),
        ("2015-11-27T08:51:08", "2015-11-27T08:51:08Z"),
        ("2015-11-27 08:51:08", "2015-11-27T08:51:08Z"),
        ("2015-11-27T08:51:08.000Z", "2015-11-27T08:51:08Z"),
        ("2015-11-27T08:51:08.25Z", "2015-11-27T08:51:08.250000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_an_instant_is_read_and_written(text: str, shown: str) -> None:
    """Instants carry their zone; without one they mean UTC, and UTC is what is written."""
    instant = parse_instant(text)

    assert instant.tzinfo is not None
    assert shown == format_instant(instant)
    assert instant == parse_instant(shown)


@pytest.mark.parametrize("text", ["", "yesterday", "1448614268", "2015-11-27T25:00:00Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """What is no ISO 8601 time raises a ValueError."""
    with pytest.raises(ValueError):
        parse_instant(text)


@given(st.datetimes(min_value=dt.datetime(2, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001  # given a zone here
def test_an_instant_is_read_as_it_is_written(instant: dt.datetime) -> None:
    """No microsecond is lost."""
    assert instant == parse_instant(format_instant(instant))
