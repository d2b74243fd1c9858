"""How fast a follower may make calls: as it is told, and so that the day's calls last the day."""

from __future__ import annotations

import math
from collections.abc import Callable

from attrs import define, field, frozen

BURST = 10
"""Calls that may be made at once after a rest: to begin, and to look at what moves."""


@frozen
class Left:
    """What is left of a budget of calls."""

    calls: int
    seconds: float
    """Until there are more."""


def _unbounded() -> Left | None:
    return None


@define(kw_only=True)
class Allowance:
    """Tells when the next call may be made; pure, the time is handed in."""

    per_second: float = math.inf
    left: Callable[[], Left | None] = field(default=_unbounded, repr=False)
    """Asks what is left of the day's calls; `None`: they are not bounded."""
    _free_at: float = field(default=-math.inf, init=False, repr=False)

    @property
    def interval(self) -> float:
        """Seconds from one call to the next in the long run; 0 where nothing bounds them."""
        left = self.left()
        spread = left.seconds / max(1, left.calls) if left else 0.0
        return max(1 / self.per_second, spread)

    def spend(self, now: float) -> None:
        """Note a call, of a poll or of anything else that a follower needs."""
        if interval := self.interval:
            self._free_at = max(self._free_at, now - BURST * interval) + interval

    def wait(self, now: float) -> float:
        """Seconds until the next poll may begin."""
        return max(0.0, self._free_at - now)
