"""`tenx ls`, `get`, `create`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from attrs import evolve

from tenx_async.api import wire
from tenx_async.api.selection import Selection
from tenx_async.api.specs import ServiceSpec
from tenx_async.cli.ending import ending, run
from tenx_async.cli.outcomes import (
    ABSENT,
    OutcomeFormat,
    Tally,
    is_absent,
    outcome_line,
    raise_error,
)
from tenx_async.cli.render import Format, service_details, service_list
from tenx_async.cli.target import Target
from tenx_async.cli.terminal import emit, say
from tenx_async.errors import InvalidSpec, NotFound

if TYPE_CHECKING:
    from tenx_async.transport.call import Call
    from tenx_async.transport.calls import ServiceCalls

Name = Annotated[str, typer.Argument(help="The service.")]
Patterns = Annotated[
    list[str] | None,
    typer.Argument(help="Names or globs such as 'web-*'; none: all."),
]
Shown = Annotated[Format, typer.Option("--output", "-o", help="How to show it.")]
Told = Annotated[OutcomeFormat, typer.Option("--output", "-o", help="How to tell the outcome.")]


def ls(context: typer.Context, patterns: Patterns = None, output: Shown = Format.TABLE) -> None:
    """List services."""
    run(_ls(context.obj, patterns or (), output))


async def _ls(target: Target, patterns: Sequence[str], output: Format) -> None:
    selection = Selection(patterns)
    async with target.pool() as pool:
        services = await pool.client().services.list()
    chosen = sorted((s for s in services if s.name in selection), key=lambda s: s.name)
    emit(service_list(chosen, output))
    if missing := sorted(set(selection.exact) - {service.name for service in chosen}):
        raise NotFound(ABSENT, operation=f"list {' '.join(missing)}", status=404)
    if not chosen:
        say("no service matches" if patterns else "there are no services")


def get(context: typer.Context, name: Name, output: Shown = Format.TABLE) -> None:
    """Show one service."""
    run(_get(context.obj, name, output))


async def _get(target: Target, name: str, output: Format) -> None:
    async with target.pool() as pool:
        service = await pool.client().services.get(name)
    emit(service_details(service, output))


def create(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path,
        typer.Option("--file", "-f", help="JSON as in the API's document; - is standard input."),
    ],
    output: Told = OutcomeFormat.TEXT,
) -> None:
    """Create a service."""
    with ending():
        spec = _read_spec(file)
    run(operate(context.obj, name, lambda calls, name: calls.create(name, spec), output))


def _read_spec(file: Path) -> ServiceSpec:
    place = "standard input" if str(file) == "-" else str(file)
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        spec = wire.load(ServiceSpec, json.loads(text))
    except json.JSONDecodeError as error:
        raise InvalidSpec(
            f"{place}, line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise InvalidSpec(f"{place}: nested too deeply") from None
    except ValueError as error:
        raise InvalidSpec(f"{place}: {error}") from None
    if unknown := wire.unknown_keys(spec):
        say(f"{place}: not in the API's document, but sent: {', '.join(unknown)}")
    return spec


async def operate(
    target: Target,
    name: str,
    make: Callable[[ServiceCalls, str], Call[Any]],
    output: OutcomeFormat,
    *,
    called: str = "",
) -> None:
    """Do one thing to one service, and tell what became of it, by another name if it has one."""
    async with target.pool() as pool:
        call = make(pool.client().services.calls, name)
        tally = Tally([name])
        try:
            outcome = await call.outcome()
        except asyncio.CancelledError:
            tally.interrupted()
            raise
    outcome = evolve(outcome, operation=called or outcome.operation)
    is_done = outcome.ok and not is_absent(outcome)
    if is_done or output is OutcomeFormat.JSON:
        emit(outcome_line(outcome, output))
    raise_error(outcome)
