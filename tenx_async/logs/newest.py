"""Read a log whose `from` counts back from the newest line.

Every poll reads back from the newest line until it meets what is remembered. What arrives
meanwhile pushes everything on, so pages overlap and are joined where their entries agree; and since
a page may lack lines, a window of several pages is believed when it comes out the same twice.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence

from attrs import evolve

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR, Difference, difference
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.findings import Gap
from tenx_async.logs.memory import Memory
from tenx_async.logs.order import BeyondWindow
from tenx_async.logs.replies import make_sure
from tenx_async.logs.window import Window, checked, widen

LOOKS_APART = 2
"""All is read again when so many times the lines to be remembered were appended, at the latest."""
_TRIES = 5
_EXPECTED = 1.5
_MOST_PAGES = 50
"""So many pages more than are known are read at most, unless all in them is new."""


Enough = Callable[[Window], bool]


def begin(day: Day, first: Sequence[LogEntry], *, full: bool) -> Reading[Delivery]:
    """Start from the newest page, which is there already, and go back as far as the tail does.

    Where older lines are not wanted it is read twice: what one reply lacked is not new.
    """
    window = Window(first, whole=not full)
    wanted = len(first) if day.tail is None else day.tail
    if full and (day.tail is None or wanted > len(first)):
        window = yield from _read(day, day.habits.size, lambda seen: _reaches(seen, day.tail))
    elif full or wanted < len(first):
        window = yield from _agreed(day, window, lambda seen: _reaches(seen, day.tail))
    is_known = window.whole or day.tail is None  # what is not reached is found when all is read
    delivery = day.begin(window.entries, base=0, whole=is_known)
    gaps = [Gap(0, None)] if window.is_outgrown else []
    return evolve(delivery, findings=[*delivery.findings, *gaps])


def read_on(day: Day) -> Reading[Delivery]:
    """Read what is new, as far back as it takes to understand it."""
    return (yield from _look(day, _expected(day)))


def _look(day: Day, size: int, least: float = 0, *, sure: bool = False) -> Reading[Delivery]:
    """Read back at least so many entries, and compare them with what is remembered.

    Where many are read again once is enough, as long as nothing but a few new ones shows.
    """
    memory = day.memory
    pages = _MOST_PAGES + 2 * len(memory) // max(1, day.habits.most)

    reaches = _reaches_before if least else _reaches_back

    def enough(seen: Window) -> bool:
        if seen.pages > _MOST_PAGES and _is_all_new(memory, seen, day.habits.most):
            return False
        return seen.pages > pages or (len(seen.entries) >= least and reaches(memory, seen))

    seen = yield from (_read_once if least else _read)(day, size, enough, sure=sure)
    place = _place(memory, seen)
    if place is None or not _is_believed(day, _change(memory, seen, place), once=least > 0):
        if least:
            seen = yield from _agreed(day, seen, enough, sure=True)
        else:
            seen = yield from _read(day, day.habits.size, enough, sure=True)
        place = _place(memory, seen)
    if place is None:
        return _leap(day, seen)
    change = _change(memory, seen, place)
    if place == (0, 0) and change.missing.total() == len(memory) > 0:
        return day.restart(seen.entries, more=False)
    start, head = place
    return day.accept(start, seen.entries[head:], seen.digests[head:], change)


def is_due_for_audit(day: Day) -> bool:
    """Tell whether polls have read so much that a look at all that is remembered is in proportion.

    What is inserted farther back than a poll looks shifts nothing that it sees; so all is read
    again for half as many entries as the polls took, and before any of it is forgotten.
    """
    is_cheap = day.unlooked.read >= 2 * len(day.memory)
    return day.order.counts_back and (is_cheap or day.unlooked.came >= LOOKS_APART * day.remember)


def audit(day: Day, *, sure: bool = False) -> Reading[Delivery]:
    """Read all that is remembered again, to find what was inserted farther back than polls look.

    To be `sure` it is looked behind a page though nothing stood behind as long a one before.
    """
    least = math.inf if day.memory.whole else len(day.memory) + day.arrived + ANCHOR
    delivery = yield from _look(day, day.habits.size, least, sure=sure)
    day.note_look()
    return delivery


def _is_believed(day: Day, change: Difference, *, once: bool) -> bool:
    """Tell whether what a reading showed, which was done once or twice, can be relied on.

    Where new entries go on past a page nothing known shows whether pages were joined rightly.
    """
    doubtful = change.late or len(change.new) > day.habits.most // 2
    return not change.missing and not (once and doubtful)


def _change(memory: Memory, window: Window, place: tuple[int, int]) -> Difference:
    start, head = place
    return difference(memory.digests[start:], window.digests[head:])


def _place(memory: Memory, window: Window) -> tuple[int, int] | None:
    """Find the first place that memory and a window have in common: an index in each."""
    return _certain_place(memory, window) or _likely_place(memory, window.digests)


def _certain_place(memory: Memory, window: Window) -> tuple[int, int] | None:
    if window.whole and memory.whole:
        return 0, 0
    start = memory.locate(window.digests[window.head :])
    return None if start is None else (start, window.head)


def _likely_place(memory: Memory, window: array[int]) -> tuple[int, int] | None:
    """Find it in a log of recurring lines, or where memory's beginning stands in the window."""
    if (start := memory.follow_on(window)) is not None:
        return start, 0
    covered = memory.cover(window)
    return memory.meet(window) or (None if covered is None else (0, covered))


def _reaches_back(memory: Memory, window: Window) -> bool:
    """Tell whether a window begins within what is remembered, or before it.

    What is remembered whole may have had something inserted before it: it is met only within.
    """
    certain = _certain_place(memory, window)
    if certain is not None:
        return certain == (0, 0) or _begins_calm(memory, window, certain)
    if memory.whole:
        return False
    place = _likely_place(memory, window.digests)
    if place is None or place[0] > place[1] + window.head:
        return False
    return _is_borne_out(memory, window, place)


def _is_borne_out(memory: Memory, window: Window, place: tuple[int, int]) -> bool:
    """Tell whether most of what is known behind a common place is there.

    A text that recurs now and then stands at such a place by chance.
    """
    return 2 * _change(memory, window, place).missing.total() <= len(memory) - place[0]


def _reaches_before(memory: Memory, window: Window) -> bool:
    """Tell whether a window holds all that is remembered, and what was inserted in it."""
    place = _place(memory, window)
    return place is not None and place[0] == 0 and _is_borne_out(memory, window, place)


def _is_all_new(memory: Memory, window: Window, page: int) -> bool:
    """Tell whether hardly anything in a window is remembered, less than would be of one page."""
    known = set(memory.digests)
    return 2 * len(known.intersection(window.digests)) < min(page, len(known))


def _begins_calm(memory: Memory, window: Window, place: tuple[int, int]) -> bool:
    """Tell whether nothing was inserted in the first half of a window.

    What comes late comes in batches: where a part of one shows there may be more before it.
    """
    late = _change(memory, window, place).late
    return not late or late[0] >= (len(window.entries) - place[1]) // 2


def _reaches(window: Window, tail: int | None) -> bool:
    return tail is not None and len(window.entries) >= tail


def _expected(day: Day) -> int:
    back = max(day.memory.anchor(), day.depth)
    return 2 * back + int(_EXPECTED * day.arrived) + ANCHOR


def _read(day: Day, size: int, enough: Enough, *, sure: bool = False) -> Reading[Window]:
    """Read back until it is enough; several pages are read until they agree with themselves."""
    window = yield from _read_once(day, size, enough, sure=sure)
    return window if window.pages == 1 else (yield from _agreed(day, window, enough, sure=sure))


def _agreed(day: Day, window: Window, enough: Enough, *, sure: bool = False) -> Reading[Window]:
    """Read a window again until it comes out the same, but for what was appended."""
    for _ in range(_TRIES):
        again = yield from _read_once(day, day.habits.size, enough, sure=sure)
        change = difference(window.digests, again.digests)
        agrees = again.whole == window.whole and not change.missing and not change.late
        window = again
        if agrees:
            break
    return window


def _read_once(day: Day, size: int, enough: Enough, *, sure: bool = False) -> Reading[Window]:
    """Read back until it is enough; begin again where pages turn out not to fit together."""
    for _ in range(_TRIES):
        window = yield from _read_back(day, size, enough, sure=sure)
        if not window.is_torn:
            return window
    return (yield from _read_back(day, size, enough, sure=sure, patched=True))


def _read_back(
    day: Day, size: int, enough: Enough, *, sure: bool, patched: bool = False
) -> Reading[Window]:
    request = day.habits.request(0, size)
    page = yield request
    if sure or day.memory.whole:
        page, full = yield from make_sure(day, request, page, sure=sure or not day.begun)
    else:
        full = day.habits.is_full(request, len(page))
    window = Window(day.ascending(page), not full)
    while not window.whole and not window.is_cut and not enough(window):
        if window.is_torn and not patched:
            break
        if window.appended > max(len(window.entries), _MOST_PAGES * day.habits.most):
            return evolve(window, is_cut=True, is_outgrown=True)
        try:
            wider = yield from widen(day, window)
            if len(wider.entries) <= len(window.entries) and (patched or wider.whole):
                return wider
            window = yield from checked(day, wider)
        except BeyondWindow:
            if not day.begun and not day.settles:
                raise
            window = evolve(window, is_cut=True)
    return window


def _leap(day: Day, window: Window) -> Delivery:
    """Go on with a window that has nothing in common with what is remembered."""
    if window.whole:
        return day.restart(window.entries, more=False)
    gap = Gap(day.position, None)
    change = Difference(range(len(window.entries)), 0)
    known = len(day.memory)
    return day.accept(known, window.entries, window.digests, change, findings=[gap])
