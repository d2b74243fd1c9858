"""`tenx apply`: have the services that a file declares."""

from __future__ import annotations

from pathlib import Path

import typer

from tenx_async.cli.asked import Consent, How
from tenx_async.cli.carry import carry_out
from tenx_async.cli.ending import Status, ending, run
from tenx_async.cli.outcomes import OutcomeFormat
from tenx_async.cli.plan import File, Prune, declared_in
from tenx_async.cli.services import Told
from tenx_async.cli.spread import spread
from tenx_async.cli.target import Target
from tenx_async.fleet.declared import Manifest


@spread
def apply(
    context: typer.Context,
    *,
    file: File,
    prune: Prune = False,
    how: How,
    consent: Consent,
    output: Told = OutcomeFormat.TEXT,
) -> None:
    """Have the services that a file declares; what is so already is left alone."""
    with ending():
        manifest = declared_in(file)
    run(_apply(context.obj, manifest, file, prune=prune, how=how, consent=consent, output=output))


async def _apply(
    target: Target,
    manifest: Manifest,
    file: Path,
    *,
    prune: bool,
    how: How,
    consent: Consent,
    output: OutcomeFormat,
) -> Status:
    async with target.pool(keeps_runs=not consent.dry_run) as pool:
        applied = pool.client().fleet.apply(
            manifest,
            prune=prune,
            dry_run=consent.dry_run,
            file=None if str(file) == "-" else file,
            **how.terms,
        )
        return await carry_out(applied, consent, output, as_planned=True)
