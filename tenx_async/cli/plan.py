"""`tenx plan`: what it takes to have the services that a file declares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenx_async.cli.ending import Status, ending, run
from tenx_async.cli.outcomes import OutcomeFormat
from tenx_async.cli.plan_view import plan_text
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import emit, say
from tenx_async.clock import SystemClock
from tenx_async.fleet.applying import plan_apply
from tenx_async.fleet.declared import Manifest
from tenx_async.fleet.manifest import read_manifest

File = Annotated[
    Path,
    typer.Option("--file", "-f", help="YAML or JSON, a list of services; - is standard input."),
]
Prune = Annotated[bool, typer.Option("--prune", help="Delete the services that are not declared.")]


def plan(
    context: typer.Context,
    file: File,
    prune: Prune = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 2 if there is something to be done.")
    ] = False,
    output: Annotated[
        OutcomeFormat, typer.Option("--output", "-o", help="How to show it.")
    ] = OutcomeFormat.TEXT,
) -> None:
    """Show what it takes to have the services that a file declares."""
    with ending():
        manifest = declared_in(file)
    run(_plan(context.obj, manifest, prune=prune, exit_code=exit_code, output=output))


def declared_in(file: Path) -> Manifest:
    """Read a manifest, and say what is strange about it."""
    manifest = read_manifest(file)
    for warning in manifest.warnings:
        say(warning)
    return manifest


async def _plan(
    target: Target, manifest: Manifest, *, prune: bool, exit_code: bool, output: OutcomeFormat
) -> int:
    async with target.pool() as pool:
        client = pool.client()
        planned = await plan_apply(
            manifest,
            client.services.list,
            region=client.region,
            clock=SystemClock(),
            prune=prune,
        )
    emit(plan_text(planned, output))
    return Status.PENDING if exit_code and planned.steps else Status.WELL
