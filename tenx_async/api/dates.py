"""The API's two notations of time: a log's day (`2015.12.29`) and ISO 8601 instants."""

from __future__ import annotations

import datetime as dt


def format_day(day: dt.date) -> str:
    """Write a day as the log endpoint wants it."""
    return f"{day.year:04}.{day.month:02}.{day.day:02}"


def parse_day(text: str) -> dt.date:
    """Read a day as the log endpoint takes it; ISO notation is accepted too.

    Raises:
        ValueError: neither `YYYY.MM.DD` nor `YYYY-MM-DD`.
    """
    day = dt.date.fromisoformat(text.replace(".", "-"))
    if text not in {format_day(day), day.isoformat()}:
        raise ValueError(f"{text!r} is not a day such as 2015.12.29")
    return day


def parse_instant(text: str) -> dt.datetime:
    """Read an ISO 8601 time with `Z` or an offset; without either it means UTC.

    Raises:
        ValueError: not a time.
    """
    instant = dt.datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def format_instant(instant: dt.datetime) -> str:
    """Write an instant as the API shows it, in UTC with `Z` and without empty fractions."""
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
