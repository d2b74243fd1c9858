"""Read a log whose `from=0` is the day's first line.

Every poll begins a little before the position. An insertion or a removal anywhere before that
shifts what comes; then the window is doubled until its head lies where memory has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, Memory, difference, digests_of
from tenx_async.logs.day import Day, Delivery, Reading
from tenx_async.logs.findings import Gap, Removal
from tenx_async.logs.order import BeyondWindow, EndSearch

_READS = 2
_TRIES = 5


def begin(day: Day, first: Sequence[LogEntry], *, full: bool) -> Reading[Delivery]:
    """Start from the first page, which is there already: at the day's beginning, or at its end."""
    if day.tail is None or not full:
        delivery = day.begin(first, base=0, whole=True)
        return Delivery(
            delivery.stretches, more=full and day.tail is None, findings=delivery.findings
        )
    end = yield from _find_end(day, len(first))
    back = max(day.tail, day.habits.size - ANCHOR)
    base = max(0, end - back)
    window: list[LogEntry] = []
    full = True
    while full and len(window) < end - base:
        request = day.habits.request(base + len(window))
        page = yield request
        full = day.habits.is_full(request, len(page))
        window += page
    return day.begin(window, base=base, whole=base == 0)


def _find_end(day: Day, count: int) -> Reading[int]:
    search = EndSearch(day.habits)
    search.low = count
    while search.found is None:
        try:
            request = search.request()
        except BeyondWindow:
            if day.settles:
                return search.low
            raise
        page = yield request
        search.feed(request, len(page))
    return search.found


def read_on(day: Day) -> Reading[Delivery]:
    """Read the next page, and whatever else it takes to understand it."""
    memory = day.memory
    back = day.lookback
    start = len(memory) - back
    request = day.habits.request(memory.base + start)
    page = yield request
    full = day.habits.is_full(request, len(page))
    digests = digests_of(page)
    known = memory.digests[start:]
    goes_beyond = not full or len(page) > back or request.stop == day.habits.window
    if goes_beyond and (digests[:back] == known or memory.pins(start, digests)):
        change = difference(known, digests)
        if not change.missing:
            return day.accept(start, page, digests, change, more=full)
    return (yield from backtrack(day, 2 * back))


def read_all(day: Day) -> Reading[list[LogEntry]]:
    """Read all of a day that the server lets anyone read, however much of it is known."""
    entries: list[LogEntry] = []
    full = True
    with suppress(BeyondWindow):
        while full:
            request = day.habits.request(len(entries))
            page = yield request
            full = day.habits.is_full(request, len(page))
            entries += page
    return entries


def backtrack(day: Day, depth: int) -> Reading[Delivery]:
    """Read again from farther and farther back, until nothing moved before the window."""
    memory = day.memory
    while True:
        start = max(0, len(memory) - depth)
        for _ in range(_READS):
            window, more = yield from read_window(day, start)
            digests = digests_of(window)
            change = difference(memory.digests[start:], digests)
            if memory.pins(start, digests) and not change.missing:
                return day.accept(start, window, digests, change, more=more)
        if memory.pins(start, digests):
            if start == 0 and memory.whole and change.missing.total() == len(memory) > 0:
                return day.restart(window, more=more)
            return day.accept(start, window, digests, change, more=more)
        if start == 0:
            return (yield from _relocate(day))
        depth *= 2


def read_window(day: Day, start: int) -> Reading[tuple[Sequence[LogEntry], bool]]:
    """Read what stands from an index of memory on, until all of it was seen or the log ends.

    Pages overlap: where the log moved between two of them, they are read again.
    """
    base = day.memory.base + start
    window: list[LogEntry] = []
    awaited = Counter(day.memory.digests[start:])
    known = awaited.total()
    tries = 0
    while True:
        overlap = min(ANCHOR, len(window), day.habits.reach // 2)
        request = day.habits.request(base + len(window) - overlap)
        page = yield request
        full = day.habits.is_full(request, len(page))
        if list(page[:overlap]) != window[len(window) - overlap :] and tries < _TRIES:
            tries += 1
            window.clear()
            awaited = Counter(day.memory.digests[start:])
            continue
        window += page[overlap:]
        awaited -= Counter(digests_of(page[overlap:]))
        all_known = not awaited and len(window) > known
        if not full or len(page) <= overlap or all_known:
            return window, full


def _relocate(day: Day) -> Reading[Delivery]:
    """Find what is remembered in a log that changed before all of it, or begin again."""
    memory = day.memory
    window, more = yield from read_window(day, 0)
    digests = digests_of(window)
    offset = _offset(memory, digests)
    if offset is None:
        return (yield from _begin_again(day))
    position = memory.base
    memory.base += offset
    if offset > 0:
        skipped = window[offset:]
        change = difference(memory.digests, digests[offset:])
        return day.accept(
            0, skipped, digests[offset:], change, more=more, findings=[Gap(position, offset)]
        )
    removed = Removal(position, -offset)
    del memory.digests[:-offset]
    memory.base = position
    change = difference(memory.digests, digests)
    return day.accept(0, window, digests, change, more=more, findings=[removed])


def _begin_again(day: Day) -> Reading[Delivery]:
    """Start from the first line of a log that has nothing of what was known where it was."""
    request = day.habits.request(0)
    page = yield request
    return day.restart(page, more=day.habits.is_full(request, len(page)))


def _offset(memory: Memory, digests: Sequence[int]) -> int | None:
    """By how many entries what is remembered lies farther on in a window, or farther back."""
    window = Memory(len(digests))
    window.replace_from(0, digests_of(()))
    window.digests.extend(digests)
    for index in range(0, max(1, len(memory) - ANCHOR), max(ANCHOR, len(memory) // 64)):
        place = window.locate(memory.digests[index : index + 8 * ANCHOR])
        if place is not None:
            return place - index
    return None
