"""Which days of a log are worth reading at a given time.

Nobody knows in which time zone the server begins a day, so without being told every likely one
counts; and clocks differ, so a neighbouring day is read for a while around each midnight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from attrs import define, field, frozen

LIKELY_ZONES = (dt.UTC, dt.timezone(dt.timedelta(hours=8)))
"""UTC, as the vendor's log index suggests, and China's time, where its users are."""

_LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_ONE_DAY = dt.timedelta(days=1)


@define
class _Spell:
    """A stretch of time in which the same days are open."""

    since: dt.datetime = _LONG_AGO
    until: dt.datetime = _LONG_AGO
    days: frozenset[dt.date] = frozenset()


@frozen(kw_only=True)
class Calendar:
    """Tells which days are open."""

    zones: Sequence[dt.tzinfo] = LIKELY_ZONES
    early: dt.timedelta = dt.timedelta(minutes=2)
    """How long before its midnight a day may begin, by this machine's clock."""
    grace: dt.timedelta = dt.timedelta(minutes=10)
    """How long after its end a day may still get lines."""
    since: dt.date | None = None
    """The first day that is wanted; `None`: those that are open at first."""
    until: dt.date | None = None
    """The last day that is wanted; `None`: there is no last one."""
    _spell: _Spell = field(factory=_Spell, init=False, repr=False, eq=False)
    """The last one that was asked for."""

    def open_at(self, now: dt.datetime) -> frozenset[dt.date]:
        """The wanted days that may still get lines; the same object until they change."""
        spell = self._spell
        if not spell.since <= now < spell.until:
            days = frozenset(self.open_days(now))
            spell.days = spell.days if days == spell.days else days
            spell.since, spell.until = now, self._next_turn(now)
        return spell.days

    def _next_turn(self, now: dt.datetime) -> dt.datetime:
        """When other days than now may be open."""
        shifts = (-self.grace, self.early)
        return min(_midnight(now + by, zone) - by for zone in self.zones for by in shifts)

    def open_days(self, now: dt.datetime) -> list[dt.date]:
        """List the wanted days that may still get lines, the oldest first."""
        return [day for day in self._current(now) if self._is_wanted(day)]

    def earliest(self, now: dt.datetime) -> dt.date:
        """The first day that may still get lines, wanted or not."""
        return self._current(now)[0]

    def first(self, now: dt.datetime) -> dt.date:
        """The first wanted day, or the first that may still get lines."""
        return self.since or self.earliest(now)

    def days_since(self, date: dt.date, now: dt.datetime) -> list[dt.date]:
        """List the days from one that was wanted on, and those to begin with, the oldest first."""
        last = min(self._current(now)[-1], self.until or dt.date.max)
        days = (date + number * _ONE_DAY for number in range((last - date).days + 1))
        return sorted({*self.first_days(now), *days})

    def first_days(self, now: dt.datetime) -> list[dt.date]:
        """List the days to begin with, the oldest first: the open ones, and all since the first."""
        current = self._current(now)
        days = {day for day in current if self._is_wanted(day)}
        if self.since is not None:
            last = min(current[-1], self.until or current[-1])
            days |= {self.since + n * _ONE_DAY for n in range((last - self.since).days + 1)}
        elif self.until is not None and self.until < current[0]:
            days.add(self.until)
        return sorted(days)

    def is_over(self, now: dt.datetime) -> bool:
        """Tell whether no wanted day will ever be open again."""
        return self.until is not None and self.until < self._current(now)[0]

    def _is_wanted(self, day: dt.date) -> bool:
        return (self.since or day) <= day <= (self.until or day)

    def _current(self, now: dt.datetime) -> list[dt.date]:
        shifts = (-self.grace, self.early)
        return sorted({_day(now + shift, zone) for zone in self.zones for shift in shifts})


def _day(instant: dt.datetime, zone: dt.tzinfo) -> dt.date:
    return instant.astimezone(zone).date()


def _midnight(instant: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """When the day that it is then in a zone ends."""
    return dt.datetime.combine(_day(instant, zone) + _ONE_DAY, dt.time(), zone).astimezone(dt.UTC)
