"""Read a log whose `from` counts back from the newest line.

Every poll reads back from the newest line until it meets what is remembered. What arrives
meanwhile pushes everything on, so pages overlap and are joined where their entries agree; and since
a page may lack lines, a window of several pages is believed when it comes out the same twice.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, Memory, difference, digests_of
from tenx_async.logs.day import Day, Delivery, Gap, Reading

_TRIES = 5
_EXPECTED = 4
_MOST_PAGES = 50


@frozen
class Window:
    """The end of a log."""

    entries: Sequence[LogEntry]
    whole: bool
    """Whether it begins with the day's first entry."""
    pages: int = 1

    @property
    def digests(self) -> array[int]:
        """The digests of its entries."""
        return digests_of(self.entries)

    @property
    def sharpened(self) -> Window:
        """The window without the equal lines that it begins with, unless it is whole.

        Lines inserted among them move the window's head along them, which does not show.
        """
        if self.whole:
            return self
        changes = (n for n, entry in enumerate(self.entries) if entry != self.entries[0])
        return evolve(self, entries=self.entries[next(changes, 0) :])


Enough = Callable[[Window], bool]


def begin(day: Day, first: Sequence[LogEntry], *, full: bool) -> Reading[Delivery]:
    """Start from the newest page, which is there already, and go back as far as the tail does."""
    window = Window(first, whole=not full)
    if full and (day.tail is None or day.tail > len(first)):
        window = yield from _read(day, day.habits.size, lambda seen: _reaches(seen, day.tail))
    return day.begin(window.entries, base=0, whole=window.whole)


def read_on(day: Day, least: float = 0) -> Reading[Delivery]:
    """Read what is new, as far back as it takes to understand it, at least so many entries."""
    pages = _MOST_PAGES + 2 * len(day.memory) // max(1, day.habits.most)

    def enough(seen: Window) -> bool:
        found = len(seen.entries) >= least and _start(day.memory, seen) is not None
        return found or seen.pages > pages

    seen = yield from _read(day, _expected(day), enough)
    start, window = _start(day.memory, seen), seen.sharpened
    if start is not None and difference(day.memory.digests[start:], window.digests).missing:
        seen = yield from _read(day, day.habits.size, enough)
        start, window = _start(day.memory, seen), seen.sharpened
    if start is None:
        return _take_over(day, seen)
    change = difference(day.memory.digests[start:], window.digests)
    if start == 0 and day.memory.whole and change.missing.total() == len(day.memory) > 0:
        return day.restart(window.entries, more=False)
    return day.accept(start, window.entries, window.digests, change)


def audit(day: Day) -> Reading[Delivery]:
    """Read all that is remembered again, to find what was inserted farther back than polls look."""
    least = math.inf if day.memory.whole else len(day.memory) + ANCHOR
    return (yield from read_on(day, least))


def _reaches(window: Window, tail: int | None) -> bool:
    return tail is not None and len(window.entries) >= tail


def _expected(day: Day) -> int:
    back = max(day.memory.anchor(), day.depth)
    return 2 * back + _EXPECTED * day.arrived + ANCHOR


def _read(day: Day, size: int, enough: Enough) -> Reading[Window]:
    """Read back until it is enough; several pages are read until they agree with themselves."""
    window = yield from _read_once(day, size, enough)
    for _ in range(_TRIES):
        if window.pages == 1:
            break
        again = yield from _read_once(day, day.habits.size, enough)
        change = difference(window.digests, again.digests)
        agrees = again.whole == window.whole and not change.missing and not change.late
        window = again
        if agrees:
            break
    return window


def _read_once(day: Day, size: int, enough: Enough) -> Reading[Window]:
    request = day.habits.request(0, size)
    page = yield request
    window = Window(day.ascending(page), not day.habits.is_full(request, len(page)))
    while not window.whole and not enough(window):
        window = yield from _widen(day, window)
    return window


def _widen(day: Day, window: Window) -> Reading[Window]:
    """Put the page before a window in front of it.

    What was appended since the window was read makes the page overlap the window by more.
    """
    unseen: list[LogEntry] = []
    appended = 0
    for tries in range(_TRIES):
        overlap = min(len(window.entries) // 2, day.habits.most // 2, ANCHOR << tries)
        request = day.habits.request(len(window.entries) + appended - overlap)
        page = yield request
        whole = not day.habits.is_full(request, len(page))
        older = day.ascending(page)
        place = _joint(older, window.entries, overlap)
        if place or (whole and place == 0):
            return Window([*older[:place], *window.entries], whole, window.pages + 1)
        if place == 0:
            appended = request.from_ + len(older) - len(window.entries)
        unseen = unseen or _unseen(older, window.entries)
    whole = not unseen and not appended
    return Window([*unseen, *window.entries], whole, window.pages + 1)


def _unseen(older: Sequence[LogEntry], window: Sequence[LogEntry]) -> list[LogEntry]:
    """Choose what a window does not hold of a page that overlaps it, in whatever order."""
    held = Counter(window)
    unseen = []
    for entry in reversed(older):
        if held[entry] > 0:
            held[entry] -= 1
        else:
            unseen.append(entry)
    return unseen[::-1]


def _joint(older: Sequence[LogEntry], window: Sequence[LogEntry], overlap: int) -> int | None:
    """Find where in an older page a window begins, as far as the page goes."""
    for place in range(len(older) - overlap, -1, -1):
        if list(older[place:]) == list(window[: len(older) - place]):
            return place
    return None


def _start(memory: Memory, window: Window) -> int | None:
    """Find the place in memory where a window begins, once it is sharpened."""
    if window.whole and memory.whole:
        return 0
    return memory.locate(window.sharpened.digests)


def _take_over(day: Day, window: Window) -> Delivery:
    """Go on with a window whose head memory does not know: its later part may be remembered."""
    remembered, digests = set(day.memory.digests), window.digests
    first = next((index for index, digest in enumerate(digests) if digest in remembered), None)
    if first is None:
        return day.restart(window.entries, more=False)
    start = 0 if window.whole else day.memory.digests.index(digests[first])
    change = difference(day.memory.digests[start:], digests[first:])
    gap = [] if window.whole and not change.missing else [Gap(day.memory.base + start, None)]
    believed = evolve(change, missing=change.missing if window.whole else Counter())
    return day.accept(start, window.entries[first:], digests[first:], believed, findings=gap)
