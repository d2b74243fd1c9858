"""One request and its answer over HTTP: sent at most once, read within bounds, then judged."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import TypeVar

import aiohttp
from aiohttp.http import SERVER_SOFTWARE
from attrs import define, evolve, field, frozen
from yarl import URL

from tenx_async.api.complaint import complaint
from tenx_async.api.operations import Operation
from tenx_async.api.redact import redact
from tenx_async.clock import Clock
from tenx_async.errors import (
    BadResponse,
    ConfigurationError,
    ConnectFailed,
    Disconnected,
    OperationError,
    Redirected,
    ResponseTooLarge,
    TimedOut,
    WindowLimit,
    error_class,
)
from tenx_async.settings import Credentials
from tenx_async.transport.deadlines import Scope
from tenx_async.transport.requests import Request, Sent, Write, sent_trace
from tenx_async.transport.verdict import AttemptFailed, Verdict, judge, retry_after

T = TypeVar("T")

LARGEST_ERROR_BODY = 64 * 1024
LONG_BODY = 512 * 1024
"""Bytes; a longer one is decoded beside the event loop."""


@frozen(kw_only=True)
class Timeouts:
    """Seconds that one attempt may wait for something to happen."""

    connect: float = 10.0
    """Until a connection stands, TLS included."""
    read: float = 30.0
    """Between two pieces of the answer."""
    body: float = 2.0
    """For the whole body of an answer whose status has said it all; then it is left."""


@define(kw_only=True)
class Exchange:
    """Sends requests of one account to one endpoint."""

    endpoint: str
    credentials: Credentials
    connector: aiohttp.BaseConnector = field(repr=False)
    timeouts: Timeouts
    largest_reply: int
    clock: Clock = field(repr=False)
    _reads: aiohttp.ClientSession = field(init=False, repr=False)
    _writes: aiohttp.ClientSession = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._reads = self._session(Request)
        self._writes = self._session(Write, sent_trace())

    def _session(
        self, request_class: type[Request], *traces: aiohttp.TraceConfig
    ) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=self.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers(),
            request_class=request_class,
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self.timeouts.connect,
                sock_read=self.timeouts.read,
            ),
            trace_configs=[*traces],
        )
        # Else aiohttp repeats PUT and DELETE by itself when a kept connection drops
        # (aio-libs/aiohttp#10790); there is no public switch.
        session._retry_connection = False  # noqa: SLF001
        return session

    def _headers(self) -> dict[str, str]:
        """All headers of a request without a body."""
        return {
            "Host": URL(self.endpoint).host_port_subcomponent or "",
            **aiohttp.ClientRequest.DEFAULT_HEADERS,
            "User-Agent": SERVER_SOFTWARE,
            **self.credentials.headers(),
        }

    async def close(self) -> None:
        """Let go of the sessions; the connector is its owner's."""
        await self._reads.close()
        await self._writes.close()

    async def send(self, operation: Operation[T], sent: Sent, scope: Scope) -> T:
        """Send a request once and read its answer.

        Args:
            operation: what to ask for.
            sent: raised as soon as the request of a write may have reached the server.
            scope: the deadline under which this goes on; it leaves what a status has decided.

        Raises:
            AttemptFailed: there is no result; says why and what may be done about it.
        """
        if self._reads.closed:
            raise ConfigurationError("the client was closed while the operation waited")
        try:
            if operation.is_write:
                return await self._write(operation, sent, scope)
            return await self._read(operation, scope)
        except (aiohttp.ClientError, TimeoutError) as error:
            cause = error
        failure = self._failed(operation, sent, cause)
        # Raised outside of the handler: what is no failure of the system quotes the server, and
        # may hold the request's headers.
        raise failure from cause if isinstance(cause, OSError) else None

    async def _read(self, operation: Operation[T], scope: Scope) -> T:
        response = await self._reads.get(self._url(operation), allow_redirects=False)
        try:
            if judge(response.status) is not Verdict.APPLIED:
                raise await self._refusal(operation, response, scope)
            body = await self._body(response, operation)
            if len(body) > LONG_BODY:
                return await asyncio.to_thread(self._result, operation, body)
            return self._result(operation, body)
        finally:
            response.release()

    async def _write(self, operation: Operation[T], sent: Sent, scope: Scope) -> T:
        async with self._writes.request(
            operation.method,
            self._url(operation),
            data=operation.body,
            headers={"Content-Type": "application/json"} if operation.body else None,
            allow_redirects=False,
            trace_request_ctx=sent,
        ) as response:
            sent.flag = True
            if judge(response.status) is not Verdict.APPLIED:
                raise await self._refusal(operation, response, scope)
            body = await self._what_comes(self._body(response, operation), scope)
            return operation.read(body or b"")

    def _url(self, operation: Operation[T]) -> URL:
        return URL(self.endpoint + operation.target, encoded=True)

    def _result(self, operation: Operation[T], body: bytes) -> T:
        try:
            return operation.read(body)
        except BadResponse as error:
            told = error
        shown = evolve(
            told,
            message=self._redacted(operation, told.message),
            body=self._redacted(operation, told.body),
        )
        raise AttemptFailed(Verdict.AMBIGUOUS, shown) from told.__cause__

    async def _what_comes(
        self, body: Coroutine[object, object, bytes | None], scope: Scope
    ) -> bytes | None:
        """Read a body whose status has said it all, if it comes at all and in time."""
        try:
            async with asyncio.timeout(self.timeouts.body):
                return await body
        except (aiohttp.ClientError, TimeoutError, AttemptFailed):
            return None
        except asyncio.CancelledError:
            if not scope.take_back():
                raise
            return None

    async def _body(self, response: aiohttp.ClientResponse, operation: Operation[T]) -> bytes:
        content = response.content
        if content.is_eof() and content.total_bytes <= self.largest_reply:
            return content.read_nowait()
        too_large = (response.content_length or 0) > self.largest_reply
        body = None if too_large else await _read_at_most(response, self.largest_reply)
        if body is None:
            error = ResponseTooLarge(
                f"the answer is larger than {self.largest_reply} bytes", operation=str(operation)
            )
            raise AttemptFailed(Verdict.REFUSED, error)
        return body

    async def _refusal(
        self, operation: Operation[T], response: aiohttp.ClientResponse, scope: Scope
    ) -> AttemptFailed:
        pause = retry_after(response.headers, self.clock.now())
        reading = _read_at_most(response, LARGEST_ERROR_BODY, whole=False)
        body = await self._what_comes(reading, scope) or b""
        text = self._redacted(operation, body.decode(errors="replace"))
        mask = partial(self._redacted, operation)
        error = error_class(response.status, text)(
            mask(_elsewhere(response))
            or complaint(text, mask)
            or mask(response.reason or "the server refused"),
            operation=str(operation),
            status=response.status,
            body=text,
            retry_after=pause,
        )
        if isinstance(error, WindowLimit):
            return AttemptFailed(Verdict.REFUSED, error)
        return AttemptFailed(judge(response.status, asks_to_wait=pause is not None), error, pause)

    def _failed(
        self, operation: Operation[T], sent: Sent, error: aiohttp.ClientError | TimeoutError
    ) -> AttemptFailed:
        kind, message = explain(error)
        never_left = kind is ConnectFailed or (operation.is_write and not sent.flag)
        verdict = Verdict.NOT_SENT if never_left else Verdict.AMBIGUOUS
        text = self._redacted(operation, f"{self.endpoint} {message}")
        return AttemptFailed(verdict, kind(text, operation=str(operation)))

    def _redacted(self, operation: Operation[T], text: str) -> str:
        legible = text.encode(errors="replace").decode()  # a head may hold half a character
        return redact(legible, [self.credentials.token, *operation.secrets()])


def explain(error: aiohttp.ClientError | TimeoutError) -> tuple[type[OperationError], str]:
    """Tell what a failure of aiohttp is in this package's terms."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectFailed, "did not take a connection in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectFailed, f"cannot be reached: {error.os_error}"
    if isinstance(error, TimeoutError):
        return TimedOut, "did not answer in time"
    if isinstance(error, aiohttp.ClientConnectionError):
        return Disconnected, "closed the connection before it had answered"
    if isinstance(error, aiohttp.ClientPayloadError):
        return Disconnected, "broke off in the middle of its answer"
    reason = " ".join(getattr(error, "message", str(error)).split())
    return BadResponse, f"sent something that is not HTTP: {reason}"


def _elsewhere(response: aiohttp.ClientResponse) -> str:
    """What is said of a redirect; nothing of another answer."""
    if error_class(response.status) is not Redirected:
        return ""
    elsewhere = response.headers.get("Location", "nowhere")
    return f"the server points to {elsewhere!r}; redirects are refused, check the endpoint"


async def _read_at_most(
    response: aiohttp.ClientResponse, most: int, *, whole: bool = True
) -> bytes | None:
    """Read a body piece by piece; one over the bound is cut, or `None` if wanted whole."""
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            response.close()
            return None if whole else b"".join(pieces)[:most]
    return b"".join(pieces)
