"""How fast a follower may make calls: as it is told, and so that the day's calls last the day."""

from __future__ import annotations

import math
from collections.abc import Callable

from attrs import define, field, frozen

BURST = 10
"""Calls that may be made at once after a rest: to begin, and to look at what moves."""


LONGEST_PAUSE = 30.0
"""Seconds for which no poll begins, at most, if the server does not say how long to wait."""


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
    _held_until: float = field(default=-math.inf, init=False, repr=False)
    _refusals: int = field(default=0, init=False, repr=False)
    """How often in a row the server asked for fewer calls; those that come together count once."""

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
        return max(0.0, self._free_at - now, self.held_back(now))

    def held_back(self, now: float) -> float:
        """Seconds for which the server wants no call of anybody."""
        return max(0.0, self._held_until - now)

    def hold_back(self, now: float, asked: float | None = None) -> None:
        """Note that the server asks for fewer calls, perhaps for so many seconds."""
        if asked is None and self.held_back(now):
            return
        self._refusals += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self._refusals - 1)) if asked is None else asked
        self._held_until = max(self._held_until, now + pause)

    def let_go(self) -> None:
        """Note that the server answered."""
        self._refusals = 0
