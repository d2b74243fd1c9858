"""How shipping goes: a line on a terminal that is written over, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable

from attrs import define, field, frozen

from tenx_async.cli.screen import Screen
from tenx_async.cli.terminal import say

RATE_SECONDS = 5.0
"""The stretch over which the rate is taken."""
EVERY_SECONDS = 60.0
"""How often a plain line comes."""


@frozen(kw_only=True)
class Progress:
    """How shipping goes at a moment."""

    sources: int
    lines: int
    """That are durable in the sink, of this process."""
    lag: float | None
    """Seconds since the source that is farthest behind was last read to its end."""
    waiting: int
    """Lines that were read and are not durable yet."""
    state: str
    """The sink's."""
    reason: str
    """Why the sink takes nothing for now; empty: it does."""
    gaps: int


@define
class Rate:
    """How fast a number grows."""

    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int]] = field(factory=deque, init=False)

    def of(self, number: int) -> float:
        """Take in what it is now; tell by how much it grew in a second, of late."""
        now = self.clock()
        self._seen.append((now, number))
        while len(self._seen) > 2 and self._seen[0][0] < now - RATE_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        return (number - before) / (now - then) if now > then else 0.0


def line_of(progress: Progress, rate: float) -> str:
    """Say how it goes in one line."""
    lag = "lag unknown" if progress.lag is None else f"lag {progress.lag:.1f} s"
    gaps = f" · {_count(progress.gaps, 'gap')}" if progress.gaps else ""
    sink = f"paused: {progress.reason}" if progress.reason else progress.state
    return (
        f"{_count(progress.sources, 'service')} · {_count(progress.lines, 'line')} · "
        f"{rate:,.0f}/s · "
        f"{lag} · {progress.waiting:,} waiting{gaps} · {sink}"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


@define
class Account:
    """Tells how it goes on standard error."""

    is_live: bool = field(factory=lambda: sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
    clock: Callable[[], float] = time.monotonic
    line: str = field(default="", init=False)
    """The last one."""
    _screen: Screen = field(factory=Screen, init=False)
    _rate: Rate = field(init=False)
    _told: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._rate = Rate(self.clock)
        self._told = self.clock()

    def say(self, message: str) -> None:
        """Say something, above the line."""
        self._screen.clear()
        say(message)

    def show(self, progress: Progress) -> None:
        """Show how it goes now."""
        self.line = line_of(progress, self._rate.of(progress.lines))
        if self.is_live:
            self._screen.draw(self.line)
        elif self.clock() - self._told >= EVERY_SECONDS:
            self.tell()

    def sum_up(self, progress: Progress) -> None:
        """Tell what came of it."""
        self.say(f"wrote {_count(progress.lines, 'line')} of {_count(progress.sources, 'service')}")
        if progress.waiting:
            waiting = _count(progress.waiting, "line")
            self.say(f"{waiting} more could not be written; the next time they are read again")

    def tell(self) -> None:
        """Say the line, so that it stays."""
        self._told = self.clock()
        self.say(self.line)
