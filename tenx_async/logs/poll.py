"""One poll of a day: find out the server's order as long as it is not certain, then read on."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from contextlib import suppress

from attrs import evolve

from tenx_async.api.entries import LogEntry
from tenx_async.logs import newest, oldest
from tenx_async.logs.align import ANCHOR, difference
from tenx_async.logs.day import Day, Reading
from tenx_async.logs.delivery import Delivery
from tenx_async.logs.digests import digests_of
from tenx_async.logs.evidence import (
    ascends_from_the_end,
    guess_order,
    is_borne_out,
    shown_order,
)
from tenx_async.logs.findings import Gap, Guess
from tenx_async.logs.oldest import find_end
from tenx_async.logs.order import BeyondWindow, Order
from tenx_async.logs.replies import make_sure

_PATIENCE = 8


def poll(day: Day) -> Reading[Delivery]:
    """Read what is new in a day; where the server's log window ends before that, the day is cut."""
    try:
        delivery = yield from _poll(day)
    except BeyondWindow:
        return day.cut()
    window = day.habits.window
    if window is not None and not day.order.counts_back and day.position >= window:
        day.is_cut = True
        return evolve(delivery, more=False)
    return delivery


def _poll(day: Day) -> Reading[Delivery]:
    if not day.begun:
        return (yield from _begin(day))
    if day.habits.order is None:
        backlog = None if day.is_read_out else (yield from oldest.go_on(day))
        return backlog or (yield from _read_on_watching(day))
    if (turned := day.adopt(day.habits.order)) is not None:
        return turned
    if day.habits.growth is None:
        return (yield from _read_on(day))
    return (yield from _read_on_checking(day))


def _read_on_checking(day: Day) -> Reading[Delivery]:
    """Read on, and see whether the log grows where the order says that was found out."""
    counts_back, was_whole = day.order.counts_back, day.memory.whole
    elsewhere = counts_back and (yield from _has_grown_behind(day))
    delivery = yield from _read_on(day)
    if not counts_back and was_whole and delivery.stretches:
        elsewhere = delivery.stretches[0].position == 0
    if day.arrived or elsewhere:
        day.habits.note_growth(day.order, here=day.arrived > 0)
    return delivery


def _has_grown_behind(day: Day) -> Reading[bool]:
    """Look now and then behind a quiet log that is read from its newest line, if all is known.

    What was inserted unseen shifts what is known there: only what is not known tells, and all is
    to be read again.
    """
    if day.arrived or not day.memory.whole:
        return False
    quiet, page = day.clues.quiet + 1, None
    if not quiet & (quiet - 1):
        with suppress(BeyondWindow):
            page = yield day.habits.request(day.position)
    day.clues.quiet = 0 if page else quiet
    if not page:
        return False
    day.look_soon()
    return not set(digests_of(page)) <= set(day.memory.digests)


def _read_on(day: Day) -> Reading[Delivery]:
    if newest.is_due_for_audit(day):
        return (yield from newest.audit(day))
    if day.order.counts_back:
        return (yield from newest.read_on(day))
    return (yield from oldest.read_on(day))


def _read_on_watching(day: Day, *, sure: bool = False) -> Reading[Delivery]:
    """Read on while the order is not certain: what changed where will tell it.

    A day that fits into one page is read whole, which is right in any order; what is newest-first
    looks inserted at the beginning.
    """
    request = day.habits.request(0)
    page = yield request
    cap = day.habits.cap
    page, full = yield from make_sure(day, request, page, sure=sure)
    has_grown = full and len(page) < request.size and day.habits.cap is None
    if has_grown or day.habits.cap != cap:
        return Delivery(more=True)
    digests = digests_of(page)
    order = yield from _likely_order(day, page, digests, full=full)
    if order is not None and (full or is_borne_out(day, page, order)):
        day.habits.find(order)
        return day.adopt(day.habits.order or order) or Delivery(more=True)
    if day.memory.whole and not full:
        delivery = yield from _read_whole(day, page)
        if order is not None:
            day.clues.shown[order] += 1
        return delivery
    has_changed = digests != day.clues.front[: len(digests)]
    if has_changed and day.clues.undecided < _PATIENCE:
        day.clues.undecided += 1
        return Delivery(more=True)
    if full and not has_changed and (yield from _grows_behind(day)):
        return (yield from _turn_round(day))
    back, was_read_out = day.lookback, day.is_read_out
    delivery = yield from _read_on(day)
    is_clear = delivery.reread == back and not day.shifted and day.order is Order.OLDEST_FIRST
    if was_read_out and not has_changed and day.arrived and is_clear:
        day.habits.find(Order.OLDEST_FIRST)
    return _told_if_guessed(day, delivery, full=full)


def _likely_order(
    day: Day, page: Sequence[LogEntry], digests: array[int], *, full: bool
) -> Reading[Order | None]:
    """Tell what the first page shows; a full one by where it stands, or by what others showed."""
    order = yield from shown_order(day, page, digests, full=full)
    if order is not None or not full:
        return order
    if (yield from ascends_from_the_end(day, page)):
        return Order.NEWEST_PAGE
    return max(day.clues.shown, key=day.clues.shown.__getitem__, default=None)


def _grows_behind(day: Day) -> Reading[bool]:
    """Look now and then whether a log that was taken for newest-first grows at its other end.

    Numbers that fall, as in a countdown, look like a log that is read from its end.
    """
    if day.order is not Order.NEWEST_FIRST:
        return False
    quiet, behind = day.clues.quiet + 1, None
    if quiet >= _PATIENCE and not quiet & (quiet - 1):
        with suppress(BeyondWindow):
            if day.clues.end is None:
                day.clues.end = yield from find_end(day, len(day.clues.front))
            else:
                behind = yield day.habits.request(day.clues.end)
    day.clues.quiet = quiet
    return bool(behind)


def _turn_round(day: Day) -> Reading[Delivery]:
    """Go on in the order that a log turned out to have, from where it ended when that was seen."""
    end = day.clues.end or 0
    tail, passed = day.tail, end - len(day.clues.front)
    last: Sequence[LogEntry] = ()
    if tail is not None:
        last = yield day.habits.request(max(0, end - ANCHOR), min(ANCHOR, end))
    day.habits.find(Order.OLDEST_FIRST)
    turned = day.adopt(day.habits.order or Order.OLDEST_FIRST)
    if tail is None or day.order is not Order.OLDEST_FIRST:
        return turned or Delivery(more=True)
    day.begin(last, base=end - len(last), whole=False, known=len(last))
    return Delivery(more=True, findings=[Gap(end, passed)])


def _read_whole(day: Day, page: Sequence[LogEntry]) -> Reading[Delivery]:
    window = day.ascending(page)
    change = difference(day.memory.digests, digests_of(window))
    if change.missing:
        request = day.habits.request(0)
        page = yield request
        page, full = yield from make_sure(day, request, page, sure=True)
        if full:
            return Delivery(more=True)
        window = day.ascending(page)
        change = difference(day.memory.digests, digests_of(window))
    day.clues.front = digests_of(page)
    if change.missing.total() == len(day.memory) > 0:
        return day.restart(window, more=False)
    return day.accept(0, window, digests_of(window), change)


def audit(day: Day) -> Reading[Delivery]:
    """Read all that is remembered of a day again, and set right what differs.

    As long as the order is not certain only a single page is read right in any.
    """
    if day.habits.order is None and day.memory.whole and len(day.memory) < day.habits.reach:
        return (yield from _read_on_watching(day, sure=True))
    if day.order.counts_back:
        return (yield from newest.audit(day, sure=True))
    delivery = yield from oldest.backtrack(day, len(day.memory))
    return delivery if delivery.more else evolve(delivery, more=(yield from _goes_on(day)))


def _goes_on(day: Day) -> Reading[bool]:
    """Look for more behind all that was read: a short page need not be the last one."""
    try:
        return bool((yield day.habits.request(day.position)))
    except BeyondWindow:
        return False


def _begin(day: Day) -> Reading[Delivery]:
    told = day.habits.order
    day.order = told or day.order
    request = day.habits.request(0)
    page = yield request
    if not page:
        return Delivery()
    page, full = yield from make_sure(day, request, page)
    if told is None:
        before, page = page, (yield from guess_order(day, page))
        if len(page) != len(before):
            page, full = yield from make_sure(day, request, page)
        day.clues.front, day.clues.is_all = digests_of(page), not full
    ascending = day.ascending(page)
    begin = newest.begin if day.order.counts_back else oldest.begin
    return _told_if_guessed(day, (yield from begin(day, ascending, full=full)), full=full)


def _told_if_guessed(day: Day, delivery: Delivery, *, full: bool) -> Delivery:
    """Say once that an order is a guess which matters: when more than a page of it is read out."""
    if not day.clues.is_guess or delivery.more or not full or day.habits.order is not None:
        return delivery
    day.clues.is_guess = False
    return evolve(delivery, findings=[*delivery.findings, Guess(day.position, day.order.value)])
