"""What a service manager is told: systemd's `sd_notify`, in a few lines."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from attrs import frozen

_MILLION = 1_000_000
_MORE_SECONDS = 30


@frozen
class Supervisor:
    """Whoever started this process and asked to be told how it is; or nobody."""

    address: str = ""
    """A socket's; empty: nobody asked."""
    patience: float | None = None
    """Seconds after which the process is taken for dead, if it has not said that it lives."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Find out who asked to be told, from the variables of the process."""
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience = environment.get("WATCHDOG_USEC", "") if meant else ""
        seconds = int(patience) / _MILLION if patience.isdecimal() and int(patience) else None
        return cls(environment.get("NOTIFY_SOCKET", ""), seconds)

    def not_yet(self) -> None:
        """Ask for more time to begin, as long as it is needed."""
        self._tell(f"EXTEND_TIMEOUT_USEC={_MORE_SECONDS * _MILLION}")

    def ready(self) -> None:
        """Tell that what was to be begun has begun."""
        self._tell("READY=1")

    def status(self, text: str) -> None:
        """Tell how it goes, in one line."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def stopping(self) -> None:
        """Tell that it is going to end."""
        self._tell("STOPPING=1")

    async def live(self) -> None:
        """Tell that the process lives, twice as often as it has to be told, as long as it does."""
        while self.patience:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.patience / 2)

    def _tell(self, fact: str) -> None:
        if not self.address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)  # who does not listen holds nothing up
            abstract = self.address.startswith("@")
            line.connect(f"\0{self.address[1:]}" if abstract else self.address)
            line.send(fact.encode())
