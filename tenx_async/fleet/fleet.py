"""The services that are chosen, and what can be done to all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from attrs import field, frozen

from tenx_async.api.models import Service
from tenx_async.api.specs import ServiceUpdate
from tenx_async.clock import Clock
from tenx_async.errors import ConfigurationError
from tenx_async.fleet import planning
from tenx_async.fleet.choice import Choice
from tenx_async.fleet.journal import Journal, NoJournal
from tenx_async.fleet.looks import ListServices, Looks
from tenx_async.fleet.plan import Plan, Write
from tenx_async.fleet.planning import Decide, Restart, Scale, Update
from tenx_async.fleet.resume import Settle
from tenx_async.fleet.run import Do, Run
from tenx_async.fleet.runs import Runs
from tenx_async.fleet.terms import Share, Terms


class Keywords(TypedDict, total=False):
    """The settings of a run, as `Terms` describes them."""

    max_unavailable: Share
    waves: Sequence[Share]
    stable: float
    tick: float
    timeout: float
    stall: float
    max_failures: Share | None
    at_once: int
    deadline: float


@frozen(kw_only=True)
class Means:
    """What a run is done with; handed in by the client."""

    region: str
    account: str = ""
    """Whose services these are, to be shown: endpoint, username and region, no secret."""
    list_services: ListServices = field(repr=False)
    do: Do = field(repr=False)
    settle: Settle = field(repr=False)
    clock: Clock = field(repr=False)
    state: Path | None = field(default=None, repr=False)
    """The directory in which runs are kept; without it none is."""

    def new_journal(self, manifest: Path | None = None) -> Journal:
        """Make the journal of a new run, which may be declared in a file."""
        if self.state is None:
            return NoJournal()
        return self.kept_runs().new(account=self.account, manifest=manifest)

    def kept_runs(self) -> Runs:
        """The runs that are kept.

        Raises:
            ConfigurationError: none are.
        """
        if self.state is None:
            raise ConfigurationError(
                "runs are kept in a state directory: give `state`, or set TENX_STATE_DIR"
            )
        return Runs(self.state, clock=self.clock)


@frozen(kw_only=True)
class Fleet:
    """Services that are chosen by name, status, image or a function of your own.

    Each operation is a run: await it for its report, or iterate it for outcomes as they come. It
    settles its plan first, then goes in waves: one service, 5 %, 25 %, the rest. With
    `dry_run=True` it ends with the plan, and nothing is sent. Further keywords are those of
    `Terms`, such as `max_unavailable="10%"`, `stable=10.0` and `tick=2.0`.
    """

    choice: Choice
    order_by: Callable[[Service], Any] | None = field(default=None, repr=False)
    """Sorts the services; by name without it. The first ones are in the first waves."""
    means: Means = field(repr=False)

    async def services(self) -> list[Service]:
        """List the services that are chosen now."""
        return self._ordered(await self.means.list_services())

    def start(self, *, dry_run: bool = False, **terms: Unpack[Keywords]) -> Run:
        """Start those that do not run."""
        return self._run("start", planning.start, Terms(**terms), dry_run=dry_run)

    def stop(self, *, dry_run: bool = False, **terms: Unpack[Keywords]) -> Run:
        """Stop those that run; what their containers keep outside of volumes may be lost."""
        return self._run("stop", planning.stop, Terms(**terms), dry_run=dry_run)

    def restart(
        self,
        *,
        mode: Literal["native", "verified"] = "native",
        at_least_once: bool = False,
        dry_run: bool = False,
        **terms: Unpack[Keywords],
    ) -> Run:
        """Restart those that are not stopped.

        Args:
            mode: `native` is one call, which leaves no trace; `verified` is a stop and a start,
                which can both be checked, and nothing serves meanwhile.
            at_least_once: send a restart again whose answer is lost, at the risk of a second one.
            dry_run: end with the plan.
            terms: see `Terms`.
        """
        native = (Write(verb="restart", at_least_once=at_least_once),)
        verified = (Write(verb="stop"), Write(verb="start"))
        decide = Restart(writes=native if mode == "native" else verified)
        return self._run("restart", decide, Terms(**terms), dry_run=dry_run)

    def update(
        self,
        *,
        target_instance_size: int | None = None,
        memory: int | str | None = None,
        binding_domain_name: Iterable[str] | None = None,
        dry_run: bool = False,
        **terms: Unpack[Keywords],
    ) -> Run:
        """Give all the same values; what is not given stays, and who has them is left alone.

        Raises:
            InvalidSpec: nothing to change, or a value that no server would accept.
        """
        update = ServiceUpdate(
            target_instance_size=target_instance_size,
            memory=memory,
            binding_domain_name=binding_domain_name,
        )
        return self._run("update", Update(update), Terms(**terms), dry_run=dry_run)

    def scale(self, to: int | str, *, dry_run: bool = False, **terms: Unpack[Keywords]) -> Run:
        """Let each run `to` instances, or so many more (`"+1"`) or fewer (`"-1"`) than it does.

        A relative number is settled once, when the plan is made.

        Raises:
            ConfigurationError: neither.
        """
        return self._run("scale", Scale(to), Terms(**terms), dry_run=dry_run)

    def delete(self, *, dry_run: bool = False, **terms: Unpack[Keywords]) -> Run:
        """Delete them and their logs."""
        return self._run("delete", planning.delete, Terms(**terms), dry_run=dry_run)

    def _run(self, operation: str, decide: Decide, terms: Terms, *, dry_run: bool) -> Run:
        async def make_plan() -> Plan:
            services = await self.means.list_services()
            return planning.make_plan(
                operation,
                decide,
                self._ordered(services),
                missing=self.choice.missing(services),
                region=self.means.region,
                fleet=len(services),
                now=self.means.clock.now(),
            )

        return new_run(self.means, make_plan, terms, dry_run=dry_run)

    def _ordered(self, services: Iterable[Service]) -> list[Service]:
        chosen = self.choice.of(services)
        return sorted(chosen, key=self.order_by) if self.order_by else chosen


def new_run(
    means: Means,
    make_plan: planning.MakePlan,
    terms: Terms,
    *,
    dry_run: bool = False,
    manifest: Path | None = None,
) -> Run:
    """Make a run with a journal of its own that does what a plan says."""
    return Run(
        make_plan=make_plan,
        terms=terms,
        looks=Looks(means.list_services, means.clock),
        do=means.do,
        clock=means.clock,
        journal=NoJournal() if dry_run else means.new_journal(manifest),
        dry_run=dry_run,
    )
