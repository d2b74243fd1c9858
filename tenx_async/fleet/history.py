"""The runs that were begun on this machine: listed, gone on with, undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from attrs import evolve, field, frozen

from tenx_async.api.models import Service
from tenx_async.api.specs import ServiceSpec
from tenx_async.errors import ConfigurationError, TenxError
from tenx_async.fleet.declared import Declared
from tenx_async.fleet.fleet import Keywords, Means, new_run
from tenx_async.fleet.inheritance import with_the_undeclared
from tenx_async.fleet.looks import Looks
from tenx_async.fleet.manifest import read_manifest
from tenx_async.fleet.plan import Plan, Step
from tenx_async.fleet.planning import MakePlan
from tenx_async.fleet.recorded import Recorded, RunSummary
from tenx_async.fleet.records import spec_digest
from tenx_async.fleet.resume import Left, Return
from tenx_async.fleet.run import Run
from tenx_async.fleet.runs import Runs
from tenx_async.fleet.terms import Terms
from tenx_async.fleet.undo import UNDO, undo_plan

MANY = 1000
"""Runs that are looked through for one to undo."""


@frozen(kw_only=True)
class History:
    """The runs that were begun on this machine, as far as they are kept."""

    runs: Runs
    means: Means = field(repr=False)

    def list(self, limit: int = 20) -> Sequence[RunSummary]:
        """List the latest ones, the latest first.

        Raises:
            ConfigurationError: they cannot be read.
        """
        return self.runs.list(limit)

    def resume(self, run_id: str | None = None) -> Run:
        """Go on with a run that did not come to its end.

        What was done stays done. Of what was under way when its process ended, it is looked into
        what became of it; a restart is never sent again, and is unknown if it does not show. What
        is still to be made is read again from the file that declares it.

        Args:
            run_id: which one, as `list` shows it; the latest such one of this account without it.

        Raises:
            ConfigurationError: there is no such run, it has finished, or some process still does
                it; and when it begins: it is another account's, or declared differently by now.
        """
        recorded = self.runs.reopen(run_id, account=self.means.account)
        return Run(
            make_plan=self._plan_of(recorded),
            terms=Terms(**recorded.terms),
            looks=(looks := Looks(self.means.list_services, self.means.clock)),
            do=self.means.do,
            clock=self.means.clock,
            journal=recorded.journal,
            catch_up=Return(
                left=Left(intents=recorded.intents, answers=recorded.answers, over=recorded.over),
                settle=self.means.settle,
                looks=looks,
                journal=recorded.journal,
                clock=self.means.clock,
                at_once=recorded.terms["at_once"],
            ),
        )

    def _plan_of(self, recorded: Recorded) -> MakePlan:
        async def make_plan() -> Plan:
            try:
                self._check_account(recorded.summary)
                return evolve(recorded.plan, steps=self._filled(recorded))
            except (TenxError, OSError):
                await recorded.journal.end(recorded.summary.state)
                raise

        return make_plan

    def _check_account(self, run: RunSummary) -> None:
        if run.account != self.means.account:
            raise ConfigurationError(
                f"run {run.run_id} is of {run.account}, and this is {self.means.account}"
            )

    @staticmethod
    def _filled(recorded: Recorded) -> tuple[Step, ...]:
        """Give the creates that are left what they make, as it is declared."""
        steps = list(recorded.plan.steps)
        left = {place: d for place, d in recorded.digests.items() if place[0] not in recorded.over}
        specs = _declared(recorded) if left else {}
        for (place, write), digest in left.items():
            step = steps[place]
            spec = specs.get(step.service)
            if spec is None or spec_digest(spec) != digest:
                raise ConfigurationError(
                    f"{step.service} is not declared any more as it was when the run was begun, "
                    f"in {recorded.manifest}: apply it anew"
                )
            writes = list(step.writes)
            writes[write] = evolve(writes[write], spec=spec)
            steps[place] = evolve(step, writes=tuple(writes))
        return tuple(steps)

    def undo(
        self, run_id: str | None = None, *, dry_run: bool = False, **terms: Unpack[Keywords]
    ) -> Run:
        """Bring back what a run changed: sizes, memory, domains, what it started or stopped.

        Args:
            run_id: which one, as `list` shows it; the latest one of this account that
                is no undoing itself without it: to undo twice does nothing more.
            dry_run: end with the plan.
            terms: see `Terms`.

        Raises:
            ConfigurationError: there is no such run, or it is another account's.
        """
        recorded = self.runs.read(run_id or self._to_undo(), account=self.means.account)
        self._check_account(recorded.summary)

        async def make_plan() -> Plan:
            services = await self.means.list_services()
            return undo_plan(recorded, services, self.means.clock.now())

        return new_run(self.means, make_plan, Terms(**terms), dry_run=dry_run)

    def _to_undo(self) -> str | None:
        mine = (run for run in self.runs.list(MANY) if run.account == self.means.account)
        return next((run.run_id for run in mine if run.operation != UNDO), None)


def _declared(recorded: Recorded) -> dict[str, ServiceSpec]:
    """What services are to be made as, by name: a journal keeps none, for their passwords."""
    if recorded.manifest is None:
        raise ConfigurationError(
            "what is still to be made is declared in no file that can be read again: apply it anew"
        )
    declared = read_manifest(recorded.manifest)
    seen = {step.service: step.seen for step in recorded.plan.steps}
    return {one.name: _spec_of(one, seen.get(one.name)) for one in declared.services}


def _spec_of(declared: Declared, seen: Service | None) -> ServiceSpec:
    return with_the_undeclared(declared, seen) if seen else declared.spec
