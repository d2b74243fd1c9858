"""How fast calls may follow each other: unlimited until a refusal teaches a rate."""

from __future__ import annotations

import math
from collections import deque

from attrs import define, field

_SAFETY = 0.9
_CATCHING_UP = 0.97
_RECOVERY = 1.0005
_SEARCH = 1.05
_SECOND = 1.0
_SLOWEST = 0.5
_LARGEST_DEBT = 20.0


@define(kw_only=True)
class Pace:
    """A rate of calls that is learnt from refusals and recovers with success; pure.

    The first refusal comes after a burst, which says little of the rate that can be kept up: from
    there the rate is searched for in quick steps. A refusal of paced calls shows it: the rate goes
    to 0.9 of what was accepted in the last second and recovers slowly. What a pause held back is
    caught up at 0.97 of it.
    """

    ceiling: float = math.inf
    """Calls a second that are never exceeded."""
    _rate: float = field(init=False)
    _seen: float = field(default=0.0, init=False, repr=False)
    """Calls a second that were accepted when paced calls were last refused."""
    _due: float = field(default=-math.inf, init=False, repr=False)
    _earliest: float = field(default=-math.inf, init=False, repr=False)
    _accepted: deque[float] = field(factory=deque, init=False, repr=False)
    _cut_at: float = field(default=-math.inf, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._rate = self.ceiling

    @property
    def rate(self) -> float:
        """Calls a second; infinity while nothing was learnt."""
        return self._rate

    def delay(self, now: float) -> float:
        """Seconds until the next call may go."""
        return max(0.0, self._due - now, self._earliest - now)

    def take(self, now: float) -> None:
        """Note that a call goes now."""
        if self._rate < math.inf:
            fastest = min(self.ceiling, max(self._rate, _CATCHING_UP * self._seen))
            self._due = max(self._due, now - _LARGEST_DEBT) + 1 / self._rate
            self._earliest = max(self._earliest, now) + 1 / fastest

    def accepted(self, now: float) -> None:
        """Note that the server did what it was asked."""
        self._accepted.append(now)
        self._forget(now)
        if self._rate < self.ceiling:
            self._rate = min(self.ceiling, self._rate * (_RECOVERY if self._seen else _SEARCH))

    def refused(self, now: float) -> None:
        """Note that the server found the calls too fast; refusals that come together count once."""
        if now - self._cut_at < _SECOND:
            return
        self._forget(now)
        self._cut_at = now
        accepted = len(self._accepted) / _SECOND
        if self._rate < self.ceiling:
            self._seen = min(accepted, self._rate)
        self._rate = min(self._rate, max(_SLOWEST, _SAFETY * accepted))
        self._due = self._earliest = now + 1 / self._rate

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] <= now - _SECOND:
            self._accepted.popleft()
