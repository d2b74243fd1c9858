"""A run: writes to many services, some at a time, each looked after until it is as it was to be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any

import attrs
from attrs import define, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.clock import Clock
from tenx_async.errors import TenxError
from tenx_async.fleet.journal import Journal, NoJournal
from tenx_async.fleet.looks import FRESH, Looks
from tenx_async.fleet.plan import Plan, Step, Write
from tenx_async.fleet.planning import MakePlan
from tenx_async.fleet.progress import Progress, State
from tenx_async.fleet.report import Report
from tenx_async.fleet.terms import Terms
from tenx_async.fleet.waves import Waves

Do = Callable[[str, Write, Service | None, float], Awaitable[Outcome]]
"""Does one write to a service that was seen to look like this, within so many seconds."""


@frozen(kw_only=True)
class Standing:
    """How far a run is."""

    total: int
    waiting: int
    under_way: int
    away: int
    """Services that are not at work because of the run."""
    wave: int
    """From 1."""
    waves: int
    results: Mapping[str, int]
    """How many came to each result."""


@define(kw_only=True, eq=False)
class Run:
    """Writes to many services; await it for the report, iterate it for outcomes as they come.

    It begins when it is first awaited or iterated. Who stops iterating lets nothing more go out;
    what is under way still comes to its end.
    """

    make_plan: MakePlan = field(repr=False)
    terms: Terms
    looks: Looks = field(repr=False)
    do: Do = field(repr=False)
    clock: Clock = field(repr=False)
    journal: Journal = field(factory=NoJournal, repr=False)
    dry_run: bool = False
    """Whether it ends with the plan."""
    catch_up: Callable[[Waves], Awaitable[Sequence[Outcome]]] | None = field(
        default=None, repr=False
    )
    """Brings the steps to where an earlier process left them; tells what was over."""
    _waves: Waves | None = field(default=None, init=False, repr=False)
    _outcomes: list[Outcome] = field(factory=list, init=False, repr=False)
    _told: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    """Set when there is another outcome, or the end."""
    _stirred: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)
    """Set when there is something to decide."""
    _moved: float = field(default=0.0, init=False, repr=False)
    """When anything ended the last time."""
    _task: asyncio.Task[Report] | None = field(default=None, init=False, repr=False)

    def __await__(self) -> Generator[Any, None, Report]:
        return self._join().__await__()

    async def __aiter__(self) -> AsyncGenerator[Outcome]:
        task, told = self._begin(), 0
        try:
            while told < len(self._outcomes) or not task.done():
                self._told.clear()
                if told == len(self._outcomes):
                    await self._told.wait()
                for outcome in self._outcomes[told:]:
                    told += 1
                    yield outcome
            await task
        finally:
            if not task.done():
                self.stop("nobody takes its outcomes any more")
                await self._join()

    async def _join(self) -> Report:
        task = self._begin()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise

    def _begin(self) -> asyncio.Task[Report]:
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="tenx-run")
            self._task.add_done_callback(lambda _: self._told.set())
        return self._task

    def stop(self, reason: str = "it was asked to stop") -> None:
        """Let nothing more go out; what is under way comes to its end."""
        if self._waves is not None:
            self._waves.stop(reason)
            self._stirred.set()

    @property
    def plan(self) -> Plan | None:
        """What it does, as soon as that is settled."""
        return self._waves.plan if self._waves else None

    @property
    def open(self) -> Sequence[Step]:
        """Steps with a write under way: if the run is cancelled now, that may be done or not."""
        steps = self._waves.steps if self._waves else ()
        return [progress.step for progress in steps if progress.state is State.SENT]

    @property
    def standing(self) -> Standing | None:
        """How far it is; `None` before it is planned."""
        waves = self._waves
        if waves is None:
            return None
        states = Counter(progress.state for progress in waves.steps)
        return Standing(
            total=len(waves.steps),
            waiting=states[State.WAITING],
            under_way=states[State.SENT] + states[State.WATCHED],
            away=waves.away,
            wave=max(waves.wave, 0) + 1,
            waves=len(waves.bounds),
            results=Counter(outcome.result for outcome in self._outcomes),
        )

    async def _work(self) -> Report:
        state = "interrupted"
        try:
            plan = await self.make_plan()
            waves = self._waves = Waves(plan, self.terms)
            await self.journal.begin(plan, attrs.asdict(self.terms))
            self._tell(plan.settled)
            if self.dry_run:
                waves.stop("a dry run: nothing was sent")
            if self.catch_up:
                self._tell(await self.catch_up(waves))
            await self._go_through(waves)
            self._tell(_left(waves))
            state = "stopped" if waves.stopped else "finished"
        finally:
            await self.journal.end(state)
        return Report(
            run_id=self.journal.run_id, plan=plan, outcomes=self._outcomes, stopped=waves.stopped
        )

    async def _go_through(self, waves: Waves) -> None:
        self._moved = looked = self._now
        async with asyncio.TaskGroup() as sending:
            while True:
                self._stirred.clear()
                for progress in waves.ready():
                    sending.create_task(self._send(waves, progress))
                await self._take_ended(waves)
                if waves.is_done:
                    return
                if self._now >= looked + self.terms.tick:
                    looked = self._now
                    await self._look(waves)
                else:
                    await self._rest(looked + self.terms.tick - self._now)

    async def _rest(self, seconds: float) -> None:
        """Wait until something happens, or it is time for a look."""
        stirred = asyncio.ensure_future(self._stirred.wait())
        slept = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({stirred, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stirred.cancel()
            slept.cancel()

    async def _look(self, waves: Waves) -> None:
        """Take a look at the fleet if that tells anything."""
        if self._now > self._moved + self.terms.stall:
            waves.stop(f"nothing ended for {self.terms.stall:g} s")
        if not waves.is_watching:
            return
        try:
            look = await self.looks.again()
        except TenxError as error:
            waves.look_failed(error, self._now)
        else:
            waves.look(look.services, self._now, look.at)
        self._stirred.set()

    async def _send(self, waves: Waves, progress: Progress) -> None:
        """Do the next write of a step, unless the service is not what it was."""
        step, write = progress.step, progress.current
        try:
            seen = await self._seen(waves.plan, progress)
            await self.journal.intend(progress.index, progress.write)
        except TenxError as reason:
            waves.leave_out(progress, reason)
        else:
            outcome = await self.do(step.service, write, seen, self.terms.deadline)
            await self.journal.answered(progress.index, progress.write, outcome)
            waves.answered(progress, outcome, self._now)
        self._stirred.set()

    async def _seen(self, plan: Plan, progress: Progress) -> Service | None:
        """Tell what a service looks like before a write.

        Raises:
            TenxError: that cannot be found out, or it is not the one that was meant.
        """
        planned = progress.step.seen
        if progress.current.verb == "create":
            return None
        if not progress.write and (self.clock.now() - plan.planned_at).total_seconds() <= FRESH:
            return planned
        seen = (await self.looks.fresh()).services.get(progress.step.service)
        if seen is None:
            raise TenxError("it is not there any more")
        if planned and planned.uid and seen.uid and planned.uid != seen.uid:
            raise TenxError("it was made anew since the plan: it is another service now")
        return seen

    async def _take_ended(self, waves: Waves) -> None:
        ended = waves.take_ended()
        outcomes = [progress.outcome for progress in ended if progress.outcome]
        if outcomes:
            self._moved = self._now
        await asyncio.gather(
            *(
                self.journal.over(progress.index, outcome)
                for progress, outcome in zip(ended, outcomes, strict=True)
                if outcome.result != "cancelled"
            )
        )
        self._tell(outcomes)

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes += outcomes
        self._told.set()

    @property
    def _now(self) -> float:
        return self.clock.monotonic()


def _left(waves: Waves) -> list[Outcome]:
    """What becomes of the steps that did not go out."""
    left = [progress for progress in waves.steps if progress.state is State.WAITING]
    for progress in left:
        progress.settle("cancelled", TenxError(waves.stopped))
    return [progress.outcome for progress in left if progress.outcome]
