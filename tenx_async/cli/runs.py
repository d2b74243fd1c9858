"""`tenx runs`, `resume`, `undo`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from tenx_async.cli.asked import Consent, How
from tenx_async.cli.carry import carry_out
from tenx_async.cli.consent import AGREED
from tenx_async.cli.ending import Status, run
from tenx_async.cli.outcomes import OutcomeFormat
from tenx_async.cli.render import columns, json_text
from tenx_async.cli.services import Told
from tenx_async.cli.spread import spread
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import emit, say
from tenx_async.fleet.recorded import RunSummary

RunId = Annotated[
    str | None, typer.Argument(metavar="RUN", help="As `tenx runs` shows it; the latest without.")
]


def runs(context: typer.Context, output: Told = OutcomeFormat.TEXT) -> None:
    """List the runs that were begun on this machine."""
    run(_runs(context.obj, output))


async def _runs(target: Target, output: OutcomeFormat) -> None:
    async with target.pool(keeps_runs=True) as pool:
        found = pool.client().fleet.runs.list()
    if output is OutcomeFormat.JSON:
        emit(json_text([_as_data(one) for one in found]))
    elif found:
        rows = [(*map(str, _row(one)),) for one in found]
        emit(columns(rows, ("RUN", "STATE", "OPERATION", "SERVICES", "RESULTS", "BEGAN")))
    else:
        say("no run is kept")


def _row(one: RunSummary) -> tuple[object, ...]:
    results = ", ".join(f"{count:,} {result}" for result, count in one.counts.items())
    began = one.began.isoformat(" ", "seconds")
    return one.run_id, one.state, one.operation, f"{one.steps:,}", results or "-", began


def _as_data(one: RunSummary) -> Mapping[str, object]:
    return {
        "run_id": one.run_id,
        "state": one.state,
        "operation": one.operation,
        "region": one.region,
        "account": one.account,
        "services": one.steps,
        "results": dict(one.counts),
        "began": one.began,
    }


def resume(context: typer.Context, run_id: RunId = None, output: Told = OutcomeFormat.TEXT) -> None:
    """Go on with a run that was broken off: done stays done, no restart is sent twice."""
    run(_resume(context.obj, run_id, output))


async def _resume(target: Target, run_id: str | None, output: OutcomeFormat) -> Status:
    async with target.pool(keeps_runs=True) as pool:
        return await carry_out(pool.client().fleet.runs.resume(run_id), AGREED, output)


@spread
def undo(
    context: typer.Context,
    *,
    run_id: RunId = None,
    how: How,
    consent: Consent,
    output: Told = OutcomeFormat.TEXT,
) -> None:
    """Bring back what a run changed: sizes, memory, domains, what it started or stopped."""
    run(_undo(context.obj, run_id, how, consent, output))


async def _undo(
    target: Target, run_id: str | None, how: How, consent: Consent, output: OutcomeFormat
) -> Status:
    async with target.pool(keeps_runs=True) as pool:
        undone = pool.client().fleet.runs.undo(run_id, **how.terms)
        return await carry_out(undone, consent, output, as_planned=True)
