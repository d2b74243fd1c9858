"""Time that passes only when somebody waits for it."""

from __future__ import annotations

import time

from attrs import define, field

from tenx_async.testing import NOON, InstantClock

__all__ = ["NOON", "ManualClock"]


@define(eq=False)
class ManualClock(InstantClock):
    """An `InstantClock` that gives others their turn, threads too, and the wire no real time."""

    _pause: float = field(default=0.0, init=False)
    _quiet_turns: int = field(default=0, init=False)

    async def sleep(self, seconds: float) -> None:
        """Wait; first, a thread that wants to go on does, or it would wait its turn for long."""
        time.sleep(0)  # noqa: ASYNC251  # it lets go of the interpreter
        await super().sleep(seconds)
