"""What was read of a day's log before: the digests of its last entries, in the server's order."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

from attrs import define, field

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, meet
from tenx_async.logs.digests import Digests, Kept

_NEAR = 256
"""Among so many entries the last one has to be the only one of its text to stand for its place."""
_WIDTH = 8
_SLACK = 1.125
"""Memory is not trimmed before it holds so many times what is kept."""


@define
class Memory:
    """The digests of the last entries of a day, in the server's order."""

    limit: float
    """How many are kept, at least."""
    base: int = 0
    """How many entries of the day came before the first one that is remembered, if known."""
    whole: bool = True
    """Whether nothing came before the first one that is remembered."""
    _digests: Digests = field(factory=Digests, init=False, repr=False)
    _anchor: int | None = field(default=None, init=False, repr=False)
    _changed: int = field(default=0, init=False, repr=False)
    """The position from which on anything changed since the changes were last taken."""

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def digests(self) -> array[int]:
        """The digests of all that is remembered."""
        return self._digests.made

    @property
    def end(self) -> int:
        """How many entries of the day were read, as far as they were not removed since."""
        return self.base + len(self)

    def replace_from(self, index: int, digests: array[int]) -> None:
        """Put what is there now in the place of all that was remembered from an index on."""
        self._changed = min(self._changed, self.base + index)
        self._digests.replace_from(index, digests)
        self._anchor = None
        self.trim()

    def trim(self) -> None:
        """Forget the first ones, if there are well more than are kept."""
        if len(self) > self.limit * _SLACK:
            excess = len(self) - int(self.limit)
            del self.digests[:excess]
            self._forget(excess)

    def put(self, page: Sequence[LogEntry], kept: Kept | None = None) -> None:
        """Put a page behind what is remembered, while more is waiting behind it."""
        self._changed = min(self._changed, self.end)
        self._digests.put(page, kept)
        self._anchor = None
        if dropped := self._digests.drop_waiting(self.limit):
            self._forget(dropped)

    def _forget(self, count: int) -> None:
        self.base += count
        self.whole = False

    def move(self, by: int) -> None:
        """Note that entries came before all that is remembered; or went, the first remembered."""
        self.base += max(by, 0)
        del self.digests[: max(-by, 0)]
        self._anchor = None
        self._changed = 0

    def take_change(self) -> tuple[int, array[int]]:
        """Tell what has changed since this was last asked: all from a position on."""
        start = max(self._changed, self.base)
        self._changed = self.end
        return start, self.digests[start - self.base :]

    def tail(self, count: int) -> array[int]:
        """The last so many digests."""
        return self._digests.tail(count)

    def anchor(self) -> int:
        """How many of the last entries stand for their place: as a row they occur nowhere else.

        A row that occurs elsewhere, as in a log of equal or recurring lines, would match there
        too, so that a shift could pass unseen. While a log is caught up with, a text that does not
        recur nearby is enough.
        """
        if self._anchor is None:
            is_plain = _ends_with_its_own(self._digests.last_page)
            self._anchor = ANCHOR if is_plain else self._least_row()
        return self._anchor

    def _least_row(self) -> int:
        count = ANCHOR
        while count < len(self) and self.occurs_before(len(self) - count, count):
            count *= 2
        return min(count, len(self))

    def occurs_before(self, index: int, count: int) -> bool:
        """Tell whether a row of entries stands also somewhere before."""
        raw = self.digests.tobytes()
        row = raw[index * _WIDTH : (index + count) * _WIDTH]
        return _find(raw, row, 0, (index + count) * _WIDTH - 1) >= 0

    def pins(self, index: int, window: array[int]) -> bool:
        """Tell whether a window begins at an index, and nowhere else for all that is known."""
        if index == 0 and self.whole:
            return True
        known = self.digests[index:]
        count = ANCHOR
        while count <= min(len(window), len(known)):
            if window[:count] != known[:count]:
                return False
            if not self.occurs_before(index, count):
                return True
            count *= 2
        return False

    def follow_on(self, window: array[int]) -> int | None:
        """Find where a window begins if as little as can be was appended, and nothing inserted.

        Where lines recur there may be several such places, and content does not tell which.
        """
        least = min(ANCHOR, len(self), len(window))
        for appended in range(len(window) - least + 1):
            known = len(window) - appended
            if known <= len(self) and self.tail(known) == window[:known]:
                return len(self) - known
        return None

    def cover(self, window: array[int]) -> int | None:
        """Find the shortest end of a window that holds all that is remembered, in any order."""
        missing = Counter(self.digests)
        left = len(self)
        for index in range(len(window) - 1, -1, -1):
            missing[window[index]] -= 1
            left -= missing[window[index]] >= 0
            if not left:
                return index
        return None

    def meet(self, window: array[int]) -> tuple[int, int] | None:
        """Find the first place that memory and a window have in common: an index in each."""
        met = meet(self.digests, window)
        return met and self._before(window, *met)

    def _before(self, window: array[int], start: int, head: int) -> tuple[int, int]:
        """Go back from a common place to the first one, past what was inserted between."""
        index, other = start, head
        while index and other:
            other -= 1
            index -= self.digests[index - 1] == window[other]
        return (start, head) if index else (0, other)

    def locate(self, window: array[int]) -> int | None:
        """Find the only place where a window can begin.

        Few texts that recur may stand in the same row by chance, but hardly in a longer one.
        """
        raw = self.digests.tobytes()
        is_plain = len(set(window[:ANCHOR])) == ANCHOR
        count = min(ANCHOR if is_plain else 2 * ANCHOR, len(window))
        while 0 < count <= len(window):
            row = window[:count].tobytes()
            first = _find(raw, row, 0, len(raw))
            if first < 0:
                return None
            if _find(raw, row, first + _WIDTH, len(raw)) < 0:
                return first // _WIDTH
            count *= 2
        return None


def _ends_with_its_own(page: Sequence[LogEntry]) -> bool:
    texts = [entry.log for entry in page[-_NEAR:]]
    return len(texts) > ANCHOR and texts.count(texts[-1]) == 1


def _find(raw: bytes, row: bytes, start: int, stop: int) -> int:
    """Find a row of digests at a whole place."""
    place = raw.find(row, start, stop)
    while place >= 0 and place % _WIDTH:
        place = raw.find(row, place + 1, stop)
    return place
