"""A run: writes to many services, some at a time, each looked after until it is as it was to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from typing import Any, ParamSpec

import attrs
from attrs import define, field

from tenx_async.api.containment import is_another
from tenx_async.api.models import Service
from tenx_async.api.outcome import Outcome
from tenx_async.clock import Clock, sleep_unless
from tenx_async.errors import TenxError
from tenx_async.fleet.journal import Journal, NoJournal
from tenx_async.fleet.looks import FRESH, Looks
from tenx_async.fleet.plan import Plan, Step, Write
from tenx_async.fleet.planning import MakePlan
from tenx_async.fleet.progress import Progress, State
from tenx_async.fleet.report import Report
from tenx_async.fleet.standing import Standing, standing_of
from tenx_async.fleet.terms import Terms
from tenx_async.fleet.waves import Waves

P = ParamSpec("P")

Do = Callable[[str, Write, Service | None, float], Awaitable[Outcome]]
"""Does one write to a service that was seen to look like this, within so many seconds."""


_UNNOTED = "what is done cannot be noted: {}"


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
    _stop: str = field(default="", init=False, repr=False)
    """Why it was asked to stop."""
    _planned: float = field(default=0.0, init=False, repr=False)
    """When its plan was there, by the clock's `monotonic`."""
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
        except asyncio.CancelledError:
            await _cancel(task)
            raise
        finally:
            if not task.done():
                self.stop("nobody takes its outcomes any more")
                await self._join()

    async def _join(self) -> Report:
        task = self._begin()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await _cancel(task)
            raise

    def _begin(self) -> asyncio.Task[Report]:
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="tenx-run")
            self._task.add_done_callback(lambda _: self._told.set())
        return self._task

    def stop(self, reason: str = "it was asked to stop") -> None:
        """Let no step begin any more; what is under way or half done comes to its end."""
        self._stop = self._stop or reason
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
        return standing_of(self._waves, self._outcomes) if self._waves else None

    async def _work(self) -> Report:
        plan = await self.make_plan()
        self._planned = self._now
        waves = self._waves = Waves(plan, self.terms)
        if self._stop:
            waves.stop(self._stop)
        state = "interrupted"
        try:
            if self.catch_up is None:
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
                is_done = waves.is_done  # asked first, for more may end while these are noted
                await self._take_ended(waves)
                if is_done:
                    return
                if self._now >= looked + self.terms.tick:
                    looked = self._now
                    await self._look(waves)
                else:
                    await self._rest(looked + self.terms.tick - self._now)

    async def _rest(self, seconds: float) -> None:
        """Wait until something happens, or it is time for a look."""
        await sleep_unless(self.clock, seconds, self._stirred.wait())

    async def _look(self, waves: Waves) -> None:
        """Take a look at the fleet if that tells anything."""
        if self._now > self._moved + self.terms.stall:
            waves.stop(f"nothing ended for {self.terms.stall:g} s")
        waves.try_again()
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
        verb, planned = progress.current.verb, progress.step.seen
        try:
            seen = await self._seen(waves.plan, progress)
        except TenxError as error:
            outcome = Outcome(operation=verb, result="failed", attempts=0, error=error)
            waves.answered(progress, outcome, self._now)
        else:
            if seen is None and verb == "delete":
                outcome = Outcome(operation=verb, result="unchanged", attempts=0)
                waves.answered(progress, outcome, self._now)
            elif verb != "create" and (objection := _objection(planned, seen)):
                waves.leave_out(progress, TenxError(objection))
            else:
                await self._write(waves, progress, seen)
        self._stirred.set()

    async def _seen(self, plan: Plan, progress: Progress) -> Service | None:
        """Tell what a service looks like before a write.

        Raises:
            TenxError: that cannot be found out.
        """
        if progress.current.verb == "create":
            return None
        if not progress.write and self._is_fresh(plan):
            return progress.step.seen
        return await self.looks.find(progress.step.service)

    def _is_fresh(self, plan: Plan) -> bool:
        """Tell whether services still look as planned; a clock that was set tells nothing."""
        age = (self.clock.now() - plan.planned_at).total_seconds()
        return 0 <= age <= FRESH and self._now <= self._planned + FRESH

    async def _write(self, waves: Waves, progress: Progress, seen: Service | None) -> None:
        index, write = progress.index, progress.write
        try:
            await self.journal.intend(index, write)
        except TenxError as error:
            waves.stop(_UNNOTED.format(error))
            waves.leave_out(progress, error)
            return
        progress.seen = seen
        service, deadline = progress.step.service, self.terms.deadline
        outcome = await self.do(service, progress.current, seen, deadline)
        await self._note(waves, self.journal.answered, index, write, outcome)
        waves.answered(progress, outcome, self._now)

    async def _note(
        self, waves: Waves, note: Callable[P, Awaitable[None]], *what: P.args, **more: P.kwargs
    ) -> None:
        try:
            await note(*what, **more)
        except TenxError as error:
            waves.stop(_UNNOTED.format(error))

    async def _take_ended(self, waves: Waves) -> None:
        ended = [(one.index, one.outcome) for one in waves.take_ended() if one.outcome]
        if ended:
            self._moved = self._now
        await asyncio.gather(
            *(
                self._note(waves, self.journal.over, index, outcome)
                for index, outcome in ended
                if outcome.result != "cancelled"
            )
        )
        self._tell([outcome for _, outcome in ended])

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes += outcomes
        self._told.set()

    @property
    def _now(self) -> float:
        return self.clock.monotonic()


def _objection(planned: Service | None, seen: Service | None) -> str:
    """Tell why a service is not to be written to, if it is not."""
    if seen is None:
        return "it is not there any more"
    is_foreign = planned is not None and is_another(planned, seen)
    return "it was made anew since the plan: it is another service now" if is_foreign else ""


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _left(waves: Waves) -> list[Outcome]:
    """What becomes of the steps that did not go out."""
    left = [progress for progress in waves.steps if progress.state is State.WAITING]
    for progress in left:
        progress.settle("cancelled", TenxError(waves.stopped))
    return [progress.outcome for progress in left if progress.outcome]
