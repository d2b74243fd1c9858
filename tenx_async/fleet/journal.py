"""What a run notes of itself, so that another process can go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import define

from tenx_async.api.outcome import Outcome
from tenx_async.fleet.plan import Plan


class Journal(Protocol):
    """The journal of one run."""

    @property
    def run_id(self) -> str:
        """What the run is resumed by; empty: it cannot be."""

    async def begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        """Note what is going to be done, and how."""

    async def intend(self, step: int, write: int) -> None:
        """Note that a write is about to be sent; it is durable when this returns.

        Raises:
            TenxError: it cannot be noted; then it must not be sent.
        """

    async def answered(self, step: int, write: int, outcome: Outcome) -> None:
        """Note what a write did."""

    async def over(self, step: int, outcome: Outcome) -> None:
        """Note what a step came to."""

    async def end(self, state: str) -> None:
        """Note how the run ended: `finished`, `stopped` or `interrupted`."""


@define
class NoJournal:
    """Keeps nothing: the run cannot be resumed."""

    run_id: str = ""

    async def begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        """Keep nothing."""

    async def intend(self, step: int, write: int) -> None:
        """Keep nothing."""

    async def answered(self, step: int, write: int, outcome: Outcome) -> None:
        """Keep nothing."""

    async def over(self, step: int, outcome: Outcome) -> None:
        """Keep nothing."""

    async def end(self, state: str) -> None:
        """Keep nothing."""
