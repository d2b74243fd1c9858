"""When an operation is sent again, and when it is not: tenacity, told by verdicts."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import define, field, frozen
from tenacity import AsyncRetrying, RetryCallState

from tenx_async.api.operations import Operation, Repeat
from tenx_async.errors import DeadlineExceeded
from tenx_async.telemetry.events import Retried
from tenx_async.transport.budgets import THROTTLE_RETRY, TRANSIENT_RETRY
from tenx_async.transport.gate import Gate
from tenx_async.transport.verdict import AttemptFailed, Verdict

T = TypeVar("T")


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how soon a failed request is sent again."""

    reads: int = 5
    """Attempts at a read."""
    writes: int = 3
    """Attempts at a write; each only where the one before certainly did nothing."""
    shortest: float = 0.2
    """Seconds: the bound of the first wait; each further bound is twice as long."""
    longest: float = 20.0
    """Seconds: the bound of all waits."""

    def attempts(self, operation: Operation[T]) -> int:
        """How many attempts the operation has."""
        return self.writes if operation.is_write else self.reads

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds to wait after this attempt, drawn evenly from 0 to a growing bound."""
        return chance * min(self.longest, self.shortest * 2.0 ** (attempt - 1))


def may_resend(verdict: Verdict, repeat: Repeat) -> bool:
    """Tell whether sending again can do no harm, or none that the caller has not accepted."""
    if verdict is Verdict.AMBIGUOUS:
        return repeat is Repeat.FREELY
    return verdict in {Verdict.NOT_SENT, Verdict.REJECTED, Verdict.UNDONE}


@define(kw_only=True)
class Resending:
    """Sends one operation again until it succeeds, may not be repeated, or time is up.

    A refusal for being too fast is no attempt: the gate makes everybody wait, and the deadline
    bounds it.
    """

    operation: Operation[object]
    policy: RetryPolicy
    most: int
    """Attempts in all."""
    deadline: float
    """When to have ended, by the clock's `monotonic`."""
    gate: Gate
    chance: Callable[[], float] = random.random
    _counted: int = field(default=0, init=False)
    _pause: float = field(default=0.0, init=False)
    _drawn: float = field(default=0.0, init=False)
    """What this operation's retries have cost so far."""

    async def after(self, first: AttemptFailed, attempt: Callable[[], Awaitable[T]]) -> T:
        """Go on after a first attempt that failed.

        Raises:
            AttemptFailed: the last failure, if another attempt is not allowed.
            DeadlineExceeded: the next attempt would be too late.
        """
        failures = [first]

        async def again() -> T:
            if failures:
                raise failures.pop()
            return await attempt()

        result: T = await AsyncRetrying(
            sleep=self.gate.clock.sleep,
            retry=self._is_worth_it,
            wait=lambda _: self._pause,
            stop=self._is_too_late,
            before_sleep=self._tell,
            reraise=True,
        )(again)
        self.gate.retries.refund(self._drawn)
        return result

    def _is_worth_it(self, state: RetryCallState) -> bool:
        failure = _failure(state)
        if failure is None:
            return False
        failure.error.after(state.attempt_number)
        rejected = failure.verdict is Verdict.REJECTED
        self._counted += not rejected
        self._pause = 0.0 if rejected else self.policy.pause(self._counted, self.chance())
        return may_resend(failure.verdict, self.operation.repeat) and (
            rejected or self._counted < self.most
        )

    def _is_too_late(self, state: RetryCallState) -> bool:
        failure = _failure(state)
        if self.gate.clock.monotonic() + self._pause < self.deadline:
            self._pay(failure)
            return False
        raise DeadlineExceeded(
            f"no time left for another attempt; the last one failed: {failure and failure.error}",
            operation=str(self.operation),
        )

    def _pay(self, failure: AttemptFailed | None) -> None:
        """Take what a retry costs from everybody's budget, up to one operation's share of it."""
        rejected = failure is not None and failure.verdict is Verdict.REJECTED
        price = THROTTLE_RETRY if rejected else TRANSIENT_RETRY
        cost = min(price, self.gate.retries.share - self._drawn)
        if self.gate.pay(cost):
            self._drawn += cost

    def _tell(self, state: RetryCallState) -> None:
        failure = _failure(state)
        if failure is not None and failure.verdict is not Verdict.REJECTED:
            self.gate.emit(
                Retried(
                    verb=self.operation.verb,
                    service=self.operation.service,
                    region=self.operation.region,
                    error=failure.error,
                    attempt=state.attempt_number,
                    retry_in=self._pause,
                )
            )


def _failure(state: RetryCallState) -> AttemptFailed | None:
    failure = state.outcome.exception() if state.outcome else None
    return failure if isinstance(failure, AttemptFailed) else None
