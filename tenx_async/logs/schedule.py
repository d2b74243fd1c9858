"""Which source is worth the next call.

A call costs the same for a silent source and a busy one. A source of rate r that was last asked
`age` seconds ago has probably piled up r · age² / 2 line-seconds of delay; the next call goes where
that is largest. With known rates this is optimal under any budget, and the budget need not be
known: the schedule is asked whenever a call may be sent.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable

from attrs import define, field

_MEMORY = 0.95
_SILENT = -20
"""The octave of all sources that write less than a line in a week or so."""


@define(eq=False, weakref_slot=False)
class _Polled:
    """A source, and what is known of its lines per second."""

    source: str
    turn: int
    """How many polls of anything there had been when it was last asked."""
    root: float = 1.0
    """Square root of the rate; a source not known yet counts as one line a second."""
    lines: float = 0.0
    seconds: float = 0.0
    asked: float = -math.inf
    """When it was last asked."""
    covered: float = -math.inf
    """Up to when its lines were counted."""
    backlog: int = 0
    """Lines of full pages, to be counted with the page that ends them."""
    waiting: bool = True
    """Whether it is in the order; one that was removed stays in its queue until met there."""

    def learn(self) -> None:
        """Guess the rate from the last poll and from about the last twenty."""
        seconds = self.asked - self.covered
        if seconds <= 0:
            return
        if seconds < math.inf:
            self.lines = self.lines * _MEMORY + self.backlog
            self.seconds = self.seconds * _MEMORY + seconds
            self.root = math.sqrt((self.backlog / seconds + self.lines / self.seconds) / 2)
        self.covered, self.backlog = self.asked, 0

    @property
    def octave(self) -> int:
        """The rate, rounded to a power of two: sources of one octave queue by age alone."""
        return max(_SILENT, math.frexp(self.root * self.root)[1]) if self.root else _SILENT


_Queue = deque[_Polled]


@define(kw_only=True)
class Schedule:
    """Says which source to ask next; pure, the time is handed in.

    A source is out of the order between `next` and its `observe` or `failed`.
    """

    rounds: float = 2.0
    """No source waits longer than this many rounds; a round is as many polls as sources."""
    min_age: float = 0.0
    """Seconds between two polls of one source, at least."""
    max_age: float = math.inf
    """Seconds after which a source is due however silent it is."""
    price: float = 0.0
    """Line-seconds of probable delay that make a poll worth its call."""
    _sources: dict[str, _Polled] = field(factory=dict, init=False, repr=False)
    _queues: dict[int, tuple[float, _Queue]] = field(factory=dict, init=False, repr=False)
    """By octave, its rate and who waits, the longest first."""
    _fresh: _Queue = field(factory=deque, init=False, repr=False)
    _full: _Queue = field(factory=deque, init=False, repr=False)
    _failing: list[tuple[float, int, _Polled]] = field(factory=list, init=False, repr=False)
    _number: Callable[[], int] = field(
        factory=lambda: itertools.count().__next__, init=False, repr=False
    )
    _polls: int = field(default=0, init=False)
    _roots: float = field(default=0.0, init=False)
    _after_full: bool = field(default=False, init=False)

    def add(self, source: str, now: float) -> None:  # noqa: ARG002  # one interface, any policy
        """Take a source in; it is due now."""
        if source not in self._sources:
            polled = self._sources[source] = _Polled(source, self._polls)
            self._roots += polled.root
            self._fresh.append(polled)

    def remove(self, source: str) -> None:
        """Take a source out, wherever it is."""
        polled = self._sources.pop(source, None)
        if polled is not None:
            self._roots -= polled.root
            polled.waiting = False

    def next(self, now: float) -> str | None:
        """Choose the source that is worth the next call, if any is."""
        self._readmit(now)
        queue = self._choose(now)
        if queue is None:
            return None
        polled = queue.popleft()
        self._polls += 1
        polled.asked, polled.turn, polled.waiting = now, self._polls, False
        return polled.source

    def observe(self, source: str, now: float, lines: int, full: bool) -> None:  # noqa: ARG002  # as add
        """Note what a poll brought; `full` if more is certainly waiting."""
        polled = self._put_back(source)
        if polled is None:
            return
        polled.backlog += lines
        if full:
            self._full.append(polled)
            return
        self._roots -= polled.root
        polled.learn()
        self._roots += polled.root
        self._enqueue(polled)

    def failed(self, source: str, now: float, retry_at: float) -> None:
        """Note that a poll failed; the source keeps its rate and is due at `retry_at`."""
        polled = self._put_back(source)
        if polled is not None:
            heapq.heappush(self._failing, (max(now, retry_at), self._number(), polled))

    def is_out(self, source: str) -> bool:
        """Tell whether a source is being asked."""
        polled = self._sources.get(source)
        return polled is not None and not polled.waiting

    def wake(self, now: float) -> float:
        """Tell when `next` may have an answer again; infinity if nothing is waiting."""
        if _head(self._fresh) or _head(self._full):
            return now
        floor = self._floor()
        instants = [
            head.asked + self._patience(rate + floor)
            for rate, queue in self._queues.values()
            if (head := _head(queue))
        ]
        while self._failing and not self._failing[0][2].waiting:
            heapq.heappop(self._failing)
        instants += [entry[0] for entry in self._failing[:1]]
        return max(now, min(instants, default=math.inf))

    def _put_back(self, source: str) -> _Polled | None:
        """Find a source that is out; nobody is put back who was removed meanwhile, or is back."""
        polled = self._sources.get(source)
        if polled is None or polled.waiting:
            return None
        polled.waiting = True
        return polled

    def _enqueue(self, polled: _Polled) -> None:
        """Queue by the age of the last call, though a later call may have been answered before."""
        octave = polled.octave
        if octave not in self._queues:
            self._queues[octave] = (math.ldexp(0.75, octave), deque())
        queue = self._queues[octave][1]
        place = len(queue)
        while place and queue[place - 1].turn > polled.turn:
            place -= 1
        queue.insert(place, polled)

    def _readmit(self, now: float) -> None:
        while self._failing and self._failing[0][0] <= now:
            self._fresh.append(heapq.heappop(self._failing)[2])

    def _choose(self, now: float) -> _Queue | None:
        """Find the queue whose head is next: overdue, backlog every other time, new, worth most."""
        overdue, worthiest = self._compare(now)
        if overdue:
            return overdue
        has_backlog = _head(self._full) is not None
        self._after_full = has_backlog and not self._after_full
        if self._after_full:
            return self._full
        if _head(self._fresh):
            return self._fresh
        return worthiest or (self._full if has_backlog else None)

    def _compare(self, now: float) -> tuple[_Queue | None, _Queue | None]:
        """Find the head that has waited too many rounds, and the one with most at stake."""
        oldest, floor = self._polls + 1 - self.rounds * len(self._sources), self._floor()
        overdue = worthiest = None
        most, turn, patience = -1.0, 0, self.min_age
        for rate, queue in self._queues.values():
            head = queue[0] if queue and queue[0].waiting else _head(queue)
            if head is None:
                continue
            if self.price:
                patience = self._patience(rate + floor)
            asked, worth = head.asked, (rate + floor) * (now - head.asked) ** 2
            if asked + patience > now:
                continue
            if head.turn <= oldest:
                overdue, oldest = queue, head.turn
            if worth > most or (worth == most and head.turn < turn):
                worthiest, most, turn = queue, worth, head.turn
        return overdue, worthiest

    def _floor(self) -> float:
        """Every source gets the lines per second that keep a silent one in its rounds."""
        return (self._roots / max(len(self._sources), 1) / self.rounds) ** 2

    def _patience(self, rate: float) -> float:
        """Seconds until a poll is worth its call."""
        if self.price == 0.0:
            return self.min_age
        return max(self.min_age, min(self.max_age, math.sqrt(2 * self.price / rate)))


def _head(queue: _Queue) -> _Polled | None:
    """Find who waits longest, and forget those before who were removed."""
    while queue and not queue[0].waiting:
        queue.popleft()
    return queue[0] if queue else None
