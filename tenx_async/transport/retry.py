"""When an operation is sent again, and when it is not: tenacity, told by verdicts."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import define, field, frozen
from tenacity import AsyncRetrying, RetryCallState

from tenx_async.api.operations import Operation, Repeat
from tenx_async.clock import Clock
from tenx_async.errors import DeadlineExceeded
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
    """Tell whether sending again can do no harm."""
    if verdict is Verdict.AMBIGUOUS:
        return repeat is Repeat.FREELY
    return verdict in {Verdict.NOT_SENT, Verdict.REJECTED}


@define(kw_only=True)
class Resending:
    """Sends one operation again until it succeeds, may not be repeated, or time is up."""

    operation: Operation[object]
    policy: RetryPolicy
    most: int
    """Attempts in all."""
    deadline: float
    """When to have ended, by the clock's `monotonic`."""
    clock: Clock
    chance: Callable[[], float] = random.random
    attempts: int = 0
    """Attempts made so far that count; a refusal for being too fast does not."""
    _pause: float = field(default=0.0, init=False)

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

        return await AsyncRetrying(
            sleep=self.clock.sleep,
            retry=self._is_worth_it,
            wait=lambda _: self._pause,
            stop=self._is_too_late,
            reraise=True,
        )(again)

    def _is_worth_it(self, state: RetryCallState) -> bool:
        failure = state.outcome.exception() if state.outcome else None
        if not isinstance(failure, AttemptFailed):
            return False
        rejected = failure.verdict is Verdict.REJECTED
        self.attempts += not rejected
        failure.error.after(state.attempt_number)
        self._pause = self._pause_after(failure)
        return may_resend(failure.verdict, self.operation.repeat) and (
            rejected or self.attempts < self.most
        )

    def _pause_after(self, failure: AttemptFailed) -> float:
        if failure.retry_after is not None:
            return failure.retry_after * (1 + self.chance() / 10)
        return self.policy.pause(max(self.attempts, 1), self.chance())

    def _is_too_late(self, state: RetryCallState) -> bool:
        if self.clock.monotonic() + self._pause < self.deadline:
            return False
        failure = state.outcome.exception() if state.outcome else None
        raise DeadlineExceeded(
            f"no time left for another attempt; the last one failed: {failure}",
            operation=str(self.operation),
            attempts=state.attempt_number,
        ) from failure
