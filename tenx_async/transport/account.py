"""An account at one endpoint: its sessions, its gate, and the performing of operations."""

from __future__ import annotations

import asyncio
from typing import Self, TypeVar

import aiohttp
from attrs import define, field, frozen

from tenx_async.api.operations import Operation
from tenx_async.clock import Clock, SystemClock
from tenx_async.errors import ConfigurationError, DeadlineExceeded, OutcomeUnknown
from tenx_async.settings import Credentials
from tenx_async.transport.exchange import Exchange, Sent, Timeouts
from tenx_async.transport.gate import Gate
from tenx_async.transport.retry import Resending, RetryPolicy
from tenx_async.transport.verdict import AttemptFailed, Verdict

T = TypeVar("T")


@frozen(kw_only=True)
class Limits:
    """Bounds that hold for every call of an account."""

    timeouts: Timeouts = Timeouts()
    retries: RetryPolicy = RetryPolicy()
    deadline: float = 120.0
    """Seconds that a call may take over all its attempts, unless it says otherwise."""
    largest_reply: int = 64 * 1024 * 1024
    """Bytes after decompression."""


@define(kw_only=True)
class Account:
    """One account at one endpoint, between `open` and `close`."""

    endpoint: str
    credentials: Credentials
    limits: Limits = Limits()
    connector: aiohttp.BaseConnector | None = field(default=None, repr=False)
    """A connector to share, its owner's to close; without one the account makes its own."""
    clock: Clock = field(factory=SystemClock, repr=False)
    gate: Gate = field(factory=Gate)
    _exchange: Exchange | None = field(default=None, init=False, repr=False)
    _own_connector: aiohttp.BaseConnector | None = field(default=None, init=False, repr=False)

    def open(self) -> Self:
        """Make the sessions, in the running loop; nothing is connected yet."""
        connector = self.connector
        if connector is None:
            connector = self._own_connector = make_connector()
        self._exchange = Exchange(
            endpoint=self.endpoint,
            credentials=self.credentials,
            connector=connector,
            timeouts=self.limits.timeouts,
            largest_reply=self.limits.largest_reply,
            clock=self.clock,
        )
        return self

    async def close(self) -> None:
        """Let go of the sessions, and of the connector if it is the account's own."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()
        if self._own_connector is not None:
            await self._own_connector.close()

    async def perform(
        self,
        operation: Operation[T],
        *,
        deadline: float | None = None,
        attempts: int | None = None,
    ) -> T:
        """Bring an operation to its end.

        Args:
            operation: what to do.
            deadline: seconds that it may take over all attempts and waits.
            attempts: how often to try; as the account's limits say without it.

        Raises:
            ApiError: the server refused.
            TransportError: no usable answer to a read, or a write that was not sent.
            OutcomeUnknown: a write was sent, and whether it was executed cannot be told.
            DeadlineExceeded: time was up first.
        """
        sent = Sent()
        seconds = self.limits.deadline if deadline is None else deadline
        ends = self.clock.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._attempt(operation, sent)
                except AttemptFailed as failure:
                    if attempts == 1:
                        raise
                    return await self._resend(operation, sent, failure, ends, attempts)
        except AttemptFailed as failure:
            raise _final_error(operation, failure) from failure.__cause__
        except TimeoutError:
            raise _out_of_time(operation, sent, seconds) from None

    async def _resend(
        self,
        operation: Operation[T],
        sent: Sent,
        first: AttemptFailed,
        ends: float,
        attempts: int | None,
    ) -> T:
        resending = Resending(
            operation=operation,
            policy=self.limits.retries,
            most=attempts or self.limits.retries.attempts(operation),
            deadline=ends,
            clock=self.clock,
        )
        return await resending.after(first, lambda: self._attempt(operation, sent))

    async def _attempt(self, operation: Operation[T], sent: Sent) -> T:
        if self._exchange is None:
            raise ConfigurationError("the client is not open: use it inside `async with`")
        async with self.gate.admit():
            sent.flag = False
            return await self._exchange.send(operation, sent)


def make_connector() -> aiohttp.TCPConnector:
    """Make a connector without a bound of its own: the gates bound what is under way."""
    return aiohttp.TCPConnector(limit=0)


def _final_error(operation: Operation[T], failure: AttemptFailed) -> Exception:
    if operation.is_write and failure.verdict is Verdict.AMBIGUOUS:
        return OutcomeUnknown(
            f"it was sent, but not answered as it should: {failure.error.message}; "
            "look at the service before asking again",
            operation=str(operation),
            attempts=failure.error.attempts,
        )
    return failure.error


def _out_of_time(operation: Operation[T], sent: Sent, seconds: float) -> Exception:
    if operation.is_write and sent.flag:
        return OutcomeUnknown(
            f"it was sent, and not answered within {seconds:g} s; "
            "look at the service before asking again",
            operation=str(operation),
        )
    return DeadlineExceeded(f"not done within {seconds:g} s", operation=str(operation))
