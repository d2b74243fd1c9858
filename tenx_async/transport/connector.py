"""The connections that accounts share."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

_END_OF_HEAD = b"\r\n\r\n"


class Line(ResponseHandler):
    """Bounds the server's silence by one timer for the whole connection, and keeps a status.

    aiohttp alone sets and cancels three timers a request, at the cost of decoding its answer. And
    it forgets an answer's head, which tells whether a write was executed, if what comes in the
    same packet is not HTTP. Lost all the same is a head that names an encoding that is not
    installed, or that follows a 1xx.
    """

    keeps_status: bool = False
    """Whether the head that comes next is to be read by itself, before what follows it."""

    _silent_until: float | None = None
    """When it has been silent for too long, by the loop's time; `None`: it may be."""

    def is_connected(self) -> bool:
        """Whether it can be used: not if something came that nobody had asked for.

        Such as the second of two answers to a request: it would be taken for the next one's.
        """
        return super().is_connected() and not self.should_close

    def data_received(self, data: bytes) -> None:
        """Take what came, a head that counts by itself."""
        if self.keeps_status:
            head, end, data = data.partition(_END_OF_HEAD)
            super().data_received(head + end)
            self.keeps_status = not end
            if not data or self.exception() is not None:
                return
        super().data_received(data)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail the body that is being read, too: nobody else would, and its reader would wait."""
        super().set_exception(exc, *cause)
        body = self._payload
        if isinstance(exc, HttpProcessingError) and body is not None and not body.is_eof():
            body.set_exception(aiohttp.ClientPayloadError("what came is not HTTP"))

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
        """End, and look no more."""
        super().connection_lost(exc)
        self._unwatch()


class Connector(aiohttp.TCPConnector):
    """Makes such connections, as many as are asked for: the gates bound what is under way."""

    def __init__(self) -> None:
        super().__init__(limit=0)
        self._factory = cast(
            "partial[ResponseHandler]", partial(Line, loop=asyncio.get_running_loop())
        )
