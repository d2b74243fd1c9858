"""What a following can be told: settings that make no sense are refused before it begins."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TypeGuard

from tenx_async.errors import ConfigurationError


def check_counts(least: int, **settings: object) -> None:
    """Refuse what is no whole number from `least` up."""
    for name, value in settings.items():
        if not _is_count(value, least):
            raise ConfigurationError(f"{name}: {value!r} is no whole number from {least} up")


def check_tail(tail: object) -> None:
    """Refuse what is neither a number of lines nor `None`."""
    if tail is not None and not _is_count(tail, 0):
        raise ConfigurationError(f"tail: {tail!r} is neither a whole number from 0 up nor None")


def check_seconds(**settings: object) -> None:
    """Refuse what is no time to wait."""
    for name, value in settings.items():
        if not (_is_number(value) and value >= 0):
            raise ConfigurationError(f"{name}: {value!r} is no number of seconds from 0 up")


def check_pace(
    *, interval: object, discover_every: object, calls_per_second: object | None
) -> None:
    """Refuse what does not say how often to poll, to list services and to call."""
    _check_interval(interval)
    if not _is_positive(discover_every):
        raise ConfigurationError(f"discover_every: {discover_every!r} is no number above 0")
    if calls_per_second is not None and not _is_positive(calls_per_second):
        raise ConfigurationError(
            f"calls_per_second: {calls_per_second!r} is neither a number above 0 nor None"
        )


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse what is none of the choices."""
    if value not in choices:
        raise ConfigurationError(f"{name}: {value!r} is none of {', '.join(map(repr, choices))}")


def check_days(since: dt.date | None, until: dt.date | None, timezone: object) -> None:
    """Refuse what are no days, or in the wrong order, or no zone for them to begin in."""
    for name, day in (("since", since), ("until", until)):
        if day is not None and type(day) is not dt.date:
            raise ConfigurationError(
                f"{name}: {day!r} is no datetime.date, and log entries have no time"
            )
    if since and until and since > until:
        raise ConfigurationError(f"since: {since} is after until: {until}")
    if timezone is not None and not isinstance(timezone, dt.tzinfo):
        raise ConfigurationError(f"timezone: {timezone!r} is neither a datetime.tzinfo nor None")


def _check_interval(interval: object) -> None:
    match interval:
        case (shortest, longest) if _is_number(shortest) and _is_positive(longest):
            if 0 <= shortest <= longest:
                return
    raise ConfigurationError(
        f"interval: {interval!r} is not (shortest, longest): seconds, the shortest from 0 up, "
        "the longest above 0 and no less than the shortest"
    )


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and value >= least


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_positive(value: object) -> TypeGuard[float]:
    return _is_number(value) and value > 0
