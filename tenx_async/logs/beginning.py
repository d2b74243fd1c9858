"""Wait until it is known where the logs end, so that what is written from then on is new."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from attrs import define, field

PATIENCE = 10.0
"""Seconds that the waiting takes at most, as with a slow server and many long days."""
TRIES = 3
"""After so many failures in a row a log is not waited for any longer."""


@define(eq=False)
class Beginning:
    """Tells when it is known of all logs where they end."""

    _unknown: set[str] = field(factory=set, init=False, repr=False)
    """Services of which it is not known yet."""
    _over: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether no log is waited for, or none any more."""
        return not self._unknown

    async def wait(self, services: Iterable[str], running: asyncio.Task[None]) -> None:
        """Wait for the logs of these services, as long as somebody reads them."""
        self._unknown = set(services)
        if self.is_over:
            return
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait(
                {over, running}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            over.cancel()

    def succeeded(self, service: str) -> None:
        """Note that a log was read."""
        self._unknown.discard(service)
        if self.is_over:
            self._over.set()

    def failed(self, service: str, failures: int) -> None:
        """Note how often in a row a log could not be read."""
        if failures >= TRIES:
            self.succeeded(service)
