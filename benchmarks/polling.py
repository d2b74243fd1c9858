"""A simulator of polling: policies that choose which source is asked next, and what that costs.

A call is sent every 1 / budget seconds, if the policy has a source to ask. The server looks half a
round trip later, and gives at most one page of what it had not given yet.
"""

from __future__ import annotations

import heapq
import math
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from typing import Protocol

from attrs import define, field, frozen

from benchmarks.workloads import Load

PAGE = 1000
ROUND_TRIP = 0.05
UNCOUNTED = 0.25
"""The share of a workload's time whose lines do not count: policies have to learn."""
LAPS_AFTER = 3
"""So many laps more are polled after the last line, so that what was written is read."""


class Policy(Protocol):
    """What the schedule and its peers have in common."""

    def add(self, source: str, now: float) -> None:
        """Take a source in."""

    def next(self, now: float) -> str | None:
        """Choose whom to ask."""

    def observe(self, source: str, now: float, lines: int, full: bool) -> None:
        """Note what came."""


class Order(Protocol):
    """Who is asked next, where nobody has a backlog."""

    def add(self, source: str) -> None:
        """Take a source in."""

    def take(self, now: float) -> str | None:
        """Take the next one out."""

    def put_back(self, source: str, lines: int) -> None:
        """Put one back that had so many lines."""


@define
class Peer:
    """An order in which a full page is asked for again at once, but at most every other poll."""

    order: Order
    _full: deque[str] = field(factory=deque, init=False)
    _after_full: bool = field(default=False, init=False)

    def add(self, source: str, now: float) -> None:  # noqa: ARG002  # as all policies
        """Take a source in."""
        self.order.add(source)

    def next(self, now: float) -> str | None:
        """Choose a backlog or whoever is next in the order."""
        if self._full and not self._after_full:
            self._after_full = True
            return self._full.popleft()
        self._after_full = False
        return self.order.take(now) or (self._full.popleft() if self._full else None)

    def observe(self, source: str, now: float, lines: int, full: bool) -> None:  # noqa: ARG002  # as add
        """Put a source back."""
        if full:
            self._full.append(source)
        else:
            self.order.put_back(source, lines)


@define
class Equal:
    """One after the other."""

    _turns: deque[str] = field(factory=deque, init=False)

    def add(self, source: str) -> None:
        """Go last."""
        self._turns.append(source)

    def take(self, now: float) -> str | None:  # noqa: ARG002  # as all orders
        """Go first."""
        return self._turns.popleft() if self._turns else None

    def put_back(self, source: str, lines: int) -> None:  # noqa: ARG002  # as take
        """Go last."""
        self._turns.append(source)


@define
class Backoff:
    """Who had nothing waits twice as long as before; who had something, the shortest time.

    Whoever is due first is asked, even before that, so that no call is left over.
    """

    shortest: float
    longest: float
    _waits: dict[str, float] = field(factory=dict, init=False)
    _asked: dict[str, float] = field(factory=dict, init=False)
    _due: list[tuple[float, str]] = field(factory=list, init=False)

    def add(self, source: str) -> None:
        """Be due now."""
        self._waits[source] = self.shortest
        heapq.heappush(self._due, (-math.inf, source))

    def take(self, now: float) -> str | None:
        """Take who is due first."""
        if not self._due:
            return None
        _, source = heapq.heappop(self._due)
        self._asked[source] = now
        return source

    def put_back(self, source: str, lines: int) -> None:
        """Wait."""
        wait = self.shortest if lines else min(2 * self._waits[source], self.longest)
        self._waits[source] = wait
        heapq.heappush(self._due, (self._asked[source] + wait, source))


@define
class Oracle:
    """Knows the true mean rates and asks as often as is best for these: as their square roots."""

    means: list[float]
    _due: list[tuple[float, str]] = field(factory=list, init=False)
    _taken: dict[str, float] = field(factory=dict, init=False)

    def add(self, source: str) -> None:
        """Begin somewhere in the first stride; who never writes is never asked."""
        if self.means[int(source)]:
            golden = int(source) * 0.618034 % 1
            heapq.heappush(self._due, (golden * self._stride(source), source))

    def take(self, now: float) -> str | None:  # noqa: ARG002  # as all orders
        """Take who is furthest behind."""
        if not self._due:
            return None
        at, source = heapq.heappop(self._due)
        self._taken[source] = at
        return source

    def put_back(self, source: str, lines: int) -> None:  # noqa: ARG002  # as take
        """Make a stride."""
        heapq.heappush(self._due, (self._taken[source] + self._stride(source), source))

    def _stride(self, source: str) -> float:
        return 1 / math.sqrt(self.means[int(source)])


@frozen(kw_only=True)
class Score:
    """What became of the lines that count."""

    calls: int
    mean: float
    """Seconds from the writing of a line until it is there."""
    p99: float
    stalest: float
    """Seconds for which some source was not asked, at most; from the very first call on."""
    unread: int
    """Lines that were not there in the end; their delay up to then is counted."""


@define
class _Log:
    """What was written, and how far it was read."""

    load: Load
    read: list[int] = field(init=False)
    first: list[int] = field(init=False)
    """Where the lines begin that count."""
    ends: list[int] = field(init=False)
    delays: array[float] = field(factory=lambda: array("d"), init=False)

    def __attrs_post_init__(self) -> None:
        begins = self.load.begins
        self.read, self.ends = begins[:-1], begins[1:]
        since = UNCOUNTED * self.load.seconds
        spans = zip(self.read, self.ends, strict=True)
        self.first = [bisect_left(self.load.lines, since, *span) for span in spans]

    def give(self, source: int, seen: float, there: float) -> int:
        """Give a page of what was written up to an instant, which is there at another."""
        at, lines = self.read[source], self.load.lines
        most = min(at + PAGE, self.ends[source])
        if at == most or lines[at] > seen:
            return 0
        end = self.read[source] = bisect_right(lines, seen, at, most)
        if end > (counted := max(at, self.first[source])):
            self.delays.extend([there - line for line in lines[counted:end]])
        return end - at

    def close(self, now: float) -> int:
        """Count the delay of what was never read."""
        before = len(self.delays)
        for at, first, end in zip(self.read, self.first, self.ends, strict=True):
            self.delays.extend([now - line for line in self.load.lines[max(at, first) : end]])
        return len(self.delays) - before


def simulate(policy: Policy, load: Load, budget: float, *, runaway: int = -1) -> Score:
    """Poll a workload; a `runaway` source has nothing but full pages, and does not count."""
    count = len(load.means)
    asked, stalest = [0.0] * count, 0.0
    log, flying, calls = _Log(load), deque[tuple[float, str, int]](), 0
    for source in map(str, range(count)):
        policy.add(source, 0.0)
    for number in range(int((load.seconds + LAPS_AFTER * count / budget) * budget)):
        now = number / budget
        while flying and flying[0][0] <= now:
            there, source, lines = flying.popleft()
            policy.observe(source, there, lines, lines == PAGE)
        chosen = policy.next(now)
        if chosen is None:
            continue
        calls += 1
        place = int(chosen)
        stalest = max(stalest, now - asked[place])
        asked[place] = now
        if place == runaway:
            lines = PAGE
        else:
            lines = log.give(place, now + ROUND_TRIP / 2, now + ROUND_TRIP)
        flying.append((now + ROUND_TRIP, chosen, lines))
    unread = log.close(now)
    delays = sorted(log.delays)
    return Score(
        calls=calls,
        mean=math.fsum(delays) / len(delays),
        p99=delays[len(delays) * 99 // 100],
        stalest=max(stalest, now - min(asked)),
        unread=unread,
    )
