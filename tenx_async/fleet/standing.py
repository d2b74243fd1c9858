"""How far a run is, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import frozen

from tenx_async.api.outcome import Outcome
from tenx_async.fleet.progress import State
from tenx_async.fleet.waves import Waves


@frozen(kw_only=True)
class Standing:
    """How far a run is."""

    total: int
    waiting: int
    under_way: int
    away: int
    """Services that are not at work because of the run."""
    wave: int
    """From 1."""
    waves: int
    results: Mapping[str, int]
    """How many came to each result."""


def standing_of(waves: Waves, outcomes: Iterable[Outcome]) -> Standing:
    """Count how far a run is."""
    states = Counter(progress.state for progress in waves.steps)
    return Standing(
        total=len(waves.steps),
        waiting=states[State.WAITING],
        under_way=states[State.SENT] + states[State.WATCHED],
        away=waves.away,
        wave=max(waves.wave, 0) + 1,
        waves=len(waves.bounds),
        results=Counter(outcome.result for outcome in outcomes),
    )
