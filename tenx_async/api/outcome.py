"""What became of one operation, as a value: for runs that do not end at the first failure."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen

from tenx_async.errors import Conflict, OperationError, OutcomeUnknown, TenxError

Result = Literal["applied", "unchanged", "failed", "conflict", "unknown", "skipped", "cancelled"]


@frozen(kw_only=True)
class Outcome:
    """What became of one operation."""

    operation: str
    """`restart`, `delete`, …"""
    service: str = ""
    region: str = ""
    result: Result
    """`unknown` means that a write may or may not have been executed; it is never folded away."""
    attempts: int = 1
    error: TenxError | None = None
    value: Any = field(default=None, repr=False)
    """What a read returned, or the service that a create made."""

    @property
    def ok(self) -> bool:
        """Whether things are as they were asked to be."""
        return self.result in {"applied", "unchanged"}


def result_of(error: TenxError) -> Result:
    """Name what became of an operation that raised."""
    if isinstance(error, OutcomeUnknown):
        return "unknown"
    return "conflict" if isinstance(error, Conflict) else "failed"


def attempts_of(error: TenxError) -> int:
    """Tell how many attempts an operation that raised had."""
    return error.attempts if isinstance(error, OperationError) else 0
