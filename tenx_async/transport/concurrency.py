"""How many calls may be under way at once: found out by trying, halved when it hurts."""

from __future__ import annotations

import math
import statistics

from attrs import define, field

_SHORTEST_WINDOW = 10
_CUT_PAUSE = 0.1
_BASELINE_DRIFT = 1.05


@define(kw_only=True)
class ConcurrencyLimit:
    """An adaptive limit: one more after a good window, half after a refusal; pure."""

    start: float = 8.0
    least: float = 1.0
    most: float = 64.0
    _limit: float = field(init=False)
    _latencies: list[float] = field(factory=list, init=False, repr=False)
    _peak: int = field(default=0, init=False, repr=False)
    _baseline: float = field(default=math.inf, init=False, repr=False)
    _smoothed: float = field(default=0.0, init=False, repr=False)
    _cut_at: float = field(default=-math.inf, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._limit = self.start

    @property
    def limit(self) -> int:
        """Calls that may be under way."""
        return int(self._limit)

    def answered(self, latency: float, in_flight: int) -> None:
        """Note an answer after `latency` seconds, while `in_flight` calls were under way."""
        self._smoothed += (latency - self._smoothed) / 8
        self._latencies.append(latency)
        self._peak = max(self._peak, in_flight)
        if len(self._latencies) >= max(_SHORTEST_WINDOW, self._limit):
            self._close_window()

    def overloaded(self, now: float) -> None:
        """Note a sign of too much load; those that come together count once."""
        if now - self._cut_at >= max(_CUT_PAUSE, self._smoothed):
            self._cut_at = now
            self._set(self._limit * 0.5)

    def _close_window(self) -> None:
        median = statistics.median(self._latencies)
        self._baseline = min(median, self._baseline * _BASELINE_DRIFT)
        if median > 3 * self._baseline:
            self._set(self._limit * 0.9)
        elif median <= 2 * self._baseline and self._peak * 2 >= self._limit:
            self._set(self._limit + 1)
        self._latencies, self._peak = [], 0

    def _set(self, limit: float) -> None:
        self._limit = min(self.most, max(self.least, limit))
