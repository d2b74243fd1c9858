"""Whether a reply that is shorter than asked is all there is, or was cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tenx_async.api.entries import LogEntry
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.digests import digests_of
from tenx_async.logs.order import BeyondWindow, Order, PageRequest

_ASKS = 3
_ASKS_OF_REPLICAS = 10


def fitting(
    day: Day, request: PageRequest, fits: Callable[[Sequence[LogEntry]], bool]
) -> Reading[Sequence[LogEntry]]:
    """Ask for a page, and again if it does not fit: another replica may have given it.

    Replicas that order equal times their own ways show by answers that hold the same in another
    order; those of a log that has moved do not. The last one is given if none fits.
    """
    habits, asked = day.habits, 1
    page = yield request
    while not fits(page) and asked < (_ASKS_OF_REPLICAS if habits.has_replicas else _ASKS):
        before, page = page, (yield request)
        asked += 1
        is_other = page != before and Counter(page) == Counter(before)
        habits.has_replicas = habits.has_replicas or is_other
    return page


def make_sure(
    day: Day, request: PageRequest, page: Sequence[LogEntry], *, sure: bool = False
) -> Reading[tuple[Sequence[LogEntry], bool]]:
    """Tell whether there is more behind a reply; look there if it may have been cut short.

    One that is as long as any was may be; to be sure, any may that is shorter than asked.

    Returns:
        the reply, or a later one if the log just grew, and whether there is more behind it.
    """
    habits, count = day.habits, len(page)
    full = habits.is_full(request, count)
    if not (full or sure) or count >= request.size or (full and habits.cap is not None):
        return page, full
    if not sure and not habits.is_worth_a_look(count) and _is_known(day, page):
        return page, False
    return (yield from _look_behind(day, request, page))


def _is_known(day: Day, page: Sequence[LogEntry]) -> bool:
    """Tell whether a page is how the log ended the last time: one that was cut may be as long."""
    count = len(page)
    known = count <= len(day.memory) and day.memory.tail(count)
    return known == digests_of(day.ascending(page))


def _look_behind(
    day: Day, request: PageRequest, page: Sequence[LogEntry]
) -> Reading[tuple[Sequence[LogEntry], bool]]:
    count = len(page)
    try:
        behind = yield day.habits.request(request.from_ + count)
    except BeyondWindow:
        return page, True
    if not behind:
        day.habits.note_end(count)
        return page, False
    again = yield request
    if len(again) <= count:
        day.habits.note_cap(count)
    if len(again) >= count + len(behind) and _is_older_part(day, list(page), list(again)):
        return again, len(again) >= request.size
    day.habits.cuts = True
    return page, True


def _is_older_part(day: Day, page: list[LogEntry], again: list[LogEntry]) -> bool:
    """Tell whether a page may be the older entries of a longer one; where it was cut it is not."""
    oldest, newest = again[: len(page)], again[-len(page) :]
    if day.order is Order.NEWEST_FIRST:
        oldest, newest = newest, oldest
    return page == oldest or (page == newest and day.habits.order is None)
