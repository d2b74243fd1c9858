"""How far a log is read that is not followed: to where it ended, though it goes on growing."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from attrs import define, field

from tenx_async.logs.day import Day, Reading
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.digests import digests_of
from tenx_async.logs.order import BeyondWindow, EndSearch

ENDS_SEEN = 3
"""A log is read out that was read to its end so often, though every poll brought lines."""
PATIENCE = 512
"""After so many polls it is looked where the log ends: it may outgrow its reader."""
_BEYOND = 32
"""So many pages more are read at most, where what was there at first moves away."""
_LAST = 64


@define
class Extent:
    """Tells when all of a day is read that was there at first."""

    is_reached: bool = field(default=False, init=False)
    _polls: int = field(default=0, init=False)
    _ends: int = field(default=0, init=False)
    """Polls after which nothing was waiting."""
    _last: int = field(default=0, init=False)
    """How many entries the last poll read."""
    _is_doubted: bool = field(default=False, init=False)
    """Whether all seems to be read, though every poll brought lines: replies may be cut now."""
    _end: int | None = field(default=None, init=False)
    """Where the log ended when it was looked for."""
    _awaited: Counter[int] = field(factory=Counter, init=False, repr=False)
    """Digests of the lines that were the last ones then: others may have come before them."""

    @property
    def is_sought(self) -> bool:
        """Whether it is worth the calls to find out where the log ends."""
        return (self._is_doubted or self._polls == PATIENCE) and not self.is_reached

    def note(self, day: Day, delivery: Delivery) -> None:
        """Note what a poll brought."""
        self._polls += 1
        self._ends += not delivery.more
        self._last = len(delivery.window)
        is_end = not delivery.more and (not delivery.lines or day.tail is not None)
        self.is_reached = is_end or self._is_past(day, delivery)
        self._is_doubted = not delivery.more and self._ends >= ENDS_SEEN

    def _is_past(self, day: Day, delivery: Delivery) -> bool:
        if self._end is None:
            return False
        for stretch in delivery.stretches:
            earlier = max(0, self._end - _LAST - stretch.position)
            self._awaited -= Counter(digests_of(stretch.entries[earlier:]))
        beyond = day.position - self._end
        return beyond >= 0 and (not self._awaited or beyond >= _BEYOND * day.habits.size)

    def find(self, day: Day) -> Reading[None]:
        """Find where the log ends now; past the server's log window there is nothing to find."""
        if self._is_doubted:
            self.is_reached = not (yield from self._is_cut(day))
            self._ends = 0
            return
        search = EndSearch(day.habits)
        search.low = day.position
        with suppress(BeyondWindow):
            while search.found is None:
                request = search.request()
                page = yield request
                search.feed(request, len(page))
            last = yield day.habits.request(max(0, search.found - _LAST), _LAST)
            self._end, self._awaited = search.found, Counter(digests_of(last))

    def _is_cut(self, day: Day) -> Reading[bool]:
        """Tell whether the last reply was cut short: it comes no longer, though there is more."""
        if day.order.counts_back:
            return False
        with suppress(BeyondWindow):
            behind = yield day.habits.request(day.position)
            again = yield day.habits.request(max(0, day.position - self._last))
            if behind and len(again) <= self._last:
                day.habits.note_cap(self._last)
                return True
        return False
