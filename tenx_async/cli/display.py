"""How a run goes: a live block on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.cli.outcomes import OutcomeFormat, outcome_line
from tenx_async.cli.screen import Screen
from tenx_async.cli.terminal import Output, say
from tenx_async.fleet.standing import Standing

LAST = 5
"""Outcomes that the live block shows."""
MOST_LEFT = 20
"""Outcomes that stay on the screen in the end; all are counted."""
TROUBLES = frozenset({"failed", "conflict", "unknown"})


class Display(Protocol):
    """Shows how a run goes."""

    async def outcome(self, outcome: Outcome) -> None:
        """Show what became of a service.

        Raises:
            OSError: nobody reads any more.
        """

    def standing(self, standing: Standing) -> None:
        """Show how far it is."""

    def note(self, text: str) -> None:
        """Say something, in one line."""

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """Leave what is to stay."""


def display_for(operation: str, form: OutcomeFormat) -> Display:
    """Choose how a run is shown."""
    is_screen = sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    is_live = form is OutcomeFormat.TEXT and is_screen
    return LiveDisplay(operation) if is_live else PlainDisplay(form)


@define
class PlainDisplay:
    """Writes one line an outcome to standard output, and says when a wave begins."""

    form: OutcomeFormat
    _output: Output = field(factory=Output, init=False)
    _wave: int = field(default=0, init=False)

    async def outcome(self, outcome: Outcome) -> None:
        """Write its line."""
        await self._output.write(outcome_line(outcome, self.form))

    def standing(self, standing: Standing) -> None:
        """Say when a wave begins, where there are several."""
        if standing.wave != self._wave and standing.waves > 1:
            self._wave = standing.wave
            ended = f"{_ended(standing):,} of {standing.total:,} have ended"
            say(f"wave {standing.wave} of {standing.waves}; {ended}")

    def note(self, text: str) -> None:
        """Say it."""
        say(text)

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """Leave everything as it is."""


@define
class LiveDisplay:
    """Keeps a block at the end of the terminal; what failed stays there."""

    operation: str
    _screen: Screen = field(factory=Screen, init=False)
    _last: deque[str] = field(factory=lambda: deque(maxlen=LAST), init=False)
    _began: float = field(factory=time.monotonic, init=False)

    async def outcome(self, outcome: Outcome) -> None:
        """Show it among the last ones."""
        self._last.append(outcome_line(outcome, OutcomeFormat.TEXT).rstrip("\n"))

    def standing(self, standing: Standing) -> None:
        """Draw the block."""
        seconds = time.monotonic() - self._began
        self._screen.draw(block(self.operation, standing, self._last, seconds))

    def note(self, text: str) -> None:
        """Say it above the block."""
        self._screen.clear()
        say(text)

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """Leave what failed, and of many the first ones."""
        self._screen.clear()
        troubles = [outcome for outcome in outcomes if outcome.result in TROUBLES]
        for outcome in troubles[:MOST_LEFT]:
            sys.stdout.write(outcome_line(outcome, OutcomeFormat.TEXT))
        sys.stdout.flush()
        if len(troubles) > MOST_LEFT:
            say(f"and {len(troubles) - MOST_LEFT:,} more that did not succeed")


def block(operation: str, standing: Standing, last: Sequence[str], seconds: float) -> Any:
    """Lay out a run that is under way, for rich."""
    from rich.console import Group  # noqa: PLC0415  # who is piped needs none of it
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    ended = _ended(standing)
    head = Table.grid(padding=(0, 1), expand=True)
    for column in range(4):
        head.add_column(ratio=1 if column == 2 else None, no_wrap=True)
    head.add_row(
        Text(operation, style="bold"),
        f"wave {standing.wave} of {standing.waves}" if standing.waves > 1 else "",
        ProgressBar(total=max(1, standing.total), completed=ended),
        f"{ended:,}/{standing.total:,} {clock(seconds)}",
    )
    return Group(head, Text(counts(standing)), *(Text(f"  {line}", style="dim") for line in last))


def _ended(standing: Standing) -> int:
    return standing.total - standing.waiting - standing.under_way


def counts(standing: Standing) -> str:
    """Count who is where, what is none left out."""
    results = standing.results
    numbers = {
        "done": results.get("applied", 0) + results.get("unchanged", 0),
        "failed": results.get("failed", 0) + results.get("conflict", 0),
        "unknown": results.get("unknown", 0),
        "left out": results.get("skipped", 0) + results.get("cancelled", 0),
        "under way": standing.under_way,
        "away": standing.away,
        "waiting": standing.waiting,
    }
    shown = [f"{number:,} {what}" for what, number in numbers.items() if number or what == "done"]
    return " · ".join(shown)


def clock(seconds: float) -> str:
    """Write a duration such as `1:05`."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
