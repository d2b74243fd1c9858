"""How a server orders and cuts the pages of a log, found out from its replies.

Three readings of `from` and `size` are live: `from=0` is the day's first line; it is its newest
line; or `from` counts back from the newest line while a page's lines ascend. Whichever it is holds
for all sources of a server, and so does the most that it gives in one reply.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from attrs import define, field, frozen

from tenx_async.api.entries import LogEntry
from tenx_async.logs.growth import Growth

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_NUMBERS = 7
_LEAST_EVIDENCE = 5
_MOSTLY = 0.9
_TELLING = 4
_LONGEST_TRUST = 64
_USUAL_WINDOW = 10_000


class Order(enum.StrEnum):
    """What `from` counts, and how a page's entries are ordered."""

    OLDEST_FIRST = "oldest-first"
    NEWEST_FIRST = "newest-first"
    NEWEST_PAGE = "newest-page"

    @property
    def counts_back(self) -> bool:
        """Whether `from` counts back from the newest line."""
        return self is not Order.OLDEST_FIRST

    @property
    def opposite(self) -> Order:
        """What it is, most likely, if logs grow at the other end."""
        return Order.OLDEST_FIRST if self.counts_back else Order.NEWEST_FIRST


@frozen
class PageRequest:
    """What to ask of the log endpoint for one day."""

    from_: int
    size: int

    @property
    def stop(self) -> int:
        """Where the page ends, if it is full."""
        return self.from_ + self.size


class BeyondWindow(Exception):
    """A page would begin where the server's log window ends; stays within this room."""


@define
class Habits:
    """What is known of a server: shared by all that is followed there."""

    size: int
    """Entries to ask for in a page, at most."""
    order: Order | None = None
    """How it orders pages; `None` until that is found out."""
    window: int | None = field(default=None, init=False)
    """The server refuses pages that end farther on; `None`: it never did."""
    most: int = field(default=0, init=False)
    """The most entries that it ever gave in a reply."""
    cap: int | None = field(default=None, init=False)
    """It gives no more than so many, though there are more and more was asked for."""
    cuts: bool = field(default=False, init=False)
    """Whether it ever gave fewer than were asked for though there were more."""
    growth: Growth | None = field(default=None, init=False)
    """What bears out the order, if that was found out and is not certain yet."""
    has_replicas: bool = field(default=False, init=False)
    """Whether answers to the same request ever differed and recurred."""
    _reached: int = field(default=0, init=False, repr=False)
    """The farthest end of a page that was not refused."""
    _ended: int = field(default=0, init=False, repr=False)
    """A reply of so many was the longest, and nothing stood behind it."""
    _trusted: int = field(default=0, init=False, repr=False)
    """How often that was believed since it was last looked at."""
    _patience: int = field(default=1, init=False, repr=False)

    def find(self, order: Order) -> None:
        """Learn the order from what the server gave; it may turn out to be another one.

        Which part of a page a shorter one is leaves no doubt. What was found out first holds.
        """
        if self.order is None:
            self._turn(order)

    def _turn(self, order: Order) -> None:
        self.order = order
        self.growth = None if order is Order.NEWEST_PAGE else Growth()

    def note_growth(self, order: Order, *, here: bool) -> None:
        """Note that a log grew where an order says, or at its other end."""
        if (growth := self.growth) is None or self.order is not order:
            return
        growth.here += here
        growth.there += not here
        if growth.is_certain:
            self.growth = None
        elif growth.is_refuted:
            self._turn(order.opposite)

    @property
    def reach(self) -> int:
        """How many entries a reply can be counted on to hold, where there are as many."""
        return min(self.size, self.cap or self.size)

    def request(self, from_: int, size: int | None = None) -> PageRequest:
        """Ask for a page from here on, of full size if nothing is said.

        Raises:
            BeyondWindow: the server would refuse it, however short.
        """
        size = min(size or self.size, self.size)
        if self.window is not None:
            size = min(size, self.window - from_)
            if size < 1:
                raise BeyondWindow
        return PageRequest(from_, size)

    def refuse(self, request: PageRequest, said: str) -> bool:
        """Learn from a page that the server's log window refused; tell if that was news.

        Such servers say as a rule where the window ends. Where they do not it is looked for
        between the farthest page that they gave and this one, the usual 10,000 first. One that
        was given once and is refused now tells nothing any more.
        """
        if self.window is not None and request.stop > self.window:
            return False
        if self._reached >= request.stop:
            self._reached = 0
        guesses = [*map(int, _NUMBER.findall(said)), _USUAL_WINDOW]
        fitting = [guess for guess in guesses if self._reached <= guess < request.stop]
        self.window = max(fitting, default=(self._reached + request.stop) // 2)
        return True

    def is_full(self, request: PageRequest, count: int) -> bool:
        """Note how many entries came, and tell whether there may be more behind them.

        A server may give fewer entries than it is asked for. So a reply counts as full that is as
        long as any was: only what stands behind it can tell.
        """
        self._reached = max(self._reached, request.stop)
        if self.cap is not None and count > self.cap:
            self.cap = None
        full = 0 < count >= min(request.size, self.cap or self.most)
        self.most = max(self.most, count)
        return full

    def is_worth_a_look(self, count: int) -> bool:
        """Tell whether to look behind a reply that is as long as any was.

        Where nothing was behind as many the last time that is believed, longer each time; for
        once something is, it is known for good.
        """
        self._trusted += 1
        return count != self._ended or self._trusted > self._patience

    def note_end(self, count: int) -> None:
        """Learn that nothing was behind a reply of so many entries."""
        again = count == self._ended
        self._patience = min(2 * self._patience, _LONGEST_TRUST) if again else 1
        self._ended, self._trusted = count, 0

    def note_cap(self, count: int) -> None:
        """Learn that there was more behind a reply of so many entries: longer ones never come."""
        self.most = self.cap = count


@define
class EndSearch:
    """Finds the end of an oldest-first day by galloping, then bisecting.

    A page with nothing in it lies past the end, a full one before it, and a short one ends the
    search at once: a day of a million lines takes some twenty pages of a thousand.
    """

    habits: Habits
    low: int = field(default=0, init=False)
    """There are at least this many entries."""
    high: int | None = field(default=None, init=False)
    """There are at most this many entries."""

    @property
    def found(self) -> int | None:
        """How many entries the day has, once that is known."""
        return self.low if self.high is not None and self.low >= self.high else None

    def request(self) -> PageRequest:
        """Choose the page whose length tells most.

        Raises:
            BeyondWindow: the end lies past what the server's log window reaches.
        """
        if self.high is None:
            return self.habits.request(self._farther())
        step = max(1, self.habits.most)
        pages = (self.high - self.low) // step
        return self.habits.request(self.low + pages // 2 * step)

    def _farther(self) -> int:
        farther, window = 2 * self.low, self.habits.window
        if window is None:
            return farther
        return min(farther, max(self.low, window - self.habits.size))

    def feed(self, request: PageRequest, count: int) -> None:
        """Note how many entries a page had."""
        end = request.from_ + count
        if count:
            self.low = max(self.low, end)
        if not self.habits.is_full(request, count):
            self.high = end if self.high is None else min(self.high, end)


def order_of(page: Sequence[LogEntry], half: Sequence[LogEntry]) -> Order | None:
    """Tell the order from a page and a reply to half its size, both from 0.

    Where the half is the page's end, pages ascend and end at the newest line. Where it is the
    beginning, the page begins with the oldest line or with the newest: that shows as soon as the
    log grows, and until then in the numbers and times that most logs are full of.
    """
    if is_end(page, half):
        return Order.NEWEST_PAGE
    if is_beginning(page, half):
        return {1: Order.OLDEST_FIRST, -1: Order.NEWEST_FIRST}.get(trend(page))
    return None


def is_beginning(page: Sequence[LogEntry], half: Sequence[LogEntry]) -> bool:
    """Tell whether a part of a page is its beginning, and not its end as well."""
    return is_telling(half) and _begins(page, half) and not _ends(page, half)


def is_end(page: Sequence[LogEntry], half: Sequence[LogEntry]) -> bool:
    """Tell whether a part of a page is its end, and not its beginning as well."""
    return is_telling(half) and _ends(page, half) and not _begins(page, half)


def is_part(page: Sequence[LogEntry], part: Sequence[LogEntry]) -> bool:
    """Tell whether a page begins or ends with a part."""
    return _begins(page, part) or _ends(page, part)


def part_of(count: int) -> int:
    """How many entries to ask for to see which part of a page of so many they are.

    Half of them, or as many more as it takes to know them again.
    """
    return max(1, count // 2, min(_TELLING, count - 1))


def is_telling(part: Sequence[LogEntry]) -> bool:
    """Tell whether a part is long and varied enough to be known again."""
    return len(part) >= _TELLING and len(set(part)) > 1


def _begins(page: Sequence[LogEntry], part: Sequence[LogEntry]) -> bool:
    return list(page[: len(part)]) == list(part)


def _ends(page: Sequence[LogEntry], part: Sequence[LogEntry]) -> bool:
    return list(page[-len(part) :]) == list(part)


def trend(page: Sequence[LogEntry]) -> int:
    """Tell whether the numbers in a page's texts mostly grow (1), mostly shrink (-1), or neither.

    Entries of different instances are not compared: their clocks and counters differ.
    """
    last: dict[str, tuple[int, ...]] = {}
    ups = downs = 0
    for entry in page:
        numbers = tuple(map(int, _NUMBER.findall(entry.log)[:_NUMBERS]))
        before = last.get(entry.instance_name, numbers)
        ups += numbers > before
        downs += numbers < before
        last[entry.instance_name] = numbers
    if ups + downs < _LEAST_EVIDENCE:
        return 0
    share = ups / (ups + downs)
    return 1 if share >= _MOSTLY else -1 if share <= 1 - _MOSTLY else 0
