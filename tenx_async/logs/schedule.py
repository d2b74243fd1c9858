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
from collections import OrderedDict, deque
from collections.abc import Callable

from attrs import define, field

_MEMORY = 0.95
_SILENT = -64


@define
class _Rate:
    """What is known of a source's lines per second."""

    lines: float = 0.0
    seconds: float = 0.0
    last: float = 0.0
    taught: bool = False
    root: float = 1.0
    """Square root of the rate; a source not known yet counts as one line a second."""

    def observe(self, lines: int, seconds: float) -> None:
        if self.taught and seconds > 0:
            self.lines = self.lines * _MEMORY + lines
            self.seconds = self.seconds * _MEMORY + seconds
            self.last = lines / seconds
            self.root = math.sqrt((self.last + self.lines / self.seconds) / 2)
        self.taught = True

    @property
    def octave(self) -> int:
        """The rate, rounded to a power of two: sources of one octave queue by age alone."""
        return max(_SILENT, math.frexp(self.root * self.root)[1]) if self.root else _SILENT


@define
class _Polled:
    """A source's place in the order."""

    rate: _Rate = field(factory=_Rate)
    asked: float = -math.inf
    """When it was last asked."""
    covered: float = -math.inf
    """Up to when its lines were counted."""
    turn: int = 0
    """How many polls of anything there had been when it was last asked."""
    backlog: int = 0
    """Lines of full pages, to be counted with the page that ends them."""


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
    _queues: dict[int, OrderedDict[str, _Polled]] = field(factory=dict, init=False, repr=False)
    _fresh: deque[str] = field(factory=deque, init=False, repr=False)
    _full: deque[str] = field(factory=deque, init=False, repr=False)
    _failing: list[tuple[float, int, str]] = field(factory=list, init=False, repr=False)
    _numbers: Callable[[], int] = field(
        factory=lambda: itertools.count().__next__, init=False, repr=False
    )
    _polls: int = field(default=0, init=False)
    _roots: float = field(default=0.0, init=False)
    _after_full: bool = field(default=False, init=False)

    def add(self, source: str, now: float) -> None:  # noqa: ARG002  # one interface, any policy
        """Take a source in; it is due now."""
        if source not in self._sources:
            polled = self._sources[source] = _Polled(turn=self._polls)
            self._roots += polled.rate.root
            self._fresh.append(source)

    def remove(self, source: str) -> None:
        """Take a source out, wherever it is."""
        polled = self._sources.pop(source, None)
        if polled is None:
            return
        self._roots -= polled.rate.root
        for waiting in (self._fresh, self._full):
            if source in waiting:
                waiting.remove(source)
        for queue in self._queues.values():
            queue.pop(source, None)
        self._failing = [entry for entry in self._failing if entry[2] != source]
        heapq.heapify(self._failing)

    def next(self, now: float) -> str | None:
        """Choose the source that is worth the next call, if any is."""
        self._readmit(now)
        source = self._choose(now)
        if source is not None:
            self._polls += 1
            polled = self._sources[source]
            polled.asked, polled.turn = now, self._polls
        return source

    def observe(self, source: str, now: float, lines: int, full: bool) -> None:  # noqa: ARG002  # as add
        """Note what a poll brought; `full` if more is certainly waiting."""
        polled = self._sources.get(source)
        if polled is None:
            return
        polled.backlog += lines
        if full:
            self._full.append(source)
            return
        self._learn(polled)
        self._queues.setdefault(polled.rate.octave, OrderedDict())[source] = polled

    def failed(self, source: str, now: float, retry_at: float) -> None:
        """Note that a poll failed; the source keeps its rate and is due at `retry_at`."""
        if source in self._sources:
            heapq.heappush(self._failing, (max(now, retry_at), self._numbers(), source))

    def wake(self, now: float) -> float:
        """Tell when `next` may have an answer again; infinity if nothing is waiting."""
        if self._fresh or self._full:
            return now
        instants = [self._due_at(octave, head) for octave, _, head in self._heads()]
        instants += [entry[0] for entry in self._failing[:1]]
        return max(now, min(instants, default=math.inf))

    def _learn(self, polled: _Polled) -> None:
        self._roots -= polled.rate.root
        polled.rate.observe(polled.backlog, polled.asked - polled.covered)
        self._roots += polled.rate.root
        polled.covered, polled.backlog = polled.asked, 0

    def _readmit(self, now: float) -> None:
        while self._failing and self._failing[0][0] <= now:
            self._fresh.append(heapq.heappop(self._failing)[2])

    def _choose(self, now: float) -> str | None:
        if self._full and not self._after_full:
            self._after_full = True
            return self._full.popleft()
        self._after_full = False
        if self._fresh:
            return self._fresh.popleft()
        octave, source = self._worthiest(now)
        if source is not None:
            del self._queues[octave][source]
            return source
        return self._full.popleft() if self._full else None

    def _worthiest(self, now: float) -> tuple[int, str | None]:
        """Find the head that has waited too many rounds, else the one with most at stake."""
        overdue = self._polls - self.rounds * len(self._sources)
        best: tuple[int, float] = (-1, 0.0)
        chosen: tuple[int, str | None] = (0, None)
        for octave, source, head in self._heads():
            if self._due_at(octave, head) > now:
                continue
            rank = (
                (1, overdue - head.turn)
                if head.turn <= overdue
                else (0, self._rate(octave) * (now - head.asked) ** 2)
            )
            if rank > best:
                best, chosen = rank, (octave, source)
        return chosen

    def _heads(self) -> list[tuple[int, str, _Polled]]:
        return [(octave, *next(iter(q.items()))) for octave, q in self._queues.items() if q]

    def _rate(self, octave: int) -> float:
        """Lines per second of an octave; every source gets what keeps a silent one in its round."""
        floor = self._roots / max(len(self._sources), 1) / self.rounds
        return math.ldexp(0.75, octave) + floor * floor

    def _due_at(self, octave: int, head: _Polled) -> float:
        patience = self.max_age
        if self.price == 0.0:
            patience = 0.0
        elif rate := self._rate(octave):
            patience = min(patience, math.sqrt(2 * self.price / rate))
        return head.asked + max(self.min_age, patience)
