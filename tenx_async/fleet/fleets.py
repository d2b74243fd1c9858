"""What a client offers for many services at once: choosing them, declaring them, earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack

from attrs import field, frozen

from tenx_async.api.models import Service
from tenx_async.api.selection import Selection
from tenx_async.fleet.applying import plan_apply
from tenx_async.fleet.choice import Choice
from tenx_async.fleet.declared import Manifest
from tenx_async.fleet.fleet import Fleet, Keywords, Means, new_run
from tenx_async.fleet.history import History
from tenx_async.fleet.plan import Plan
from tenx_async.fleet.run import Run
from tenx_async.fleet.terms import Terms


@frozen
class Fleets:
    """Operations on many services of one account in one region.

    Call it to choose services: `client.fleet("web-*", status="Running").restart()`.
    """

    _means: Means = field(repr=False)

    def __call__(
        self,
        *patterns: str,
        status: str | Sequence[str] | None = None,
        image: str | Sequence[str] | None = None,
        regex: str | None = None,
        exclude: Sequence[str] = (),
        where: Callable[[Service], bool] | None = None,
        order_by: Callable[[Service], Any] | None = None,
    ) -> Fleet:
        """Choose services for an operation on all of them; all conditions have to hold.

        Args:
            patterns: globs or names; none given: all services.
            status: any of these, in any case.
            image: globs; any image of a service has to match any of them.
            regex: is searched for in the name.
            exclude: globs or names to leave out.
            where: a function that tells whether a service is meant.
            order_by: the key by which they are sorted; the first ones are in the first waves.
        """
        choice = Choice(
            names=Selection(patterns, exclude),
            regex=regex,
            status=status,
            image=image,
            where=where,
        )
        return Fleet(choice=choice, order_by=order_by, means=self._means)

    def apply(
        self,
        manifest: Manifest,
        *,
        prune: bool = False,
        file: Path | None = None,
        dry_run: bool = False,
        **terms: Unpack[Keywords],
    ) -> Run:
        """Have the services that a manifest declares; what is so already is left alone.

        Only sizes, memory and domains can be changed: whatever else differs takes a replacement,
        a deletion and then a creation.

        Args:
            manifest: what there shall be, as `read_manifest` reads it.
            prune: delete what is not declared.
            file: where it was read, so that a run that is broken off can be resumed.
            dry_run: end with the plan.
            terms: see `Terms`.
        """
        means = self._means

        async def make_plan() -> Plan:
            return await plan_apply(
                manifest, means.list_services, region=means.region, clock=means.clock, prune=prune
            )

        return new_run(means, make_plan, Terms(**terms), dry_run=dry_run, manifest=file)

    @property
    def runs(self) -> History:
        """The runs that were begun with this account, to be gone on with or undone.

        Raises:
            ConfigurationError: there is no state directory to keep them in.
        """
        return History(runs=self._means.kept_runs(), means=self._means)
