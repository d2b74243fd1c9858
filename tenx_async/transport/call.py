"""An operation together with the account that is to perform it: a value that can be run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from attrs import evolve, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.operations import Operation, get_service
from tenx_async.api.outcome import Outcome, attempts_of, result_of
from tenx_async.errors import Conflict, NotFound, TenxError
from tenx_async.transport.account import Account
from tenx_async.transport.reconcile import is_unchanged

T_co = TypeVar("T_co", covariant=True)


@frozen
class Call(Generic[T_co]):
    """One operation of one account, not yet done."""

    operation: Operation[T_co]
    account: Account = field(repr=False)
    seen: Service | None = field(default=None, repr=False)
    """What the service looked like before, if that is known."""
    deadline: float | None = None
    """Seconds that it may take over all its attempts; the account's bound without it."""

    async def run(self) -> T_co:
        """Do it.

        Raises:
            TenxError: as `Account.perform` says.
        """
        return await self.account.perform(self.operation, deadline=self.deadline, before=self.seen)

    async def outcome(self) -> Outcome:
        """Do it if it changes anything, and tell what became of it instead of raising."""
        if self.seen is not None and is_unchanged(self.operation, self.seen):
            return self._outcome(result="unchanged", attempts=0)
        return await self._told(self.run())

    async def settle(self, since: dt.datetime) -> Outcome:
        """Tell what became of this write where a process that is gone may have sent it.

        It is looked into as if its answer had been lost. What certainly did nothing is sent; a
        restart is not, and is unknown unless it shows.

        Args:
            since: when it may have been sent at the earliest, with its zone.

        Raises:
            ValueError: it is a read, or the time has no zone.
        """
        if not self.operation.is_write or since.tzinfo is None:
            raise ValueError("what can be settled is a write, since a time with its zone")
        return await self._told(
            self.account.perform(
                self.operation, deadline=self.deadline, before=self.seen, since=since
            )
        )

    async def _told(self, doing: Awaitable[T_co]) -> Outcome:
        try:
            value = await doing
        except TenxError as error:
            return await self._outcome_of(error)
        return self._outcome(result="applied", value=value)

    async def _outcome_of(self, error: TenxError) -> Outcome:
        """Tell what an error means: some refusals say that things are as they were wanted."""
        failed = self._outcome(result=result_of(error), error=error, attempts=attempts_of(error))
        if isinstance(error, NotFound) and self.operation.verb == "delete":
            return evolve(failed, result="unchanged", error=None)
        if isinstance(error, Conflict) and self.operation.is_write and await self._is_unchanged():
            return evolve(failed, result="unchanged", error=None)
        return failed

    async def _is_unchanged(self) -> bool:
        look = get_service(self.operation.region, self.operation.service)
        try:
            return is_unchanged(self.operation, await self.account.perform(look))
        except TenxError:
            return False

    def _outcome(self, **fields: Any) -> Outcome:
        operation = self.operation
        return Outcome(
            operation=operation.verb, service=operation.service, region=operation.region, **fields
        )
