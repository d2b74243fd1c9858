"""Bring the steps of a run to where a process that is gone left them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence

from attrs import field, frozen

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.clock import Clock
from tenx_async.fleet.journal import Journal
from tenx_async.fleet.looks import Looks
from tenx_async.fleet.plan import Write
from tenx_async.fleet.progress import Progress
from tenx_async.fleet.waves import Waves

Settle = Callable[[str, Write, Service | None, dt.datetime], Awaitable[Outcome]]
"""Finds out what became of a write that may have been sent at a time; sends no restart again."""
Place = tuple[int, int]
"""A step, and one of its writes."""


@frozen(kw_only=True)
class Left:
    """What a journal says of the steps of a run."""

    intents: Mapping[Place, dt.datetime]
    """When each write was about to be sent."""
    answers: Mapping[Place, Outcome]
    over: Mapping[int, Outcome]

    def to_rejoin(self) -> dict[int, int]:
        """Steps that were under way, each with the last of its writes that may have been sent."""
        last = dict(sorted(self.intents))
        return {step: write for step, write in last.items() if step not in self.over}


@frozen(kw_only=True)
class Return:
    """Takes a run up again: done stays done, and what is unknown is looked into."""

    left: Left
    settle: Settle = field(repr=False)
    looks: Looks = field(repr=False)
    journal: Journal = field(repr=False)
    clock: Clock = field(repr=False)
    at_once: int

    async def __call__(self, waves: Waves) -> Sequence[Outcome]:
        """Bring the steps to where they are; tell what was over.

        Raises:
            TenxError: the fleet cannot be looked at, or the journal not be written.
        """
        look = await self.looks.fresh()
        for progress in waves.steps:
            if outcome := self.left.over.get(progress.index):
                service = look.services.get(progress.step.service)
                is_away = self._is_away(progress, outcome, service)
                waves.restore(progress, outcome, is_away=is_away)
        places = asyncio.Semaphore(self.at_once)
        async with asyncio.TaskGroup() as settling:
            for step, write in self.left.to_rejoin().items():
                settling.create_task(self._rejoin(waves, waves.steps[step], write, places))
        return list(self.left.over.values())

    @staticmethod
    def _is_away(progress: Progress, outcome: Outcome, service: Service | None) -> bool:
        failed = not outcome.ok and progress.step.is_disruptive
        return failed and service is not None and not service.has_status("Running")

    async def _rejoin(
        self, waves: Waves, progress: Progress, write: int, places: asyncio.Semaphore
    ) -> None:
        """Have a step looked after again whose write may have been sent."""
        place = (progress.index, write)
        outcome = self.left.answers.get(place)
        if outcome is None:
            async with places:
                outcome = await self.settle(
                    progress.step.service,
                    progress.step.writes[write],
                    progress.step.before(write),
                    self.left.intents[place],
                )
            await self.journal.answered(*place, outcome)
        waves.rejoin(progress, write, outcome, self.clock.monotonic())
