"""How a run goes about its work: how many services at once, in which waves, when it gives up."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from attrs import Attribute, field, frozen

from tenx_async.errors import ConfigurationError

Share = int | str
"""A number of services, or a part of all: `"10%"`."""

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%", re.ASCII)


def count_of(share: Share, total: int) -> int:
    """Tell how many of so many a share is; a percentage is rounded down, to one at the least."""
    return share if isinstance(share, int) else max(1, most_of(share, total))


def most_of(share: Share, total: int) -> int:
    """Tell how many of so many are not more than a share."""
    return share if isinstance(share, int) else math.floor(total * _percent(share) / 100)


def _percent(share: str) -> Fraction:
    found = _PERCENT.fullmatch(share.strip())
    percent = Fraction(found[1]) if found else Fraction(-1)
    if not 0 <= percent <= 100:
        raise ConfigurationError(f"{share!r} is neither a number of services nor a part like '10%'")
    return percent


def _share(_: object, attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, str):
        _percent(value)
    elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{attribute.name}: {value!r} is no number of services from 1 up")


def _count(_: object, attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, str):
        raise ConfigurationError(f"{attribute.name}: {value!r} is no number from 1 up")
    _share(_, attribute, value)


def _shares(_: object, attribute: Attribute[Any], value: Sequence[Any]) -> None:
    for share in value:
        _share(_, attribute, share)


def _as_tuple(shares: Sequence[Share]) -> tuple[Share, ...]:
    return tuple(shares)


def _tolerance(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and value != 0:
        _share(_, attribute, value)


def _seconds(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not 0 <= value < math.inf:
        raise ConfigurationError(f"{attribute.name}: {value!r} is no number of seconds from 0 up")


def _pause(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not 0 < value < math.inf:
        raise ConfigurationError(f"{attribute.name}: {value!r} is no number of seconds above 0")


@frozen(kw_only=True)
class Terms:
    """How a run goes about its work.

    Raises:
        ConfigurationError: a number that makes no sense.
    """

    max_unavailable: Share = field(default="10%", validator=_share)
    """Services that may be away from work at once, those that do not come back included."""
    waves: Sequence[Share] = field(default=(1, "5%", "25%"), converter=_as_tuple, validator=_shares)
    """How many services the first waves have; the last one has the rest. The next wave begins when
    all of the one before run and have run for `stable` seconds."""
    stable: float = field(default=10.0, validator=_seconds)
    """Seconds for which a service has to run before it counts as back."""
    tick: float = field(default=2.0, validator=_pause)
    """Seconds between two looks at the fleet: one list call each."""
    timeout: float = field(default=300.0, validator=_pause)
    """Seconds after which a service that does not come back, or to its goal, has failed."""
    stall: float = field(default=900.0, validator=_pause)
    """Seconds without any progress after which the run stops."""
    max_failures: Share | None = field(default=None, validator=_tolerance)
    """More failures than so many stop the run, those of unknown outcome included. `None`: the first
    one of the first wave, later more than 20, or than 5 % once 20 have ended."""
    at_once: int = field(default=16, validator=_count)
    """Writes under way at once; the account's gate may allow fewer."""
    deadline: float = field(default=60.0, validator=_pause)
    """Seconds that one write may take, looks after a lost answer included."""
