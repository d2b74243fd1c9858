"""What shows how a server orders its pages: readings that find it out, and how much they tell."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from tenx_async.api.entries import LogEntry
from tenx_async.logs.align import ANCHOR
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.order import (
    Order,
    is_beginning,
    is_end,
    is_part,
    is_telling,
    order_of,
    part_of,
    trend,
)

_TRIES = 6
_DISTINCT = 3
_OFTEN = 2


def guess_order(day: Day, page: Sequence[LogEntry]) -> Reading[Sequence[LogEntry]]:
    """Tell the order from the first page, as far as a log that stands still shows it."""
    for _ in range(_TRIES):
        part = yield from _part(day, page)
        order = yield from _confirmed(day, order_of(page, part), part)
        if order is None and list(part) != list(page[: len(part)]):
            before, page = page, (yield day.habits.request(0))
            if list(page) != list(before) or is_telling(part):
                continue
        if order is Order.NEWEST_PAGE:
            day.habits.find(order)
        day.order, day.clues.is_guess = order or Order.OLDEST_FIRST, order is None
        break
    return page


def _part(day: Day, page: Sequence[LogEntry]) -> Reading[Sequence[LogEntry]]:
    """Ask for a part of a page, or for all but one of its entries where the part is all alike.

    One that is none is asked for again, for another replica may have given it; but only once,
    since the log may grow meanwhile.
    """
    request = day.habits.request(0, part_of(len(page)))
    part = yield request
    if len(set(part)) == 1 < len(set(page)):
        request = day.habits.request(0, max(1, len(page) - 1))
        part = yield request
    return part if is_part(page, part) else (yield request)


def _confirmed(day: Day, order: Order | None, part: Sequence[LogEntry]) -> Reading[Order | None]:
    """Take an order for certain of which nothing would be found out later.

    Where few texts recur, two replies that lack lines may look like it, but hardly twice.
    """
    if order is not Order.NEWEST_PAGE or len(set(part)) >= ANCHOR:
        return order
    page = yield day.habits.request(0)
    part = yield from _part(day, page)
    return order if is_end(page, part) else None


def shown_order(
    day: Day, page: Sequence[LogEntry], digests: array[int], *, full: bool
) -> Reading[Order | None]:
    """Tell what order it would be if the first page grew into what it is now at the log's end."""
    if digests == day.clues.front[: len(digests)]:
        return None
    part = yield from _part(day, page)
    if is_end(page, part):
        return (yield from _confirmed(day, Order.NEWEST_PAGE, part))
    if not is_beginning(page, part):
        return None
    moved_on = _has_moved_on(day.clues.front, digests)
    is_new = not set(digests[len(day.clues.front) :]) <= set(day.clues.front)
    rise = trend(page)
    goes_on = day.clues.is_all and is_new and _overlap(digests, day.clues.front)
    if goes_on and not moved_on and (full or rise >= 0):
        return Order.OLDEST_FIRST
    if (moved_on and rise <= 0) or (full and day.clues.is_all and rise < 0):
        return Order.NEWEST_FIRST
    return None


def ascends_from_the_end(day: Day, page: Sequence[LogEntry]) -> Reading[bool]:
    """Look once where a page stands that begins within the first one, if numbers do not tell.

    It goes on as that one ends, unless `from` counts back while pages ascend: then it ends as that
    one begins.
    """
    if day.clues.is_placed or trend(page) or len(set(page[:ANCHOR])) < _DISTINCT:
        return False
    within = yield day.habits.request(max(0, len(page) - ANCHOR))
    again = yield day.habits.request(0)
    day.clues.is_placed = list(again) == list(page)
    goes_on = list(within[:ANCHOR]) == list(page[-ANCHOR:])
    return day.clues.is_placed and not goes_on and list(within[-ANCHOR:]) == list(page[:ANCHOR])


def is_borne_out(day: Day, page: Sequence[LogEntry], order: Order) -> bool:
    """Tell whether a short log grew at its end, and had not a late line inserted at its beginning.

    A page of all that there is shows no difference, so numbers have to, or how often it happens.
    """
    if order is Order.NEWEST_PAGE or trend(page):
        return True
    return 2 * day.clues.shown[order] - day.clues.shown.total() >= _OFTEN


def _has_moved_on(before: array[int], after: array[int]) -> bool:
    """Tell whether a page is what it was, moved on by some new entries at its head."""
    shifts = [shift for shift in range(1, len(after)) if _overlap(after[shift:], before)]
    return len(shifts) == 1


def _overlap(page: array[int], other: array[int]) -> bool:
    """Tell whether two pages begin alike, as far as both go and with more than one text."""
    count = min(len(page), len(other))
    return page[:count] == other[:count] and len(set(page[:count])) >= _DISTINCT
