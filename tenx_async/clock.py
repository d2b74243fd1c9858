"""Time, as it is handed to everything that waits: real here, manual in tests."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""

    def now(self) -> dt.datetime:
        """The time of day, with its zone."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def now(self) -> dt.datetime:
        """The time of day in UTC."""
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
