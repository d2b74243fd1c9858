"""What a run writes down while it goes on, so that another process can take it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from attrs import define

from tenx_async.api.outcome import Outcome
from tenx_async.fleet.plan import Plan

Ending = Literal["finished", "stopped", "interrupted"]


class Journal(Protocol):
    """What one run writes down; steps and their writes are known by their places in the plan.

    Whoever calls `begin` calls `end` at last, even where `begin` failed.
    """

    run_id: str
    """Empty until the run has begun."""

    async def begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        """Write down what the run is going to do, and on which terms, as plain JSON data."""

    async def intend(self, step: int, write: int) -> None:
        """Note that a write is about to be sent; it may be when this returns."""

    async def answered(self, step: int, write: int, outcome: Outcome) -> None:
        """Note what became of a write."""

    async def over(self, step: int, outcome: Outcome) -> None:
        """Note what became of a step."""

    async def end(self, state: Ending) -> None:
        """Note how the run ended, and let others have it."""


@define
class NoJournal:
    """Keeps nothing: for runs that nobody is to resume."""

    run_id: str = ""

    async def begin(self, plan: Plan, terms: Mapping[str, object]) -> None:
        """Keep nothing."""

    async def intend(self, step: int, write: int) -> None:
        """Keep nothing."""

    async def answered(self, step: int, write: int, outcome: Outcome) -> None:
        """Keep nothing."""

    async def over(self, step: int, outcome: Outcome) -> None:
        """Keep nothing."""

    async def end(self, state: Ending) -> None:
        """Keep nothing."""
