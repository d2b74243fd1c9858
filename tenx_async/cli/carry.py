"""A run from its plan to its exit status."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from attrs import define, field

from tenx_async.api.outcome import Outcome
from tenx_async.cli.asked import Consent
from tenx_async.cli.consent import check_bound, check_unmoved, is_agreed, require_consent
from tenx_async.cli.display import Display, clock, display_for
from tenx_async.cli.ending import Status
from tenx_async.cli.interrupt import Interruption
from tenx_async.cli.outcomes import OutcomeFormat, Tally, is_absent, json_line, raise_error
from tenx_async.cli.planned import plan_text
from tenx_async.cli.terminal import emit, say, tell
from tenx_async.errors import OutcomeUnknown
from tenx_async.fleet.plan import Plan, Step
from tenx_async.fleet.report import Report
from tenx_async.fleet.run import Run

REFRESH_SECONDS = 0.25
INTERRUPTED = "it was interrupted"


async def carry_out(
    run: Run,
    consent: Consent,
    form: OutcomeFormat = OutcomeFormat.TEXT,
    *,
    names: Sequence[str] = (),
    if_none: Status = Status.WELL,
    as_planned: bool = False,
) -> Status:
    """Show what a run is going to do, ask, do it, and tell what came of it.

    Args:
        run: has not begun; the plan that it makes is made once, and is the one that is shown.
        consent: who agreed, and to how much.
        form: how outcomes are told.
        names: the services that were named one by one, if all of them were.
        if_none: the status if no service is meant.
        as_planned: whether it is refused where services changed while somebody was asked.

    Raises:
        typer.BadParameter: nobody agreed, and nobody can be asked.
        TenxError: no plan can be made, it is for more services than were agreed to, it does not
            fit any more, or the only service of the run failed.
    """
    require_consent(consent)
    plan = await run.make_plan()
    if consent.dry_run:
        emit(plan_text(plan, run.terms, form))
        return Status.WELL
    check_bound(plan, consent, names)
    if not plan.steps and not plan.settled:
        say("no service matches")
        return if_none
    if plan.steps and not consent.yes:
        tell(plan_text(plan, run.terms, OutcomeFormat.TEXT))
        if not await is_agreed(plan):
            say("nothing was done")
            return Status.ERROR
        if as_planned:
            await check_unmoved(plan, run.looks)
    return await Conduct(run, plan, form).perform()


@define
class Conduct:
    """A run that was agreed to, under way."""

    run: Run
    plan: Plan
    form: OutcomeFormat
    display: Display = field(init=False)
    tally: Tally = field(init=False)
    interruption: Interruption = field(init=False)
    _task: asyncio.Task[object] | None = field(default=None, init=False)
    """What waits for the run."""
    _open: Sequence[Outcome] = field(default=(), init=False)
    """What was under way when it was broken off."""
    _untold: int = field(default=0, init=False)
    """How many were written to then, and not looked after to their end."""
    _is_read: bool = field(default=True, init=False)
    """Whether somebody reads the outcomes."""
    _began: float = field(factory=time.monotonic, init=False)

    def __attrs_post_init__(self) -> None:
        self.display = display_for(self.plan.operation, self.form)
        steps = [step.service for step in self.plan.steps]
        self.tally = Tally([*steps, *(outcome.service for outcome in self.plan.settled)])
        self.interruption = Interruption(self._stop, self._break_off)
        self.run.make_plan = self._agreed

    async def perform(self) -> Status:
        """Do it; tell the exit status."""
        with self.interruption:
            report = await self._unless_broken_off()
            for outcome in self._open:
                await self._tell(outcome)
        return self._close(report)

    async def _agreed(self) -> Plan:
        return self.plan

    async def _unless_broken_off(self) -> Report | None:
        self._task = asyncio.current_task()
        try:
            return await self._watch()
        except asyncio.CancelledError:
            if not self._task or not self.interruption.is_broken_off:
                raise
            self._task.uncancel()
            return None

    async def _watch(self) -> Report:
        """Show what happens until the run ends."""
        async with asyncio.TaskGroup() as showing:
            telling = showing.create_task(self._tell_outcomes())
            refreshing = showing.create_task(self._refresh())
            report = await self.run
            await telling
            refreshing.cancel()
        return report

    async def _tell_outcomes(self) -> None:
        async for outcome in self.run:
            await self._tell(outcome)

    async def _tell(self, outcome: Outcome) -> None:
        self.tally.add(outcome)
        if not self._is_read or self._is_error(outcome):
            return
        try:
            await self.display.outcome(outcome)
        except OSError:
            self._is_read = False
            self.run.stop("nobody reads its outcomes any more")

    async def _refresh(self) -> None:
        while True:
            if self.interruption.status:  # it may have come before there was anything to stop
                self.run.stop(INTERRUPTED)
            if standing := self.run.standing:
                self.display.standing(standing)
            await asyncio.sleep(REFRESH_SECONDS)

    def _is_error(self, outcome: Outcome) -> bool:
        """Whether an outcome is going to be told as the error with which the command ends."""
        is_bad = not outcome.ok or is_absent(outcome)
        return is_bad and len(self.tally.names) == 1 and self.form is OutcomeFormat.TEXT

    def _stop(self) -> None:
        self.run.stop(INTERRUPTED)
        self.display.note("stopping: what is under way still ends; Ctrl-C once more breaks it off")

    def _break_off(self) -> None:
        steps, standing = self.run.open, self.run.standing
        self._untold = standing.under_way - len(steps) if standing else 0
        self._open = [self._unknown(step) for step in steps]
        if self._task:
            self._task.cancel()

    def _unknown(self, step: Step) -> Outcome:
        operation = f"{step.operation} {step.service}"
        return Outcome(
            operation=step.operation,
            service=step.service,
            region=self.plan.region,
            result="unknown",
            error=OutcomeUnknown("broken off; it may be done or not", operation=operation),
        )

    def _close(self, report: Report | None) -> Status:
        """Leave what is to stay on the screen, and the summary."""
        is_alone = len(self.tally.names) == 1
        self.display.end(() if is_alone else self.tally.outcomes)
        if self.form is OutcomeFormat.JSON and self._is_read:
            emit(json_line({"summary": self._summary(report)}))
        stopped = report.stopped if report else INTERRUPTED
        if is_alone and self.tally.outcomes and not self.interruption.status:
            raise_error(self.tally.outcomes[0])
        status = self.tally.close(stopped)
        self._sum_up(stopped)
        return self.interruption.status or status

    def _sum_up(self, stopped: str) -> None:
        """Say how many came to what; of what is not finished, how it goes on."""
        if self._untold:
            say(f"{self._untold:,} more were written to, and not looked after until they were back")
        results = ", ".join(f"{count:,} {result}" for result, count in self._results.items())
        of_all = f"{len(self.tally.names):,} in {clock(time.monotonic() - self._began)}"
        say(f"{self.plan.operation} of {of_all}: {results or 'nothing ended'}")
        if stopped:
            say(f"stopped: {stopped}")
        if stopped and self.run.journal.run_id:
            say(f"to go on: tenx resume {self.run.journal.run_id}")

    @property
    def _results(self) -> Counter[str]:
        return Counter(outcome.result for outcome in self.tally.outcomes)

    def _summary(self, report: Report | None) -> dict[str, object]:
        return {
            "operation": self.plan.operation,
            "region": self.plan.region,
            "run_id": self.run.journal.run_id or None,
            "services": len(self.tally.names),
            "results": dict(self._results),
            "stopped": (report.stopped or None) if report else INTERRUPTED,
            "seconds": round(time.monotonic() - self._began, 3),
        }
