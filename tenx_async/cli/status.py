"""How a following goes, told on standard error."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from tenx_async.cli.ending import explain
from tenx_async.cli.terminal import say
from tenx_async.logs.findings import OutOfReach
from tenx_async.telemetry.events import (
    CursorLost,
    DiscoveryFailed,
    Event,
    LogChanged,
    SinkPaused,
    SinkResumed,
    SourceAwaited,
    SourceFailed,
    SourceFound,
    SourceRecovered,
    SourceRemoved,
    SourceReset,
)

FEW = 5
"""Services that are told of one by one; beyond that only how many."""


@define
class Following:
    """Listens to a follower; without `live` the end of a log is no news."""

    live: bool
    say: Callable[[str], None] = say
    """Tells something, in one line."""
    has_begun: bool = field(default=False, init=False)
    """Whether it was told what was found at first."""
    _found: list[str] = field(factory=list, init=False)
    _failing: set[str] = field(factory=set, init=False)
    _worst: int = field(default=0, init=False)
    """How many were failing at once, since none was."""

    _doubtful: int = field(default=0, init=False)
    """Places that were found where lines may be missing or repeated."""

    @property
    def has_found(self) -> bool:
        """Whether there was a service at first."""
        return bool(self._found)

    def begin(self) -> None:
        """Tell what was found at first, as one."""
        self.has_begun = True
        names = ": " + ", ".join(self._found) if 0 < len(self._found) <= FEW else ""
        verb = "following" if self.live else "reading"
        self.say(f"{verb} {len(self._found):,} service{'s' * (len(self._found) != 1)}{names}")

    def __call__(self, event: Event) -> None:
        """Tell of one event."""
        match event:
            case SourceFound(source=name) if not self.has_begun:
                self._found.append(name)
            case SourceFound(source=name):
                self.say(f"{name}: found")
            case SourceAwaited(source=name):
                self.say(f"{name}: waiting for it, there is none yet")
            case SourceReset(source=name):
                self.say(f"{name}: made anew, its log begins again")
            case SourceRemoved(source=name) if self.live:
                self._failing.discard(name)
                self.say(f"{name}: removed")
            case SourceFailed():
                self._failed(event)
            case SourceRecovered(source=name):
                self._recovered(name)
            case LogChanged() if self._is_news(event):
                self.say(f"{event.source} of {event.date}: {event.finding}")
            case DiscoveryFailed(error=error, retry_in=seconds):
                self.say(f"cannot look for services: {explain(error)}; next try in {seconds:.0f} s")
            case _:
                self._of_what_is_kept(event)

    def _of_what_is_kept(self, event: Event) -> None:
        match event:
            case SinkPaused(error=error):
                self.say(f"paused: {explain(error)}; it is tried again until it works")
            case SinkResumed(seconds=seconds):
                self.say(f"lines are written again, after {seconds:,.0f} s")
            case CursorLost(source=name, error=error):
                self.say(f"{name}: read as a new one: {explain(error)}")

    def _is_news(self, event: LogChanged) -> bool:
        """Tell of what may be wrong, of the first few and then ever more rarely."""
        if event.finding.is_resolved and not isinstance(event.finding, OutOfReach):
            return False
        self._doubtful += 1
        return self._doubtful <= FEW or self._doubtful & (self._doubtful - 1) == 0

    def _failed(self, event: SourceFailed) -> None:
        self._failing.add(event.source)
        count = len(self._failing)
        self._worst = max(self._worst, count)
        is_rare = event.failures == 1 and count & (count - 1) == 0
        if count <= FEW and event.failures & (event.failures - 1) == 0:
            self.say(f"{event.source}: {explain(event.error)}; next try in {event.retry_in:.0f} s")
        elif is_rare:
            self.say(f"{count} services cannot be read, the last one: {explain(event.error)}")

    def _recovered(self, name: str) -> None:
        self._failing.discard(name)
        if self._worst <= FEW:
            self.say(f"{name}: recovered")
        elif not self._failing:
            self.say("all services can be read again")
        self._worst = self._worst if self._failing else 0
