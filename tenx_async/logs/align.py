"""What is new in a re-read stretch of a log that has neither times nor ids.

Entries are compared by digests. What was read before is remembered; a window is a stretch that is
read again, up to the end of the log. If the window's head lies where memory has it, nothing moved
before it, and the difference of the two sequences is what the server inserted, appended or removed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.digests import Digests, Kept

ANCHOR = 8
"""The least number of entries that are re-read to see whether anything moved."""

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
        self.digests[index:] = digests
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
        self._digests.put(page, kept)
        self._anchor = None
        if dropped := self._digests.drop_waiting(self.limit):
            self._forget(dropped)

    def _forget(self, count: int) -> None:
        self.base += count
        self.whole = False

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
        """Find the only place where a window can begin."""
        raw = self.digests.tobytes()
        count = min(ANCHOR, len(window))
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


def going_on(
    window: Sequence[LogEntry], page: Sequence[LogEntry], shared: int
) -> tuple[Sequence[LogEntry], bool]:
    """Choose what goes on behind a window from a page whose first entries are its last, so many.

    Where two replicas answer, each orders the entries of one moment its own way.

    Returns:
        what the window does not hold, and whether the two certainly fit together: as many entries
        are found in both, and none of them are alike, so that nothing moved.
    """
    if list(page[:shared]) == list(window[len(window) - shared :]):
        return page[shared:], True
    near = Counter(window[len(window) - shared :])
    far = Counter(window[max(0, len(window) - shared - ANCHOR) : len(window) - shared])
    both = near & Counter(page[:shared])
    here = both + (far & (Counter(page[:shared]) - both))
    there, edge = near - both, shared + ANCHOR
    unseen = [*_without(page[:shared], here), *_without(page[shared:edge], there), *page[edge:]]
    return unseen, len(near) == shared == len(page) - len(unseen)


def _without(entries: Sequence[LogEntry], held: Counter[LogEntry]) -> Iterator[LogEntry]:
    """The entries without those that are held, so many of each."""
    for entry in entries:
        if held[entry] > 0:
            held[entry] -= 1
        else:
            yield entry


def meet(known: array[int], window: array[int]) -> tuple[int, int] | None:
    """Find the first landmark of two stretches: an index in each.

    Most landmarks stand in the same order, and those that do not are none.
    """
    marks = landmarks(known, window)
    return _longest_rise(marks) if marks else None


def landmarks(known: array[int], window: array[int]) -> Sequence[tuple[int, int]]:
    """Find what occurs once in each of two stretches: its index in both."""
    once = {digest for digest, count in Counter(window).items() if count == 1}
    both = {digest for digest, count in Counter(known).items() if count == 1} & once
    places = {digest: index for index, digest in enumerate(window) if digest in both}
    return [(index, places[digest]) for index, digest in enumerate(known) if digest in both]


def _longest_rise(marks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The first of the most pairs whose second numbers rise as their first ones do."""
    ends: list[int] = []
    firsts: list[tuple[int, int]] = []
    for mark in marks:
        length = bisect_left(ends, mark[1])
        first = firsts[length - 1] if length else mark
        if length == len(ends):
            ends.append(mark[1])
            firsts.append(first)
        else:
            ends[length], firsts[length] = mark[1], first
    return firsts[-1]


@frozen
class Difference:
    """How a window differs from what was known of the same stretch."""

    added: Sequence[int] = ()
    """Indices in the window of the entries that were not known, ascending."""
    appended_from: int = 0
    """Index in the window behind its last known entry: what was added before it is late."""
    missing: Counter[int] = field(factory=Counter)
    """Digests that were known and are not in the window."""
    is_reordered: bool = False
    """Whether what was known is there in another order."""

    @property
    def late(self) -> Sequence[int]:
        """Indices in the window of what was inserted."""
        return self.added[: bisect_left(self.added, self.appended_from)]

    @property
    def new(self) -> Sequence[int]:
        """Indices in the window of what was appended."""
        return self.added[bisect_left(self.added, self.appended_from) :]


def difference(known: array[int], window: array[int]) -> Difference:
    """Compare a window with what was known of the same stretch.

    As a rule the server only inserts and appends, so that what was known is still there in its
    order. Where it is not (equal times are ordered differently, entries are gone), what is added
    and what is missing is the difference of the two as multisets.
    """
    if window[: len(known)] == known:
        return Difference(range(len(known), len(window)), len(known))
    return _insertions(known, window) or _multiset_difference(known, window)


def _insertions(known: array[int], window: array[int]) -> Difference | None:
    added, matched, last = [], 0, 0
    for index, digest in enumerate(window):
        if matched < len(known) and digest == known[matched]:
            matched += 1
            last = index + 1
        else:
            added.append(index)
    return Difference(added, last) if matched == len(known) else None


def _multiset_difference(known: array[int], window: array[int]) -> Difference:
    left = Counter(known)
    added, last = [], 0
    for index, digest in enumerate(window):
        if left[digest] > 0:
            left[digest] -= 1
            last = index + 1
        else:
            added.append(index)
    return Difference(added, last, +left, is_reordered=not +left)
