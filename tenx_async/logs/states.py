"""What is known of a source as plain data, and back."""

from __future__ import annotations

import datetime as dt
from array import array
from collections import Counter
from collections.abc import Iterable

from tenx_async.errors import ConfigurationError
from tenx_async.logs.cursor import Commit, Cursor, DayState, Edit, Stored, sum_of
from tenx_async.logs.day import Day
from tenx_async.logs.ledger import DayAccount, Ledger
from tenx_async.logs.order import Order
from tenx_async.logs.source import Source

_ONE_DAY = dt.timedelta(days=1)
_COUNTS = (
    "calls",
    "failures",
    "throttled",
    "bytes",
    "fetched",
    "delivered",
    "late",
    "reread",
    "suppressed",
)
"""What goes on being counted in a day's account."""


def commit_of(source: Source, region: str, ledger: Ledger) -> Commit:
    """Tell all that is to be durable of a source, and take what has changed since the last time."""
    edits = {}
    for day in source.days:
        start, digests = day.memory.take_change()
        edits[day.date, day.instance] = Edit(day.memory.base, start, digests)
    return Commit(source.name, cursor_of(source, region, ledger).encode(), edits)


def cursor_of(source: Source, region: str, ledger: Ledger) -> Cursor:
    """Tell where a source was read to."""
    order = source.habits.order
    since, tail = (None, None) if source.has_begun else (source.since, source.tail)
    return Cursor(
        region=region,
        service=source.name,
        uid=source.uid,
        is_anew=source.is_anew,
        since=since,
        tail=tail,
        order=order and order.value,
        last_sealed=source.last_sealed,
        closed=sorted(source.closed),
        days=[_state_of(day, ledger.day(source.name, day.date)) for day in source.days],
    )


def _state_of(day: Day, account: DayAccount) -> DayState:
    digests = day.memory.digests
    return DayState(
        date=day.date,
        instance=day.instance,
        base=day.memory.base,
        whole=day.memory.whole,
        length=len(digests),
        sum=sum_of(digests),
        order=day.order.value,
        is_certain=day.is_certain,
        tail=day.tail,
        begun=day.begun,
        depth=day.depth,
        is_cut=day.is_cut,
        settles=day.settles,
        delivered=day.delivered,
        front=day.clues.front.tobytes(),
        front_is_all=day.clues.is_all,
        gone=dict(day.gone),
        left_at=day.proof.left_at,
        unproven=day.proof.unconfirmed,
        is_changed=day.proof.is_changed,
        apart=day.proof.apart(digests),
        presumed=day.proof.presumed,
        counts={name: getattr(account, name) for name in _COUNTS},
    )


def resume(source: Source, stored: Stored, region: str, ledger: Ledger, now: dt.datetime) -> None:
    """Go on with a source where it was committed; read whole the days that have come since.

    Raises:
        ConfigurationError: it is another region's.
    """
    cursor = stored.cursor
    if cursor.region != region:
        raise ConfigurationError(
            f"what is kept of {cursor.service} is of the region {cursor.region}, not of {region}: "
            "each region needs a place of its own"
        )
    source.uid = cursor.uid
    source.last_sealed = cursor.last_sealed or source.last_sealed
    source.closed = frozenset(cursor.closed)
    if cursor.order:
        source.habits.find(Order(cursor.order))
    if cursor.since is not None:
        source.since, source.tail, source.is_late = cursor.since, cursor.tail, True
        return
    days = [_day_of(state, stored, source) for state in cursor.days]
    for state in cursor.days:
        account = ledger.day(source.name, state.date)
        for name, count in state.counts.items():
            setattr(account, name, count)
    source.begin([*days, *_since(source, days, now)], now)
    source.is_anew = cursor.is_anew


def _day_of(state: DayState, stored: Stored, source: Source) -> Day:
    day = source.day(state.date, tail=state.tail, instance=state.instance)
    day.order, day.is_certain = Order(state.order), state.is_certain
    day.begun, day.depth, day.delivered = state.begun, state.depth, state.delivered
    day.is_cut, day.settles = state.is_cut, state.settles
    day.clues.front, day.clues.is_all = array("Q", state.front), state.front_is_all
    day.gone = Counter(state.gone)
    day.memory = day.blank(base=state.base, whole=state.whole)
    digests = stored.memories[state.date, state.instance]
    day.memory.replace_from(0, digests)
    day.proof.take_up(digests, state)
    return day


def _since(source: Source, days: Iterable[Day], now: dt.datetime) -> list[Day]:
    """The days that have come since the last one that was read."""
    known = [*(day.date for day in days), source.last_sealed]
    date = max(known) + _ONE_DAY
    last = max(source.calendar.open_days(now), default=dt.date.min)
    missed = []
    while dt.date.min + _ONE_DAY < date <= last:
        missed.append(source.day(date))
        date += _ONE_DAY
    return missed
