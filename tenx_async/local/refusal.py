"""The cloud's no: a status and a reason."""

from __future__ import annotations

from attrs import define


@define(slots=False, eq=False)
class Refusal(Exception):
    """A request that is answered with an error status."""

    status: int
    message: str
    retry_after: float | None = None
    """Seconds."""
    allow: str = ""
    """Methods that would do."""

    def __str__(self) -> str:
        return self.message
