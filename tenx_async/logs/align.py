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

from attrs import field, frozen

from tenx_async.api.entries import LogEntry

ANCHOR = 8
"""The least number of entries that are re-read to see whether anything moved."""


TELLING = 4
"""So many entries that do not recur tell for certain how two stretches fit together."""


def going_on(
    window: Sequence[LogEntry], page: Sequence[LogEntry], shared: int
) -> tuple[Sequence[LogEntry], bool]:
    """Choose what goes on behind a window from a page whose first entries are its last, so many.

    Where two replicas answer, each orders the entries of one moment its own way.

    Returns:
        what the window does not hold, and whether the two certainly fit together: as many entries
        are found in both, and none there are alike, so that nothing moved.
    """
    if list(page[:shared]) == list(window[len(window) - shared :]):
        return page[shared:], True
    edge = shared + ANCHOR
    near, around = Counter(window[len(window) - shared :]), window[max(0, len(window) - edge) :]
    far = Counter(around) - near
    both = near & Counter(page[:shared])
    here, there = both + (far & (Counter(page[:shared]) - both)), near - both
    unseen = [*_without(page[:shared], here), *_without(page[shared:edge], there), *page[edge:]]
    fits = len(page) - len(unseen) == shared
    return unseen, fits and _is_distinct(around) and _is_distinct(page[:edge])


def _is_distinct(entries: Sequence[LogEntry]) -> bool:
    return len(set(entries)) == len(entries)


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


def without_returned(
    added: Sequence[int], digests: array[int], gone: Counter[int]
) -> tuple[Sequence[int], int]:
    """Leave out what was gone and is back, by indices in a window; it is gone no more.

    Returns:
        the indices that are left, and how many are not.
    """
    if not gone:
        return added, 0
    fresh = []
    for index in added:
        if gone[digests[index]] > 0:
            gone[digests[index]] -= 1
        else:
            fresh.append(index)
    gone += Counter()  # without those of which none is left
    return fresh, len(added) - len(fresh)


def common_length(known: array[int], window: array[int]) -> int:
    """How far two stretches are the same."""
    return next((n for n, pair in enumerate(zip(known, window)) if pair[0] != pair[1]), len(window))  # noqa: B905  # the shorter ends it
