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
from tenx_async.logs.align import ANCHOR, Difference, Memory, difference, digests_of
from tenx_async.logs.day import Day, Delivery, Reading
from tenx_async.logs.findings import Gap
from tenx_async.logs.order import BeyondWindow

LOOKS_APART = 2
"""All is read again when so many times the lines to be remembered were appended, at the latest."""
_TRIES = 5
_READS = 2
_EXPECTED = 1.5
_MOST_PAGES = 50


@frozen
class Window:
    """The end of a log."""

    entries: Sequence[LogEntry]
    whole: bool
    """Whether it begins with the day's first entry."""
    pages: int = 1
    is_cut: bool = False
    """Whether what stands before it is past what the server lets anyone read."""

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


def is_due_for_audit(day: Day) -> bool:
    """Tell whether polls have read so much that a look at all that is remembered is in proportion.

    What is inserted farther back than a poll looks shifts nothing that it sees; so all is read
    again for half as many entries as the polls took, and before any of it is forgotten.
    """
    is_cheap = day.read_unlooked >= 2 * len(day.memory)
    return day.order.counts_back and (is_cheap or day.unlooked >= LOOKS_APART * day.remember)


def audit(day: Day) -> Reading[Delivery]:
    """Read all that is remembered again, to find what was inserted farther back than polls look."""
    memory = day.memory
    if memory.whole:
        return (yield from read_on(day, math.inf))
    reads = 0
    while True:
        window = yield from _read_once(day, day.habits.size, lambda seen: _covers(seen, memory))
        reads += 1
        place = _place(memory, window)
        if place is None:
            return (yield from read_on(day))
        start, head = place
        entries, digests = window.entries[head:], window.digests[head:]
        change = difference(memory.digests[start:], digests)
        if not change.missing or reads == _READS:
            return day.accept(start, entries, digests, change)


def _covers(window: Window, memory: Memory) -> bool:
    """Tell whether a window begins before memory does."""
    is_long = len(window.entries) > 2 * len(memory) + ANCHOR
    place = _place(memory, window) if len(window.entries) >= len(memory) else None
    return is_long or (place is not None and place[0] == 0)


def _place(memory: Memory, window: Window) -> tuple[int, int] | None:
    """Find the first place that memory and a window both have: an index in each."""
    within = Memory(len(window.entries))
    within.digests.extend(window.digests)
    for start in range(0, len(memory), ANCHOR):
        head = within.locate(memory.digests[start : start + 8 * ANCHOR])
        if head is not None:
            return start, head
    return None


def _reaches(window: Window, tail: int | None) -> bool:
    return tail is not None and len(window.entries) >= tail


def _expected(day: Day) -> int:
    back = max(day.memory.anchor(), day.depth)
    return 2 * back + int(_EXPECTED * day.arrived) + ANCHOR


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
    while not window.whole and not window.is_cut and not enough(window):
        try:
            window = yield from _widen(day, window)
        except BeyondWindow:
            if not day.begun and not day.settles:
                raise
            window = evolve(window, is_cut=True)
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
        if request.size <= overlap:
            raise BeyondWindow
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


def _leap(day: Day, window: Window) -> Delivery:
    """Go on with a window that does not reach back to memory, for the server lets it not."""
    gap = Gap(day.position, None)
    change = Difference(range(len(window.entries)), 0)
    known = len(day.memory)
    return day.accept(known, window.entries, window.digests, change, findings=[gap])


def _take_over(day: Day, window: Window) -> Delivery:
    """Go on with a window whose head memory does not know: its later part may be remembered."""
    remembered, digests = set(day.memory.digests), window.digests
    first = next((index for index, digest in enumerate(digests) if digest in remembered), None)
    if first is None and window.is_cut:
        return _leap(day, window)
    if first is None:
        return day.restart(window.entries, more=False)
    start = 0 if window.whole else day.memory.digests.index(digests[first])
    change = difference(day.memory.digests[start:], digests[first:])
    gap = [] if window.whole and not change.missing else [Gap(day.memory.base + start, None)]
    believed = evolve(change, missing=change.missing if window.whole else Counter())
    return day.accept(start, window.entries[first:], digests[first:], believed, findings=gap)
