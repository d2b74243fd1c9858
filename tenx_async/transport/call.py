"""An operation together with the account that is to perform it: a value that can be run."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from attrs import field, frozen

from tenx_async.api.operations import Operation
from tenx_async.api.outcome import Outcome, attempts_of, result_of
from tenx_async.errors import TenxError
from tenx_async.transport.account import Account

T_co = TypeVar("T_co", covariant=True)


@frozen
class Call(Generic[T_co]):
    """One operation of one account, not yet done."""

    operation: Operation[T_co]
    account: Account = field(repr=False)
    deadline: float | None = None
    """Seconds that it may take over all its attempts; the account's bound without it."""

    async def run(self) -> T_co:
        """Do it.

        Raises:
            TenxError: as `Account.perform` says.
        """
        return await self.account.perform(self.operation, deadline=self.deadline)

    async def outcome(self) -> Outcome:
        """Do it, and tell what became of it instead of raising."""
        try:
            value = await self.run()
        except TenxError as error:
            return self._outcome(result=result_of(error), error=error, attempts=attempts_of(error))
        return self._outcome(result="applied", value=value)

    def _outcome(self, **fields: Any) -> Outcome:
        operation = self.operation
        return Outcome(
            operation=operation.verb, service=operation.service, region=operation.region, **fields
        )
