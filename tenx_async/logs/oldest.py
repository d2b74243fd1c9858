"""Read a log whose `from=0` is the day's first line.

Every poll begins a little before the position. An insertion or a removal anywhere before that
shifts what comes; then the window is doubled until its head lies where memory has it.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, TELLING, difference, going_on
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.digests import digests_of
from tenx_async.logs.findings import Gap, Removal
from tenx_async.logs.memory import Memory
from tenx_async.logs.order import BeyondWindow, EndSearch, PageRequest
from tenx_async.logs.replies import fitting, make_sure

_READS = 2
_TRIES = 5
_STRIDE = 8
"""Where replicas order equal times in their own ways, little is gained by reading bit by bit."""
_PAGES_BACK = 4
"""So many pages are read again at most to tell what is new behind equal lines."""
_MOST_PAGES = 50
"""So many pages more than are known are read at most in search of what is known."""


def begin(day: Day, first: Sequence[LogEntry], *, full: bool) -> Reading[Delivery]:
    """Start from the first page, which is there already: at the day's beginning, or at its end."""
    if day.tail is None or not full:
        return day.begin(first, base=0, whole=True, more=full and day.tail is None)
    end = yield from find_end(day, len(first))
    base = max(0, end - max(day.tail, day.habits.size - ANCHOR))
    enough = end - base + _MOST_PAGES * day.habits.most
    window = yield from _read_from(day, base, enough)
    for _ in range(_TRIES):
        before, window = digests_of(window), (yield from _read_from(day, base, enough))
        change = difference(before, digests_of(window))
        if not (change.missing or change.late):
            break
    return day.begin(window, base=base, whole=base == 0)


def _read_from(day: Day, base: int, enough: float = math.inf) -> Reading[list[LogEntry]]:
    """Read from a place to the end of the log, or of what the server's log window reaches.

    It may outgrow its reader: so many entries are enough.
    """
    entries: list[LogEntry] = []
    full = True
    with suppress(BeyondWindow):
        while full and len(entries) < enough:
            request = day.habits.request(base + len(entries))
            page = yield request
            full = day.habits.is_full(request, len(page))
            entries += page
    return entries


def find_end(day: Day, count: int) -> Reading[int]:
    """Find how many entries there are, at least so many.

    Raises:
        BeyondWindow: more than the server lets anyone read, unless that is all that is wanted.
    """
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
    request, page, full = yield from _next_page(day, start)
    if len(page) > back and _is_vague(day, back):
        return (yield from backtrack(day, memory.anchor()))
    if full and _goes_on(day, back, page):
        return day.append(start, page)
    digests = digests_of(page)
    known = memory.digests[start:]
    goes_beyond = not full or len(page) > back or request.stop == day.habits.window
    if goes_beyond and (digests[:back] == known or memory.pins(start, digests)):
        change = difference(known, digests)
        if not change.missing:
            return day.accept(start, page, digests, change, more=full)
    return (yield from backtrack(day, 2 * back))


def _is_vague(day: Day, back: int) -> bool:
    """Tell whether what was read again stands elsewhere too, but a few pages of it would not.

    Behind equal lines, what an insertion moved on looks like something new.
    """
    return back < day.memory.anchor() <= _PAGES_BACK * day.habits.reach


def go_on(day: Day) -> Reading[Delivery | None]:
    """Read the next full page, if it goes on where the last one ended."""
    back = day.lookback
    start = len(day.memory) - back
    _, page, full = yield from _next_page(day, start)
    return day.append(start, page) if full and _goes_on(day, back, page) else None


def _next_page(day: Day, start: int) -> Reading[tuple[PageRequest, Sequence[LogEntry], bool]]:
    request = day.habits.request(day.memory.base + start)
    page = yield request
    new = len(page) - len(day.memory) + start
    sure = day.lengths.is_worth_a_look(len(page), new)
    page, full = yield from make_sure(day, request, page, sure=sure)
    return request, page, full


def _goes_on(day: Day, back: int, page: Sequence[LogEntry]) -> bool:
    if day.gone or len(page) <= back:
        return False
    return digests_of(page[:back]) == day.memory.tail(back)


def read_all(day: Day) -> Reading[list[LogEntry]]:
    """Read all of a day that the server lets anyone read, however much of it is known."""
    return (yield from _read_from(day, 0))


def backtrack(day: Day, depth: int) -> Reading[Delivery]:
    """Read again from farther and farther back, until nothing moved before the window."""
    memory = day.memory
    while True:
        start = max(0, len(memory) - depth)
        for _ in range(_READS):
            window, more = yield from _agreed_window(day, start)
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
        depth *= _STRIDE if day.habits.has_replicas else 2


def _agreed_window(day: Day, start: int) -> Reading[tuple[Sequence[LogEntry], bool]]:
    """Read what stands from an index of memory on; what is doubtful of it until it comes twice."""
    window, more, is_sure = yield from _read_window(day, start)
    known = day.memory.digests[start:]
    for _ in range(_TRIES):
        if is_sure or digests_of(window) == known[: len(window)]:
            break
        before = digests_of(window)
        window, more, is_sure = yield from _read_window(day, start)
        change = difference(before, digests_of(window))
        if not (change.missing or change.late):
            break
    return window, more


def _read_window(day: Day, start: int) -> Reading[tuple[Sequence[LogEntry], bool, bool]]:
    """Read what stands from an index of memory on, until all of it was seen or the log ends.

    Pages overlap: where the log moved between two of them, they are read again. What goes on
    moving away is not run after for ever.

    Returns:
        what was read, whether there is more, and whether its pages fit together for certain: where
        lines recur they seem to although one of them lacks lines.
    """
    base = day.memory.base + start
    known = day.memory.digests[start:]
    window: list[LogEntry] = []
    awaited = Counter(known)
    tries, is_sure = 0, True
    enough = len(known) + _MOST_PAGES * day.habits.most
    while True:
        overlap = min(ANCHOR, len(window), day.habits.most // 2)
        request = day.habits.request(base + len(window) - overlap)
        page = yield from fitting(day, request, partial(_fits, window, overlap))
        full = day.habits.is_full(request, len(page))
        unseen, fits = going_on(window, page, overlap)
        if not fits and tries < _TRIES:
            tries, is_sure = tries + 1, True
            window, awaited = [], Counter(known)
            continue
        is_sure = is_sure and (not window or _tells(page[:overlap], window, page))
        window += unseen
        awaited -= Counter(digests_of(unseen))
        all_known = not awaited and len(window) >= len(known) + ANCHOR
        is_end = not full and len(window) >= len(known)  # a page that ends before may be cut
        if is_end or not unseen or all_known or len(window) > enough:
            return window, full, is_sure


def _fits(window: Sequence[LogEntry], overlap: int, page: Sequence[LogEntry]) -> bool:
    return going_on(window, page, overlap)[1]


def _tells(
    shared: Sequence[LogEntry], window: Sequence[LogEntry], page: Sequence[LogEntry]
) -> bool:
    """Tell whether several of the entries in which two pages overlap stand in each only once."""
    return sum(window.count(one) == page.count(one) == 1 for one in shared) >= TELLING


def _relocate(day: Day) -> Reading[Delivery]:
    """Find what is remembered in a log that changed before all of it, or begin again."""
    memory = day.memory
    window, more = yield from _agreed_window(day, 0)
    digests = digests_of(window)
    place = memory.meet(digests) or _covered(memory, digests)
    if place is None:
        return (yield from _begin_again(day))
    start, head = place
    moved = head - start
    if moved == 0:
        return day.accept(0, window, digests, difference(memory.digests, digests), more=more)
    position = memory.base
    memory.move(moved)
    if moved > 0:
        change = difference(memory.digests, digests[moved:])
        gap = Gap(position, moved)
        return day.accept(0, window[moved:], digests[moved:], change, more=more, findings=[gap])
    removed = Removal(position, -moved)
    change = difference(memory.digests, digests)
    return day.accept(0, window, digests, change, more=more, findings=[removed])


def _covered(memory: Memory, window: array[int]) -> tuple[int, int] | None:
    head = memory.cover(window)
    return None if head is None else (0, head)


def _begin_again(day: Day) -> Reading[Delivery]:
    """Start from the first line of a log that has nothing of what was known where it was."""
    request = day.habits.request(0)
    page = yield request
    return day.restart(page, more=day.habits.is_full(request, len(page)))
