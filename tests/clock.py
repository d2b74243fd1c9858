"""Time that passes only when somebody waits for it."""

from __future__ import annotations

from attrs import define, field

from tenx_async.testing import NOON, InstantClock

__all__ = ["NOON", "ManualClock"]


@define(eq=False)
class ManualClock(InstantClock):
    """An `InstantClock` that gives others their turn, and the wire no real time."""

    _pause: float = field(default=0.0, init=False)
    _quiet_turns: int = field(default=0, init=False)
