"""An account at one endpoint: its sessions, its gate, and the performing of operations."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp
from attrs import Attribute, define, evolve, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.operations import Operation
from tenx_async.api.outcome import attempts_of
from tenx_async.clock import Clock, SystemClock
from tenx_async.errors import (
    ConfigurationError,
    DeadlineExceeded,
    OutcomeUnknown,
    TenxError,
)
from tenx_async.settings import Credentials
from tenx_async.telemetry.events import Listener
from tenx_async.telemetry.listeners import guarded
from tenx_async.telemetry.logging import log_event
from tenx_async.transport.budgets import CallBudget
from tenx_async.transport.connector import Connector
from tenx_async.transport.deadlines import Deadlines
from tenx_async.transport.exchange import Exchange, Timeouts
from tenx_async.transport.gate import Gate
from tenx_async.transport.pace import Pace
from tenx_async.transport.pursuit import Means, Pursuit
from tenx_async.transport.reconcile import ReconcilePolicy
from tenx_async.transport.retry import RetryPolicy
from tenx_async.transport.verdict import AttemptFailed

if TYPE_CHECKING:
    from tenx_async.transport.counter import SqliteCounter

T = TypeVar("T")


def _above_zero(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and not 0 < value < math.inf:
        raise ConfigurationError(f"{attribute.name}: {value!r} is no number above 0")


@frozen(kw_only=True)
class Limits:
    """Bounds that hold for every call of an account."""

    timeouts: Timeouts = Timeouts()
    retries: RetryPolicy = RetryPolicy()
    reconciling: ReconcilePolicy = ReconcilePolicy()
    deadline: float = 120.0
    """Seconds that an operation may take over all its attempts, unless it says otherwise."""
    largest_reply: int = 64 * 1024 * 1024
    """Bytes after decompression."""
    calls_per_day: int | None = field(default=None, validator=_above_zero)
    """Calls that may be made in a day of UTC; the vendor's beta allowed 100."""
    calls_per_second: float | None = field(default=None, validator=_above_zero)
    """Calls that may be made in a second; without it the server's refusals teach a rate."""


@frozen(kw_only=True)
class Usage:
    """What an account has used, and how it is held back."""

    calls_today: int
    """Calls made since midnight UTC."""
    budget_left: int | None
    """Calls that are left of the day's budget; `None` without one."""
    in_flight: int
    """Calls under way."""
    limit: int
    """Calls that may be under way; adapts to what the server bears."""
    calls_per_second: float | None
    """The rate learnt from refusals, or set; `None` while there is none."""
    paused_until: dt.datetime | None
    """Until when all calls are held back."""


@define(kw_only=True)
class Account:
    """One account at one endpoint, between `open` and `close`."""

    endpoint: str
    credentials: Credentials
    limits: Limits = Limits()
    connector: aiohttp.BaseConnector | None = field(default=None, repr=False)
    """A connector to share, its owner's to close; without one the account makes its own."""
    clock: Clock = field(factory=SystemClock, repr=False)
    emit: Listener = field(default=log_event, converter=guarded, repr=False)
    state: Path | None = field(default=None, repr=False)
    """A directory in which the calls of the day are counted beyond the life of the process."""
    gate: Gate = field(init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)
    _means: Means | None = field(default=None, init=False, repr=False)
    _counter: SqliteCounter | None = field(default=None, init=False, repr=False)
    _own_connector: aiohttp.BaseConnector | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.gate = Gate(
            clock=self.clock,
            emit=self.emit,
            pace=Pace(ceiling=self.limits.calls_per_second or math.inf),
            calls=CallBudget(per_day=self.limits.calls_per_day),
        )

    def open(self) -> Self:
        """Make the sessions, in the running loop; nothing is connected yet.

        Raises:
            ConfigurationError: it is open already, or cannot count calls in its directory.
        """
        if self._means is not None:
            raise ConfigurationError("the client is open already: enter it once, and share it")
        self._loop = asyncio.get_running_loop()
        self.gate = evolve(self.gate)  # what waits at the old one is bound to another loop
        if self.state is not None:
            from tenx_async.transport.counter import SqliteCounter  # noqa: PLC0415  # brings sqlite3

            self._counter = SqliteCounter.open(self.state, self.endpoint, self.credentials)
            self.gate.calls.counter = self._counter
        connector = self.connector
        if connector is None:
            connector = self._own_connector = Connector()
        exchange = Exchange(
            endpoint=self.endpoint,
            credentials=self.credentials,
            connector=connector,
            timeouts=self.limits.timeouts,
            largest_reply=self.limits.largest_reply,
            clock=self.clock,
        )
        self._means = Means(
            exchange=exchange,
            gate=self.gate,
            deadlines=Deadlines(self._loop),
            retries=self.limits.retries,
            reconciling=self.limits.reconciling,
        )
        return self

    async def close(self) -> None:
        """Let go of the sessions, and of the connector if it is the account's own."""
        means, self._means = self._means, None
        if means is not None:
            await means.exchange.close()
        if self._own_connector is not None:
            await self._own_connector.close()
        counter, self._counter = self._counter, None
        if counter is not None:
            with closing(counter), suppress(ConfigurationError):  # it may be what broke
                self.gate.calls.part(self.clock.now())

    @property
    def usage(self) -> Usage:
        """What has been used, and how calls are held back."""
        now = self.clock.now()
        pause = self.gate.paused_until - self.clock.monotonic()
        rate = self.gate.pace.rate
        return Usage(
            calls_today=self.gate.calls.calls(now),
            budget_left=self.budget_left,
            in_flight=self.gate.in_flight,
            limit=self.gate.concurrency.limit,
            calls_per_second=rate if rate < math.inf else None,
            paused_until=now + dt.timedelta(seconds=pause) if pause > 0 else None,
        )

    @property
    def budget_left(self) -> int | None:
        """Calls that are left of the day's budget; `None` without one."""
        calls = self.gate.calls
        if calls.per_day is None:
            return None
        return max(0, calls.per_day - calls.calls(self.clock.now()))

    def has_room(self, calls: int) -> bool:
        """Tell whether one more may try to call beside so many who do nothing else."""
        return self.gate.has_room(calls)

    async def perform(
        self,
        operation: Operation[T],
        *,
        deadline: float | None = None,
        attempts: int | None = None,
        before: Service | None = None,
        since: dt.datetime | None = None,
    ) -> T:
        """Bring an operation to its end.

        Args:
            operation: what to do.
            deadline: seconds that it may take over all attempts and waits.
            attempts: how often to try; as the account's limits say without it.
            before: what the service looks like, if that is known: it helps to tell what became
                of a write whose answer is lost.
            since: when a process that is gone may have sent this write: it is then looked into
                first, and sent only if it certainly did nothing.

        Raises:
            ApiError: the server refused.
            TransportError: no usable answer to a read, or a write that was not sent.
            OutcomeUnknown: a write was sent, and whether it was executed cannot be told.
            DeadlineExceeded: time was up first.
            QuotaExceeded: the day's calls are spent.
        """
        seconds = self.limits.deadline if deadline is None else deadline
        pursuit = self._pursuit(operation, seconds, before, since)
        error: TenxError
        cause: BaseException | None = None
        try:
            with pursuit.scope:
                if since is not None:
                    return await pursuit.settle(attempts)
                return await pursuit.run(attempts)
        except AttemptFailed as failure:
            error, cause = failure.error, failure.__cause__
        except TimeoutError:
            error = DeadlineExceeded(f"not done within {seconds:g} s", operation=str(operation))
        except TenxError as reason:
            error = reason
        told, cause = _told(pursuit, error, cause)
        raise told from cause

    def _pursuit(
        self,
        operation: Operation[T],
        seconds: float,
        before: Service | None,
        since: dt.datetime | None,
    ) -> Pursuit[T]:
        means, began = self._opened(), self.clock.monotonic()
        return Pursuit(
            operation=operation,
            means=means,
            began=began,
            deadline=began + seconds,
            scope=means.deadlines.within(seconds),
            before=before,
            since=since,
        )

    def _opened(self) -> Means:
        """What operations are done with, if it is open in the running loop."""
        if self._means is None:
            raise ConfigurationError("the client is not open: use it inside `async with`")
        if self._loop is not asyncio.get_running_loop():
            raise ConfigurationError("the client was opened in another event loop: one for each")
        return self._means


def _told(
    pursuit: Pursuit[T], error: TenxError, cause: BaseException | None
) -> tuple[TenxError, BaseException | None]:
    """What the caller is told of a failure, and as caused by what."""
    if isinstance(error, DeadlineExceeded):
        error.after(max(1, pursuit.attempts))
        cause = pursuit.failure
    if pursuit.may_have_been_executed:
        return _unknown(pursuit, error), error
    return error, cause


def _unknown(pursuit: Pursuit[T], reason: TenxError) -> OutcomeUnknown:
    sent = "was sent" if pursuit.since is None else "may have been sent"
    return OutcomeUnknown(
        f"it {sent}, and whether it was executed cannot be told ({reason.message}); "
        "look at the service before asking again",
        operation=str(pursuit.operation),
        attempts=max(1, attempts_of(reason)),
    )
