"""Ctrl-C in two stages."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Self

from attrs import define, field

from tenx_async.cli.ending import Status, cancel_on_termination

_STATUS = {signal.SIGINT: Status.INTERRUPTED, signal.SIGTERM: Status.TERMINATED}


@define
class Interruption:
    """The first signal lets what is under way end; another one breaks it off."""

    stop: Callable[[], None]
    break_off: Callable[[], None]
    status: Status = field(default=Status.WELL, init=False)
    """The exit status of the first signal, if one came."""
    is_broken_off: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        for number, status in _STATUS.items():
            asyncio.get_running_loop().add_signal_handler(number, self._heed, status)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        cancel_on_termination()

    def _heed(self, status: Status) -> None:
        if not self.status:
            self.status = status
            self.stop()
        elif not self.is_broken_off:
            self.is_broken_off = True
            self.break_off()
