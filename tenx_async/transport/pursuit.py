"""One operation seen through to its end: attempts, resends, and looks where an answer is lost."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar, cast

from attrs import define, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.operations import Operation, Repeat, get_service
from tenx_async.errors import Conflict, Disconnected, NotFound, OperationError, TenxError
from tenx_async.telemetry.events import AttemptEnded, Reconciled
from tenx_async.telemetry.logging import hears_attempts
from tenx_async.transport.deadlines import Deadlines, Scope
from tenx_async.transport.exchange import Exchange
from tenx_async.transport.gate import Entry, Gate
from tenx_async.transport.reconcile import Doubt, Finding, Look, ReconcilePolicy
from tenx_async.transport.requests import Sent
from tenx_async.transport.retry import Resending, RetryPolicy
from tenx_async.transport.verdict import AttemptFailed, Verdict

T = TypeVar("T")
R = TypeVar("R")


@frozen(kw_only=True)
class Means:
    """What the operations of an account are done with."""

    exchange: Exchange
    gate: Gate
    deadlines: Deadlines
    retries: RetryPolicy
    reconciling: ReconcilePolicy


@define(kw_only=True)
class Pursuit(Generic[T]):
    """Sees one operation through to its end."""

    operation: Operation[T]
    means: Means
    began: float
    """When, by the clock's `monotonic`."""
    deadline: float
    """When to have ended, by the same."""
    scope: Scope
    """What ends it then."""
    before: Service | None = None
    """What the service looked like before, if that is known."""
    since: dt.datetime | None = None
    """When a process that is gone may have sent it, if one may."""
    chance: Callable[[], float] = random.random
    attempts: int = field(default=0, init=False)
    """How often it was sent, or tried to be."""
    failure: OperationError | None = field(default=None, init=False)
    """Why the last attempt failed."""
    _sent: Sent = field(factory=Sent, init=False)
    """Whether the current attempt may have been executed."""
    _lingers: bool = field(default=False, init=False)
    """Whether an earlier attempt may have been executed, and nobody looks into it."""
    _doubted: bool = field(default=False, init=False)
    """Whether an earlier attempt's answer was lost."""
    _looks: list[Look] = field(factory=list, init=False)
    """What the service looked like since the current attempt was sent."""

    @property
    def may_have_been_executed(self) -> bool:
        """Whether it is a write that the server may have executed."""
        return self.operation.is_write and (self._sent.flag or self._lingers)

    async def run(self, most: int | None = None) -> T:
        """Bring the operation to its end, in at most so many attempts.

        Raises:
            AttemptFailed: it has no result.
            TenxError: it could not go on for lack of time or calls.
        """
        try:
            return await self._send(self.operation, self._sent)
        except AttemptFailed as failure:
            first = failure
        return await self._go_on(first, most or self.means.retries.attempts(self.operation))

    async def settle(self, most: int | None = None) -> T:
        """Find out what became of it where a process that is gone may have sent it.

        It is sent if it is a write whose effect shows, and certainly did nothing.

        Raises:
            AttemptFailed: it has no result.
            TenxError: it could not go on for lack of time or calls.
        """
        self._sent.flag = self._doubted = True
        gone = Disconnected("the process that may have sent it is gone", str(self.operation))
        try:
            await self._look()
            return await self._look_into(AttemptFailed(Verdict.AMBIGUOUS, gone))
        except AttemptFailed as failure:
            if failure.verdict is not Verdict.UNDONE:
                raise
        self._looks.clear()
        return await self.run(most)

    async def _go_on(self, first: AttemptFailed, most: int) -> T:
        """Go on after a first attempt that failed."""
        try:
            return await self._recover(first)
        except AttemptFailed as failure:
            if most == 1:
                raise
            return await self._resending(most).after(failure, self._attempt)

    def _resending(self, most: int) -> Resending:
        return Resending(
            operation=self.operation,
            policy=self.means.retries,
            most=most,
            deadline=self.deadline,
            gate=self.means.gate,
            chance=self.chance,
        )

    async def _attempt(self) -> T:
        """Send it once more, and find out what became of it."""
        self._sent = Sent()
        self._looks.clear()
        try:
            return await self._send(self.operation, self._sent)
        except AttemptFailed as failure:
            return await self._recover(failure)

    async def _recover(self, failure: AttemptFailed) -> T:
        """Find out what became of an attempt that failed."""
        self.failure = failure.error
        if failure.verdict is Verdict.AMBIGUOUS:
            return await self._doubt(failure)
        self._sent = Sent()
        if failure.verdict is Verdict.REFUSED and self._doubted:
            return await self._reread(failure)
        raise failure

    async def _doubt(self, failure: AttemptFailed) -> T:
        """Decide what to do about an answer that is lost."""
        if not self.operation.is_write:
            raise failure
        if self.operation.repeat is Repeat.FREELY:
            self._lingers = True
            raise failure
        self._doubted = True
        return await self._look_into(failure)

    async def _send(self, operation: Operation[R], sent: Sent, *, beside: bool = False) -> R:
        gate = self.means.gate
        entry = gate.enter_at_once(operation)
        if entry is None:
            enter = gate.enter_beside if beside else gate.enter
            entry = await enter(operation, self.deadline)
        self.attempts += operation is self.operation
        try:
            if operation.repeat is Repeat.NEVER:
                async with self._watching():
                    result = await self.means.exchange.send(operation, sent, self.scope)
            else:
                result = await self.means.exchange.send(operation, sent, self.scope)
        except AttemptFailed as failure:
            gate.leave_failed(entry, failure)
            self._tell(operation, entry, failure.verdict.name.lower(), failure)
            raise
        except BaseException:
            gate.abandon()
            self._tell(operation, entry, "cancelled")
            raise
        gate.leave(entry)
        self._tell(operation, entry, "applied")
        return result

    def _tell(
        self,
        operation: Operation[object],
        entry: Entry,
        verdict: str,
        failure: AttemptFailed | None = None,
    ) -> None:
        gate = self.means.gate
        if not hears_attempts(gate.emit):
            return
        gate.emit(
            AttemptEnded(
                verb=operation.verb,
                service=operation.service,
                region=operation.region,
                verdict=verdict,
                seconds=gate.clock.monotonic() - entry.began,
                status=getattr(failure.error, "status", None) if failure else None,
            )
        )

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        """Look at the service while an answer is slow: a restart shows only while it happens."""
        watch = asyncio.create_task(self._watch(), name=f"tenx-watch {self.operation}")
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            if not watch.cancelled():
                watch.result()

    async def _watch(self) -> None:
        with suppress(TenxError):  # what cannot be looked at is not seen
            for pause in self.means.reconciling.pauses(self.chance):
                await self.means.gate.clock.sleep(pause)
                await self._look(beside=True)

    async def _look_into(self, failure: AttemptFailed) -> T:
        """Find out by looks at the service what became of a write whose answer was lost."""
        clock = self.means.gate.clock
        doubt = self._doubt_now()
        pauses = self.means.reconciling.pauses(self.chance)
        while (finding := doubt.resolve(self._looks)) is None:
            pause = next(pauses)
            if clock.monotonic() + pause >= self.deadline:
                finding = Finding.UNKNOWN
                break
            await clock.sleep(pause)
            await self._look()
        return self._conclude(finding, failure)

    def _doubt_now(self) -> Doubt:
        clock = self.means.gate.clock
        now = clock.monotonic()
        return Doubt(
            operation=self.operation,
            sent_at=self.since or clock.now() - dt.timedelta(seconds=now - self.began),
            failed_at=now,
            before=self.before,
            is_fresh=self.since is None,
            policy=self.means.reconciling,
        )

    async def _reread(self, failure: AttemptFailed) -> T:
        """Read a refusal in the light of an earlier attempt, which may have landed late."""
        if self.operation.verb == "delete" and isinstance(failure.error, NotFound):
            return self._conclude(Finding.APPLIED, failure)
        if isinstance(failure.error, Conflict):
            self._sent.flag = True
            return await self._look_into(failure)
        raise failure

    def _conclude(self, finding: Finding, failure: AttemptFailed) -> T:
        reads, seen = len(self._looks), self._looks[-1].service if self._looks else None
        self.means.gate.emit(
            Reconciled(
                verb=self.operation.verb,
                service=self.operation.service,
                region=self.operation.region,
                finding=finding,
                reads=reads,
            )
        )
        if finding is Finding.APPLIED:
            return cast("T", seen if self.operation.verb == "create" else None)
        if finding is Finding.UNKNOWN:
            raise AttemptFailed(Verdict.AMBIGUOUS, failure.error) from failure
        self._sent = Sent()
        if finding is Finding.UNDONE:
            raise AttemptFailed(Verdict.UNDONE, failure.error) from failure
        error = Conflict(
            "its answer was lost, and the service is now neither as it was nor as wanted: "
            "somebody else was at it",
            operation=str(self.operation),
            status=409,
        )
        raise AttemptFailed(Verdict.REFUSED, error) from failure

    async def _look(self, *, beside: bool = False) -> None:
        """Note what the service looks like now.

        A look tells nothing if it fails, shows another service, or began before the write was sent.

        Raises:
            TenxError: there can be no look, for lack of time or calls.
        """
        comes_after = self._sent.flag
        operation = get_service(self.operation.region, self.operation.service)
        try:
            service = await self._send(operation, Sent(), beside=beside)
        except AttemptFailed as failure:
            if not isinstance(failure.error, NotFound):
                return
            service = None
        if comes_after and (service is None or service.name == self.operation.service):
            self._looks.append(Look(self.means.gate.clock.monotonic(), service))
