"""The runs that were begun on this machine: listed, gone on with, undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from attrs import evolve, field, frozen

from tenx_async.api.specs import ServiceSpec
from tenx_async.errors import ConfigurationError
from tenx_async.fleet.fleet import Keywords, Means, new_run
from tenx_async.fleet.looks import Looks
from tenx_async.fleet.plan import Plan, Step
from tenx_async.fleet.planning import MakePlan
from tenx_async.fleet.recorded import Recorded, RunSummary
from tenx_async.fleet.records import spec_digest
from tenx_async.fleet.resume import Left, Return, Settle
from tenx_async.fleet.run import Run
from tenx_async.fleet.runs import Runs
from tenx_async.fleet.terms import Terms
from tenx_async.fleet.undo import undo_plan

Specs = Mapping[str, ServiceSpec]
"""What services are to be made as, by name: a journal keeps none, for there may be passwords."""


@frozen(kw_only=True)
class History:
    """The runs that were begun on this machine, as far as they are kept."""

    runs: Runs
    means: Means = field(repr=False)
    settle: Settle = field(repr=False)

    def list(self, limit: int = 20) -> Sequence[RunSummary]:
        """List the latest ones, the latest first.

        Raises:
            ConfigurationError: they cannot be read.
        """
        return self.runs.list(limit)

    def resume(self, run_id: str | None = None, *, specs: Specs | None = None) -> Run:
        """Go on with a run that did not come to its end; the latest such one if none is named.

        What was done stays done. Of what was under way when its process ended, it is looked into
        what became of it; a restart is never sent again, and is unknown if it does not show.

        Args:
            run_id: which one, as `list` shows it.
            specs: what the services are to be made as that it was still going to make.

        Raises:
            ConfigurationError: there is no such run, it has finished, some process still does it,
                it is another account's, or `specs` are not what it was begun with.
        """
        recorded = self.runs.reopen(run_id)
        return Run(
            make_plan=self._plan_of(recorded, specs or {}),
            terms=Terms(**recorded.terms),
            looks=(looks := Looks(self.means.list_services, self.means.clock)),
            do=self.means.do,
            clock=self.means.clock,
            journal=recorded.journal,
            catch_up=Return(
                left=Left(intents=recorded.intents, answers=recorded.answers, over=recorded.over),
                settle=self.settle,
                looks=looks,
                journal=recorded.journal,
                clock=self.means.clock,
                at_once=recorded.terms["at_once"],
            ),
        )

    def _plan_of(self, recorded: Recorded, specs: Specs) -> MakePlan:
        async def make_plan() -> Plan:
            try:
                self._check_account(recorded.summary)
                return evolve(recorded.plan, steps=_filled(recorded, specs))
            except ConfigurationError:
                await recorded.journal.end("interrupted")
                raise

        return make_plan

    def _check_account(self, run: RunSummary) -> None:
        if run.account != self.means.account:
            raise ConfigurationError(
                f"run {run.run_id} is of {run.account}, and this is {self.means.account}"
            )

    def undo(
        self, run_id: str | None = None, *, dry_run: bool = False, **terms: Unpack[Keywords]
    ) -> Run:
        """Bring back what a run changed: sizes, memory, domains, what it started or stopped.

        Raises:
            ConfigurationError: there is no such run, or it is another account's.
        """
        recorded = self.runs.read(run_id)
        self._check_account(recorded.summary)

        async def make_plan() -> Plan:
            services = await self.means.list_services()
            return undo_plan(recorded, services, self.means.clock.now())

        return new_run(self.means, make_plan, Terms(**terms), dry_run=dry_run)


def _filled(recorded: Recorded, specs: Specs) -> tuple[Step, ...]:
    """Give the creates that are left what they make, if it is what they were begun with."""
    steps = list(recorded.plan.steps)
    for (place, write), digest in recorded.digests.items():
        if place in recorded.over:
            continue
        step = steps[place]
        spec = specs.get(step.service)
        if spec is None or spec_digest(spec) != digest:
            raise ConfigurationError(
                f"{step.service} is not declared any more as it was when the run was begun: "
                "apply it anew"
            )
        writes = list(step.writes)
        writes[write] = evolve(writes[write], spec=spec)
        steps[place] = evolve(step, writes=tuple(writes))
    return tuple(steps)
