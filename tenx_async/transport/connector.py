"""The connections that accounts share."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler


class _Line(ResponseHandler):
    """Bounds the server's silence by one timer for the whole connection.

    aiohttp alone sets and cancels three of them a request, at the cost of decoding its answer.
    """

    _silent_until: float | None = None
    """When it has been silent for too long, by the loop's time; `None`: it may be."""

    def is_connected(self) -> bool:
        """Whether it can be used: not if something came that nobody had asked for.

        Such as the second of two answers to a request: it would be taken for the next one's.
        """
        return super().is_connected() and not self.should_close

    def _reschedule_timeout(self) -> None:
        if self._read_timeout:
            self._silent_until = self._loop.time() + self._read_timeout
            self._watch(self._silent_until)
        else:
            self._silent_until = None

    def _drop_timeout(self) -> None:
        self._silent_until = None

    def _watch(self, until: float) -> None:
        timer = self._read_timeout_handle
        if timer is None or until < timer.when():
            self._unwatch()
            self._read_timeout_handle = self._loop.call_at(until, self._look)

    def _unwatch(self) -> None:
        timer, self._read_timeout_handle = self._read_timeout_handle, None
        if timer is not None:
            timer.cancel()

    def _look(self) -> None:
        self._read_timeout_handle = None
        if self._silent_until is None:
            return
        if self._silent_until <= self._loop.time():
            self._on_read_timeout()
        else:
            self._watch(self._silent_until)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._unwatch()


class Connector(aiohttp.TCPConnector):
    """Makes such connections, as many as are asked for: the gates bound what is under way."""

    def __init__(self) -> None:
        super().__init__(limit=0)
        self._factory = cast(
            "partial[ResponseHandler]", partial(_Line, loop=asyncio.get_running_loop())
        )
